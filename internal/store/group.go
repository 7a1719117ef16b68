package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// On SQLite the cost of an Update is that of making it durable: one or a few
// milliseconds, in which no other can run. Updates that wait meanwhile
// therefore share the next commit: one goroutine, the writer, begins a
// transaction, lets them run in it one after the other, each within a
// savepoint, and commits for all of them. To each it looks as if it had run
// alone; none is acknowledged before the commit.

// groupSize and groupTime bound how many Updates share a commit and for how
// long new ones are let in.
const (
	groupSize = 64
	groupTime = 10 * time.Millisecond
)

// errRegroup means that an Update had no effect because the commit it was to
// share failed; it runs again, alone.
var errRegroup = errors.New("store: shared commit failed")

// errAborted stands for a function that ended by panic or Goexit.
var errAborted = errors.New("store: update function did not return")

var errClosed = errors.New("store: closed")

// turn is one Update that waits for the writer. Its function runs in the
// goroutine of the caller; the channels hand the transaction there and back.
// They have room for one value, so that no side waits for one that is gone.
type turn struct {
	// alone keeps others out of the commit.
	alone bool
	// granted gives the transaction, or why there is none.
	granted chan grant
	// finished is how the function ended.
	finished chan error
	// settled is how the commit ended.
	settled chan error
}

type grant struct {
	tx  *sql.Tx
	err error
}

// updateGrouped is one attempt of Update on SQLite.
func (s *Store) updateGrouped(ctx context.Context, fn func(*Tx) error, alone bool) error {
	t := &turn{alone: alone, granted: make(chan grant, 1), finished: make(chan error, 1), settled: make(chan error, 1)}
	select {
	case s.turns <- t:
	case <-ctx.Done():
		return fmt.Errorf("store: begin: %w", ctx.Err())
	case <-s.closed:
		return errClosed
	}
	g := <-t.granted
	if g.err != nil {
		return fmt.Errorf("store: begin: %w", translate(g.err))
	}
	tx := &Tx{tx: g.tx, store: s, grouped: true}
	err := t.run(ctx, tx, fn)
	if settled := <-t.settled; err == nil {
		err = settled
	}
	if err == nil {
		tx.committed()
	}
	return err
}

func (t *turn) run(ctx context.Context, tx *Tx, fn func(*Tx) error) (err error) {
	err = errAborted
	defer func() { t.finished <- err }()
	err = fn(tx)
	if err == nil {
		err = tx.failed
	}
	if err == nil {
		err = cmp.Or(ctx.Err(), tx.store.fault())
	}
	return err
}

// writeGroups is the writer; it ends when the store closes.
func (s *Store) writeGroups() {
	var next *turn
	for {
		if next == nil {
			select {
			case next = <-s.turns:
			case <-s.closed:
				return
			}
		}
		next = s.writeGroup(next)
	}
}

// writeGroup runs the turn, and those that wait, in one transaction. It
// returns a turn that it took and that wants to be alone.
func (s *Store) writeGroup(first *turn) (next *turn) {
	tx, err := s.write.BeginTx(context.Background(), nil)
	if err != nil {
		first.granted <- grant{err: err}
		return nil
	}
	begun := time.Now()
	first.granted <- grant{tx: tx}
	if <-first.finished != nil {
		// Nobody else is in yet, so the first needs no savepoint.
		first.settled <- tx.Rollback()
		return nil
	}
	members := []*turn{first}
	for !first.alone && len(members) < groupSize && time.Since(begun) < groupTime {
		if next = s.waiting(); next == nil || next.alone {
			break
		}
		joined, err := join(tx, next)
		if joined {
			members = append(members, next)
		}
		next = nil
		if err != nil {
			// SQLite has given the whole transaction up.
			_ = tx.Rollback()
			settle(members, errRegroup)
			return nil
		}
	}
	settle(members, commitGroup(tx, len(members)))
	return next
}

// waiting takes a turn if one waits now.
func (s *Store) waiting() *turn {
	select {
	case t := <-s.turns:
		return t
	default:
		return nil
	}
}

// join runs a further turn within a savepoint. Unless it joined, it is
// settled; err means that the savepoint is lost, and with it everything.
func join(tx *sql.Tx, t *turn) (joined bool, err error) {
	ctx := context.Background()
	if _, err := tx.ExecContext(ctx, `SAVEPOINT member`); err != nil {
		t.granted <- grant{err: errRegroup}
		return false, err
	}
	t.granted <- grant{tx: tx}
	failed := <-t.finished
	if failed != nil {
		_, err = tx.ExecContext(ctx, `ROLLBACK TO member`)
	}
	if err == nil {
		_, err = tx.ExecContext(ctx, `RELEASE member`)
	}
	if failed != nil {
		t.settled <- nil
	}
	return failed == nil, err
}

// commitGroup commits for the members. Where one of several may be the reason
// for a failure, each is to try alone.
func commitGroup(tx *sql.Tx, members int) error {
	err := tx.Commit()
	if err == nil {
		return nil
	}
	if members > 1 {
		return errRegroup
	}
	return fmt.Errorf("store: commit: %w", translate(err))
}

func settle(members []*turn, err error) {
	for _, t := range members {
		t.settled <- err
	}
}
