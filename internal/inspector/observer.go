package inspector

import (
	"context"
	"encoding/json"
	"time"

	"muster/internal/arn"
	"muster/internal/iam"
	"muster/internal/organizations"
	"muster/internal/store"
	"muster/internal/store/activation"
	"muster/internal/store/directory"
)

var _ organizations.Observer = (*Service)(nil)

// AccountJoined brings a new account of the organization to what its policy
// wants, and makes it a member, with the other scan types switched on, in every
// Region whose delegated administrator has asked for that.
func (s *Service) AccountJoined(ctx context.Context, tx *store.Tx, org organizations.OrganizationID, account arn.AccountID, now time.Time) error {
	list, err := activation.Designations(ctx, tx, org)
	if err != nil {
		return err
	}
	if err := unbury(ctx, tx, list, account, now); err != nil {
		return err
	}
	if err := s.enforceOn(ctx, tx, org, account, now); err != nil {
		return err
	}
	for _, d := range list {
		if d.Status != activation.Designated || d.Account == account {
			continue
		}
		if err := s.welcome(ctx, tx, d, account, now); err != nil {
			return err
		}
	}
	return nil
}

// unbury makes the tombstones of an account that is back in its organization
// what they are for every account that is there and not associated.
func unbury(ctx context.Context, tx *store.Tx, list []activation.Designation, account arn.AccountID, now time.Time) error {
	for _, d := range list {
		m, err := activation.LookupMember(ctx, tx, d.Account, d.Region, account)
		if err == nil && m.Relationship == activation.Gone {
			m.Relationship, m.UpdatedAt = activation.Removed, now
			err = activation.PutMember(ctx, tx, m)
		}
		if err := ignore(err, store.ErrNotFound); err != nil {
			return err
		}
	}
	return nil
}

func (s *Service) welcome(ctx context.Context, tx *store.Tx, d activation.Designation, account arn.AccountID, now time.Time) error {
	auto, err := activation.LookupAutoEnable(ctx, tx, d.Account, d.Region)
	if err != nil || len(auto.Types()) == 0 {
		return err
	}
	had, err := activation.LookupMember(ctx, tx, d.Account, d.Region, account)
	if err := ignore(err, store.ErrNotFound); err != nil {
		return err
	}
	if had.Relationship.Associated() { // by a policy
		return s.activate(ctx, tx, place{account, d.Region}, auto.Types(), now)
	}
	full, err := s.Full(ctx, tx, d.Account, d.Region)
	if err != nil {
		return err
	}
	if full {
		return autoEnableFailed(ctx, tx, d, "The delegated administrator has as many member accounts as it may have.", now)
	}
	m := activation.Member{Administrator: d.Account, Region: d.Region, Account: account}
	if err := s.associate(ctx, tx, m, now); err != nil {
		return err
	}
	return s.activate(ctx, tx, place{account, d.Region}, auto.Types(), now)
}

// autoEnableFailed tells the administrator's subscribers.
func autoEnableFailed(ctx context.Context, tx *store.Tx, d activation.Designation, reason string, now time.Time) error {
	detail, err := json.Marshal(map[string]string{"version": "1.0.0", "AutoEnableStatus": "Failed", "Reason": reason})
	if err != nil {
		return err
	}
	return tx.Emit(ctx, store.Event{
		Account: string(d.Account), Region: string(d.Region), Source: "aws.inspector2", DetailType: "Inspector2 AutoEnable",
		Detail: detail, Time: now,
	})
}

// AccountLeft makes an account stand alone everywhere. Its scans go on.
func (s *Service) AccountLeft(ctx context.Context, tx *store.Tx, org organizations.OrganizationID, account arn.AccountID, now time.Time) error {
	if err := s.removeEverywhere(ctx, tx, org, account, now); err != nil {
		return err
	}
	if err := activation.DeletePolicies(ctx, tx, []arn.AccountID{account}); err != nil {
		return err
	}
	relations, err := activation.RelationsOf(ctx, tx, account)
	if err != nil {
		return err
	}
	for _, m := range relations {
		if m.Relationship == activation.Gone {
			continue
		}
		if err := s.end(ctx, tx, m, activation.Gone, now); err != nil {
			return err
		}
	}
	return nil
}

// AccountStateChanged suspends an account's scans and relationships when the
// account is suspended or closes, and resumes them when it is active again.
func (s *Service) AccountStateChanged(ctx context.Context, tx *store.Tx, org organizations.OrganizationID, account arn.AccountID, state directory.State, now time.Time) error {
	switch state {
	case directory.Suspended, directory.PendingClosure, directory.Closed:
		return s.stop(ctx, tx, account, "", activation.AccountSuspended,
			[]activation.Relationship{activation.SettingUp, activation.Associated, activation.RegionDisabled}, now)
	case directory.Active:
		if err := s.resume(ctx, tx, account, "", []activation.Relationship{activation.AccountSuspended}, now); err != nil {
			return err
		}
		return s.enforceOn(ctx, tx, org, account, now)
	}
	return nil
}

// TrustedAccessEnabled creates the role in the management account.
func (s *Service) TrustedAccessEnabled(ctx context.Context, tx *store.Tx, _ organizations.OrganizationID, management arn.AccountID, principal string, now time.Time) error {
	if principal != organizations.InspectorPrincipal {
		return nil
	}
	return iam.EnsureServiceLinkedRole(ctx, tx, management, principal, now)
}

// TrustedAccessDisabled removes the delegated administrator in every Region.
func (s *Service) TrustedAccessDisabled(ctx context.Context, tx *store.Tx, org organizations.OrganizationID, _ arn.AccountID, principal string, now time.Time) error {
	if principal != organizations.InspectorPrincipal {
		return nil
	}
	return s.removeEverywhere(ctx, tx, org, "", now)
}

// DelegatedAdministratorDeregistered removes it in every Region.
func (s *Service) DelegatedAdministratorDeregistered(ctx context.Context, tx *store.Tx, org organizations.OrganizationID, account arn.AccountID, principal string, now time.Time) error {
	if principal != organizations.InspectorPrincipal {
		return nil
	}
	return s.removeEverywhere(ctx, tx, org, account, now)
}

// removeEverywhere ends the designations of an account, or of all accounts
// when none is named.
func (s *Service) removeEverywhere(ctx context.Context, tx *store.Tx, org organizations.OrganizationID, account arn.AccountID, now time.Time) error {
	list, err := activation.Designations(ctx, tx, org)
	if err != nil {
		return err
	}
	for _, d := range list {
		if account != "" && d.Account != account {
			continue
		}
		if err := s.remove(ctx, tx, d, now); err != nil {
			return err
		}
	}
	return nil
}
