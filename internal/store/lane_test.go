package store_test

import (
	"context"
	"errors"
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
