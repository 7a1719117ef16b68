package store_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"muster/internal/store"
	"muster/internal/store/storetest"
)

// The settings table, the simplest there is, stands for all tables here.

func put(ctx context.Context, tx *store.Tx, name, value string) error {
	_, err := tx.Exec(ctx, `INSERT INTO settings (name, value, updated_at) VALUES ($1, $2, 0)`, name, value)
	return err
}

func get(ctx context.Context, tx *store.Tx, name string) (value string, err error) {
	return value, store.One(tx.QueryRow(ctx, `SELECT value FROM settings WHERE name = $1`, name), &value)
}

func update(t *testing.T, s *store.Store, fn func(tx *store.Tx) error) {
	t.Helper()
	if err := s.Update(t.Context(), fn); err != nil {
		t.Fatal(err)
	}
}

// view reads one setting in a View of its own.
func view(t *testing.T, s *store.Store, name string) (v string, err error) {
	t.Helper()
	err = s.View(t.Context(), func(tx *store.Tx) (err error) {
		v, err = get(t.Context(), tx, name)
		return err
	})
	return v, err
}

// value is view where no setting counts as "".
func value(t *testing.T, s *store.Store, name string) string {
	t.Helper()
	v, err := view(t, s, name)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		t.Fatal(err)
	}
	return v
}

func TestUpdateCommitsOrLeavesNothing(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		boom := errors.New("boom")
		hooks := 0
		err := s.Update(ctx, func(tx *store.Tx) error {
			tx.AfterCommit(func() { hooks++ })
			if err := put(ctx, tx, "a", "1"); err != nil {
				return err
			}
			return boom
		})
		if !errors.Is(err, boom) {
			t.Fatalf("Update returned %v", err)
		}
		func() {
			defer func() {
				if recover() == nil {
					t.Error("the panic was swallowed")
				}
			}()
			_ = s.Update(ctx, func(tx *store.Tx) error {
				if err := put(ctx, tx, "a", "1"); err != nil {
					return err
				}
				panic(boom)
			})
		}()
		if v := value(t, s, "a"); v != "" || hooks != 0 {
			t.Errorf("left behind: %q, %d hooks", v, hooks)
		}
		update(t, s, func(tx *store.Tx) error {
			tx.AfterCommit(func() { hooks++ })
			return put(ctx, tx, "a", "2")
		})
		if v := value(t, s, "a"); v != "2" || hooks != 1 {
			t.Errorf("after a commit: %q, %d hooks", v, hooks)
		}
	})
}

func TestCancelledUpdateLeavesNothing(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx, cancel := context.WithCancel(t.Context())
		err := s.Update(ctx, func(tx *store.Tx) error {
			err := put(ctx, tx, "a", "1")
			cancel()
			return err
		})
		if !errors.Is(err, context.Canceled) {
			t.Errorf("Update returned %v", err)
		}
		if v := value(t, s, "a"); v != "" {
			t.Errorf("left behind %q", v)
		}
		update(t, s, func(tx *store.Tx) error { return put(t.Context(), tx, "b", "1") })
	})
}

func TestConcurrentIncrementsLoseNothing(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		update(t, s, func(tx *store.Tx) error { return put(ctx, tx, "n", "0") })
		const workers, each = 8, 10
		var wg sync.WaitGroup
		for range workers {
			wg.Go(func() {
				for range each {
					if err := s.Update(ctx, func(tx *store.Tx) error { return increment(ctx, tx) }); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		if v := value(t, s, "n"); v != fmt.Sprint(workers*each) {
			t.Errorf("counted %s, want %d", v, workers*each)
		}
	})
}

// increment reads and writes in two statements, so only isolation saves it.
func increment(ctx context.Context, tx *store.Tx) error {
	var n int64
	if err := store.One(tx.QueryRow(ctx, `SELECT CAST(value AS BIGINT) FROM settings WHERE name = 'n'`), &n); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `UPDATE settings SET value = $1 WHERE name = 'n'`, fmt.Sprint(n+1))
	return err
}

// TestWriteSkewIsPrevented: two doctors are on call; each may leave if the
// other stays. Snapshot isolation alone would let both go.
func TestWriteSkewIsPrevented(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		for round := range 10 {
			doctors := []string{fmt.Sprintf("doctor %d alice", round), fmt.Sprintf("doctor %d bob", round)}
			update(t, s, func(tx *store.Tx) error {
				return errors.Join(put(ctx, tx, doctors[0], "on call"), put(ctx, tx, doctors[1], "on call"))
			})
			var wg sync.WaitGroup
			for _, me := range doctors {
				wg.Go(func() {
					if err := s.Update(ctx, func(tx *store.Tx) error { return leave(ctx, tx, round, me) }); err != nil {
						t.Error(err)
					}
				})
			}
			wg.Wait()
			if a, b := value(t, s, doctors[0]), value(t, s, doctors[1]); a == b {
				t.Fatalf("round %d: both are %s", round, a)
			}
		}
	})
}

