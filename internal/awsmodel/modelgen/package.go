package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// goPackage is a description with every name decided and every shape numbered.
type goPackage struct {
	service
	*description
	// names of the shapes, sorted; the index of a shape is its place here.
	names []string
	index map[string]int
	// goNames maps shapes to Go types, for structures and enums.
	goNames map[string]string
	// ops in the order of their names.
	ops []string
	// taken guards against two things with one Go name.
	taken map[string]string
}

func newPackage(s service, d *description) (*goPackage, error) {
	p := &goPackage{service: s, description: d, index: map[string]int{}, goNames: map[string]string{}, taken: map[string]string{"Handlers": "the struct of handlers", "Model": "the model"}}
	p.ops = slices.Sorted(maps.Keys(d.Operations))
	p.addMessages()
	if err := p.addInputsAndOutputs(); err != nil {
		return nil, err
	}
	p.names = slices.Sorted(maps.Keys(d.Shapes))
	for i, n := range p.names {
		p.index[n] = i
	}
	return p, p.nameTypes()
}

// addMessages gives every exception a message, also the few that declare none.
func (p *goPackage) addMessages() {
	for name, s := range p.Shapes {
		if !s.Exception || slices.ContainsFunc(s.Members.keys, isMessage) {
			continue
		}
		s.Members.set("message", ref{Shape: "ExceptionMessageText"})
		p.Shapes[name] = s
		p.Shapes["ExceptionMessageText"] = shape{Type: "string"}
	}
}

func isMessage(member string) bool { return strings.EqualFold(member, "message") }

// addInputsAndOutputs makes sure that every operation has shapes of its own,
// called OpInput and OpOutput, whatever the model calls or shares them.
func (p *goPackage) addInputsAndOutputs() error {
	used := map[string]bool{}
	for _, op := range p.ops {
		o := p.Operations[op]
		for _, io := range []struct {
			shape *string
			goes  string
		}{{&o.Input, op + "Input"}, {&o.Output, op + "Output"}} {
			if io.goes != *io.shape {
				if _, clash := p.Shapes[io.goes]; clash {
					return fmt.Errorf("%s names another shape already", io.goes)
				}
			}
			s := shape{Type: "structure"}
			if *io.shape != "" {
				s = p.Shapes[*io.shape]
				used[*io.shape] = true
			}
			p.Shapes[io.goes] = s
			*io.shape = io.goes
		}
		p.Operations[op] = o
	}
	for name := range used {
		if !strings.HasSuffix(name, "Input") && !strings.HasSuffix(name, "Output") {
			delete(p.Shapes, name)
		}
	}
	return nil
}

// nameTypes decides the Go names of structures and enums, and refuses clashes.
func (p *goPackage) nameTypes() error {
	for _, n := range p.names {
		s := p.Shapes[n]
		if s.Type != "structure" && s.Enum == nil || s.Document {
			continue
		}
		g := exported(n)
		if err := p.take(g, n); err != nil {
			return err
		}
		p.goNames[n] = g
		for _, v := range s.Enum {
			if err := p.take(g+camel(v), n+" value "+v); err != nil {
				return err
			}
		}
	}
	return nil
}

func (p *goPackage) take(goName, by string) error {
	if other, ok := p.taken[goName]; ok {
		return fmt.Errorf("%s and %s both want the Go name %s", other, by, goName)
	}
	p.taken[goName] = by
	return nil
}

// goType is the Go type of a member with this shape. Structures are pointers as
// members and values inside lists and maps.
func (p *goPackage) goType(name string, required bool) string {
	s := p.Shapes[name]
	star := "*"
	if required {
		star = ""
	}
	switch {
	case s.Document:
		return "json.RawMessage"
	case s.Enum != nil:
		return p.goNames[name]
	}
	switch s.Type {
	case "structure":
		return "*" + p.goNames[name]
	case "list":
		return "[]" + p.elemType(s.Member.Shape)
	case "map":
		return "map[" + p.elemType(s.Key.Shape) + "]" + p.elemType(s.Value.Shape)
	case "blob":
		return "[]byte"
	}
	return star + map[string]string{"string": "string", "integer": "int32", "long": "int64", "double": "float64", "boolean": "bool", "timestamp": "time.Time"}[s.Type]
}

func (p *goPackage) elemType(name string) string {
	return strings.TrimPrefix(p.goType(name, true), "*")
}
