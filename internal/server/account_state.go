package server

import (
	"context"
	"errors"
	"fmt"

	"muster/internal/arn"
	"muster/internal/organizations"
	"muster/internal/store"
	"muster/internal/store/directory"
)

// SetAccountState does what AWS does beyond the reach of its API: it finishes a
// sign-up (ACTIVE), takes it back (PENDING_ACTIVATION), suspends an account
// (SUSPENDED), closes it (CLOSED), and reinstates it (ACTIVE). What follows in
// the account's organization and scans is done by a running server.
func (o *Operator) SetAccountState(ctx context.Context, account arn.AccountID, state string) error {
	err := o.store.Update(ctx, func(tx *store.Tx) error {
		return organizations.ChangeState(ctx, tx, account, directory.State(state), o.now())
	})
	if errors.Is(err, store.ErrNotFound) {
		return fmt.Errorf("there is no account %s", account)
	}
	return err
}
