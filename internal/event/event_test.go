package event

import (
	"testing"
	"time"

	"muster/internal/store"
	"muster/internal/store/storetest"
)

func TestOldEventsAreForgottenAndTheJobComesBack(t *testing.T) {
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		now := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
		s := New(st, func() time.Time { return now })
		err := st.Update(t.Context(), func(tx *store.Tx) error {
			for _, age := range []time.Duration{0, Keep - time.Second, Keep + time.Second, 10 * Keep} {
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
		if err := s.retain(t.Context(), store.Job{}); err != nil {
			t.Fatal(err)
		}
		err = st.View(t.Context(), func(tx *store.Tx) error {
			left, err := tx.Events(t.Context(), "111122223333", "", 10)
			if len(left) != 2 {
				t.Errorf("%d events are left, want the two that are young enough", len(left))
			}
			counts, err2 := tx.JobCounts(t.Context())
			if err2 != nil {
				return err2
			}
			if len(counts) != 1 || counts[0].Kind != JobRetention || counts[0].Waiting != 1 {
				t.Errorf("jobs %+v, want the next retention waiting", counts)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}
