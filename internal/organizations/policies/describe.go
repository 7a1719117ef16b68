package policies

import (
	"context"
	"errors"

	"muster/internal/arn"
	"muster/internal/awsmodel"
	api "muster/internal/awsmodel/organizations"
	"muster/internal/organizations"
	"muster/internal/organizations/refusal"
	"muster/internal/orgpolicy"
	"muster/internal/store"
	"muster/internal/store/directory"
)

// DescribeEffectivePolicy returns what the policies of a management policy type
// mean for an account: for any account of the organization its own, for the
// management account and delegated administrators everyone's.
func (s *Service) DescribeEffectivePolicy(ctx context.Context, call *awsmodel.Call, in *api.DescribeEffectivePolicyInput) (*api.DescribeEffectivePolicyOutput, error) {
	return store.Read(ctx, s.store, func(tx *store.Tx) (*api.DescribeEffectivePolicyOutput, error) {
		m, err := s.desk.Admit(ctx, tx, call, "DescribeEffectivePolicy", in)
		if err != nil {
			return nil, err
		}
		account, err := s.asked(ctx, tx, call, m, in.TargetId)
		if err != nil {
			return nil, err
		}
		if !m.AllFeatures() {
			return nil, refusal.NotAllFeatures()
		}
		found, err := effectiveOf(ctx, tx, m, account, string(in.PolicyType))
		if err != nil {
			return nil, err
		}
		return &api.DescribeEffectivePolicyOutput{EffectivePolicy: &api.EffectivePolicy{
			PolicyContent: new(string(found.content)), LastUpdatedTimestamp: new(found.updated),
			TargetId: new(string(account.ID)), PolicyType: in.PolicyType,
		}}, nil
	})
}

// asked is the account that is asked about: the caller, or another one, which
// only those may name who may read the organization.
func (s *Service) asked(ctx context.Context, tx *store.Tx, call *awsmodel.Call, m organizations.Membership, target *string) (organizations.Account, error) {
	id := m.Account
	if target != nil && *target != string(m.Account) {
		if _, err := s.desk.Admit(ctx, tx, call, "DescribeAccount", &api.DescribeAccountInput{AccountId: *target}); err != nil {
			return organizations.Account{}, err
		}
		if id = arn.AccountID(*target); !id.Valid() {
			return organizations.Account{}, refusal.TargetNotSupported()
		}
	}
	a, err := directory.LookupMember(ctx, tx, m.Org, id)
	return a, refusal.Missing(err, refusal.TargetNotFound())
}

func effectiveOf(ctx context.Context, tx *store.Tx, m organizations.Membership, a organizations.Account, policyType string) (inherited, error) {
	o, err := directory.LookupOrganization(ctx, tx, m.Org)
	if err != nil {
		return inherited{}, err
	}
	e, err := effective(ctx, tx, o, policyType)
	if err != nil {
		return inherited{}, err
	}
	found, err := e.member(ctx, tx, a)
	return found, refusal.Missing(err, effectivePolicyNotFound())
}

// ListEffectivePolicyValidationErrors lists what the policies of an account
// disagree on, by path.
func (s *Service) ListEffectivePolicyValidationErrors(ctx context.Context, call *awsmodel.Call, in *api.ListEffectivePolicyValidationErrorsInput) (*api.ListEffectivePolicyValidationErrorsOutput, error) {
	const op = "ListEffectivePolicyValidationErrors"
	return store.Read(ctx, s.store, func(tx *store.Tx) (*api.ListEffectivePolicyValidationErrorsOutput, error) {
		m, err := s.desk.Admit(ctx, tx, call, op, in)
		if err != nil {
			return nil, err
		}
		l, err := s.desk.OpenList(call, op, []string{in.AccountId, string(in.PolicyType)}, in.NextToken, in.MaxResults)
		if err != nil {
			return nil, err
		}
		if !m.AllFeatures() {
			return nil, refusal.NotAllFeatures()
		}
		a, err := directory.LookupMember(ctx, tx, m.Org, arn.AccountID(in.AccountId))
		if err != nil {
			return nil, refusal.Missing(err, refusal.AccountNotFound())
		}
		found, err := effectiveOf(ctx, tx, m, a, string(in.PolicyType))
		if err != nil {
			return nil, err
		}
		out := api.ListEffectivePolicyValidationErrorsOutput{
			AccountId: new(in.AccountId), PolicyType: in.PolicyType, Path: new(a.Path), EvaluationTimestamp: new(call.Time),
		}
		out.EffectivePolicyValidationErrors, out.NextToken = organizations.Cut(l, after(found.Conflicts(), l.After()),
			func(c orgpolicy.Conflict) string { return c.Path }, conflictOutput)
		return &out, nil
	})
}

