package policy

import (
	"slices"
	"strings"
)

const (
	version2008 = "2008-10-17"
	version2012 = "2012-10-17"
)

// Parse reads a document for one use. The error is a *Malformed.
func Parse(text string, kind Kind) (*Document, error) {
	if len(text) > MaxSize {
		return nil, syntaxError()
	}
	root, err := readJSON(text)
	if err != nil || root.kind != '{' {
		return nil, notJSON(kind)
	}
	p := parser{kind: kind, text: text}
	var statements node
	for i, name := range root.names {
		switch name {
		case "Version":
			if p.version = root.items[i].text; p.version == "" {
				return nil, syntaxError()
			}
		case "Id":
		case "Statement":
			statements = root.items[i]
		default:
			return nil, syntaxError()
		}
	}
	if err := p.checkVersion(); err != nil {
		return nil, err
	}
	return p.document(statements)
}

// notJSON is what IAM says to text that is no JSON, which depends on the use.
func notJSON(kind Kind) error {
	if kind == Trust {
		return &Malformed{"This policy contains invalid Json"}
	}
	return syntaxError()
}

func syntaxError() error { return &Malformed{"Syntax errors in policy."} }

type parser struct {
	kind    Kind
	text    string
	version string
	sids    []string
}

// variables reports whether ${…} has a meaning, which came with 2012-10-17.
func (p *parser) variables() bool { return p.version == version2012 }

func (p *parser) checkVersion() error {
	switch {
	case p.version == version2012:
		return nil
	case p.kind == Identity && (p.version == "" || p.version == version2008):
		return &Malformed{"Policy document must be version 2012-10-17 or greater."}
	case p.version == "", p.version == version2008:
		return nil
	}
	return syntaxError()
}

func (p *parser) document(statements node) (*Document, error) {
	items := statements.items
	switch {
	case statements.kind == '{':
		items = []node{statements}
	case statements.kind != '[' || len(items) == 0:
		return nil, syntaxError()
	}
	d := &Document{}
	for _, item := range items {
		s, err := p.statement(item)
		if err != nil {
			return nil, err
		}
		d.statements = append(d.statements, s)
	}
	return d, nil
}

// statement reads one statement and checks that it has what its kind needs.
func (p *parser) statement(n node) (statement, error) {
	if n.kind != '{' {
		return statement{}, syntaxError()
	}
	s := statement{span: Span{position(p.text, n.start), position(p.text, n.end)}}
	var seen []string
	for i, name := range n.names {
		if err := p.element(&s, name, n.items[i]); err != nil {
			return s, err
		}
		seen = append(seen, strings.TrimPrefix(name, "Not"))
	}
	return s, p.complete(seen)
}

func (p *parser) element(s *statement, name string, n node) (err error) {
	switch name {
	case "Sid":
		return p.sid(n)
	case "Effect":
		s.deny = n.text == "Deny"
		if n.kind != '"' || n.text != "Allow" && n.text != "Deny" {
			return syntaxError()
		}
	case "Action", "NotAction":
		s.notAction = name == "NotAction"
		s.actions, err = p.actions(n)
	case "Resource", "NotResource":
		s.notResource = name == "NotResource"
		s.resources, err = p.resources(n, name)
	case "Principal", "NotPrincipal":
		if p.kind == Identity || p.kind == Control {
			return &Malformed{"Policy document should not specify a principal."}
		}
		s.principal, err = parsePrincipal(n, name == "NotPrincipal")
	case "Condition":
		s.conditions, err = parseConditions(n, p.variables())
	default:
		return syntaxError()
	}
	return err
}

// complete refuses an element given twice, plain and with Not, and names what
// is missing.
func (p *parser) complete(seen []string) error {
	slices.Sort(seen)
	if len(slices.Compact(slices.Clone(seen))) != len(seen) {
		return syntaxError()
	}
	has := func(name string) bool { return slices.Contains(seen, name) }
	switch {
	case !has("Effect"):
		return syntaxError()
	case !has("Action"):
		return &Malformed{"Policy statement must contain actions."}
	case p.kind == Trust && has("Resource"):
		return &Malformed{"Has prohibited field Resource"}
	case p.kind != Trust && !has("Resource"):
		return &Malformed{"Policy statement must contain resources."}
	case (p.kind == Trust || p.kind == Resource) && !has("Principal"):
		return &Malformed{"Missing required field Principal"}
	}
	return nil
}

func (p *parser) sid(n node) error {
	if n.kind != '"' {
		return syntaxError()
	}
	if p.kind == Identity && strings.ContainsFunc(n.text, notAlphanumeric) {
		return &Malformed{"Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular expression [0-9A-Za-z]*"}
	}
	if n.text != "" && slices.Contains(p.sids, n.text) {
		return &Malformed{"Statement IDs (SID) in a single policy must be unique."}
	}
	p.sids = append(p.sids, n.text)
	return nil
}

func notAlphanumeric(r rune) bool {
	return (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
}

func (p *parser) actions(n node) ([]pattern, error) {
	values, ok := n.strings()
	if !ok {
		return nil, syntaxError()
	}
	if len(values) == 0 {
		return nil, &Malformed{"Policy statement must contain actions."}
	}
	out := make([]pattern, 0, len(values))
	for _, v := range values {
		if err := p.checkAction(v); err != nil {
			return nil, err
		}
		out = append(out, compile(strings.ToLower(v), syntax{wildcards: true}))
	}
	return out, nil
}

func (p *parser) checkAction(v string) error {
	vendor, name, ok := strings.Cut(v, ":")
	switch {
	case p.kind == Trust && !strings.EqualFold(vendor, "sts"):
		return &Malformed{"AssumeRole policy may only specify STS AssumeRole actions."}
	case v == "*", v == "*:*":
		return nil
	case !ok || name == "":
		return &Malformed{"Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc."}
	case strings.Contains(name, ":"):
		return &Malformed{"Actions/Condition can contain only one colon."}
	case vendor == "" || strings.ContainsFunc(vendor, func(r rune) bool { return r != '-' && r != '.' && notAlphanumeric(r) }):
		return &Malformed{"Vendor " + vendor + " is not valid"}
	}
	return nil
}

func (p *parser) resources(n node, element string) ([]pattern, error) {
	values, ok := n.strings()
	if !ok {
		return nil, syntaxError()
	}
	if len(values) == 0 {
		return nil, &Malformed{"Policy statement must contain resources."}
	}
	out := make([]pattern, 0, len(values))
	for _, v := range values {
		if err := checkResource(v, element); err != nil {
			return nil, err
		}
		out = append(out, compile(v, syntax{wildcards: true, variables: p.variables()}))
	}
	return out, nil
}

// checkResource wants "*" or an ARN whose parts may hold wildcards; a part
// that ends in a star may stand for all that would follow.
func checkResource(v, element string) error {
	if v == "*" {
		return nil
	}
	parts := strings.SplitN(v, ":", 6)
	if parts[0] != "arn" || len(parts) < 6 && !strings.HasSuffix(v, "*") {
		return &Malformed{element + " " + v + ` must be in ARN format or "*".`}
	}
	if partition := parts[1]; !slices.Contains([]string{"aws", "aws-cn", "aws-us-gov"}, partition) &&
		!strings.ContainsAny(partition, "*?$") {
		return &Malformed{`Partition "` + partition + `" is not valid for resource "` + v + `".`}
	}
	return nil
}
