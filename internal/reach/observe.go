package reach

import (
	"context"
	"time"

	"muster/internal/arn"
	"muster/internal/organizations"
	"muster/internal/store"
	"muster/internal/store/directory"
	"muster/internal/store/topology"
)

// Moves follows accounts into and out of organizations: whose networks are
// looked at together changes. It is an organizations.Observer.
type Moves struct{}

// AccountJoined implements organizations.Observer.
func (Moves) AccountJoined(ctx context.Context, tx *store.Tx, org organizations.OrganizationID, account arn.AccountID, now time.Time) error {
	return moved(ctx, tx, org, account, now)
}

// AccountLeft implements organizations.Observer.
func (Moves) AccountLeft(ctx context.Context, tx *store.Tx, org organizations.OrganizationID, account arn.AccountID, now time.Time) error {
	return moved(ctx, tx, org, account, now)
}

// moved asks for the analysis of an organization and of an account by itself,
// where the account has told anything.
func moved(ctx context.Context, tx *store.Tx, org organizations.OrganizationID, account arn.AccountID, now time.Time) error {
	told, err := topology.Snapshots(ctx, tx, topology.Unit{Account: account})
	if err != nil || len(told) == 0 {
		return err
	}
	if err := askForUnit(ctx, tx, topology.Unit{Organization: directory.OrganizationID(org)}, now); err != nil {
		return err
	}
	return askForUnit(ctx, tx, topology.Unit{Account: account}, now)
}

// AccountStateChanged implements organizations.Observer.
func (Moves) AccountStateChanged(context.Context, *store.Tx, organizations.OrganizationID, arn.AccountID, directory.State, time.Time) error {
	return nil
}

// TrustedAccessEnabled implements organizations.Observer.
func (Moves) TrustedAccessEnabled(context.Context, *store.Tx, organizations.OrganizationID, arn.AccountID, string, time.Time) error {
	return nil
}

// TrustedAccessDisabled implements organizations.Observer.
func (Moves) TrustedAccessDisabled(context.Context, *store.Tx, organizations.OrganizationID, arn.AccountID, string, time.Time) error {
	return nil
}

// EffectivePolicyChanged implements organizations.Observer.
func (Moves) EffectivePolicyChanged(context.Context, *store.Tx, organizations.OrganizationID, string, organizations.Scope, time.Time) error {
	return nil
}

// DelegatedAdministratorDeregistered implements organizations.Observer.
func (Moves) DelegatedAdministratorDeregistered(context.Context, *store.Tx, organizations.OrganizationID, arn.AccountID, string, time.Time) error {
	return nil
}
