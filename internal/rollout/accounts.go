package rollout

import (
	"context"
	"slices"

	"muster/internal/arn"
	"muster/internal/awsmodel"
	"muster/internal/awsmodel/muster"
	"muster/internal/inspector"
	"muster/internal/inspector/enforcement"
	"muster/internal/organizations"
	"muster/internal/store"
	"muster/internal/store/activation"
	"muster/internal/store/directory"
)

// statesPage is the most accounts of one page of ListAccountStates, and
// statesBatch how many of a whole organization are compared at once.
const (
	statesPage  = 1000
	statesBatch = 500
)

// stateQuery is what a token of ListAccountStates is bound to.
type stateQuery struct {
	Target        *muster.RolloutTarget
	Relationships []muster.AccountRelationship
	ResourceType  muster.ResourceType
	Statuses      []muster.ScanState
}

// ListAccountStates lists the accounts that a target means with what an
// administrator of many accounts looks at: the relationship, and every scan
// type's state in the Region. What it lists is what StartRollout with the same
// target acts on. Whoever is no delegated administrator sees the own account.
func (s *Service) ListAccountStates(ctx context.Context, call *awsmodel.Call, in *muster.ListAccountStatesInput) (*muster.ListAccountStatesOutput, error) {
	const op = "ListAccountStates"
	q := stateQuery{Target: in.Target, Relationships: in.Relationships, ResourceType: in.ResourceType, Statuses: in.Statuses}
	after, err := s.openToken(call, op, q, in.NextToken)
	if err != nil {
		return nil, err
	}
	size := pageSize
	if in.MaxResults != nil {
		size = min(max(int(*in.MaxResults), 1), statesPage)
	}
	var out *muster.ListAccountStatesOutput
	err = s.config.Store.View(ctx, func(tx *store.Tx) error {
		out = &muster.ListAccountStatesOutput{Accounts: []muster.AccountOverview{}}
		scope, err := inspector.VisibleAccounts(ctx, tx, call.Account(), call.Region)
		if err != nil {
			return err
		}
		all, err := matching(ctx, tx, scope, q)
		if err != nil {
			return err
		}
		out.AccountCount = int64(len(all))
		at, _ := slices.BinarySearchFunc(all, arn.AccountID(after), func(a organizations.Account, id arn.AccountID) int {
			if a.ID <= id {
				return -1
			}
			return 1
		})
		page := all[at:]
		if len(page) > size {
			page = page[:size]
			out.NextToken = new(s.config.Pages.Seal(call, op, q, []byte(page[size-1].ID)))
		}
		out.Accounts, err = overviews(ctx, tx, scope, page)
		return err
	})
	return out, err
}

// matching are the accounts that a query means, by id.
func matching(ctx context.Context, tx *store.Tx, scope inspector.Scope, q stateQuery) ([]organizations.Account, error) {
	all, err := candidates(ctx, tx, scope, q.Target)
	if err != nil || len(q.Relationships) == 0 && len(q.Statuses) == 0 {
		return all, err
	}
	var kept []organizations.Account
	for some := range slices.Chunk(all, statesBatch) {
		shown, err := overviews(ctx, tx, scope, some)
		if err != nil {
			return nil, err
		}
		for i := range shown {
			if q.matches(&shown[i]) {
				kept = append(kept, some[i])
			}
		}
	}
	return kept, nil
}

func (q *stateQuery) matches(a *muster.AccountOverview) bool {
	if len(q.Relationships) > 0 && !slices.Contains(q.Relationships, a.Relationship) {
		return false
	}
	return len(q.Statuses) == 0 || slices.ContainsFunc(a.Resources, func(r muster.AccountResource) bool {
		return (q.ResourceType == "" || r.ResourceType == q.ResourceType) && slices.Contains(q.Statuses, r.Status)
	})
}

// candidates are the accounts of a target, without regard to their scans.
func candidates(ctx context.Context, tx *store.Tx, scope inspector.Scope, target *muster.RolloutTarget) ([]organizations.Account, error) {
	if !scope.Administrator {
		return ownAccount(ctx, tx, scope.Own)
	}
	if target == nil {
		target = &muster.RolloutTarget{}
	}
	f, err := newFilter(ctx, tx, scope.Organization, target)
	if err != nil {
		return nil, err
	}
	var list []organizations.Account
	for account, err := range organizations.AccountsOf(ctx, tx, scope.Organization) {
		if err != nil {
			return nil, err
		}
		if f.matches(account) {
			list = append(list, account)
		}
	}
	return list, nil
}

func ownAccount(ctx context.Context, tx *store.Tx, id arn.AccountID) ([]organizations.Account, error) {
	a, err := directory.LookupAccount(ctx, tx, id)
	if err != nil {
		return nil, err
	}
	return []organizations.Account{{Account: a}}, nil
}

// overviews tell of accounts, in their order.
func overviews(ctx context.Context, tx *store.Tx, scope inspector.Scope, accounts []organizations.Account) ([]muster.AccountOverview, error) {
	list := make([]muster.AccountOverview, 0, len(accounts))
	if len(accounts) == 0 {
		return list, nil
	}
	ids := make([]arn.AccountID, len(accounts))
	for i, a := range accounts {
		ids[i] = a.ID
	}
	members, err := activation.LookupMembers(ctx, tx, scope.Own, scope.Region, ids)
	if err != nil {
		return nil, err
	}
	scans, err := activation.LookupScans(ctx, tx, scope.Region, ids)
	if err != nil {
		return nil, err
	}
	policies, err := activation.Policies(ctx, tx, ids)
	if err != nil {
		return nil, err
	}
	management, err := managementOf(ctx, tx, scope.Organization)
	if err != nil {
		return nil, err
	}
	for _, a := range accounts {
		policy, err := enforcement.Decode(policies[a.ID])
		if err != nil {
			return nil, err
		}
		list = append(list, muster.AccountOverview{
			AccountId: string(a.ID), Name: a.Name, Email: a.Email, Path: a.Path, State: muster.AccountState(a.State), Management: a.ID == management,
			Relationship: relationshipOf(scope, members, a.ID), Resources: resourcesOf(scope.Region, scans[a.ID], policy),
		})
	}
	return list, nil
}

// managementOf is an organization's management account, or empty.
func managementOf(ctx context.Context, tx *store.Tx, org directory.OrganizationID) (arn.AccountID, error) {
	if org == "" {
		return "", nil
	}
	o, err := directory.LookupOrganization(ctx, tx, org)
	return o.Management, err
}

func relationshipOf(scope inspector.Scope, members map[arn.AccountID]activation.Member, id arn.AccountID) muster.AccountRelationship {
	if id == scope.Own {
		return muster.AccountRelationshipSelf
	}
	if m, ok := members[id]; ok {
		return muster.AccountRelationship(m.Relationship)
	}
	return muster.AccountRelationshipNone
}

func resourcesOf(region arn.Region, scans activation.Scans, policy enforcement.Policy) []muster.AccountResource {
	var list []muster.AccountResource
	for _, t := range activation.ScanTypes() {
		list = append(list, muster.AccountResource{
			ResourceType: muster.ResourceType(t), Status: muster.ScanState(scans.Status(t)), ManagedByPolicy: policy.Manages(region, t),
			ErrorCode: text(scans[t].ErrorCode), ErrorMessage: text(scans[t].ErrorMessage),
		})
	}
	return list
}
