package organizations

import (
	"context"
	"time"

	"muster/internal/arn"
	api "muster/internal/awsmodel/organizations"
	"muster/internal/store"
	"muster/internal/store/directory"
)

// What the desk for policies, in the room below this one, uses.

// PolicyChanged tells that the effective policies of a type may have changed
// for a target and all that is below it.
func (s *Service) PolicyChanged(ctx context.Context, tx *store.Tx, org OrganizationID, policyType, target string, now time.Time) error {
	return s.tell(func(o Observer) error {
		return o.EffectivePolicyChanged(ctx, tx, org, policyType, ScopeOf(target), now)
	})
}

// TargetSummary describes a root, unit or account of the organization.
func TargetSummary(ctx context.Context, tx *store.Tx, m Membership, id string) (api.PolicyTargetSummary, error) {
	switch {
	case id == m.Root:
		return target(id, rootARN(m), rootName, api.TargetTypeRoot), nil
	case isAccount(id):
		a, err := directory.LookupMember(ctx, tx, m.Org, arn.AccountID(id))
		return target(id, accountARN(m.Management, m.Org, a.ID), a.Name, api.TargetTypeAccount), err
	}
	u, err := directory.LookupUnit(ctx, tx, m.Org, id)
	return target(id, unitARN(m, id), u.Name, api.TargetTypeOrganizationalUnit), err
}

func target(id string, arn *string, name string, kind api.TargetType) api.PolicyTargetSummary {
	return api.PolicyTargetSummary{TargetId: new(id), Arn: arn, Name: new(name), Type: kind}
}

// AccountSummary describes an account of the organization.
func AccountSummary(m Membership, a Account) api.Account { return accountOutput(m, a) }

// PolicyTypeTrusted reports whether the service that a policy type governs has
// trusted access, if it needs any.
func PolicyTypeTrusted(ctx context.Context, tx *store.Tx, org OrganizationID, policyType api.PolicyType) (bool, error) {
	for principal, governed := range policyTypeOf {
		if governed == policyType {
			return TrustedAccessEnabled(ctx, tx, org, principal)
		}
	}
	return true, nil
}

// Token is the token of the page after an item, for pages that end before
// they are full.
func (l listing) Token(key string) *string {
	return new(l.service.pages.Seal(l.call, l.op, l.query, []byte(key)))
}
