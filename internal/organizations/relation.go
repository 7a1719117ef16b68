package organizations

import (
	"context"
	"strings"

	"muster/internal/awsmodel"
	"muster/internal/organizations/delegation"
	"muster/internal/organizations/refusal"
	"muster/internal/store"
	"muster/internal/store/directory"
)

// who says which accounts an operation admits.
type who int

const (
	// onlyManagement is the rule for what no row names: all writes.
	onlyManagement who = iota
	// anyone, in an organization or not.
	anyone
	// anyMember is every account of the organization.
	anyMember
	// readers are the management account, every account that is registered
	// as a delegated administrator of any service, whether or not that has
	// trusted access, and whom the organization's resource policy allows it.
	readers
	// delegable operations are the management account's, and theirs whom the
	// organization's resource policy allows them.
	delegable
)

// admitted is the table of who may call (section 6.5 of the specification),
// for the operations that are not the management account's alone.
var admitted = map[string]who{
	"CreateOrganization":       anyone,
	"AcceptHandshake":          anyone,
	"CancelHandshake":          anyone,
	"DeclineHandshake":         anyone,
	"DescribeHandshake":        anyone,
	"ListHandshakesForAccount": anyone,

	"DescribeOrganization":    anyMember,
	"DescribeEffectivePolicy": anyMember,
	"LeaveOrganization":       anyMember,

	"AttachPolicy":      delegable,
	"CreatePolicy":      delegable,
	"DeletePolicy":      delegable,
	"DetachPolicy":      delegable,
	"DisablePolicyType": delegable,
	"EnablePolicyType":  delegable,
	"TagResource":       delegable,
	"UntagResource":     delegable,
	"UpdatePolicy":      delegable,

	"DescribeAccount":                        readers,
	"DescribeCreateAccountStatus":            readers,
	"DescribeOrganizationalUnit":             readers,
	"DescribePolicy":                         readers,
	"DescribeResourcePolicy":                 readers,
	"DescribeResponsibilityTransfer":         readers,
	"ListAWSServiceAccessForOrganization":    readers,
	"ListAccounts":                           readers,
	"ListAccountsForParent":                  readers,
	"ListAccountsWithInvalidEffectivePolicy": readers,
	"ListChildren":                           readers,
	"ListCreateAccountStatus":                readers,
	"ListDelegatedAdministrators":            readers,
	"ListDelegatedServicesForAccount":        readers,
	"ListEffectivePolicyValidationErrors":    readers,
	"ListHandshakesForOrganization":          readers,
	"ListInboundResponsibilityTransfers":     readers,
	"ListOrganizationalUnitsForParent":       readers,
	"ListOutboundResponsibilityTransfers":    readers,
	"ListParents":                            readers,
	"ListPolicies":                           readers,
	"ListPoliciesForTarget":                  readers,
	"ListRoots":                              readers,
	"ListTagsForResource":                    readers,
	"ListTargetsForPolicy":                   readers,
}

// Delegable reports whether a resource policy may name an operation: the
// delegable ones, and what can only be read.
func Delegable(op string) bool {
	return admitted[op] == delegable || strings.HasPrefix(op, "Describe") || strings.HasPrefix(op, "List")
}

// Relation checks that the caller's place in its organization permits an
// operation. The access desk asks it after the caller's IAM policies. The
// handlers check again inside their own transactions.
func (s *Service) Relation(ctx context.Context, call *awsmodel.Call, op *awsmodel.Operation, in any) error {
	if admitted[op.Name] == anyone {
		return nil
	}
	return s.store.View(ctx, func(tx *store.Tx) error {
		_, err := s.Admit(ctx, tx, call, op.Name, in)
		return err
	})
}

// Admit returns the caller's membership if it may call the operation, which can
// depend on what the input asks for.
func (s *Service) Admit(ctx context.Context, tx *store.Tx, call *awsmodel.Call, op string, in any) (Membership, error) {
	m, err := Of(ctx, tx, call.Account())
	if err != nil {
		return Membership{}, refusal.Missing(err, refusal.NotInUse())
	}
	ok, err := permits(ctx, tx, call, m, op, in)
	if err == nil && !ok {
		err = refusal.AccessDenied()
	}
	if err != nil {
		return Membership{}, err
	}
	return m, nil
}

// permits applies the table, and to other members than the management account
// what the organization's resource policy says.
func permits(ctx context.Context, tx *store.Tx, call *awsmodel.Call, m Membership, op string, in any) (bool, error) {
	rule := admitted[op]
	switch {
	case rule == anyone, rule == anyMember, m.IsManagement():
		return true, nil
	case rule == onlyManagement:
		return false, nil
	}
	v, err := delegation.Ask(ctx, tx, call, directory.Organization{ID: m.Org, Management: m.Management}, op, in)
	if err != nil || v != delegation.Silent || rule == delegable {
		return v == delegation.Allowed, err
	}
	n, err := directory.CountDelegationsOf(ctx, tx, m.Org, m.Account)
	return n > 0, err
}