// after drops the conflicts of pages before.
func after(list []orgpolicy.Conflict, path string) []orgpolicy.Conflict {
	for len(list) > 0 && path != "" && list[0].Path <= path {
		list = list[1:]
	}
	return list
}

func conflictOutput(c orgpolicy.Conflict) api.EffectivePolicyValidationError {
	return api.EffectivePolicyValidationError{
		ErrorCode: new(c.Code), ErrorMessage: new(c.Message()), PathToError: new(c.Path), ContributingPolicies: c.Policies,
	}
}

// The bounds of one page of ListAccountsWithInvalidEffectivePolicy: how many
// accounts are read at once and at most. A page may be empty and yet not the
// last one.
const (
	scanStep = 500
	scanMost = 5000
)

// ListAccountsWithInvalidEffectivePolicy lists the accounts whose policies of a
// type disagree on something, by id.
func (s *Service) ListAccountsWithInvalidEffectivePolicy(ctx context.Context, call *awsmodel.Call, in *api.ListAccountsWithInvalidEffectivePolicyInput) (*api.ListAccountsWithInvalidEffectivePolicyOutput, error) {
	const op = "ListAccountsWithInvalidEffectivePolicy"
	return store.Read(ctx, s.store, func(tx *store.Tx) (*api.ListAccountsWithInvalidEffectivePolicyOutput, error) {
		m, err := s.desk.Admit(ctx, tx, call, op, in)
		if err != nil {
			return nil, err
		}
		l, err := s.desk.OpenList(call, op, in.PolicyType, in.NextToken, in.MaxResults)
		if err != nil {
			return nil, err
		}
		if !m.AllFeatures() {
			return nil, refusal.NotAllFeatures()
		}
		e, err := NewEffective(ctx, tx, m.Org, string(in.PolicyType))
		if err != nil {
			return nil, err
		}
		if !e.enabled {
			return nil, effectivePolicyNotFound()
		}
		read, last, err := e.invalid(ctx, tx, arn.AccountID(l.After()), l.Ask())
		if err != nil {
			return nil, err
		}
		out := api.ListAccountsWithInvalidEffectivePolicyOutput{PolicyType: in.PolicyType}
		out.Accounts, out.NextToken = organizations.Cut(l, read, func(a organizations.Account) string { return string(a.ID) },
			func(a organizations.Account) api.Account { return organizations.AccountSummary(m, a) })
		if out.NextToken == nil && last != "" {
			out.NextToken = l.Token(string(last))
		}
		return &out, nil
	})
}

// invalid returns up to limit accounts after one whose policies disagree, and,
// where it stopped before the end, the last account it looked at.
func (e *Effective) invalid(ctx context.Context, tx *store.Tx, from arn.AccountID, limit int) (list []organizations.Account, last arn.AccountID, err error) {
	for seen := 0; seen < scanMost; seen += scanStep {
		read, err := directory.Members(ctx, tx, e.organization.ID, from, scanStep)
		if err != nil {
			return nil, "", err
		}
		for _, a := range read {
			in, err := e.member(ctx, tx, a)
			if err != nil && !errors.Is(err, store.ErrNotFound) {
				return nil, "", err
			}
			if len(in.Conflicts()) > 0 {
				list = append(list, a)
			}
			if len(list) == limit {
				return list, "", nil
			}
		}
		if len(read) < scanStep {
			return list, "", nil
		}
		from = read[len(read)-1].ID
	}
	return list, from, nil
}
