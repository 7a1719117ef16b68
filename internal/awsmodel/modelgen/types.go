package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

func (p *goPackage) files() []*file {
	return []*file{p.enumFile(), p.typeFile(), p.inputFile(), p.exceptionFile(), p.handlerFile(), p.operationFile(), p.shapeFile()}
}

func (p *goPackage) enumFile() *file {
	f := &file{name: "enums.gen.go"}
	for _, n := range p.names {
		s, g := p.Shapes[n], p.goNames[n]
		if s.Enum == nil {
			continue
		}
		f.printf("// %s is an enumeration of the model; \"\" is absent.\ntype %s string\n\n", g, g)
		f.printf("// The values of %s.\nconst (\n", g)
		for _, v := range s.Enum {
			f.printf("%s%s %s = %q\n", g, camel(v), g, v)
		}
		f.printf(")\n\n")
	}
	return f
}

// typeFile has the structures that are neither exceptions nor an operation's
// own input or output.
func (p *goPackage) typeFile() *file {
	f := &file{name: "types.gen.go"}
	own := p.inputsAndOutputs()
	for _, n := range p.names {
		s := p.Shapes[n]
		if s.Type != "structure" || s.Document || s.Exception || own[n] {
			continue
		}
		doc := p.goNames[n] + " is a structure of the model."
		if s.Union {
			doc = p.goNames[n] + " is a union of the model: exactly one member is set."
		}
		p.structure(f, n, doc)
	}
	return f
}

func (p *goPackage) inputsAndOutputs() map[string]bool {
	own := map[string]bool{}
	for _, op := range p.ops {
		own[op+"Input"], own[op+"Output"] = true, true
	}
	return own
}

func (p *goPackage) inputFile() *file {
	f := &file{name: "operations.gen.go"}
	for _, op := range p.ops {
		p.structure(f, op+"Input", op+"Input is the input of "+op+".")
		p.structure(f, op+"Output", op+"Output is the output of "+op+".")
	}
	return f
}

func (p *goPackage) exceptionFile() *file {
	f := &file{name: "exceptions.gen.go"}
	for _, n := range p.names {
		s := p.Shapes[n]
		if !s.Exception {
			continue
		}
		g, code, status := p.goNames[n], n, 400
		if s.Fault {
			status = 500
		}
		if s.Error != nil && s.Error.Code != "" {
			code = s.Error.Code
		}
		if s.Error != nil && s.Error.HTTPStatusCode != 0 {
			status = s.Error.HTTPStatusCode
		}
		p.structure(f, n, fmt.Sprintf("%s is the error %s, status %d.", g, code, status))
		f.printf("func (e *%s) Error() string { return %q + e.Message }\n\n", g, code+": ")
		f.printf("// ErrorCode is the code on the wire.\nfunc (e *%s) ErrorCode() string { return %q }\n\n", g, code)
		f.printf("// HTTPStatus is the status of the response.\nfunc (e *%s) HTTPStatus() int { return %d }\n\n", g, status)
	}
	return f
}

func (p *goPackage) structure(f *file, name, doc string) {
	s := p.Shapes[name]
	f.printf("// %s\ntype %s struct {\n", doc, p.goNames[name])
	for _, m := range s.Members.keys {
		r := s.Members.values[m]
		required := slices.Contains(s.Required, m)
		if s.Exception && isMessage(m) {
			f.printf("Message string\n")
			continue
		}
		f.printf("%s %s%s\n", exported(m), p.goType(r.Shape, required), p.remark(r.Shape, required))
	}
	f.printf("}\n\n")
}

// remark tells a member's constraints beside its field.
func (p *goPackage) remark(name string, required bool) string {
	s := p.Shapes[name]
	var parts []string
	if required {
		parts = append(parts, "required")
	}
	if bounds := boundsText(s); bounds != "" {
		parts = append(parts, bounds)
	}
	if s.Sensitive {
		parts = append(parts, "sensitive")
	}
	if len(parts) == 0 {
		return ""
	}
	return " // " + strings.Join(parts, "; ")
}

func boundsText(s shape) string {
	unit := map[string]string{"string": " characters", "list": " items", "map": " entries", "blob": " bytes"}[s.Type]
	switch {
	case s.Min != nil && s.Max != nil && *s.Min == *s.Max:
		return "exactly " + number(*s.Min) + unit
	case s.Min != nil && s.Max != nil:
		return number(*s.Min) + " to " + number(*s.Max) + unit
	case s.Min != nil && *s.Min > 0:
		return "at least " + number(*s.Min) + unit
	case s.Max != nil:
		return "at most " + number(*s.Max) + unit
	}
	return ""
}

func number(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }
