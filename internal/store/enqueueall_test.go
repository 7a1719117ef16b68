package store_test

import (
	"fmt"
	"testing"
	"time"

	"muster/internal/store"
	"muster/internal/store/storetest"
)

// TestEnqueueAllIsEnqueueManyTimes: what is asked for at once is claimed like
// what is asked for one by one, and a job that waits is not doubled.
func TestEnqueueAllIsEnqueueManyTimes(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		var jobs []store.Job
		for i := range 700 {
			jobs = append(jobs, store.Job{Kind: "kind", Key: fmt.Sprint(i), Account: "a", Region: "r", Payload: []byte{1, 2}})
		}
		for range 2 {
			if err := s.Update(ctx, func(tx *store.Tx) error { return tx.EnqueueAll(ctx, jobs) }); err != nil {
				t.Fatal(err)
			}
		}
		claimed, err := s.Claim(ctx, "kind", 1000, time.Minute)
		if err != nil || len(claimed) != len(jobs) || string(claimed[0].Payload) != "\x01\x02" || claimed[0].Account != "a" {
			t.Fatalf("claimed %d jobs, %v", len(claimed), err)
		}
		// Asked for again while it runs, a job runs once more.
		err = s.Update(ctx, func(tx *store.Tx) error { return tx.EnqueueAll(ctx, jobs[:1]) })
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Complete(ctx, claimed...); err != nil {
			t.Fatal(err)
		}
		again, err := s.Claim(ctx, "kind", 1000, time.Minute)
		if err != nil || len(again) != 1 || again[0].Key != "0" {
			t.Fatalf("claimed %v again, %v", again, err)
		}
	})
}
