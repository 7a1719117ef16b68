package feeds_test

import (
	"errors"
	"testing"
	"time"

	"muster/internal/store"
	"muster/internal/store/feeds"
	"muster/internal/store/storetest"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func TestAdvance(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		advance := func(before, number int64) error {
			return s.Update(t.Context(), func(tx *store.Tx) error {
				return feeds.Advance(t.Context(), tx, before, feeds.Generation{Number: number, CreatedAt: noon, Origin: "here"})
			})
		}
		if err := advance(0, 1); err != nil {
			t.Fatal(err)
		}
		if err := advance(0, 2); !errors.Is(err, store.ErrConflict) {
			t.Errorf("from a generation that is not in service: %v", err)
		}
		if err := advance(1, 2); err != nil {
			t.Fatal(err)
		}
		err := s.View(t.Context(), func(tx *store.Tx) error {
			n, err := feeds.Current(t.Context(), tx)
			if n != 2 || err != nil {
				t.Errorf("current is %d, %v", n, err)
			}
			list, err := feeds.Generations(t.Context(), tx, 1)
			if len(list) != 1 || list[0].Number != 2 || !list[0].CreatedAt.Equal(noon) || list[0].Origin != "here" {
				t.Errorf("generations: %+v", list)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

func TestSourcesRoundTrip(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		want := feeds.Source{
			Name: "osv/Debian", Hash: "aa", Records: 43835, Generation: 3, PublishedAt: noon.Add(-time.Hour), ImportedAt: noon,
			Status: feeds.StatusRejected, Reason: "it has shrunk", CheckedAt: noon.Add(time.Hour), FailingSince: noon,
			URL: "https://example.com", ETag: `"x"`, LastModified: "now",
		}
		put := func(source feeds.Source) {
			err := s.Update(t.Context(), func(tx *store.Tx) error { return feeds.PutSource(t.Context(), tx, source) })
			if err != nil {
				t.Fatal(err)
			}
		}
		put(feeds.Source{Name: "kev.json", Status: feeds.StatusAbsent})
		put(feeds.Source{Name: "osv/Debian"})
		put(want)
		err := s.View(t.Context(), func(tx *store.Tx) error {
			list, err := feeds.Sources(t.Context(), tx)
			if len(list) != 2 || list[0].Name != "kev.json" || !list[0].ImportedAt.IsZero() || list[1] != want {
				t.Errorf("got %+v", list)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}
