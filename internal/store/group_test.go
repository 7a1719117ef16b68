package store_test

import (
	"errors"
	"fmt"
	"runtime"
	"sync"
	"testing"

	"muster/internal/store"
	"muster/internal/store/storetest"
)

// TestNeighboursDoNotDisturb: of many Updates at once, those that return an
// error, panic or end their goroutine leave nothing, and all others succeed.
func TestNeighboursDoNotDisturb(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		update(t, s, func(tx *store.Tx) error { return put(ctx, tx, "taken", "") })
		ends := []func(tx *store.Tx) error{
			func(*store.Tx) error { return nil },
			func(*store.Tx) error { return errors.New("changed my mind") },
			func(tx *store.Tx) error { return put(ctx, tx, "taken", "") },
			func(tx *store.Tx) error { _ = put(ctx, tx, "taken", ""); return nil },
			func(*store.Tx) error { panic("boom") },
			func(*store.Tx) error { runtime.Goexit(); return nil },
		}
		var wg sync.WaitGroup
		for i := range 60 {
			wg.Go(func() {
				defer func() { _ = recover() }()
				end := i % len(ends)
				err := s.Update(ctx, func(tx *store.Tx) error {
					if err := put(ctx, tx, fmt.Sprint("row ", i), ""); err != nil {
						return err
					}
					return ends[end](tx)
				})
				if (err == nil) != (end == 0) {
					t.Errorf("end %d: %v", end, err)
				}
			})
		}
		wg.Wait()
		for i := range 60 {
			_, err := view(t, s, fmt.Sprint("row ", i))
			if there := err == nil; there != (i%len(ends) == 0) {
				t.Errorf("row %d with end %d is there: %v", i, i%len(ends), there)
			}
		}
	})
}

// TestFailureAtCommitIsItsOwn: a deferred constraint fails only when
// everything is committed, and must fail for the one who broke it.
func TestFailureAtCommitIsItsOwn(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		update(t, s, func(tx *store.Tx) error {
			for _, q := range []string{
				`CREATE TABLE parents (id BIGINT PRIMARY KEY)`,
				`CREATE TABLE children (id BIGINT PRIMARY KEY, parent BIGINT REFERENCES parents (id) DEFERRABLE INITIALLY DEFERRED)`,
				`INSERT INTO parents (id) VALUES (0)`,
			} {
				if _, err := tx.Exec(ctx, q); err != nil {
					return err
				}
			}
			return nil
		})
		var wg sync.WaitGroup
		for i := range 40 {
			wg.Go(func() {
				orphan := i%10 == 7
				err := s.Update(ctx, func(tx *store.Tx) error {
					parent := 0
					if orphan {
						parent = 99
					}
					_, err := tx.Exec(ctx, `INSERT INTO children (id, parent) VALUES ($1, $2)`, i, parent)
					return err
				})
				if (err != nil) != orphan {
					t.Errorf("child %d: %v", i, err)
				}
			})
		}
		wg.Wait()
		var n int
		err := s.View(ctx, func(tx *store.Tx) error {
			return store.One(tx.QueryRow(ctx, `SELECT COUNT(*) FROM children`), &n)
		})
		if n != 36 || err != nil {
			t.Errorf("%d children, %v; want 36", n, err)
		}
	})
}

func TestClosedStoreRefuses(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		for range 2 {
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		}
		if err := s.Update(t.Context(), func(*store.Tx) error { return nil }); err == nil {
			t.Error("updated a closed store")
		}
	})
}

func BenchmarkUpdateTogether(b *testing.B) {
	for _, url := range benchmarkURLs(b) {
		s := storetest.Open(b, url, store.Options{})
		b.Run(string(s.Engine()), func(b *testing.B) {
			b.SetParallelism(16)
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if err := s.Update(b.Context(), func(tx *store.Tx) error { return put(b.Context(), tx, s.NewID(), "x") }); err != nil {
						b.Error(err)
						return
					}
				}
			})
		})
	}
}
