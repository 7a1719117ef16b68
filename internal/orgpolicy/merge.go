package orgpolicy

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
)

// Policy is a document with the name by which conflicts mention it.
type Policy struct {
	ID       string
	Document *Document
}

// The codes of conflicts.
const (
	// ConflictingValues: policies of one level set a setting differently.
	ConflictingValues = "CONFLICTING_VALUES"
	// ConflictingTypes: policies disagree on whether something is a value, a
	// list, or holds settings of its own.
	ConflictingTypes = "CONFLICTING_TYPES"
)

// Conflict is something on which policies disagree.
type Conflict struct {
	// Code is one of the codes above.
	Code string
	// Path is the setting, with dots between names.
	Path string
	// Policies are the ids of those that disagree, the one that prevails last.
	Policies []string
}

// Message says it in a sentence.
func (c Conflict) Message() string {
	what := "different values"
	if c.Code == ConflictingTypes {
		what = "different kinds of values"
	}
	return fmt.Sprintf("Policies set %s for %s.", what, c.Path)
}

// Effective is what the policies of some levels mean together. The zero value
// is that of no policies. It does not change; Merge makes new ones.
type Effective struct {
	root *node
	// above are the documents merged so far; their control operators bind
	// the levels below.
	above     []*Document
	conflicts map[string]Conflict
}

// node is a part of the result: a value, or names with nodes.
type node struct {
	children map[string]*node
	// value is a scalar or a []any; nil where there are children.
	value any
	// level and policy say who set the value last.
	level  int
	policy string
}

func (n *node) clone() *node {
	if n == nil {
		return nil
	}
	c := *n
	c.children = make(map[string]*node, len(n.children))
	for name, child := range n.children {
		c.children[name] = child.clone()
	}
	return &c
}

// Merge returns what one further level makes of it: the policies attached to
// one root, unit or account, in the order of their attachment.
func (e Effective) Merge(level []Policy) Effective {
	m := merging{
		Effective: Effective{root: e.root.clone(), conflicts: maps.Clone(e.conflicts)},
		binding:   e.above, level: len(e.above) + 1,
	}
	if m.root == nil {
		m.root = &node{}
	}
	if m.conflicts == nil {
		m.conflicts = map[string]Conflict{}
	}
	m.above = slices.Clone(e.above)
	for _, p := range level {
		m.policy = p.ID
		m.apply(m.root, p.Document.root, nil)
		m.above = append(m.above, p.Document)
	}
	return m.Effective
}

// merging is a level in the making.
type merging struct {
	Effective
	// binding are the documents of higher levels.
	binding []*Document
	level   int
	policy  string
}

// apply merges one object of a document into the result.
func (m *merging) apply(to *node, from *element, path []string) {
	for _, name := range slices.Sorted(maps.Keys(from.children)) {
		child := from.children[name]
		at := append(slices.Clone(path), name)
		switch {
		case child.setting():
			m.set(to, name, child, at)
		case m.holdsSettings(child, at):
			m.apply(m.open(to, name, at), child, at)
		}
	}
}

// holdsSettings reports whether something below an object would have an
// effect, so that objects without any leave no trace.
func (m *merging) holdsSettings(e *element, path []string) bool {
	if e.setting() {
		for op := range e.values {
			if op != remove && m.allowed(op, path) {
				return true
			}
		}
		// Taking away makes no new names but must reach old ones.
		return m.find(path) != nil
	}
	for name, child := range e.children {
		if m.holdsSettings(child, append(slices.Clone(path), name)) {
			return true
		}
	}
	return false
}

func (m *merging) find(path []string) *node {
	n := m.root
	for _, name := range path {
		if n = n.children[name]; n == nil {
			return nil
		}
	}
	return n
}

// open returns the node of a name, which is to hold names.
func (m *merging) open(to *node, name string, path []string) *node {
	n := to.child(name)
	if n.value != nil {
		m.disagree(ConflictingTypes, path, n.policy)
		n.value = nil
	}
	return n
}

