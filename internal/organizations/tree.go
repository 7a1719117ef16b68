package organizations

import (
	"context"
	"strings"

	"muster/internal/arn"
	"muster/internal/awsmodel"
	api "muster/internal/awsmodel/organizations"
	"muster/internal/organizations/refusal"
	"muster/internal/store"
	"muster/internal/store/directory"
)

// isRoot tells the id of a root from that of a unit.
func isRoot(id string) bool { return strings.HasPrefix(id, "r-") }

// isAccount tells the id of an account from that of a root or unit.
func isAccount(id string) bool { return arn.AccountID(id).Valid() }

// parentExists returns nil for the root and the units of an organization, and
// store.ErrNotFound for anything else.
func parentExists(ctx context.Context, tx *store.Tx, m Membership, id string) error {
	if id == m.Root {
		return nil
	}
	_, err := directory.LookupUnit(ctx, tx, m.Org, id)
	return err
}

// ListRoots returns the one root.
func (s *Service) ListRoots(ctx context.Context, call *awsmodel.Call, in *api.ListRootsInput) (*api.ListRootsOutput, error) {
	return store.Read(ctx, s.store, func(tx *store.Tx) (*api.ListRootsOutput, error) {
		m, err := s.Admit(ctx, tx, call, "ListRoots", in)
		if err != nil {
			return nil, err
		}
		if _, err := s.list(call, "ListRoots", nil, in.NextToken, in.MaxResults); err != nil {
			return nil, err
		}
		root, err := RootSummary(ctx, tx, m)
		if err != nil {
			return nil, err
		}
		return &api.ListRootsOutput{Roots: []api.Root{root}}, nil
	})
}

// RootSummary describes the organization's root with its policy types.
func RootSummary(ctx context.Context, tx *store.Tx, m Membership) (api.Root, error) {
	types, err := directory.PolicyTypes(ctx, tx, m.Org)
	if err != nil {
		return api.Root{}, err
	}
	root := api.Root{
		Id: new(m.Root), Arn: rootARN(m), Name: new(rootName), PolicyTypes: make([]api.PolicyTypeSummary, 0, len(types)),
	}
	for _, t := range types {
		root.PolicyTypes = append(root.PolicyTypes,
			api.PolicyTypeSummary{Type: api.PolicyType(t.Type), Status: api.PolicyTypeStatus(t.Status)})
	}
	return root, nil
}

// ListParents returns the one parent of an account or unit.
func (s *Service) ListParents(ctx context.Context, call *awsmodel.Call, in *api.ListParentsInput) (*api.ListParentsOutput, error) {
	return store.Read(ctx, s.store, func(tx *store.Tx) (*api.ListParentsOutput, error) {
		m, err := s.Admit(ctx, tx, call, "ListParents", in)
		if err != nil {
			return nil, err
		}
		if _, err := s.list(call, "ListParents", in.ChildId, in.NextToken, in.MaxResults); err != nil {
			return nil, err
		}
		id, err := parentOf(ctx, tx, m.Org, in.ChildId)
		if err != nil {
			return nil, refusal.Missing(err, childNotFound())
		}
		parent := api.Parent{Id: new(id), Type: api.ParentTypeOrganizationalUnit}
		if isRoot(id) {
			parent.Type = api.ParentTypeRoot
		}
		return &api.ListParentsOutput{Parents: []api.Parent{parent}}, nil
	})
}

// parentOf returns the parent of an account or unit.
func parentOf(ctx context.Context, tx *store.Tx, org OrganizationID, child string) (string, error) {
	if isAccount(child) {
		a, err := directory.LookupMember(ctx, tx, org, arn.AccountID(child))
		return a.Parent, err
	}
	u, err := directory.LookupUnit(ctx, tx, org, child)
	return u.Parent, err
}

// ListChildren lists the accounts or the units directly under a parent.
func (s *Service) ListChildren(ctx context.Context, call *awsmodel.Call, in *api.ListChildrenInput) (*api.ListChildrenOutput, error) {
	return store.Read(ctx, s.store, func(tx *store.Tx) (*api.ListChildrenOutput, error) {
		m, err := s.Admit(ctx, tx, call, "ListChildren", in)
		if err != nil {
			return nil, err
		}
		query := []string{in.ParentId, string(in.ChildType)}
		l, err := s.list(call, "ListChildren", query, in.NextToken, in.MaxResults)
		if err != nil {
			return nil, err
		}
		if err := parentExists(ctx, tx, m, in.ParentId); err != nil {
			return nil, refusal.Missing(err, parentNotFound())
		}
		ids, err := children(ctx, tx, m.Org, in.ParentId, in.ChildType, l)
		if err != nil {
			return nil, err
		}
		var out api.ListChildrenOutput
		out.Children, out.NextToken = cut(l, ids, func(id string) string { return id },
			func(id string) api.Child { return api.Child{Id: new(id), Type: in.ChildType} })
		return &out, nil
	})
}

func children(ctx context.Context, tx *store.Tx, org OrganizationID, parent string, kind api.ChildType, l listing) ([]string, error) {
	var ids []string
	if kind == api.ChildTypeAccount {
		list, err := directory.MembersUnder(ctx, tx, org, parent, arn.AccountID(l.after), l.ask())
		for _, a := range list {
			ids = append(ids, string(a.ID))
		}
		return ids, err
	}
	list, err := directory.UnitsUnder(ctx, tx, org, parent, l.after, l.ask())
	for _, u := range list {
		ids = append(ids, u.ID)
	}
	return ids, err
}

// MoveAccount puts an account under another root or unit.
func (s *Service) MoveAccount(ctx context.Context, call *awsmodel.Call, in *api.MoveAccountInput) (*api.MoveAccountOutput, error) {
	return store.Write(ctx, s.store, func(tx *store.Tx) (*api.MoveAccountOutput, error) {
		m, err := s.Admit(ctx, tx, call, "MoveAccount", in)
		if err != nil {
			return nil, err
		}
		if err := movable(ctx, tx, m, in); err != nil {
			return nil, err
		}
		account := arn.AccountID(in.AccountId)
		if err := directory.MoveMember(ctx, tx, m.Org, account, in.DestinationParentId); err != nil {
			return nil, err
		}
		return &api.MoveAccountOutput{}, s.placed(ctx, tx, m.Org, account, call.Time)
	})
}

// movable checks a move. An account that already is where it should go is
// called so even if the source is wrong, which is how a repeated move looks.
func movable(ctx context.Context, tx *store.Tx, m Membership, in *api.MoveAccountInput) error {
	a, err := directory.LookupMember(ctx, tx, m.Org, arn.AccountID(in.AccountId))
	if err != nil {
		return refusal.Missing(err, refusal.AccountNotFound())
	}
	if err := parentExists(ctx, tx, m, in.SourceParentId); err != nil {
		return refusal.Missing(err, sourceParentNotFound())
	}
	if err := parentExists(ctx, tx, m, in.DestinationParentId); err != nil {
		return refusal.Missing(err, destinationParentNotFound())
	}
	if a.Parent == in.DestinationParentId {
		return duplicateAccount()
	}
	if a.Parent != in.SourceParentId {
		return sourceParentNotFound()
	}
	return nil
}
