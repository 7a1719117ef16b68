package event_test

import (
	"testing"
	"time"

	"muster/internal/event"
	"muster/internal/store"
	"muster/internal/store/storetest"
)

// TestALeapOfTheClockDeletesNothing: a clock that jumps by a year makes all
// events old; they stay until it is believed.
func TestALeapOfTheClockDeletesNothing(t *testing.T) {
	storetest.EachURL(t, func(t *testing.T, url string) {
		now := time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
		clock := func() time.Time { return now }
		s := storetest.Open(t, url, store.Options{Now: clock})
		retain := event.New(event.Config{Store: s, Now: clock}).Jobs()[event.JobRetention]
		left := func() int {
			list, err := store.Read(t.Context(), s, func(tx *store.Tx) ([]store.Event, error) { return tx.Events(t.Context(), "111111111111", "", 10) })
			if err != nil {
				t.Fatal(err)
			}
			return len(list)
		}
		do := func(err error) {
			if err != nil {
				t.Fatal(err)
			}
		}
		do(s.CheckClock(t.Context()))
		do(s.Update(t.Context(), func(tx *store.Tx) error {
			return tx.Emit(t.Context(), store.Event{Account: "111111111111", Detail: []byte("{}"), Time: now})
		}))
		now = now.AddDate(1, 0, 0)
		do(s.CheckClock(t.Context()))
		do(retain(t.Context(), store.Job{}))
		if left() != 1 {
			t.Error("the leap deleted an event")
		}
		// Whoever has no reason to doubt does delete it.
		retain = event.New(event.Config{Store: storetest.Open(t, url, store.Options{Now: clock}), Now: clock}).Jobs()[event.JobRetention]
		do(retain(t.Context(), store.Job{}))
		if left() != 0 {
			t.Error("an old event stays")
		}
	})
}
