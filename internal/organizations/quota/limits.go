// Package quota holds the numbers that bound an organization: AWS's quotas,
// under the names by which an operator changes them.
package quota

import (
	"fmt"
	"slices"
	"strings"
)

// Limits are the quotas that AWS lets customers raise.
type Limits struct {
	// Accounts of one organization, whatever their state.
	Accounts int
	// Units is the number of organizational units of one organization.
	Units int
	// Depth is how many units may lie within each other.
	Depth int
	// Tags on one resource.
	Tags int
	// Requests is how many accounts may be in creation at once.
	Requests int
	// Invitations bounds the invitations of a day that were not accepted:
	// this many or Accounts, whichever is more.
	Invitations int
	// Migration is the largest organization that may ask for all features.
	Migration int
	// Closing is how many accounts may be in closure at once.
	Closing int
	// Closures bounds the closures of 30 days: this many or ClosuresPercent
	// of the accounts, whichever is more, but at most ClosuresMax.
	Closures, ClosuresPercent, ClosuresMax int
	// Inbound is how many organizations one may bear a responsibility for,
	// Outbound to how many it may give one away, and Chain how many
	// organizations in a row may hand one on.
	Inbound, Outbound, Chain int
	// Policies is how many an organization may have of one type;
	// ServiceControls and ResourceControls are those types' own numbers.
	Policies, ServiceControls, ResourceControls int
	// Content is how many characters a policy may have, and again those
	// types' own numbers.
	Content, ServiceControlContent, ResourceControlContent int
	// Attachments is how many policies of one type a root, unit or account
	// may have; FewAttachments is the number for the types with fewer:
	// resource control, chat applications, AI services.
	Attachments, FewAttachments int
}

// AWS are AWS's defaults. Where AWS's default is "ask us" (inbound transfers
// of responsibility) or unpublished (the chain), it is the highest documented
// number, or two.
func AWS() Limits {
	return Limits{
		Accounts: 10, Units: 2000, Depth: 5, Tags: 50, Requests: 5, Invitations: 20, Migration: 5000,
		Closing: 3, Closures: 250, ClosuresPercent: 20, ClosuresMax: 1000,
		Inbound: 1000, Outbound: 1, Chain: 2,
		Policies: 1000, ServiceControls: 10_000, ResourceControls: 2000,
		Content: 10_000, ServiceControlContent: 10_240, ResourceControlContent: 5120,
		Attachments: 10, FewAttachments: 5,
	}
}

// Default are muster's: AWS's, but with as many accounts as AWS ever grants,
// because nobody here can be asked for more.
func Default() Limits {
	l := AWS()
	l.Accounts = 50_000
	l.Migration = l.Accounts
	return l
}

// ClosuresOf is how many of so many accounts may be closed in 30 days.
func (l Limits) ClosuresOf(accounts int) int {
	return min(max(l.Closures, accounts*l.ClosuresPercent/100), l.ClosuresMax)
}

// InvitationsADay is how many invitations of a day may wait or be refused.
func (l Limits) InvitationsADay() int { return max(l.Invitations, l.Accounts) }

// names are the limits by name.
func (l *Limits) names() map[string]*int {
	return map[string]*int{
		"accounts": &l.Accounts, "units": &l.Units, "depth": &l.Depth, "tags": &l.Tags,
		"account_requests": &l.Requests, "invitations": &l.Invitations, "migration": &l.Migration,
		"closing": &l.Closing, "closures": &l.Closures, "closures_percent": &l.ClosuresPercent, "closures_max": &l.ClosuresMax,
		"policies": &l.Policies, "service_control_policies": &l.ServiceControls, "resource_control_policies": &l.ResourceControls,
		"policy_content": &l.Content, "service_control_policy_content": &l.ServiceControlContent,
		"resource_control_policy_content": &l.ResourceControlContent,
		"policy_attachments":              &l.Attachments, "policy_attachments_few": &l.FewAttachments,
		"transfers_inbound": &l.Inbound, "transfers_outbound": &l.Outbound, "transfers_chain": &l.Chain,
	}
}

// With returns the limits with some changed by name.
func (l Limits) With(changes map[string]int64) (Limits, error) {
	known := l.names()
	for name, n := range changes {
		field, ok := known[name]
		if !ok {
			return l, fmt.Errorf("quotas: %q is none of %s", name, strings.Join(Names(), ", "))
		}
		if n < 0 || n > 1_000_000 {
			return l, fmt.Errorf("quotas: %s must be from 0 to 1000000", name)
		}
		*field = int(n)
	}
	return l, nil
}

// Names lists the names of all limits in order.
func Names() []string {
	var l Limits
	var list []string
	for name := range l.names() {
		list = append(list, name)
	}
	slices.Sort(list)
	return list
}