func (n *node) child(name string) *node {
	c := n.children[name]
	if c == nil {
		c = &node{}
		if n.children == nil {
			n.children = map[string]*node{}
		}
		n.children[name] = c
	}
	return c
}

// set applies the operators of one setting, @@assign first.
func (m *merging) set(to *node, name string, from *element, path []string) {
	for _, op := range []operators{assign, appending, remove} {
		operand, given := from.values[op]
		if !given || !m.allowed(op, path) {
			continue
		}
		if op == assign {
			m.assign(to.child(name), operand, path)
		} else {
			m.change(to, name, op, operand.([]any), path)
		}
	}
}

func (m *merging) assign(n *node, operand any, path []string) {
	switch {
	case len(n.children) > 0:
		m.disagree(ConflictingTypes, path, "")
	case n.value == nil || n.level < m.level:
		delete(m.conflicts, joinAll(path))
	case n.policy != m.policy && !reflect.DeepEqual(n.value, operand):
		m.disagree(ConflictingValues, path, n.policy)
	}
	*n = node{value: operand, level: m.level, policy: m.policy}
}

// change adds values to a list or takes them from it. @@remove makes nothing
// that was not there.
func (m *merging) change(to *node, name string, op operators, operand []any, path []string) {
	n := to.children[name]
	if n == nil && op == remove {
		return
	}
	n = to.child(name)
	if n.value == nil && len(n.children) == 0 {
		n.value = []any{}
	}
	list, ok := n.value.([]any)
	if !ok {
		m.disagree(ConflictingTypes, path, n.policy)
		return
	}
	result := make([]any, 0, len(list)+len(operand))
	for _, v := range list {
		if op == appending || !slices.Contains(operand, v) {
			result = append(result, v)
		}
	}
	if op == appending {
		for _, v := range operand {
			if !slices.Contains(result, v) {
				result = append(result, v)
			}
		}
	}
	*n = node{value: result, level: m.level, policy: m.policy}
}

func (m *merging) disagree(code string, path []string, other string) {
	c := Conflict{Code: code, Path: joinAll(path)}
	for _, id := range []string{other, m.policy} {
		if id != "" && !slices.Contains(c.Policies, id) {
			c.Policies = append(c.Policies, id)
		}
	}
	m.conflicts[c.Path] = c
}

// allowed reports whether every document above permits an operator at a path.
func (m *merging) allowed(op operators, path []string) bool {
	for _, d := range m.binding {
		if d.permitted(path)&op == 0 {
			return false
		}
	}
	return true
}

// permitted is what the nearest control operator of a document, on a path or
// above it, leaves to lower levels.
func (d *Document) permitted(path []string) operators {
	set, e := all, d.root
	for i := 0; e != nil; i++ {
		if e.allowed != nil {
			set = *e.allowed
		}
		if i == len(path) {
			break
		}
		e = e.children[path[i]]
	}
	return set
}

func joinAll(path []string) string {
	out := ""
	for _, name := range path {
		out = join(out, name)
	}
	return out
}

// Found reports whether any policy was merged.
func (e Effective) Found() bool { return len(e.above) > 0 }

// Content is the result as a JSON object, without operators, its names in
// alphabetical order.
func (e Effective) Content() json.RawMessage {
	var body bytes.Buffer
	enc := json.NewEncoder(&body)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(e.root.plain()); err != nil {
		panic(err) // strings, numbers, booleans and lists of them always can
	}
	return bytes.TrimSpace(body.Bytes())
}

func (n *node) plain() any {
	if n == nil {
		return map[string]any{}
	}
	if n.value != nil {
		return n.value
	}
	o := make(map[string]any, len(n.children))
	for name, child := range n.children {
		o[name] = child.plain()
	}
	return o
}

// Conflicts are what policies disagree on, by path.
func (e Effective) Conflicts() []Conflict {
	list := make([]Conflict, 0, len(e.conflicts))
	for _, path := range slices.Sorted(maps.Keys(e.conflicts)) {
		list = append(list, e.conflicts[path])
	}
	return list
}
