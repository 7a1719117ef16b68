// Package activation remembers Inspector's accounts side: delegated
// administrators, members, scan states, what is switched on for accounts that
// join, scan configuration, deep inspection and client tokens. All of it is
// kept per account (or organization) and Region.
//
// Functions take the transaction they work in, answer store.ErrNotFound for a
// row that is not there, and decide nothing: roles, states and refusals are
// the inspector desk's business. The words are AWS's own.
package activation

import (
	"database/sql"

	"muster/internal/store"
)

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

// affected turns "no row was touched" into store.ErrNotFound.
func affected(n int64, err error) error {
	if err == nil && n == 0 {
		return store.ErrNotFound
	}
	return err
}
