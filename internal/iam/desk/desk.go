// Package desk is what all rooms of IAM share: their transactions, their pages,
// and the words in which IAM answers.
package desk

import (
	"context"

	"muster/internal/arn"
	"muster/internal/awsmodel"
	"muster/internal/store"
	"muster/internal/store/identity"
)

// Pager seals the place where a page ended into a token for the client, and
// opens it again for the same caller, operation and query only.
// *pagetoken.Sealer is one.
type Pager interface {
	Seal(call *awsmodel.Call, op string, query any, cursor []byte) string
	Open(call *awsmodel.Call, op string, query any, token string) ([]byte, error)
}

// Desk is a room's access to the store.
type Desk struct {
	Store *store.Store
	Pages Pager
	// Changed is told of accounts whose identities have changed, so that the
	// change counts for the next request.
	Changed func(arn.AccountID)
	// Uses tells a use of a key or role that is not stored yet.
	Uses func(identity.Owner) (Use, bool)
}

// View runs fn on a snapshot and returns what it returns.
func View[T any](ctx context.Context, d *Desk, fn func(*store.Tx) (T, error)) (T, error) {
	return store.Read(ctx, d.Store, fn)
}

// Update runs fn in a transaction that changes an account, and makes the
// change count for the next request.
func Update[T any](ctx context.Context, d *Desk, account arn.AccountID, fn func(*store.Tx) (T, error)) (T, error) {
	return store.Write(ctx, d.Store, func(tx *store.Tx) (T, error) {
		tx.AfterCommit(func() { d.Changed(account) })
		return fn(tx)
	})
}
