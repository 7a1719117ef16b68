package store_test

import (
	"errors"
	"testing"
	"time"

	"muster/internal/store"
	"muster/internal/store/storetest"
)

// setClock is a clock that tests set.
type setClock struct{ now time.Time }

func (c *setClock) read() time.Time { return c.now }

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// TestJobsSurviveAClockThatIsSetBack sets the clock back by seconds, hours and
// years: work that was due is due, work under way is taken over when a lease is
// over by the new clock, and work for later keeps its distance.
func TestJobsSurviveAClockThatIsSetBack(t *testing.T) {
	for _, back := range []time.Duration{3 * time.Second, 5 * time.Hour, 7 * 365 * 24 * time.Hour} {
		t.Run(back.String(), func(t *testing.T) {
			storetest.EachURL(t, func(t *testing.T, url string) {
				clock := &setClock{time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)}
				s := storetest.Open(t, url, store.Options{Now: clock.read})
				must(t, s.CheckClock(t.Context()))
				must(t, s.Update(t.Context(), func(tx *store.Tx) error {
					return errors.Join(
						tx.Enqueue(t.Context(), store.Job{Kind: "due"}),
						tx.Enqueue(t.Context(), store.Job{Kind: "leased"}),
						tx.Enqueue(t.Context(), store.Job{Kind: "later", RunAt: clock.now.Add(time.Hour)}))
				}))
				_, err := s.Claim(t.Context(), "leased", 1, 15*time.Second)
				must(t, err)
				clock.now = clock.now.Add(-back)
				must(t, s.CheckClock(t.Context()))
				clock.now = clock.now.Add(time.Second)
				if got := claims(t, s, "due"); got != 1 {
					t.Error("what was due is not")
				}
				if got := claims(t, s, "leased"); got != 0 {
					t.Error("the lease is over at once")
				}
				clock.now = clock.now.Add(15 * time.Second)
				if got := claims(t, s, "leased"); got != 1 {
					t.Error("the lease does not end")
				}
				if got := claims(t, s, "later"); got != 0 {
					t.Error("what is for later is due")
				}
				clock.now = clock.now.Add(time.Hour)
				if got := claims(t, s, "later"); got != 1 {
					t.Error("what was for later never comes")
				}
			})
		})
	}
}

func claims(t *testing.T, s *store.Store, kind string) int {
	t.Helper()
	jobs, err := s.Claim(t.Context(), kind, 10, time.Hour)
	must(t, err)
	return len(jobs)
}

// TestTheClockIsDoubtedAfterALeap: seconds are nothing, a year is, and so is a
// start after a long time in which nobody was there.
func TestTheClockIsDoubtedAfterALeap(t *testing.T) {
	storetest.EachURL(t, func(t *testing.T, url string) {
		clock := &setClock{time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)}
		open := func() *store.Store {
			s := storetest.Open(t, url, store.Options{Now: clock.read})
			must(t, s.CheckClock(t.Context()))
			return s
		}
		s := open()
		for _, c := range []struct {
			by      time.Duration
			trusted bool
		}{{0, true}, {time.Minute, true}, {-365 * 24 * time.Hour, true}, {2 * 365 * 24 * time.Hour, false}, {time.Second, false}} {
			clock.now = clock.now.Add(c.by)
			must(t, s.CheckClock(t.Context()))
			if s.ClockTrusted() != c.trusted {
				t.Errorf("set by %v: trusted %t", c.by, s.ClockTrusted())
			}
		}
		clock.now = clock.now.Add(48 * time.Hour)
		if open().ClockTrusted() {
			t.Error("after two days of absence the clock is trusted at once")
		}
		if !open().ClockTrusted() {
			t.Error("after no absence it is not")
		}
	})
}

// TestFencesHold: a transaction of a job that somebody else has by now does not
// commit.
func TestFencesHold(t *testing.T) {
	storetest.EachURL(t, func(t *testing.T, url string) {
		clock := &setClock{time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)}
		s := storetest.Open(t, url, store.Options{Now: clock.read})
		must(t, s.Update(t.Context(), func(tx *store.Tx) error { return tx.Enqueue(t.Context(), store.Job{Kind: "k"}) }))
		mine, err := s.Claim(t.Context(), "k", 1, time.Minute)
		must(t, err)
		fence := func(job store.Job) error {
			return s.Update(t.Context(), func(tx *store.Tx) error { return tx.Fence(t.Context(), job) })
		}
		must(t, fence(mine[0]))
		clock.now = clock.now.Add(2 * time.Minute)
		theirs, err := s.Claim(t.Context(), "k", 1, time.Minute)
		must(t, err)
		if err := fence(mine[0]); !errors.Is(err, store.ErrLeaseLost) {
			t.Errorf("the old holder passes: %v", err)
		}
		must(t, fence(theirs[0]))
		if theirs[0].Attempts != 2 || theirs[0].Failures != 0 {
			t.Errorf("%+v", theirs[0])
		}
		must(t, s.PutOff(t.Context(), theirs[0], errors.New("the database was away"), 0))
		if again, err := s.Claim(t.Context(), "k", 1, time.Minute); err != nil || again[0].Attempts != 2 || again[0].Failures != 0 {
			t.Errorf("%+v, %v", again, err)
		}
	})
}
