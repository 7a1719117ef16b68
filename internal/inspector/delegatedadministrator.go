package inspector

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"muster/internal/arn"
	"muster/internal/awsmodel"
	"muster/internal/awsmodel/inspector2"
	"muster/internal/iam"
	"muster/internal/inspector/clienttoken"
	"muster/internal/inspector/relation"
	"muster/internal/organizations"
	"muster/internal/store"
	"muster/internal/store/activation"
	"muster/internal/store/directory"
)

// EnableDelegatedAdminAccount makes an account of the organization the
// delegated administrator of the call's Region. It turns trusted access on and
// registers the account with Organizations, each unless done.
func (s *Service) EnableDelegatedAdminAccount(ctx context.Context, call *awsmodel.Call, in *inspector2.EnableDelegatedAdminAccountInput) (*inspector2.EnableDelegatedAdminAccountOutput, error) {
	if err := s.permitDelegation(ctx, call, in); err != nil {
		return nil, err
	}
	const op = "EnableDelegatedAdminAccount"
	return Update(ctx, s, call, op, in, func(tx *store.Tx, _ relation.Standing) (*inspector2.EnableDelegatedAdminAccountOutput, error) {
		return clienttoken.Once(ctx, tx, call, op, in.ClientToken, in, func() (*inspector2.EnableDelegatedAdminAccountOutput, error) {
			return &inspector2.EnableDelegatedAdminAccountOutput{DelegatedAdminAccountId: in.DelegatedAdminAccountId},
				s.delegate(ctx, tx, call, arn.AccountID(in.DelegatedAdminAccountId))
		})
	})
}

// delegate checks the account and designates it.
func (s *Service) delegate(ctx context.Context, tx *store.Tx, call *awsmodel.Call, account arn.AccountID) error {
	m, err := organizations.Of(ctx, tx, call.Account())
	if err != nil {
		return err
	}
	if !m.AllFeatures() {
		return invalid("The request failed because the organization does not have all features enabled. Please enable all features in your organization and then retry.")
	}
	target, err := organizations.AccountIn(ctx, tx, m.Org, account)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return notFound("Account %s is not an account of the organization.", account)
	case err != nil:
		return err
	case target.State != directory.Active:
		return invalid("Account %s is not active.", account)
	}
	registered, err := s.designable(ctx, tx, m, call.Region, account)
	if err != nil {
		return err
	}
	if err := s.trust(ctx, tx, m, account, registered, call.Time); err != nil {
		return err
	}
	return s.designate(ctx, tx, m.Org, call.Region, account, call.Time)
}

// designable checks that no other account is, or is ceasing to be, the
// administrator of any Region, and reports whether this one is registered.
func (s *Service) designable(ctx context.Context, tx *store.Tx, m organizations.Membership, region arn.Region, account arn.AccountID) (registered bool, err error) {
	list, err := activation.Designations(ctx, tx, m.Org)
	if err != nil {
		return false, err
	}
	for _, d := range list {
		switch {
		case d.Region != region:
		case d.Status == activation.Removing:
			return false, administratorConflict(d.Account, "The delegated admin account %s of this Region is being removed. Try again later.", d.Account)
		case d.Account == account:
			return false, alreadyAdministrator(account)
		}
	}
	for _, d := range list {
		if d.Account != account {
			return false, administratorConflict(d.Account, "Account %s is the delegated admin account of the organization in %s.", d.Account, d.Region)
		}
	}
	r, err := organizations.DelegatedAdministrator(ctx, tx, m.Org, organizations.InspectorPrincipal)
	if err != nil {
		return false, ignore(err, store.ErrNotFound)
	}
	if r.Account != account {
		return false, administratorConflict(r.Account, "Account %s is registered as the delegated administrator of the organization.", r.Account)
	}
	return true, nil
}

// trust turns trusted access on and registers the account. The management
// account needs no registration and cannot have one.
func (s *Service) trust(ctx context.Context, tx *store.Tx, m organizations.Membership, account arn.AccountID, registered bool, now time.Time) error {
	_, err := organizations.EnableTrustedAccess(ctx, tx, m, organizations.InspectorPrincipal, now)
	if err != nil {
		return err
	}
	if err := iam.EnsureServiceLinkedRole(ctx, tx, m.Management, organizations.InspectorPrincipal, now); err != nil {
		return err
	}
	if registered || account == m.Management {
		return nil
	}
	return organizations.RegisterDelegatedAdministrator(ctx, tx, m, account, organizations.InspectorPrincipal, organizations.ByInspector, now)
}

func (s *Service) designate(ctx context.Context, tx *store.Tx, org organizations.OrganizationID, region arn.Region, account arn.AccountID, now time.Time) error {
	err := activation.InsertDesignation(ctx, tx, activation.Designation{
		Org: org, Region: region, Account: account, Status: activation.Designated, DesignatedAt: now,
	})
	if err != nil {
		return err
	}
	governed, err := activation.HasPolicies(ctx, tx, org)
	if err == nil && governed {
		err = enqueuePolicy(ctx, tx, org, now)
	}
	if err != nil || !s.config.ActivateAdministrator {
		return err
	}
	return s.activate(ctx, tx, place{account, region}, activation.ScanTypes(), now)
}

