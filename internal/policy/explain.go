package policy

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// Position is a place in a document's text; lines and columns count from 1,
// columns in characters.
type Position struct{ Line, Column int }

// Span is where a statement stands, as AWS counts: from behind its opening brace
// to behind the closing one.
type Span struct{ Start, End Position }

func position(text string, offset int) Position {
	before := text[:offset]
	line := strings.LastIndexByte(before, '\n') + 1
	return Position{Line: strings.Count(before, "\n") + 1, Column: utf8.RuneCountInString(before[line:]) + 1}
}

// Match is a statement that decided.
type Match struct {
	Layer    Layer
	Document *Document
	Span     Span
}

// Explanation says how a decision came about.
type Explanation struct {
	Decision
	// Matches are the statements that decided: all that deny, or where
	// nothing denies all that allow; none of an implicit denial.
	Matches []Match
	// Missing names condition keys, as written, without a value in the
	// request, although statements about its action ask for them.
	Missing []string
}

// Explain decides a request like Evaluate and says why.
func (p Policies) Explain(r Request) Explanation {
	e := Explanation{Decision: p.Evaluate(r)}
	q := query{Request: r, action: strings.ToLower(r.Action)}
	var missing names
	for layer, d := range p.documents() {
		for i := range d.statements {
			s := &d.statements[i]
			if s.principal.match(r.Principal) == noGrant || !s.about(&q) {
				continue
			}
			missing.addAbsent(s, r.Context)
			decides := e.Allowed && !s.deny || e.Explicit && s.deny
			if decides && s.applies(&q) {
				e.Matches = append(e.Matches, Match{layer, d, s.span})
			}
		}
	}
	e.Missing = missing.list
	return e
}

// documents goes through all layers.
func (p *Policies) documents() func(yield func(Layer, *Document) bool) {
	return func(yield func(Layer, *Document) bool) {
		layer := func(l Layer, docs []*Document) bool {
			return !slices.ContainsFunc(docs, func(d *Document) bool { return !yield(l, d) })
		}
		for _, level := range p.Control {
			if !layer(ControlLayer, level) {
				return
			}
		}
		if p.Resource != nil && !yield(ResourceLayer, p.Resource) {
			return
		}
		_ = layer(IdentityLayer, p.Identity) && layer(BoundaryLayer, p.Boundary) && layer(SessionLayer, p.Session)
	}
}

// ContextKeys lists the condition keys that documents refer to, in conditions
// and as variables, as written and in their order.
func ContextKeys(docs ...*Document) []string {
	var all names
	for _, d := range docs {
		for i := range d.statements {
			all.addAbsent(&d.statements[i], nil)
		}
	}
	return all.list
}

// names collects names of keys, which are the same in any case of letters.
type names struct {
	list []string
	seen map[string]bool
}

func (n *names) add(name string) {
	if n.seen == nil {
		n.seen = map[string]bool{}
	}
	if key := strings.ToLower(name); !n.seen[key] {
		n.seen[key] = true
		n.list = append(n.list, name)
	}
}

// addAbsent adds the keys that a statement asks for and c lacks.
func (n *names) addAbsent(s *statement, c Context) {
	for i := range s.resources {
		n.addVariables(&s.resources[i], c)
	}
	for i := range s.conditions {
		k := &s.conditions[i]
		if _, ok := c.get(k.key); !ok {
			n.add(k.name)
		}
		for j := range k.values {
			n.addVariables(&k.values[j], c)
		}
	}
}

func (n *names) addVariables(p *pattern, c Context) {
	for _, v := range p.vars {
		if _, ok := c.variable(v.key); !ok {
			n.add(v.name)
		}
	}
}
