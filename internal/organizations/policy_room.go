package organizations

import (
	"context"
	"time"

	"muster/internal/arn"
	"muster/internal/awsmodel"
	api "muster/internal/awsmodel/organizations"
	"muster/internal/store"
	"muster/internal/store/directory"
)

// What the desk for policies, in the room below this one, uses.

// AdmitTo is Admit for operations that a resource policy may delegate, which
// depends on what the input asks for.
func (s *Service) AdmitTo(ctx context.Context, tx *store.Tx, call *awsmodel.Call, op string, in any) (Membership, error) {
	return s.admitTo(ctx, tx, call, op, in)
}

// PolicyChanged tells that the effective policies of a type may have changed
// for a target and all that is below it.
func (s *Service) PolicyChanged(ctx context.Context, tx *store.Tx, org OrganizationID, policyType, target string, now time.Time) error {
	return s.tell(func(o Observer) error {
		return o.EffectivePolicyChanged(ctx, tx, org, policyType, ScopeOf(target), now)
	})
}

// TargetExists refuses what is not a root, unit or account of the
// organization.
func TargetExists(ctx context.Context, tx *store.Tx, m Membership, id string) error {
	return targetExists(ctx, tx, m, id)
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

// RootSummary describes the organization's root with its policy types.
func RootSummary(ctx context.Context, tx *store.Tx, m Membership) (api.Root, error) {
	return rootOutput(ctx, tx, m)
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

// PutTags sets checked tags of a policy or resource policy.
func (s *Service) PutTags(ctx context.Context, tx *store.Tx, org OrganizationID, resource string, tags []api.Tag) error {
	return s.putTags(ctx, tx, org, resource, tags)
}

// DropTags deletes every tag of a policy or resource policy.
func (s *Service) DropTags(ctx context.Context, tx *store.Tx, org OrganizationID, resource string) error {
	return directory.DeleteTags(ctx, tx, org, resource)
}

// Token is the token of the page after an item, for pages that end before
// they are full.
func (l listing) Token(key string) *string {
	return new(l.service.pages.Seal(l.call, l.op, l.query, []byte(key)))
}
