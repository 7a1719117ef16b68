package event_test

import (
	"testing"
	"time"

	"muster/internal/event"
	"muster/internal/store"
	"muster/internal/store/sinks"
	"muster/internal/store/storetest"
)

func TestOldEventsAreForgottenAndTheJobComesBack(t *testing.T) {
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		now := time.Now()
		s := event.New(event.Config{Store: st, Now: func() time.Time { return now }})
		err := st.Update(t.Context(), func(tx *store.Tx) error {
			for _, age := range []time.Duration{0, event.Keep - time.Second, event.Keep + time.Second, 10 * event.Keep} {
				e := store.Event{Account: "111122223333", Region: "us-east-1", Source: "aws.inspector2", DetailType: "Inspector2 Finding", Detail: []byte(`{}`), Time: now.Add(-age)}
				if err := tx.Emit(t.Context(), e); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		retain := func(want int) {
			t.Helper()
			if err := s.Jobs()[event.JobRetention](t.Context(), store.Job{}); err != nil {
				t.Fatal(err)
			}
			err = st.View(t.Context(), func(tx *store.Tx) error {
				left, err := tx.Events(t.Context(), "111122223333", "", 10)
				if len(left) != want {
					t.Errorf("%d events are left, want %d", len(left), want)
				}
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		// While a sink has yet to be given them, they stay.
		k := sinks.Sink{Account: "444455556666", ID: "sink-1", Name: "a", Kind: sinks.Webhook, CreatedAt: now.Add(-time.Hour)}
		update(t, st, func(tx *store.Tx) error { return sinks.Put(t.Context(), tx, &k) })
		retain(4)
		update(t, st, func(tx *store.Tx) error { return sinks.Delete(t.Context(), tx, k.Account, k.ID) })
		retain(2)
		err = st.View(t.Context(), func(tx *store.Tx) error {
			counts, err := tx.JobCounts(t.Context())
			if len(counts) != 1 || counts[0].Kind != event.JobRetention || counts[0].Waiting != 1 {
				t.Errorf("jobs %+v, want the next retention waiting", counts)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

func update(t *testing.T, st *store.Store, fn func(tx *store.Tx) error) {
	t.Helper()
	if err := st.Update(t.Context(), fn); err != nil {
		t.Fatal(err)
	}
}
