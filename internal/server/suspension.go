package server

import (
	"context"
	"time"

	"muster/internal/arn"
	"muster/internal/iam"
	"muster/internal/organizations"
	"muster/internal/store"
	"muster/internal/store/directory"
)

// suspension makes an account's keys rest, or work again, at once: the iam desk
// remembers for a second what an account may do, and Organizations knows
// nothing of keys.
type suspension struct{ keys *iam.Keys }

var _ organizations.Observer = suspension{}

// AccountStateChanged implements organizations.Observer.
func (s suspension) AccountStateChanged(_ context.Context, tx *store.Tx, _ organizations.OrganizationID, account arn.AccountID, _ directory.State, _ time.Time) error {
	tx.AfterCommit(func() { s.keys.Forget(account) })
	return nil
}

// The other changes leave keys as they are.

// AccountJoined implements organizations.Observer.
func (suspension) AccountJoined(context.Context, *store.Tx, organizations.OrganizationID, arn.AccountID, time.Time) error {
	return nil
}

// AccountLeft implements organizations.Observer.
func (suspension) AccountLeft(context.Context, *store.Tx, organizations.OrganizationID, arn.AccountID, time.Time) error {
	return nil
}

// TrustedAccessEnabled implements organizations.Observer.
func (suspension) TrustedAccessEnabled(context.Context, *store.Tx, organizations.OrganizationID, arn.AccountID, string, time.Time) error {
	return nil
}

// TrustedAccessDisabled implements organizations.Observer.
func (suspension) TrustedAccessDisabled(context.Context, *store.Tx, organizations.OrganizationID, arn.AccountID, string, time.Time) error {
	return nil
}

// EffectivePolicyChanged implements organizations.Observer.
func (suspension) EffectivePolicyChanged(context.Context, *store.Tx, organizations.OrganizationID, string, organizations.Scope, time.Time) error {
	return nil
}

// DelegatedAdministratorDeregistered implements organizations.Observer.
func (suspension) DelegatedAdministratorDeregistered(context.Context, *store.Tx, organizations.OrganizationID, arn.AccountID, string, time.Time) error {
	return nil
}
