// Package emulate is what differs when muster stands in for AWS in the tests
// of automation: whom the door takes a caller for, a folder that belongs to
// the emulator alone, the paths that empty it, and who may not come in. What a
// caller may do, and everything that happens then, is muster itself.
package emulate

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"muster/internal/arn"
	"muster/internal/organizations"
	"muster/internal/store"
	"muster/internal/store/directory"
)

// DefaultAccount is whose every caller is that names no account.
const DefaultAccount arn.AccountID = "123456789012"

// Options say how an emulator differs from another.
type Options struct {
	// Permissions makes policies count: those of IAM for callers with a key
	// or session issued here, those of the organization for all members.
	// Without it whoever has an account may do what the place of the account
	// allows.
	Permissions bool
}

// Callers tells for whom a request acts whose key was not issued here: the
// root user of the account that it names. Accounts begin with their first use.
// It is safe for concurrent use.
type Callers struct {
	store *store.Store
	now   func() time.Time
	// known are the accounts that exist.
	known sync.Map
}

// NewCallers returns the callers of a store.
func NewCallers(st *store.Store, now func() time.Time) *Callers {
	return &Callers{store: st, now: now}
}

// Principal is who calls with an access key: a key of twelve digits is an
// account, anything else, and none, is DefaultAccount.
func (c *Callers) Principal(ctx context.Context, accessKeyID string) (arn.Principal, error) {
	id := arn.AccountID(accessKeyID)
	if !id.Valid() {
		id = DefaultAccount
	}
	if err := c.ensure(ctx, id); err != nil {
		return arn.Principal{}, err
	}
	return arn.Principal{Kind: arn.RootUser, Account: id, ARN: id.Root(), ID: string(id)}, nil
}

func (c *Callers) ensure(ctx context.Context, id arn.AccountID) error {
	if _, ok := c.known.Load(id); ok {
		return nil
	}
	err := c.store.Update(ctx, func(tx *store.Tx) error { return EnsureAccount(ctx, tx, id, c.now()) })
	if err != nil {
		return err
	}
	c.known.Store(id, true)
	return nil
}

// EnsureAccount signs an account up that does not exist yet.
func EnsureAccount(ctx context.Context, tx *store.Tx, id arn.AccountID, now time.Time) error {
	_, err := directory.LookupAccount(ctx, tx, id)
	if !errors.Is(err, store.ErrNotFound) {
		return err
	}
	name, email := "account "+string(id), string(id)+"@example.com"
	if id == DefaultAccount {
		// What the common Python mock calls the account that it begins with.
		name, email = "master", "master@example.com"
	}
	if _, err := organizations.RootAccount(ctx, tx, id, email, name, now); err != nil {
		return fmt.Errorf("first use of account %s: %w", id, err)
	}
	return nil
}
