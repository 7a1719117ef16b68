package policy

import "strings"

// written is a document as its author wrote it: of the right syntax, nothing
// of it judged.
type written struct {
	version    string
	statements []writtenStatement
}

type writtenStatement struct {
	span       Span
	sid        string
	effect     string // Allow or Deny in any letter case
	action     element
	resource   element
	principal  writtenPrincipal
	conditions []writtenCondition
}

// element is Action or Resource, or what stands in its place with Not.
type element struct {
	present, not bool
	values       []string
}

type writtenPrincipal struct {
	present, not bool
	node         node
}

// writtenCondition is one key of one operator.
type writtenCondition struct {
	operator string
	key      string
	values   []string
}

func syntaxError() error { return &Malformed{"Syntax errors in policy."} }

// read checks the syntax of a whole document.
func read(text string, kind Kind) (*written, error) {
	if len(text) > MaxSize {
		return nil, syntaxError()
	}
	root, err := readJSON(text)
	if err != nil || root.kind != '{' {
		if kind == Trust {
			return nil, &Malformed{"This policy contains invalid Json"}
		}
		return nil, syntaxError()
	}
	w, ok := readDocument(text, root)
	if !ok {
		return nil, syntaxError()
	}
	return w, nil
}

func readDocument(text string, root node) (*written, bool) {
	w := &written{}
	var list node
	for i, name := range root.names {
		item := root.items[i]
		switch name {
		case "Version":
			w.version = item.text
			if item.text != version2008 && item.text != version2012 {
				return nil, false
			}
		case "Id":
			if item.kind != '"' {
				return nil, false
			}
		case "Statement":
			list = item
		default:
			return nil, false
		}
	}
	return w, w.readStatements(text, list)
}

// readStatements reads one statement or a list of them.
func (w *written) readStatements(text string, list node) bool {
	items := list.items
	if list.kind == '{' {
		items = []node{list}
	} else if list.kind != '[' {
		return false
	}
	for _, item := range items {
		s, ok := readStatement(item)
		if !ok {
			return false
		}
		s.span = Span{position(text, item.start), position(text, item.end)}
		w.statements = append(w.statements, s)
	}
	return len(items) > 0
}

func readStatement(n node) (writtenStatement, bool) {
	s := writtenStatement{}
	if n.kind != '{' {
		return s, false
	}
	for i, name := range n.names {
		if !s.readElement(name, n.items[i]) {
			return s, false
		}
	}
	return s, strings.EqualFold(s.effect, "Allow") || strings.EqualFold(s.effect, "Deny")
}

// readElement refuses elements that are not IAM's, of the wrong shape, or
// given both plain and with Not.
func (s *writtenStatement) readElement(name string, n node) (ok bool) {
	plain, not := strings.CutPrefix(name, "Not")
	switch {
	case name == "Sid":
		s.sid, ok = n.text, n.kind == '"'
	case name == "Effect":
		s.effect, ok = n.text, n.kind == '"'
	case name == "Condition":
		s.conditions, ok = readConditions(n)
	case plain == "Action" && !s.action.present:
		s.action = element{present: true, not: not}
		s.action.values, ok = n.strings()
	case plain == "Resource" && !s.resource.present:
		s.resource = element{present: true, not: not}
		s.resource.values, ok = n.withoutNulls().strings()
	case plain == "Principal" && !s.principal.present:
		s.principal = writtenPrincipal{present: true, not: not, node: n}
		ok = n.kind == '"' || n.kind == '{'
	}
	return ok
}

// readConditions reads the Condition element. An operator without keys may
// have any name: it asks for nothing.
func readConditions(n node) ([]writtenCondition, bool) {
	if n.kind != '{' {
		return nil, false
	}
	var out []writtenCondition
	for i, name := range n.names {
		keys := n.items[i]
		if keys.kind != '{' {
			return nil, false
		}
		if _, known := parseOperator(name, false); !known && len(keys.names) > 0 {
			return nil, false
		}
		for j, key := range keys.names {
			values, ok := keys.items[j].scalars()
			if !ok {
				return nil, false
			}
			out = append(out, writtenCondition{operator: name, key: key, values: values})
		}
	}
	return out, true
}