// DisableDelegatedAdminAccount removes the delegated administrator of the
// call's Region. Its authority ends at once; the designation disappears when
// its members have been cleared away.
func (s *Service) DisableDelegatedAdminAccount(ctx context.Context, call *awsmodel.Call, in *inspector2.DisableDelegatedAdminAccountInput) (*inspector2.DisableDelegatedAdminAccountOutput, error) {
	const op = "DisableDelegatedAdminAccount"
	if err := s.permitRemoval(ctx, call, in); err != nil {
		return nil, err
	}
	return Update(ctx, s, call, op, in, func(tx *store.Tx, standing relation.Standing) (*inspector2.DisableDelegatedAdminAccountOutput, error) {
		d, err := activation.LookupDesignation(ctx, tx, standing.Organization, call.Region)
		if errors.Is(err, store.ErrNotFound) || err == nil && string(d.Account) != in.DelegatedAdminAccountId {
			return nil, notFound("Account %s is not the delegated administrator of the organization.", in.DelegatedAdminAccountId)
		}
		if err != nil {
			return nil, err
		}
		return &inspector2.DisableDelegatedAdminAccountOutput{DelegatedAdminAccountId: in.DelegatedAdminAccountId},
			s.remove(ctx, tx, d, call.Time)
	})
}

// remove ends a designation: at once in effect, by a job for its traces. A
// designation that is being removed already stays so.
func (s *Service) remove(ctx context.Context, tx *store.Tx, d activation.Designation, now time.Time) error {
	if d.Status == activation.Removing {
		return nil
	}
	if err := activation.SetDesignationStatus(ctx, tx, d.Org, d.Region, activation.Removing); err != nil {
		return err
	}
	payload, err := json.Marshal(removal{Org: d.Org, Region: d.Region, Account: d.Account})
	if err != nil {
		return err
	}
	return tx.Enqueue(ctx, store.Job{
		Kind: jobRemoval, Key: string(d.Org) + "/" + string(d.Region), Account: string(d.Account), Region: string(d.Region),
		Payload: payload, RunAt: now.Add(s.lasts(stateRemoving) + s.delay(stateRemoving, d.Account, d.Region)),
	})
}

// ListDelegatedAdminAccounts lists the delegated administrator of the Region:
// one, or none.
func (s *Service) ListDelegatedAdminAccounts(ctx context.Context, call *awsmodel.Call, in *inspector2.ListDelegatedAdminAccountsInput) (*inspector2.ListDelegatedAdminAccountsOutput, error) {
	const op = "ListDelegatedAdminAccounts"
	return View(ctx, s, call, op, in, func(tx *store.Tx, standing relation.Standing) (*inspector2.ListDelegatedAdminAccountsOutput, error) {
		// There is never a second page, so no token is right.
		if _, err := s.OpenPage(call, op, nil, in.NextToken, in.MaxResults, 5); err != nil {
			return nil, err
		}
		out := &inspector2.ListDelegatedAdminAccountsOutput{DelegatedAdminAccounts: []inspector2.DelegatedAdminAccount{}}
		d, err := activation.LookupDesignation(ctx, tx, standing.Organization, call.Region)
		if err == nil {
			out.DelegatedAdminAccounts = append(out.DelegatedAdminAccounts, inspector2.DelegatedAdminAccount{
				AccountId: new(string(d.Account)), Status: inspector2.DelegatedAdminStatus(d.Status),
			})
		}
		return out, ignore(err, store.ErrNotFound)
	})
}

// GetDelegatedAdminAccount tells any account of the organization who its
// delegated administrator is in the Region.
func (s *Service) GetDelegatedAdminAccount(ctx context.Context, call *awsmodel.Call, in *inspector2.GetDelegatedAdminAccountInput) (*inspector2.GetDelegatedAdminAccountOutput, error) {
	return View(ctx, s, call, "GetDelegatedAdminAccount", in, func(tx *store.Tx, standing relation.Standing) (*inspector2.GetDelegatedAdminAccountOutput, error) {
		d, err := activation.LookupDesignation(ctx, tx, standing.Organization, call.Region)
		if errors.Is(err, store.ErrNotFound) {
			return nil, notFound("The organization has no delegated admin account in this Region.")
		}
		status := inspector2.RelationshipStatusEnabled
		if d.Status == activation.Removing {
			status = inspector2.RelationshipStatusRemoved
		}
		return &inspector2.GetDelegatedAdminAccountOutput{
			DelegatedAdmin: &inspector2.DelegatedAdmin{AccountId: new(string(d.Account)), RelationshipStatus: status},
		}, err
	})
}
