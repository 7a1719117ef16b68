package organizations

import (
	"context"

	"muster/internal/arn"
	"muster/internal/awsmodel"
	api "muster/internal/awsmodel/organizations"
	"muster/internal/organizations/refusal"
	"muster/internal/store"
	"muster/internal/store/directory"
)

func accountOutput(m Membership, a Account) api.Account {
	return api.Account{
		Id:              new(string(a.ID)),
		Arn:             accountARN(m.Management, m.Org, a.ID),
		Email:           new(a.Email),
		Name:            new(a.Name),
		Status:          legacyStatus(a.State),
		State:           api.AccountState(a.State),
		Paths:           []string{a.Path},
		JoinedMethod:    api.AccountJoinedMethod(a.JoinedMethod),
		JoinedTimestamp: new(a.JoinedAt),
	}
}

func accountKey(a Account) string { return string(a.ID) }

// DescribeAccount returns one account of the organization.
func (s *Service) DescribeAccount(ctx context.Context, call *awsmodel.Call, in *api.DescribeAccountInput) (*api.DescribeAccountOutput, error) {
	return store.Read(ctx, s.store, func(tx *store.Tx) (*api.DescribeAccountOutput, error) {
		m, err := s.Admit(ctx, tx, call, "DescribeAccount", in)
		if err != nil {
			return nil, err
		}
		a, err := directory.LookupMember(ctx, tx, m.Org, arn.AccountID(in.AccountId))
		if err != nil {
			return nil, refusal.Missing(err, refusal.AccountNotFound())
		}
		return &api.DescribeAccountOutput{Account: new(accountOutput(m, a))}, nil
	})
}

// ListAccounts lists the accounts of the organization by id.
func (s *Service) ListAccounts(ctx context.Context, call *awsmodel.Call, in *api.ListAccountsInput) (*api.ListAccountsOutput, error) {
	return store.Read(ctx, s.store, func(tx *store.Tx) (*api.ListAccountsOutput, error) {
		m, err := s.Admit(ctx, tx, call, "ListAccounts", in)
		if err != nil {
			return nil, err
		}
		l, err := s.list(call, "ListAccounts", nil, in.NextToken, in.MaxResults)
		if err != nil {
			return nil, err
		}
		read, err := directory.Members(ctx, tx, m.Org, arn.AccountID(l.after), l.ask())
		if err != nil {
			return nil, err
		}
		var out api.ListAccountsOutput
		out.Accounts, out.NextToken = cut(l, read, accountKey, func(a Account) api.Account { return accountOutput(m, a) })
		return &out, nil
	})
}

// ListAccountsForParent lists the accounts directly under a root or unit.
func (s *Service) ListAccountsForParent(ctx context.Context, call *awsmodel.Call, in *api.ListAccountsForParentInput) (*api.ListAccountsForParentOutput, error) {
	return store.Read(ctx, s.store, func(tx *store.Tx) (*api.ListAccountsForParentOutput, error) {
		m, err := s.Admit(ctx, tx, call, "ListAccountsForParent", in)
		if err != nil {
			return nil, err
		}
		l, err := s.list(call, "ListAccountsForParent", in.ParentId, in.NextToken, in.MaxResults)
		if err != nil {
			return nil, err
		}
		if err := parentExists(ctx, tx, m, in.ParentId); err != nil {
			return nil, refusal.Missing(err, parentNotFound())
		}
		read, err := directory.MembersUnder(ctx, tx, m.Org, in.ParentId, arn.AccountID(l.after), l.ask())
		if err != nil {
			return nil, err
		}
		var out api.ListAccountsForParentOutput
		out.Accounts, out.NextToken = cut(l, read, accountKey, func(a Account) api.Account { return accountOutput(m, a) })
		return &out, nil
	})
}
