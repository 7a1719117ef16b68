// Package policy reads IAM policy documents and decides by them. It is pure:
// documents and a described request in, a decision out. Who attaches which
// document to whom, and where a request's facts come from, is its callers'
// business.
//
// Parse accepts what IAM accepts and refuses the rest with IAM's words, so a
// document that is stored can always be evaluated. Evaluate follows IAM's
// logic: an explicit deny anywhere wins; then every layer that is present
// (service control policies, resource policy, identity policies, permissions
// boundary, session policy) has to allow.
package policy

import "muster/internal/arn"

// MaxSize bounds a document in bytes, as IAM's interface does. The quotas for
// stored documents are smaller and belong to whoever stores them.
const MaxSize = 131072

// Kind is the use of a document; it decides which elements are allowed.
type Kind uint8

// The kinds of documents.
const (
	// Identity documents say what their bearer may do: inline policies of
	// users, groups and roles, session policies.
	Identity Kind = iota
	// Managed documents are Identity documents that stand on their own and
	// have to be of the current version.
	Managed
	// Trust documents say who may assume a role.
	Trust
	// Control documents are service control policies.
	Control
	// Resource documents say who may do what with a resource.
	Resource
)

// Document is one parsed policy. It does not change after Parse and may be
// used by many goroutines.
type Document struct {
	statements []statement
}

// Principals lists the "AWS" principals the document names, as written: ARNs,
// account ids, "*". Whoever stores the document checks that they exist.
func (d *Document) Principals() []string {
	var out []string
	for i := range d.statements {
		if p := d.statements[i].principal; p != nil {
			out = append(out, p.aws...)
		}
	}
	return out
}

type statement struct {
	deny        bool
	actions     []pattern // lower case
	notAction   bool
	resources   []pattern
	notResource bool
	principal   *principals // nil where the kind has none
	conditions  []condition
	span        Span
}

// Request is what somebody wants to do.
type Request struct {
	Principal arn.Principal
	// Action such as "inspector2:Enable"; its letter case does not matter.
	Action string
	// Resource is the ARN acted on, or "*" for none in particular.
	Resource string
	// Context holds the values of condition keys.
	Context Context
}

// Malformed says what is wrong with a document, in IAM's words where known.
type Malformed struct{ Message string }

func (m *Malformed) Error() string { return m.Message }
