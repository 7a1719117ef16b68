// Package directory remembers who exists and who belongs together: accounts,
// organizations and their trees, trusted access, delegated administrators,
// account requests, tags and policy types.
//
// Functions take the transaction they work in. They answer store.ErrNotFound
// for a row that is not there and otherwise decide nothing: what is permitted
// is the organizations desk's business. Lists are pages in the order of their
// key, beginning after a given key; an empty key means the first page.
//
// Inserts answer store.ErrConflict when the key is taken, which callers look
// for beforehand to refuse it in the right words. They say ON CONFLICT DO
// NOTHING, not for the conflict they saw, but for the one they could not see:
// when two transactions look and then insert the same key at once, a plain
// insert fails on PostgreSQL with a unique violation, this one with a
// serialization failure, after which the store runs the loser again and it
// sees the winner's row.
package directory

import (
	"context"
	"database/sql"
	"time"

	"muster/internal/store"
)

// micros is store.Micros with 0 for the zero time, "never".
func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return store.Micros(t)
}

// at is the inverse of micros.
func at(n int64) time.Time {
	if n == 0 {
		return time.Time{}
	}
	return store.Time(n)
}

// scanner is one row, of sql.Row or sql.Rows.
type scanner interface{ Scan(dest ...any) error }

// row makes a missing row store.ErrNotFound.
type row struct{ *sql.Row }

func (r row) Scan(dest ...any) error { return store.One(r.Row, dest...) }

// one reads a single row.
func one[T any](r *sql.Row, scan func(scanner) (T, error)) (T, error) { return scan(row{r}) }

// all reads every row of a query.
func all[T any](rows *sql.Rows, err error, scan func(scanner) (T, error)) ([]T, error) {
	return store.All(rows, err, func(r *sql.Rows) (T, error) { return scan(r) })
}

func scanCount(s scanner) (int, error) {
	var n int
	err := s.Scan(&n)
	return n, err
}

// insert runs an insert without an ON CONFLICT clause of its own.
func insert(ctx context.Context, tx *store.Tx, query string, args ...any) error {
	n, err := tx.Exec(ctx, query+` ON CONFLICT DO NOTHING`, args...)
	if err == nil && n == 0 {
		return store.ErrConflict
	}
	return err
}

// affected turns "no row was touched" into store.ErrNotFound.
func affected(n int64, err error) error {
	if err == nil && n == 0 {
		return store.ErrNotFound
	}
	return err
}
