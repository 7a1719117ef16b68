// Package policies remembers the policies of organizations and what they are
// attached to, in the manner of package directory: functions take the
// transaction they work in, answer store.ErrNotFound for a row that is not
// there, and decide nothing.
package policies

import (
	"context"
	"database/sql"

	"muster/internal/store"
	"muster/internal/store/directory"
)

// OrganizationID is an organization's id.
type OrganizationID = directory.OrganizationID

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

func scanText(s scanner) (string, error) {
	var t string
	err := s.Scan(&t)
	return t, err
}

// insert runs an insert that answers store.ErrConflict when the key is taken;
// package directory says why it is written so.
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
