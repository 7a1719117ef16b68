package store

import "context"

// alongKey is the key of what a context's Updates do besides.
type alongKey struct{}

// Alongside returns a context in which every Update also runs fn, in the same
// transaction, once what the Update is for has succeeded: what fn writes is
// there if, and only if, the change is. fn may run again, as Update's own.
func Alongside(ctx context.Context, fn func(ctx context.Context, tx *Tx) error) context.Context {
	return context.WithValue(ctx, alongKey{}, fn)
}

// withAlong is fn with what the context wants besides.
func withAlong(ctx context.Context, fn func(*Tx) error) func(*Tx) error {
	also, ok := ctx.Value(alongKey{}).(func(context.Context, *Tx) error)
	if !ok {
		return fn
	}
	return func(tx *Tx) error {
		if err := fn(tx); err != nil {
			return err
		}
		return also(ctx, tx)
	}
}
