package store_test

import (
	"errors"
	"sync"
	"testing"

	"muster/internal/store"
	"muster/internal/store/storetest"
)

// TestLookThenInsertTakesTurns lets callers look for a key, wait until all
// have found it free, and insert it. One inserts; the others see that.
func TestLookThenInsertTakesTurns(t *testing.T) {
	const callers = 4
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		var looked, ended sync.WaitGroup
		looked.Add(callers)
		var inserted, found int
		var mu sync.Mutex
		for range callers {
			ended.Go(func() {
				first, there := true, false
				err := s.Update(ctx, func(tx *store.Tx) error {
					_, err := get(ctx, tx, "key")
					there = err == nil
					if first && tx.Engine() == store.PostgreSQL {
						// On SQLite the callers are one after the other.
						first = false
						looked.Done()
						looked.Wait()
					}
					if !errors.Is(err, store.ErrNotFound) {
						return err
					}
					return put(ctx, tx, "key", "x")
				})
				if err != nil {
					t.Error(err)
				}
				mu.Lock()
				defer mu.Unlock()
				if there {
					found++
				} else {
					inserted++
				}
			})
		}
		ended.Wait()
		if inserted != 1 || found != callers-1 {
			t.Errorf("%d inserted, %d found the key", inserted, found)
		}
	})
}

// TestTakenKeyIsAConflict: what fn makes of a conflict that stays is what the
// caller gets, in words of its own or not, and nothing else is left.
func TestTakenKeyIsAConflict(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		update(t, s, func(tx *store.Tx) error { return put(ctx, tx, "key", "x") })
		errTaken := errors.New("taken")
		for _, want := range []error{store.ErrConflict, errTaken} {
			runs := 0
			err := s.Update(ctx, func(tx *store.Tx) error {
				runs++
				if err := put(ctx, tx, "other", "y"); err != nil {
					return err
				}
				err := put(ctx, tx, "key", "y")
				if want == errTaken && errors.Is(err, store.ErrConflict) {
					return errTaken
				}
				return err
			})
			if !errors.Is(err, want) {
				t.Errorf("%v, want %v", err, want)
			}
			if runs > 3 {
				t.Errorf("%d runs for a key that stays taken", runs)
			}
		}
		if v := value(t, s, "other") + value(t, s, "key"); v != "x" {
			t.Errorf("left behind %q", v)
		}
	})
}

// TestOvertakenInsertRunsAgain: another transaction, which did not look, takes
// the key between a look and the insert. PostgreSQL calls that a unique
// violation and no failure to serialize.
func TestOvertakenInsertRunsAgain(t *testing.T) {
	s := storetest.Open(t, storetest.Postgres(t), store.Options{})
	ctx := t.Context()
	runs, found := 0, ""
	update(t, s, func(tx *store.Tx) (err error) {
		runs++
		found, err = get(ctx, tx, "key")
		if runs == 1 {
			update(t, s, func(other *store.Tx) error { return put(ctx, other, "key", "other") })
		}
		if errors.Is(err, store.ErrNotFound) {
			err = put(ctx, tx, "key", "mine")
		}
		return err
	})
	if runs != 2 || found != "other" {
		t.Errorf("found %q in run %d", found, runs)
	}
}
