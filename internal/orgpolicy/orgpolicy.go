// Package orgpolicy works out what the management policies of an organization
// (tag, backup, Inspector and their kin) mean for one account: it reads the
// documents with their inheritance operators and merges them from the root
// through the units to the account. It is pure; who attaches what to whom is
// its callers' business. Service control policies inherit otherwise and belong
// to package policy.
//
// A document is a JSON object whose leaves are objects of operators:
//
//	{"tags": {"owner": {"tag_value": {"@@append": ["a", "b"]}}}}
//
// The rules of merging:
//
//   - Levels are merged from the root down, the policies of one level in the
//     order given, each operator on what was inherited until then: @@assign
//     replaces, @@append adds values that are not there, @@remove takes away.
//   - @@operators_allowed_for_child_policies on a setting, or on anything above
//     it, says which of those three the levels below may use there. Within one
//     document the nearest one counts; of several documents, every one.
//     An operator that is not allowed has no effect.
//   - Where two policies of one level set the same thing differently, the later
//     one wins and the conflict is recorded, until a lower level decides anew.
package orgpolicy

import "fmt"

// The bounds of documents, far above what a stored policy can hold.
const (
	// MaxSize is the largest document, in bytes.
	MaxSize = 1 << 17
	// maxDepth is how deep objects and lists may nest.
	maxDepth = 24
)

// Malformed says what is wrong with a document, and where.
type Malformed struct {
	// Path is where, with dots between names; empty for the whole document.
	Path string
	// Message says what.
	Message string
}

func (m *Malformed) Error() string {
	if m.Path == "" {
		return m.Message
	}
	return fmt.Sprintf("%s: %s", m.Path, m.Message)
}

// operators is a set of value-setting operators.
type operators uint8

const (
	assign operators = 1 << iota
	appending
	remove

	all = assign | appending | remove
)

// The words of the operators in documents.
const (
	prefix      = "@@"
	assignWord  = "@@assign"
	appendWord  = "@@append"
	removeWord  = "@@remove"
	controlWord = "@@operators_allowed_for_child_policies"
	allWord     = "@@all"
	noneWord    = "@@none"
)

// valueOperators are the operators that set values.
var valueOperators = map[string]operators{assignWord: assign, appendWord: appending, removeWord: remove}

// Document is one parsed policy. It does not change and may be used by many
// goroutines.
type Document struct{ root *element }

// element is one object of a document: names with what is below them, or
// operators with their values.
type element struct {
	children map[string]*element
	// allowed is the control operator's set; nil without one.
	allowed *operators
	// values holds the operands of a setting's operators: a scalar (string,
	// json.Number, bool) or a []any of scalars.
	values map[operators]any
}

// setting reports whether operators with values are here.
func (e *element) setting() bool { return len(e.values) > 0 }
