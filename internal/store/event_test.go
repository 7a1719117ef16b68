package store_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"muster/internal/store"
	"muster/internal/store/storetest"
)

func emit(t *testing.T, s *store.Store, account string, n int) {
	t.Helper()
	update(t, s, func(tx *store.Tx) error {
		for i := range n {
			err := tx.Emit(t.Context(), store.Event{
				Account: account, Region: "us-east-1", Source: "aws.inspector2", DetailType: "Inspector2 Finding",
				Resources: []string{"arn:aws:x"}, Detail: fmt.Appendf(nil, `{"n":%d}`, i), Time: time.Unix(int64(i), 0),
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
}

func details(events []store.Event) (list []string) {
	for _, e := range events {
		list = append(list, e.Account+string(e.Detail))
	}
	return list
}

func TestEventsArePassedOnOnceInOrder(t *testing.T) {
	eachWithClock(t, func(t *testing.T, s *store.Store, c *clock) {
		ctx := t.Context()
		emit(t, s, "1", 2)
		emit(t, s, "2", 1)
		pending := func(after string, limit int) (list []store.Event) {
			t.Helper()
			err := s.View(ctx, func(tx *store.Tx) (err error) { list, err = tx.PendingEvents(ctx, after, limit); return err })
			if err != nil {
				t.Fatal(err)
			}
			return list
		}
		first := pending("", 2)
		if got, want := details(first), []string{`1{"n":0}`, `1{"n":1}`}; !slices.Equal(got, want) {
			t.Fatalf("pending %v, want %v", got, want)
		}
		e := first[1]
		if e.Region != "us-east-1" || e.Source != "aws.inspector2" || e.DetailType != "Inspector2 Finding" ||
			!slices.Equal(e.Resources, []string{"arn:aws:x"}) || !e.Time.Equal(time.Unix(1, 0)) {
			t.Errorf("pending %+v", e)
		}
		all := pending("", 9)
		if got := pending(all[2].ID, 9); got != nil {
			t.Errorf("after the last one: %v", details(got))
		}
		for round, want := range []int{2, 1, 0} { // Two that pass on the same events share them.
			update(t, s, func(tx *store.Tx) error {
				fresh, err := tx.Dispatch(ctx, all[:2+min(round, 1)])
				if len(fresh) != want {
					t.Errorf("round %d passed on %d events, want %d", round, len(fresh), want)
				}
				return err
			})
		}
		if got := pending("", 9); got != nil {
			t.Errorf("passed on, yet pending %v", details(got))
		}
		c.advance(time.Hour)
		if store.FirstID(c.now()) <= all[2].ID || store.FirstID(all[2].Time) > all[2].ID {
			t.Error("FirstID does not part ids by time")
		}
	})
}

func TestEventsOfAnAccount(t *testing.T) {
	eachWithClock(t, func(t *testing.T, s *store.Store, c *clock) {
		ctx := t.Context()
		emit(t, s, "1", 5)
		emit(t, s, "2", 1)
		var got []string
		after := ""
		for range 3 {
			err := s.View(ctx, func(tx *store.Tx) error {
				page, err := tx.Events(ctx, "1", after, 2)
				got = append(got, details(page)...)
				if len(page) > 0 {
					after = page[len(page)-1].ID
				}
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		if want := []string{`1{"n":0}`, `1{"n":1}`, `1{"n":2}`, `1{"n":3}`, `1{"n":4}`}; !slices.Equal(got, want) {
			t.Errorf("listed %v", got)
		}
		update(t, s, func(tx *store.Tx) error {
			events, err := tx.PendingEvents(ctx, "", 3)
			if err == nil {
				_, err = tx.Dispatch(ctx, events)
			}
			return err
		})
		expire := func(below string, want int64) {
			t.Helper()
			update(t, s, func(tx *store.Tx) error {
				n, err := tx.ExpireEvents(ctx, time.Unix(4, 0), below, 9)
				if n != want {
					t.Errorf("removed %d events, want %d", n, want)
				}
				return err
			})
		}
		expire("", 3)  // those that are dispatched
		expire("g", 2) // and those of an account nobody listens to, but the young one
	})
}

func TestEventDetailIsJSON(t *testing.T) {
	eachWithClock(t, func(t *testing.T, s *store.Store, _ *clock) {
		err := s.Update(t.Context(), func(tx *store.Tx) error {
			return tx.Emit(t.Context(), store.Event{Account: "1", Detail: []byte(`{`)})
		})
		if err == nil {
			t.Error("emitted something that is not JSON")
		}
	})
}

// TestIDsRiseOverAClockSetBack: events are passed on in the order of their
// ids, also when the process that wrote the later ones has an earlier clock.
func TestIDsRiseOverAClockSetBack(t *testing.T) {
	storetest.EachURL(t, func(t *testing.T, url string) {
		c := &clock{}
		c.advance(time.Hour)
		emit(t, storetest.Open(t, url, store.Options{Now: c.now}), "1", 1)
		c.advance(-time.Minute)
		s := storetest.Open(t, url, store.Options{Now: c.now})
		emit(t, s, "2", 1)
		err := s.View(t.Context(), func(tx *store.Tx) error {
			list, err := tx.PendingEvents(t.Context(), "", 9)
			if got := details(list); !slices.Equal(got, []string{`1{"n":0}`, `2{"n":0}`}) {
				t.Errorf("pending %v", got)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

// TestOrderedEventsFollowTheirTimes, and not the clock of who writes them; but
// for those of a clock that was set back, which come after what is there.
func TestOrderedEventsFollowTheirTimes(t *testing.T) {
	now := time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
	s := storetest.Open(t, storetest.SQLite(t), store.Options{Now: func() time.Time { return now }})
	var got []string
	err := s.Update(t.Context(), func(tx *store.Tx) error {
		for _, e := range []store.Event{
			{DetailType: "later", Time: now.Add(50 * time.Millisecond), Ordered: true},
			{DetailType: "any", Time: now},
			{DetailType: "sooner", Time: now.Add(10 * time.Millisecond), Ordered: true},
			{DetailType: "set back", Time: now.Add(-time.Hour), Ordered: true},
		} {
			e.Account, e.Detail = "111111111111", []byte("{}")
			if err := tx.Emit(t.Context(), e); err != nil {
				return err
			}
		}
		list, err := tx.Events(t.Context(), "111111111111", "", 10)
		for _, e := range list {
			got = append(got, e.DetailType)
		}
		return err
	})
	if want := []string{"any", "set back", "sooner", "later"}; err != nil || !slices.Equal(got, want) {
		t.Errorf("%v, %v; want %v", err, got, want)
	}
}
