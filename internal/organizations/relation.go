package organizations

import (
	"context"

	"muster/internal/awsmodel"
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
	// readers are the management account and every account that is
	// registered as a delegated administrator of any service that has
	// trusted access.
	readers
)

// admitted is the table of who may call (section 6.5 of the specification),
// for the operations that are not the management account's alone. The writes
// of policies and tags that a resource policy may open to a delegated
// administrator are the management account's: muster keeps no resource policy.
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

// Relation checks that the caller's place in its organization permits an
// operation. The access desk asks it after the caller's IAM policies. The
// handlers check again inside their own transactions.
func (s *Service) Relation(ctx context.Context, call *awsmodel.Call, op *awsmodel.Operation, _ any) error {
	if admitted[op.Name] == anyone {
		return nil
	}
	return s.store.View(ctx, func(tx *store.Tx) error {
		_, err := s.admit(ctx, tx, call, op.Name)
		return err
	})
}

// admit returns the caller's membership if it may call the operation.
func (s *Service) admit(ctx context.Context, tx *store.Tx, call *awsmodel.Call, op string) (Membership, error) {
	m, err := Of(ctx, tx, call.Account())
	if err != nil {
		return Membership{}, missing(err, notInUse())
	}
	ok, err := permits(ctx, tx, admitted[op], m)
	if err != nil {
		return Membership{}, err
	}
	if !ok {
		return Membership{}, accessDenied()
	}
	return m, nil
}

func permits(ctx context.Context, tx *store.Tx, rule who, m Membership) (bool, error) {
	switch {
	case rule == anyone, rule == anyMember, m.IsManagement():
		return true, nil
	case rule == onlyManagement:
		return false, nil
	}
	n, err := directory.CountEffectiveDelegationsOf(ctx, tx, m.Org, m.Account)
	return n > 0, err
}
