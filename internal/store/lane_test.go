package store_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"muster/internal/store"
	"muster/internal/store/storetest"
)

// TestLanesKeepOrder: in one lane one transaction runs at a time, on either
// engine, and nobody waits for one that has been given up.
func TestLanesKeepOrder(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		var running atomic.Int32
		var wg sync.WaitGroup
		for i := range 20 {
			wg.Go(func() {
				err := s.UpdateInLane(ctx, "test", func(tx *store.Tx) error {
					if running.Add(1) != 1 {
						t.Error("two at a time")
					}
					defer running.Add(-1)
					if i%5 == 4 {
						return errors.New("changed my mind")
					}
					return put(ctx, tx, s.NewID(), "")
				})
				if (err == nil) != (i%5 != 4) {
					t.Errorf("update %d: %v", i, err)
				}
			})
		}
		wg.Wait()
	})
}

func TestWaitingInALaneEndsWithTheContext(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		inside, leave := make(chan struct{}), make(chan struct{})
		done := make(chan error, 1)
		go func() {
			done <- s.UpdateInLane(t.Context(), "test", func(*store.Tx) error {
				close(inside)
				<-leave
				return nil
			})
		}()
		<-inside
		given, cancel := context.WithCancel(t.Context())
		cancel()
		if err := s.UpdateInLane(given, "test", func(*store.Tx) error { return nil }); !errors.Is(err, context.Canceled) {
			t.Errorf("waiting ended with %v", err)
		}
		close(leave)
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// TestProcessesTakeTurnsInTheCatalogLane: what both read and change, no
// transaction loses to one of another process, so none runs twice.
func TestProcessesTakeTurnsInTheCatalogLane(t *testing.T) {
	storetest.EachURL(t, func(t *testing.T, url string) {
		ctx := t.Context()
		one, other := storetest.Open(t, url, store.Options{}), storetest.Open(t, url, store.Options{})
		const each = 20
		var runs atomic.Int32
		var wg sync.WaitGroup
		for _, s := range []*store.Store{one, other} {
			for range each {
				wg.Go(func() {
					err := s.UpdateInLane(ctx, store.Catalog, func(tx *store.Tx) error {
						runs.Add(1)
						var n int
						if err := store.One(tx.QueryRow(ctx, `SELECT COUNT(*) FROM settings`), &n); err != nil {
							return err
						}
						return put(ctx, tx, fmt.Sprintf("%03d", n), "")
					})
					if err != nil {
						t.Error(err)
					}
				})
			}
		}
		wg.Wait()
		if n := runs.Load(); n != 2*each && one.Engine() == store.PostgreSQL {
			t.Errorf("%d transactions ran %d times", 2*each, n)
		}
		err := one.View(ctx, func(tx *store.Tx) error {
			var n int
			err := store.One(tx.QueryRow(ctx, `SELECT COUNT(*) FROM settings WHERE name LIKE '0%'`), &n)
			if n != 2*each {
				t.Errorf("%d rows of %d transactions", n, 2*each)
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
	})
}
