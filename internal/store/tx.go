package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"
)

// Tx is one transaction, valid inside the function it was given to. It must
// not be used by two goroutines at once.
type Tx struct {
	tx    *sql.Tx
	store *Store
	// failed is the first error of a statement. PostgreSQL ends a
	// transaction there; we do so on both engines, so that a caller who
	// goes on after ErrConflict notices on either.
	failed error
	// grouped is true in an Update on SQLite (group.go).
	grouped     bool
	afterCommit []func()
	// woken are the kinds of work that the transaction asks for.
	woken []string
}

// View runs fn on one consistent, read-only snapshot.
func (s *Store) View(ctx context.Context, fn func(*Tx) error) error {
	opts := &sql.TxOptions{ReadOnly: true}
	if s.engine == PostgreSQL {
		opts.Isolation = sql.LevelRepeatableRead
	}
	t, err := s.read.BeginTx(ctx, opts)
	if err != nil {
		return fmt.Errorf("store: begin: %w", translate(err))
	}
	// Nothing was written, so nothing is lost whichever way this ends.
	defer func() { _ = t.Rollback() }()
	return fn(&Tx{tx: t, store: s})
}

// Update runs fn in a serializable transaction and commits when it returns
// nil; any error, and a panic, leaves nothing behind. When Update returns nil
// the changes are durable.
//
// PostgreSQL may ask for the transaction again, so fn must be re-runnable: it
// resets the variables it captures at its start and has no effect outside tx
// (AfterCommit is the place for those). Two that look for a key and insert it
// may meet in a unique violation there; the loser runs again, too, and sees
// what the other has done. ErrConflict is left for keys that stay taken. fn
// must not call Update: on SQLite there is one writer and it would wait for
// itself.
func (s *Store) Update(ctx context.Context, fn func(*Tx) error) error {
	fn = withAlong(ctx, fn)
	if s.engine == SQLite {
		err := s.updateGrouped(ctx, fn, false)
		if errors.Is(err, errRegroup) {
			err = s.updateGrouped(ctx, fn, true)
		}
		return err
	}
	for attempt, conflicts := 1, 0; ; attempt++ {
		failed, err := s.updateOnce(ctx, fn)
		if err == nil {
			return nil
		}
		if isConflict(failed) && conflicts < maxConflicts {
			conflicts++
			continue
		}
		if !isRetryable(failed) {
			return err
		}
		if attempt == maxAttempts {
			return fmt.Errorf("%w: gave up after %d attempts: %w", ErrBusy, attempt, err)
		}
		if pauseErr := pause(ctx, attempt); pauseErr != nil {
			return errors.Join(pauseErr, err)
		}
	}
}

// maxAttempts bounds Update's retries. The pauses add up to some seconds, so a
// row that two dozen clients change at once still gets all their changes.
const maxAttempts = 30

// maxConflicts bounds the retries after unique violations. A key that is taken
// for good costs as many runs; a race is over after the first, because the
// winner has committed by then, unless another key is raced for.
const maxConflicts = 2

// pause waits a random part of a doubling interval of at most 300 ms: random,
// so that the losers of one race do not meet again in the next.
func pause(ctx context.Context, attempt int) error {
	limit := min(300*time.Millisecond, time.Millisecond<<min(attempt, 10))
	t := time.NewTimer(rand.N(limit))
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// updateOnce is one attempt of Update on PostgreSQL. Beside the error for the
// caller it returns what the database said, which fn may have put in words of
// its own.
func (s *Store) updateOnce(ctx context.Context, fn func(*Tx) error) (failed, err error) {
	t, err := s.write.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelSerializable})
	if err != nil {
		err = fmt.Errorf("store: begin: %w", translate(err))
		return err, err
	}
	// After a commit this does nothing.
	defer func() { _ = t.Rollback() }()
	tx := &Tx{tx: t, store: s}
	if err = fn(tx); err == nil {
		err = cmp.Or(tx.failed, s.fault())
	}
	if err != nil {
		s.noteDemotion(cmp.Or(tx.failed, err))
		return cmp.Or(tx.failed, err), err
	}
	if err := t.Commit(); err != nil {
		err = fmt.Errorf("store: commit: %w", translate(err))
		return err, err
	}
	tx.committed()
	return nil, nil
}

