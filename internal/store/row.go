package store

import (
	"context"
	"database/sql"
	"time"
)

// Scanner is one row of an answer: the only one or one of many.
type Scanner interface{ Scan(dest ...any) error }

// single makes a missing row ErrNotFound.
type single struct{ *sql.Row }

func (r single) Scan(dest ...any) error { return One(r.Row, dest...) }

// ReadOne reads the only row of an answer; without one it returns ErrNotFound.
func ReadOne[T any](r *sql.Row, scan func(Scanner) (T, error)) (T, error) { return scan(single{r}) }

// ReadAll is All for functions that also read single rows.
func ReadAll[T any](rows *sql.Rows, err error, scan func(Scanner) (T, error)) ([]T, error) {
	return All(rows, err, func(r *sql.Rows) (T, error) { return scan(r) })
}

// Set reads the rows of an answer with one column of texts as a set.
func Set[T ~string](rows *sql.Rows, err error) (map[T]bool, error) {
	list, err := All(rows, err, Text)
	set := make(map[T]bool, len(list))
	for _, text := range list {
		set[T(text)] = true
	}
	return set, err
}

// ScanCount reads a row that is one number.
func ScanCount(s Scanner) (int, error) {
	var n int
	err := s.Scan(&n)
	return n, err
}

// ScanText reads a row that is one text.
func ScanText(s Scanner) (string, error) {
	var t string
	err := s.Scan(&t)
	return t, err
}

// Affected turns "no row was touched" into ErrNotFound.
func Affected(n int64, err error) error {
	if err == nil && n == 0 {
		return ErrNotFound
	}
	return err
}

// InsertNew runs an insert without an ON CONFLICT clause of its own; it returns
// ErrConflict when the key is taken, which callers look for beforehand.
//
// It says ON CONFLICT DO NOTHING, not for the conflict they saw, but for the
// one they could not see: when two transactions look and then insert the same
// key at once, a plain insert fails on PostgreSQL with a unique violation, this
// one with a serialization failure, after which the loser runs again and sees
// the winner's row.
func (tx *Tx) InsertNew(ctx context.Context, query string, args ...any) error {
	n, err := tx.Exec(ctx, query+` ON CONFLICT DO NOTHING`, args...)
	if err == nil && n == 0 {
		return ErrConflict
	}
	return err
}

// MicrosOrNever is Micros with 0 for the zero time, "never".
func MicrosOrNever(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return Micros(t)
}

// TimeOrNever is the inverse of MicrosOrNever.
func TimeOrNever(n int64) time.Time {
	if n == 0 {
		return time.Time{}
	}
	return Time(n)
}

// Read runs fn on a snapshot and returns what it returns.
func Read[T any](ctx context.Context, s *Store, fn func(*Tx) (T, error)) (T, error) {
	var out T
	err := s.View(ctx, func(tx *Tx) (err error) {
		out, err = fn(tx)
		return err
	})
	return out, err
}

// Write runs fn in a transaction, again if need be, and returns what it
// returned last.
func Write[T any](ctx context.Context, s *Store, fn func(*Tx) (T, error)) (T, error) {
	var out T
	err := s.Update(ctx, func(tx *Tx) (err error) {
		out, err = fn(tx)
		return err
	})
	return out, err
}
