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

// suspension makes an account's keys rest, or work again, and lets it be of
// another organization, at once: the iam desk remembers for a second what an
// account may do, and Organizations knows nothing of keys.
type suspension struct {
	organizations.Deaf
	keys *iam.Keys
}

var _ organizations.Observer = suspension{}

func (s suspension) forget(tx *store.Tx, account arn.AccountID) error {
	tx.AfterCommit(func() { s.keys.Forget(account) })
	return nil
}

// AccountStateChanged implements organizations.Observer.
func (s suspension) AccountStateChanged(_ context.Context, tx *store.Tx, _ organizations.OrganizationID, account arn.AccountID, _ directory.State, _ time.Time) error {
	return s.forget(tx, account)
}

// AccountJoined implements organizations.Observer.
func (s suspension) AccountJoined(_ context.Context, tx *store.Tx, _ organizations.OrganizationID, account arn.AccountID, _ time.Time) error {
	return s.forget(tx, account)
}

// AccountLeft implements organizations.Observer.
func (s suspension) AccountLeft(_ context.Context, tx *store.Tx, _ organizations.OrganizationID, account arn.AccountID, _ time.Time) error {
	return s.forget(tx, account)
}
