package policy

import "strings"

const (
	version2008 = "2008-10-17"
	version2012 = "2012-10-17"
)

// Parse reads a document for one use. The error is a *Malformed.
//
// It goes the way IAM goes, because of several faults the first on that way is
// the one that is told: the syntax of the whole document, then rule after rule.
func Parse(text string, kind Kind) (*Document, error) {
	w, err := read(text, kind)
	if err != nil {
		return nil, err
	}
	for _, r := range rules() {
		if r.kinds&(1<<kind) == 0 {
			continue
		}
		if fault := r.check(w); fault != "" {
			return nil, &Malformed{fault}
		}
	}
	return w.compile()
}

// compile turns a document without faults into one that decides.
func (w *written) compile() (*Document, error) {
	d := &Document{statements: make([]statement, 0, len(w.statements))}
	variables := w.version == version2012 // ${…} came with it
	for i := range w.statements {
		s, err := w.statements[i].compile(variables)
		if err != nil {
			return nil, err
		}
		d.statements = append(d.statements, s)
	}
	return d, nil
}

func (s *writtenStatement) compile(variables bool) (statement, error) {
	out := statement{
		span: s.span, deny: s.effect == "Deny",
		notAction: s.action.not, notResource: s.resource.not,
	}
	for _, v := range s.action.values {
		out.actions = append(out.actions, compile(strings.ToLower(v), syntax{wildcards: true}))
	}
	for _, v := range s.resource.values {
		out.resources = append(out.resources, compile(complete(v), syntax{wildcards: true, variables: variables}))
	}
	if s.principal.present {
		var err error
		if out.principal, err = parsePrincipal(s.principal.node, s.principal.not); err != nil {
			return out, err
		}
	}
	for _, c := range s.conditions {
		out.conditions = append(out.conditions, c.compile(variables))
	}
	return out, nil
}
