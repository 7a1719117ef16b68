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

// RemoveAccountFromOrganization makes a member stand alone.
func (s *Service) RemoveAccountFromOrganization(ctx context.Context, call *awsmodel.Call, in *api.RemoveAccountFromOrganizationInput) (*api.RemoveAccountFromOrganizationOutput, error) {
	return store.Write(ctx, s.store, func(tx *store.Tx) (*api.RemoveAccountFromOrganizationOutput, error) {
		m, err := s.Admit(ctx, tx, call, "RemoveAccountFromOrganization", in)
		if err != nil {
			return nil, err
		}
		return &api.RemoveAccountFromOrganizationOutput{}, s.part(ctx, tx, call, m, arn.AccountID(in.AccountId))
	})
}

// LeaveOrganization makes the calling member stand alone.
func (s *Service) LeaveOrganization(ctx context.Context, call *awsmodel.Call, in *api.LeaveOrganizationInput) (*api.LeaveOrganizationOutput, error) {
	return store.Write(ctx, s.store, func(tx *store.Tx) (*api.LeaveOrganizationOutput, error) {
		m, err := s.Admit(ctx, tx, call, "LeaveOrganization", in)
		if err != nil {
			return nil, err
		}
		return &api.LeaveOrganizationOutput{}, s.part(ctx, tx, call, m, m.Account)
	})
}

// part takes an account out of the organization of m, if it may leave.
func (s *Service) part(ctx context.Context, tx *store.Tx, call *awsmodel.Call, m Membership, account arn.AccountID) error {
	if account == m.Management {
		return managementCannotLeave()
	}
	a, err := directory.LookupMember(ctx, tx, m.Org, account)
	if err != nil {
		return refusal.Missing(err, refusal.AccountNotFound())
	}
	n, err := directory.CountDelegationsOf(ctx, tx, m.Org, account)
	if err != nil {
		return err
	}
	if n > 0 {
		return cannotRemoveAdministrator()
	}
	if a.State == directory.PendingActivation {
		return cannotStandAlone()
	}
	if a.JoinedMethod == directory.Created && call.Time.Before(a.JoinedAt.Add(s.waitPeriod)) {
		return waitPeriodActive()
	}
	return s.expel(ctx, tx, m.Org, account, call.Time)
}