func leave(ctx context.Context, tx *store.Tx, round int, me string) error {
	var onCall int
	prefix := fmt.Sprintf("doctor %d ", round)
	err := store.One(tx.QueryRow(ctx, `SELECT COUNT(*) FROM settings WHERE name > $1 AND name < $2 AND value = 'on call'`, prefix, prefix+"~"), &onCall)
	if err != nil || onCall < 2 {
		return err
	}
	_, err = tx.Exec(ctx, `UPDATE settings SET value = 'gone' WHERE name = $1`, me)
	return err
}

func TestViewIsAReadOnlySnapshot(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		if err := s.View(ctx, func(tx *store.Tx) error { return put(ctx, tx, "a", "1") }); err == nil {
			t.Error("a View could write")
		}
		update(t, s, func(tx *store.Tx) error { return put(ctx, tx, "a", "1") })
		err := s.View(ctx, func(tx *store.Tx) error {
			before, err := get(ctx, tx, "a")
			if err != nil {
				return err
			}
			update(t, s, func(tx *store.Tx) error {
				_, err := tx.Exec(ctx, `UPDATE settings SET value = '2'`)
				return err
			})
			after, err := get(ctx, tx, "a")
			if before != "1" || after != "1" {
				t.Errorf("the snapshot changed from %s to %s", before, after)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		if v := value(t, s, "a"); v != "2" {
			t.Errorf("the next View sees %s", v)
		}
	})
}

func TestUniqueViolationIsErrConflictAndEndsTheTransaction(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		update(t, s, func(tx *store.Tx) error { return put(ctx, tx, "a", "1") })
		err := s.Update(ctx, func(tx *store.Tx) error {
			if err := put(ctx, tx, "b", "1"); err != nil {
				return err
			}
			if err := put(ctx, tx, "a", "2"); !errors.Is(err, store.ErrConflict) {
				t.Errorf("second insert: %v, want ErrConflict", err)
			}
			if err := put(ctx, tx, "c", "1"); err == nil {
				t.Error("the transaction went on after an error")
			}
			return nil // swallowed
		})
		if !errors.Is(err, store.ErrConflict) {
			t.Errorf("Update returned %v", err)
		}
		if v := value(t, s, "b"); v != "" {
			t.Errorf("the failed transaction left %q", v)
		}
		update(t, s, func(tx *store.Tx) error { // the same through QueryRow
			var name string
			row := tx.QueryRow(ctx, `INSERT INTO settings (name, value, updated_at) VALUES ('z', '', 0) RETURNING name`)
			return store.One(row, &name)
		})
		err = s.Update(ctx, func(tx *store.Tx) error {
			var name string
			return store.One(tx.QueryRow(ctx, `INSERT INTO settings (name, value, updated_at) VALUES ('z', '', 0) RETURNING name`), &name)
		})
		if !errors.Is(err, store.ErrConflict) {
			t.Errorf("INSERT … RETURNING: %v", err)
		}
	})
}

// TestTextIsOrderedByBytes on both engines, also where the database has the
// locale of a language: paging and merging rely on it.
func TestTextIsOrderedByBytes(t *testing.T) {
	check := func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		update(t, s, func(tx *store.Tx) error {
			for _, name := range []string{"b", "B", "a", "ä", "_", "A", "a b", "a-b", "10", "9"} {
				if err := put(ctx, tx, name, ""); err != nil {
					return err
				}
			}
			return nil
		})
		var names []string
		err := s.View(ctx, func(tx *store.Tx) (err error) {
			rows, err := tx.Query(ctx, `SELECT name FROM settings WHERE name > '1' ORDER BY name`)
			names, err = store.All(rows, err, store.Text)
			return err
		})
		if got, want := strings.Join(names, "|"), "10|9|A|B|_|a|a b|a-b|b|ä"; got != want || err != nil {
			t.Errorf("order %s, %v; want %s", got, err, want)
		}
	}
	storetest.Each(t, check)
	t.Run("postgres in English", func(t *testing.T) {
		url := storetest.EmptyPostgres(t, "LOCALE_PROVIDER icu ICU_LOCALE 'en-US' LOCALE 'C.UTF-8'")
		check(t, storetest.Open(t, url, store.Options{}))
	})
}