func (tx *Tx) committed() {
	for _, fn := range tx.afterCommit {
		fn()
	}
	if tx.woken != nil {
		tx.store.wakes.here(tx.woken)
	}
}

func (tx *Tx) wake(kind string) {
	if !slices.Contains(tx.woken, kind) {
		tx.woken = append(tx.woken, kind)
	}
}

// AfterCommit runs fn once the transaction is durable, and not at all
// otherwise. fn must be quick and cannot fail.
func (tx *Tx) AfterCommit(fn func()) { tx.afterCommit = append(tx.afterCommit, fn) }

// Engine says which database this is, for the few statements whose plan, not
// whose meaning, differs.
func (tx *Tx) Engine() Engine { return tx.store.engine }

// Exec runs a statement and returns the number of rows it changed. A unique
// violation is ErrConflict; after any error the transaction can only end.
func (tx *Tx) Exec(ctx context.Context, query string, args ...any) (int64, error) {
	ctx, err := tx.usable(ctx)
	if err != nil {
		return 0, err
	}
	if err := tx.store.fault(); err != nil {
		return 0, tx.fail(err)
	}
	r, err := tx.tx.ExecContext(ctx, query, args...)
	if err != nil {
		return 0, tx.fail(err)
	}
	n, err := r.RowsAffected()
	if err != nil {
		return 0, tx.fail(err)
	}
	return n, nil
}

// Query runs a statement that returns rows; All collects them. The rows must
// be closed before the next statement of the transaction.
func (tx *Tx) Query(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	ctx, err := tx.usable(ctx)
	if err != nil {
		return nil, err
	}
	if err := tx.store.fault(); err != nil {
		return nil, tx.fail(err)
	}
	rows, err := tx.tx.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, tx.fail(err)
	}
	return rows, nil
}

// QueryRow runs a statement that returns one row; One scans it.
func (tx *Tx) QueryRow(ctx context.Context, query string, args ...any) *sql.Row {
	ctx, err := tx.usable(ctx)
	if err == nil {
		err = tx.store.fault()
	}
	if err != nil {
		// A row cannot be made from an error, but a cancelled query can.
		over, cancel := context.WithCancelCause(ctx)
		cancel(err)
		ctx = over
	}
	return tx.tx.QueryRowContext(ctx, query, args...)
}

// usable refuses to go on after a failure, and returns the context to use:
// cancelling a statement makes SQLite give up the whole transaction, which an
// Update may share with others, so there contexts count between statements.
func (tx *Tx) usable(ctx context.Context) (context.Context, error) {
	if tx.failed != nil {
		return ctx, tx.failed
	}
	if !tx.grouped {
		return ctx, nil
	}
	if err := ctx.Err(); err != nil {
		return ctx, err
	}
	return context.WithoutCancel(ctx), nil
}

func (tx *Tx) fail(err error) error {
	tx.failed = translate(err)
	return tx.failed
}

// One scans a single row; without a row it returns ErrNotFound.
//
//	err := store.One(tx.QueryRow(ctx, q, id), &name)
func One(row *sql.Row, dest ...any) error { return translate(row.Scan(dest...)) }

// All collects the rows of a query, in order, and closes them. Without rows
// it returns nil.
//
//	rows, err := tx.Query(ctx, q)
//	list, err := store.All(rows, err, scanThing)
func All[T any](rows *sql.Rows, err error, scan func(*sql.Rows) (T, error)) ([]T, error) {
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	var list []T
	for rows.Next() {
		v, err := scan(rows)
		if err != nil {
			return nil, translate(err)
		}
		list = append(list, v)
	}
	return list, translate(rows.Err())
}

// Text scans the rows of a query with a single text column, for All.
func Text(rows *sql.Rows) (s string, err error) {
	err = rows.Scan(&s)
	return s, err
}
