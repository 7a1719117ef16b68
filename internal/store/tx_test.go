package store_test

import (
	"context"
	"errors"
	"sync"
	"testing"

	"muster/internal/store"
	"muster/internal/store/storetest"
)

func put(ctx context.Context, tx *store.Tx, name, value string) error {
	_, err := tx.Exec(ctx, `INSERT INTO settings (name, value, updated_at) VALUES ($1, $2, 0)`, name, value)
	return err
}

func get(t *testing.T, s *store.Store, name string) (value string, err error) {
	t.Helper()
	err = s.View(t.Context(), func(tx *store.Tx) error {
		return store.One(tx.QueryRow(t.Context(), `SELECT value FROM settings WHERE name = $1`, name), &value)
	})
	return value, err
}

func TestUpdateCommitsOrLeavesNothing(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		boom := errors.New("boom")
		err := s.Update(ctx, func(tx *store.Tx) error {
			if err := put(ctx, tx, "a", "1"); err != nil {
				return err
			}
			return boom
		})
		if !errors.Is(err, boom) {
			t.Fatalf("Update returned %v", err)
		}
		if _, err := get(t, s, "a"); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("after a rollback: %v, want ErrNotFound", err)
		}
		if err := s.Update(ctx, func(tx *store.Tx) error { return put(ctx, tx, "a", "2") }); err != nil {
			t.Fatal(err)
		}
		if v, err := get(t, s, "a"); v != "2" || err != nil {
			t.Errorf("after a commit: %q, %v", v, err)
		}
	})
}

func TestConcurrentIncrementsLoseNothing(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		if err := s.Update(ctx, func(tx *store.Tx) error { return put(ctx, tx, "n", "0") }); err != nil {
			t.Fatal(err)
		}
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
		if v, err := get(t, s, "n"); v != "80" || err != nil {
			t.Errorf("counted %s, %v; want %d", v, err, workers*each)
		}
	})
}

// increment reads and writes in two statements, so only isolation saves it.
func increment(ctx context.Context, tx *store.Tx) error {
	var n int64
	if err := store.One(tx.QueryRow(ctx, `SELECT CAST(value AS BIGINT) FROM settings WHERE name = 'n'`), &n); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `UPDATE settings SET updated_at = $1, value = CAST(CAST($1 AS BIGINT) AS TEXT) WHERE name = 'n'`, n+1)
	return err
}
