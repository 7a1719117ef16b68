// Package settings keeps small named values of the whole installation: what a
// process must remember and no account owns.
package settings

import (
	"context"
	"fmt"
	"time"

	"muster/internal/store"
)

// Get returns the value, or store.ErrNotFound.
func Get(ctx context.Context, tx *store.Tx, name string) (string, error) {
	var value string
	err := store.One(tx.QueryRow(ctx, `SELECT value FROM settings WHERE name = $1`, name), &value)
	if err != nil {
		return "", fmt.Errorf("setting %s: %w", name, err)
	}
	return value, nil
}

// Put stores the value, replacing an earlier one.
func Put(ctx context.Context, tx *store.Tx, name, value string, now time.Time) error {
	_, err := tx.Exec(ctx, `INSERT INTO settings (name, value, updated_at) VALUES ($1, $2, $3)
		ON CONFLICT (name) DO UPDATE SET value = excluded.value, updated_at = excluded.updated_at`, name, value, store.Micros(now))
	if err != nil {
		return fmt.Errorf("setting %s: %w", name, err)
	}
	return nil
}

// PutFirst stores the value unless there is one, and returns the one that is
// stored: for values that the first process makes and all others share.
func PutFirst(ctx context.Context, tx *store.Tx, name, value string, now time.Time) (string, error) {
	_, err := tx.Exec(ctx, `INSERT INTO settings (name, value, updated_at) VALUES ($1, $2, $3)
		ON CONFLICT (name) DO NOTHING`, name, value, store.Micros(now))
	if err != nil {
		return "", fmt.Errorf("setting %s: %w", name, err)
	}
	return Get(ctx, tx, name)
}

// Delete removes the value; without one it does nothing.
func Delete(ctx context.Context, tx *store.Tx, name string) error {
	if _, err := tx.Exec(ctx, `DELETE FROM settings WHERE name = $1`, name); err != nil {
		return fmt.Errorf("setting %s: %w", name, err)
	}
	return nil
}

// DeleteOld removes the values whose names begin with a prefix and that were
// put before a time.
func DeleteOld(ctx context.Context, tx *store.Tx, prefix string, before time.Time) error {
	_, err := tx.Exec(ctx, `DELETE FROM settings WHERE substr(name, 1, CAST($1 AS INTEGER)) = $2 AND updated_at < $3`,
		len(prefix), prefix, store.Micros(before))
	if err != nil {
		return fmt.Errorf("settings %s: %w", prefix, err)
	}
	return nil
}
