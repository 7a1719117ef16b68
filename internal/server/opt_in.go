package server

import (
	"context"
	"errors"
	"fmt"

	"muster/internal/arn"
	"muster/internal/inspector"
	"muster/internal/store"
	"muster/internal/store/directory"
)

// OptIn lets an account opt in to a Region, or out of it, as accounts do with
// AWS's account service. A running server carries it out.
func (o *Operator) OptIn(ctx context.Context, account arn.AccountID, region arn.Region, in bool) error {
	return o.store.Update(ctx, func(tx *store.Tx) error {
		_, err := directory.LookupAccount(ctx, tx, account)
		if errors.Is(err, store.ErrNotFound) {
			return fmt.Errorf("there is no account %s", account)
		}
		if err != nil {
			return err
		}
		return inspector.EnqueueOpening(ctx, tx, account, region, in)
	})
}
