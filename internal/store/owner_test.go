package store_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"muster/internal/store"
	"muster/internal/store/storetest"
)

// claimOne claims one job of the kind, or none.
func claimOne(t *testing.T, s *store.Store, kind string) []store.Job {
	t.Helper()
	jobs, err := s.Claim(t.Context(), kind, 1, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	return jobs
}

func own(t *testing.T, s *store.Store) (release func() error) {
	t.Helper()
	release, err := s.Own(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return release
}

func TestOneServerOwnsAnEmbeddedStore(t *testing.T) {
	url := storetest.SQLite(t)
	first := storetest.Open(t, url, store.Options{})
	second := storetest.Open(t, url, store.Options{})
	release := own(t, first)
	_, err := second.Own(t.Context())
	if !errors.Is(err, store.ErrOwned) || !strings.Contains(err.Error(), "muster.db is in use by another muster server") {
		t.Errorf("a second owner: %v", err)
	}
	// Commands work beside the server.
	update(t, second, func(tx *store.Tx) error { return put(t.Context(), tx, "a", "1") })
	if err := release(); err != nil {
		t.Fatal(err)
	}
	if err := own(t, second)(); err != nil {
		t.Error(err)
	}
}

func TestOwnersShareAServerDatabase(t *testing.T) {
	url := storetest.Postgres(t)
	ctx := t.Context()
	first := storetest.Open(t, url, store.Options{})
	second := storetest.Open(t, url, store.Options{})
	release := own(t, first)
	update(t, first, func(tx *store.Tx) error { return tx.Enqueue(ctx, store.Job{Kind: "k"}) })
	if len(claimOne(t, first, "k")) != 1 {
		t.Fatal("not claimed")
	}
	own(t, second)
	if jobs := claimOne(t, second, "k"); len(jobs) != 0 {
		t.Error("a server took a job from another one that is at work on it")
	}
	if err := release(); err != nil {
		t.Error(err)
	}
}

// TestNewOwnerTakesOver leaves jobs claimed, as a killed server does.
func TestNewOwnerTakesOver(t *testing.T) {
	s := storetest.Open(t, storetest.SQLite(t), store.Options{})
	ctx := t.Context()
	update(t, s, func(tx *store.Tx) error {
		if err := tx.Enqueue(ctx, store.Job{Kind: "k"}); err != nil {
			return err
		}
		return tx.Enqueue(ctx, store.Job{Kind: "later", RunAt: time.Now().Add(time.Hour)})
	})
	for attempt := 1; attempt <= 4; attempt++ {
		release := own(t, s)
		if jobs := claimOne(t, s, "k"); len(jobs) != 1 || jobs[0].Attempts != attempt {
			t.Fatalf("attempt %d: claimed %+v", attempt, jobs)
		}
		if len(claimOne(t, s, "later")) != 0 {
			t.Error("a job ran before its time")
		}
		if err := release(); err != nil {
			t.Error(err)
		}
	}
	own(t, s)
	if len(claimOne(t, s, "k")) != 0 {
		t.Error("a job that was under way at every death is taken over at once")
	}
}
