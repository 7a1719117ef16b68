package main

import (
	"fmt"
	"slices"
	"strings"
)

func (p *goPackage) handlerFile() *file {
	f := &file{name: "handlers.gen.go"}
	f.doc = fmt.Sprintf("Package %s has the types, exceptions and operation table of the service\n%s, version %s, generated from its interface description.", p.pkg, p.Metadata.ServiceID, p.Metadata.APIVersion)
	f.printf("// Handlers lists what implements the service's operations; nil means that\n// muster does not implement the operation.\ntype Handlers struct {\n")
	for _, op := range p.ops {
		f.printf("%s func(context.Context, *awsmodel.Call, *%sInput) (*%sOutput, error)\n", op, op, op)
	}
	f.printf("}\n\n")
	f.printf("// Operations is the table of all operations, bound to the handlers.\nfunc (h Handlers) Operations() []awsmodel.Operation {\nops := slices.Clone(operations[:])\n")
	for i, op := range p.ops {
		f.printf("ops[%d].Invoke = awsmodel.Invoker(h.%s)\n", i, op)
	}
	f.printf("return ops\n}\n\n")
	f.printf("// Service is the model with the operations bound to the handlers.\nfunc (h Handlers) Service() awsmodel.Service {\nreturn awsmodel.Service{Model: &model, Operations: h.Operations()}\n}\n")
	return f
}

func (p *goPackage) operationFile() *file {
	f := &file{name: "operation_table.gen.go"}
	f.printf("var operations = [...]awsmodel.Operation{\n")
	for _, op := range p.ops {
		o := p.Operations[op]
		f.printf("{Service: %q, Name: %q, Method: %q, Path: %q, Status: %d,\n", p.signing(), op, o.HTTP.Method, o.HTTP.RequestURI, max(o.HTTP.ResponseCode, 200))
		f.printf("Input: %d, Output: %d, ", p.index[op+"Input"], p.index[op+"Output"])
		if o.ResultWrapper != "" {
			f.printf("ResultWrapper: %q, ", o.ResultWrapper)
		}
		if len(p.Shapes[op+"Output"].Members.keys) == 0 && p.Shapes[op+"Output"].Members.IsZero() {
			f.printf("NoOutput: true, ")
		}
		f.flag("Unsigned", o.Unsigned)
		f.flag("ReadOnly", o.ReadOnly || readsByName(op))
		if pg, ok := p.Pagination[op]; ok {
			f.printf("InputToken: %q, OutputToken: %q, Limit: %q, ", pg.InputToken, pg.OutputToken, pg.Limit)
		}
		if len(o.Errors) > 0 {
			f.printf("\nErrors: %#v, ", o.Errors)
		}
		f.printf("\nNewInput: func() any { return new(%sInput) }},\n", op)
	}
	f.printf("}\n")
	return f
}

func (f *file) flag(name string, on bool) {
	if on {
		f.printf("%s: true, ", name)
	}
}

// readsByName tells reading operations by AWS's verbs.
func readsByName(op string) bool {
	return slices.ContainsFunc([]string{"Get", "List", "Describe", "BatchGet", "BatchCheck", "Search", "Simulate", "Decode", "Validate", "ScanSbom"}, func(verb string) bool {
		return strings.HasPrefix(op, verb)
	})
}

func (p *goPackage) signing() string {
	if p.Metadata.SigningName != "" {
		return p.Metadata.SigningName
	}
	return p.signingName
}

func (p *goPackage) shapeFile() *file {
	f := &file{name: "shape_table.gen.go"}
	m := p.Metadata
	f.printf("// Model describes the service. Nobody changes it.\nfunc Model() *awsmodel.Model { return &model }\n\n")
	f.printf("var model = awsmodel.Model{\nName: %q, SigningName: %q, EventSource: %q, Version: %q, Protocol: %q, TargetPrefix: %q, XMLNamespace: %q,\n",
		p.pkg, p.signing(), p.signing()+".amazonaws.com", m.APIVersion, m.Protocol, m.TargetPrefix, m.XMLNamespace)
	f.flag("Global", p.global)
	f.printf("\nExceptions: []int{")
	for i, n := range p.names {
		if p.Shapes[n].Exception {
			f.printf("%d,", i)
		}
	}
	f.printf("},\nShapes: []awsmodel.Shape{\n")
	for i, n := range p.names {
		f.printf("%d: {%s},\n", i, p.shapeLiteral(n))
	}
	f.printf("},\n}\n")
	return f
}
