package policy

import (
	"strings"

	"muster/internal/arn"
)

// Policies are all documents that bear on a request. A nil slice means that
// the layer is absent and restricts nothing; an empty one that is present
// allows nothing.
type Policies struct {
	// Identity documents of the caller: inline, attached, by groups. The
	// root user needs none.
	Identity []*Document
	// Boundary is the caller's permissions boundary.
	Boundary []*Document
	// Session holds the session policies of temporary credentials.
	Session []*Document
	// Control holds the service control policies by level: root, each
	// organizational unit, account. Every level has to allow.
	Control [][]*Document
	// Resource is the policy of the resource, where it has one;
	// ResourceAccount owns it.
	Resource        *Document
	ResourceAccount arn.AccountID
	// ResourceOptional says that in its own account the resource's policy
	// need not agree with what the caller's policies allow. A role's trust
	// policy must.
	ResourceOptional bool
}

// Layer is a kind of policy, in the words of AWS's denials.
type Layer string

// The layers, in the order in which a denial is attributed.
const (
	ControlLayer  Layer = "service control policy"
	ResourceLayer Layer = "resource-based policy"
	IdentityLayer Layer = "identity-based policy"
	BoundaryLayer Layer = "permissions boundary"
	SessionLayer  Layer = "session policy"
)

// Decision is the outcome. A denial is explicit (a Deny statement in Layer) or
// implicit (nothing in Layer allows).
type Decision struct {
	Allowed  bool
	Explicit bool
	Layer    Layer
}

// Evaluate decides a request.
func (p Policies) Evaluate(r Request) Decision {
	q := query{Request: r, action: strings.ToLower(r.Action)}
	if layer := p.denied(&q); layer != "" {
		return Decision{Explicit: true, Layer: layer}
	}
	if layer := p.missing(&q); layer != "" {
		return Decision{Layer: layer}
	}
	return Decision{Allowed: true}
}

// denied names the first layer with a matching Deny statement.
func (p *Policies) denied(q *query) Layer {
	for _, level := range p.Control {
		if q.any(level, true) {
			return ControlLayer
		}
	}
	switch {
	case p.Resource != nil && q.grant(p.Resource, true) != noGrant:
		return ResourceLayer
	case q.any(p.Identity, true):
		return IdentityLayer
	case q.any(p.Boundary, true):
		return BoundaryLayer
	case q.any(p.Session, true):
		return SessionLayer
	}
	return ""
}

// missing names the first layer that should allow and does not.
func (p *Policies) missing(q *query) Layer {
	for _, level := range p.Control {
		if !q.any(level, false) {
			return ControlLayer
		}
	}
	root := q.Principal.Kind == arn.RootUser
	identity := root || q.any(p.Identity, false)
	named := noGrant // how the resource names the caller in its own account
	if p.Resource != nil {
		g := q.grant(p.Resource, false)
		own := p.ResourceAccount == q.Principal.Account
		if g == noGrant && !(own && p.ResourceOptional) {
			return ResourceLayer
		}
		if own {
			named = g
		}
	}
	switch {
	case !identity && named < direct:
		return IdentityLayer
	case p.Boundary != nil && !root && named < exact && !q.any(p.Boundary, false):
		return BoundaryLayer
	case p.Session != nil && (named < exact || q.Principal.Kind == arn.User) && !q.any(p.Session, false):
		return SessionLayer
	}
	return ""
}

// query is a request in the form that matching needs.
type query struct {
	Request
	action string // lower case
}

func (q *query) any(docs []*Document, deny bool) bool {
	for _, d := range docs {
		if q.grant(d, deny) != noGrant {
			return true
		}
	}
	return false
}

// grant is the best fit among a document's statements of one effect.
func (q *query) grant(d *Document, deny bool) grant {
	best := noGrant
	for i := range d.statements {
		s := &d.statements[i]
		if s.deny != deny {
			continue
		}
		if g := s.principal.match(q.Principal); g > best && s.applies(q) {
			best = g
		}
	}
	return best
}

// about reports whether the action fits.
func (s *statement) about(q *query) bool { return matchAny(s.actions, q.action, nil) != s.notAction }

// applies reports whether action, resource and conditions fit.
func (s *statement) applies(q *query) bool {
	if !s.about(q) {
		return false
	}
	if s.resources != nil && !s.covers(q) {
		return false
	}
	for i := range s.conditions {
		if !s.conditions[i].holds(q.Context) {
			return false
		}
	}
	return true
}

// covers reports whether the resource fits. A NotResource with a variable
// that has no value excludes everything from a grant and nothing from a
// denial.
func (s *statement) covers(q *query) bool {
	if !s.notResource {
		return matchAny(s.resources, q.Resource, q.Context)
	}
	for i := range s.resources {
		match, filled := s.resources[i].match(q.Resource, q.Context)
		if match || !filled && !s.deny {
			return false
		}
	}
	return true
}

func matchAny(patterns []pattern, s string, c Context) bool {
	for i := range patterns {
		if match, _ := patterns[i].match(s, c); match {
			return true
		}
	}
	return false
}
