package store_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"muster/internal/store"
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

func TestEventsAreDeliveredAtLeastOnceInOrder(t *testing.T) {
	eachWithClock(t, func(t *testing.T, s *store.Store, c *clock) {
		ctx := t.Context()
		emit(t, s, "1", 3)
		claimEvents := func(limit int) []store.Event {
			t.Helper()
			events, err := s.ClaimEvents(ctx, limit, time.Minute)
			if err != nil {
				t.Fatal(err)
			}
			return events
		}
		first := claimEvents(2)
		if got, want := details(first), []string{`1{"n":0}`, `1{"n":1}`}; !slices.Equal(got, want) {
			t.Fatalf("claimed %v, want %v", got, want)
		}
		e := first[1]
		if e.Region != "us-east-1" || e.Source != "aws.inspector2" || e.DetailType != "Inspector2 Finding" ||
			!slices.Equal(e.Resources, []string{"arn:aws:x"}) || !e.Time.Equal(time.Unix(1, 0)) || e.Attempts != 1 {
			t.Errorf("claimed %+v", e)
		}
		if err := s.EventsDelivered(ctx, first[0]); err != nil {
			t.Fatal(err)
		}
		if err := s.EventsFailed(ctx, c.now().Add(time.Second), first[1]); err != nil {
			t.Fatal(err)
		}
		if got := details(claimEvents(9)); !slices.Equal(got, []string{`1{"n":2}`}) {
			t.Errorf("then claimed %v", got)
		}
		c.advance(2 * time.Minute)
		last := claimEvents(9)
		if got := details(last); !slices.Equal(got, []string{`1{"n":1}`, `1{"n":2}`}) {
			t.Errorf("after leases and pauses: %v", got)
		}
		if err := s.EventsDelivered(ctx, last...); err != nil {
			t.Fatal(err)
		}
		c.advance(time.Hour)
		if got := claimEvents(9); got != nil {
			t.Errorf("delivered, yet claimed %v", details(got))
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
		events, err := s.ClaimEvents(ctx, 3, time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.EventsDelivered(ctx, events...); err != nil {
			t.Fatal(err)
		}
		update(t, s, func(tx *store.Tx) error {
			n, err := tx.DeleteEvents(ctx, time.Unix(2, 0), 9)
			if n != 2 {
				t.Errorf("deleted %d events, want the two that are delivered and older", n)
			}
			return err
		})
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
