package paths

import "muster/internal/network/facts"

// Hop is one component on a path, in CloudFormation's words, with what it did.
type Hop struct {
	Type string   `json:"type"`
	ID   facts.ID `json:"id"`
	// Detail is the route taken or the rule that decided.
	Detail string `json:"detail,omitempty"`
}
