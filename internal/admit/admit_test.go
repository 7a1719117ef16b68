package admit_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"muster/internal/admit"

	"pgregory.net/rapid"
)

// enter has a request wait in the background and tells how it ended.
func enter(ctx context.Context, g *admit.Gate, tenant string) <-chan error {
	done := make(chan error, 1)
	go func() {
		_, err := g.Enter(ctx, tenant)
		done <- err
	}()
	synctest.Wait()
	return done
}

// TestTenantsTakeTurns has a flood of one tenant and one request of another:
// the second of those let in is the other's, however many came before it.
func TestTenantsTakeTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := admit.New(admit.Limits{Inside: 1, Waiting: 1000, Patience: time.Hour})
		leave, err := g.Enter(t.Context(), "busy")
		if err != nil {
			t.Fatal(err)
		}
		var mu sync.Mutex
		var order []string
		come := func(tenant, name string) {
			go func() {
				leave, err := g.Enter(t.Context(), tenant)
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				order = append(order, name)
				mu.Unlock()
				leave()
			}()
			synctest.Wait()
		}
		for i := range 3 {
			come("busy", fmt.Sprint("busy", i))
		}
		come("quiet", "quiet0")
		leave()
		synctest.Wait()
		if got := fmt.Sprint(order); got != "[busy0 quiet0 busy1 busy2]" {
			t.Error(got)
		}
	})
}

// TestFloodsDisplaceThemselves fills the waiting room and then lets another
// tenant come: the flood loses its newest.
func TestFloodsDisplaceThemselves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := admit.New(admit.Limits{Inside: 1, Waiting: 2, Patience: time.Minute})
		leave, err := g.Enter(t.Context(), "busy")
		if err != nil {
			t.Fatal(err)
		}
		first, second := enter(t.Context(), g, "busy"), enter(t.Context(), g, "busy")
		if third := enter(t.Context(), g, "busy"); !errors.Is(<-third, admit.ErrFull) {
			t.Error("the third of the flood waits")
		}
		quiet := enter(t.Context(), g, "quiet")
		if !errors.Is(<-second, admit.ErrFull) {
			t.Error("the flood's newest did not make room")
		}
		leave()
		synctest.Wait()
		if err := <-first; err != nil {
			t.Error(err)
		}
		time.Sleep(time.Minute)
		if !errors.Is(<-quiet, admit.ErrFull) {
			t.Error("nobody left, and still it was let in")
		}
		if waiting, inside := g.Waiting(); waiting != 0 || inside != 1 {
			t.Errorf("%d wait, %d are inside", waiting, inside)
		}
	})
}

// TestNobodyIsLost plays random arrivals, departures and cancellations: never
// more inside or waiting than allowed, every request ends, all places come back.
func TestNobodyIsLost(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		limits := admit.Limits{Inside: rapid.IntRange(1, 4).Draw(t, "inside"), Waiting: rapid.IntRange(0, 6).Draw(t, "waiting"), Patience: time.Millisecond}
		g := admit.New(limits)
		var all sync.WaitGroup
		for range rapid.IntRange(1, 60).Draw(t, "requests") {
			tenant := rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "tenant")
			limit := time.Duration(rapid.IntRange(0, 2000).Draw(t, "microseconds")) * time.Microsecond
			all.Go(func() {
				ctx, cancel := context.WithTimeout(context.Background(), limit)
				defer cancel()
				leave, err := g.Enter(ctx, tenant)
				if waiting, inside := g.Waiting(); inside > limits.Inside || waiting > limits.Waiting {
					t.Errorf("%d inside, %d waiting with limits %+v", inside, waiting, limits)
				}
				if err == nil {
					leave()
				}
			})
		}
		all.Wait()
		if waiting, inside := g.Waiting(); waiting != 0 || inside != 0 {
			t.Errorf("%d wait, %d are inside at the end", waiting, inside)
		}
	})
}
