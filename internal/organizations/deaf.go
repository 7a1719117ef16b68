package organizations

import (
	"context"
	"time"

	"muster/internal/arn"
	"muster/internal/store"
	"muster/internal/store/directory"
)

// Deaf is an Observer to whom nothing matters. Observers that care for few
// events embed it.
type Deaf struct{}

var _ Observer = Deaf{}

// AccountJoined implements Observer.
func (Deaf) AccountJoined(context.Context, *store.Tx, OrganizationID, arn.AccountID, time.Time) error {
	return nil
}

// AccountLeft implements Observer.
func (Deaf) AccountLeft(context.Context, *store.Tx, OrganizationID, arn.AccountID, time.Time) error {
	return nil
}

// AccountStateChanged implements Observer.
func (Deaf) AccountStateChanged(context.Context, *store.Tx, OrganizationID, arn.AccountID, directory.State, time.Time) error {
	return nil
}

// TrustedAccessEnabled implements Observer.
func (Deaf) TrustedAccessEnabled(context.Context, *store.Tx, OrganizationID, arn.AccountID, string, time.Time) error {
	return nil
}

// TrustedAccessDisabled implements Observer.
func (Deaf) TrustedAccessDisabled(context.Context, *store.Tx, OrganizationID, arn.AccountID, string, time.Time) error {
	return nil
}

// EffectivePolicyChanged implements Observer.
func (Deaf) EffectivePolicyChanged(context.Context, *store.Tx, OrganizationID, string, Scope, time.Time) error {
	return nil
}

// DelegatedAdministratorDeregistered implements Observer.
func (Deaf) DelegatedAdministratorDeregistered(context.Context, *store.Tx, OrganizationID, arn.AccountID, string, time.Time) error {
	return nil
}
