package store_test

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"muster/internal/store"
	"muster/internal/store/storetest"
)

// clock is a settable clock for leases.
type clock struct{ micros atomic.Int64 }

func (c *clock) now() time.Time          { return store.Time(c.micros.Load()) }
func (c *clock) advance(d time.Duration) { c.micros.Add(d.Microseconds()) }

// eachWithClock is storetest.Each with a clock that stands still.
func eachWithClock(t *testing.T, fn func(t *testing.T, s *store.Store, c *clock)) {
	storetest.EachURL(t, func(t *testing.T, url string) {
		c := &clock{}
		c.advance(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).Sub(time.Unix(0, 0)))
		fn(t, storetest.Open(t, url, store.Options{Now: c.now}), c)
	})
}

func enqueue(t *testing.T, s *store.Store, jobs ...store.Job) {
	t.Helper()
	update(t, s, func(tx *store.Tx) error {
		for _, job := range jobs {
			if err := tx.Enqueue(t.Context(), job); err != nil {
				return err
			}
		}
		return nil
	})
}

func claim(t *testing.T, s *store.Store, limit int) []store.Job {
	t.Helper()
	jobs, err := s.Claim(t.Context(), "k", limit, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	return jobs
}

func keys(jobs []store.Job) (list []string) {
	for _, j := range jobs {
		list = append(list, j.Key)
	}
	slices.Sort(list)
	return list
}

// Left to itself, PostgreSQL may run the choice of the due jobs again for each
// row that it looks at, and every run takes the next ones.
func TestClaimTakesNoMoreThanAskedForUnderAnyPlan(t *testing.T) {
	url := storetest.Postgres(t)
	for _, plan := range []string{"hashjoin", "hashagg", "mergejoin", "sort", "material"} {
		url += "&enable_" + plan + "=off"
	}
	s := storetest.Open(t, url, store.Options{})
	update(t, s, func(tx *store.Tx) error {
		for i := range 20 {
			if err := tx.Enqueue(t.Context(), store.Job{Kind: "k", Key: fmt.Sprint(i)}); err != nil {
				return err
			}
		}
		return nil
	})
	if jobs := claim(t, s, 4); len(jobs) != 4 {
		t.Errorf("asked for 4 jobs, got %d", len(jobs))
	}
}

func TestJobsAppearWithTheirTransaction(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		_ = s.Update(ctx, func(tx *store.Tx) error {
			if err := tx.Enqueue(ctx, store.Job{Kind: "k"}); err != nil {
				t.Error(err)
			}
			if err := tx.Emit(ctx, store.Event{Account: "1", Detail: []byte(`{}`)}); err != nil {
				t.Error(err)
			}
			return errors.New("changed my mind")
		})
		if jobs := claim(t, s, 9); jobs != nil {
			t.Errorf("claimed %v", jobs)
		}
		_ = s.View(ctx, func(tx *store.Tx) error {
			if events, err := tx.PendingEvents(ctx, "", 9); events != nil || err != nil {
				t.Errorf("pending %v, %v", events, err)
			}
			return nil
		})
		in := store.Job{Kind: "k", Key: "x", Account: "111111111111", Region: "us-east-1", Payload: []byte{0, 255}}
		enqueue(t, s, in)
		jobs := claim(t, s, 9)
		if len(jobs) != 1 {
			t.Fatalf("claimed %v", jobs)
		}
		got := jobs[0]
		if got.ID == "" || got.Key != in.Key || got.Account != in.Account || got.Region != in.Region || string(got.Payload) != "\x00\xff" || got.Attempts != 1 {
			t.Errorf("claimed %+v", got)
		}
	})
}

func TestConcurrentClaimsShareNoJob(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		const n = 200
		jobs := make([]store.Job, n)
		for i := range jobs {
			jobs[i] = store.Job{Kind: "k", Key: fmt.Sprint(i)}
		}
		enqueue(t, s, jobs...)
		var mu sync.Mutex
		claims := map[string]int{}
		var wg sync.WaitGroup
		for range 6 {
			wg.Go(func() {
				for {
					got, err := s.Claim(t.Context(), "k", 7, time.Minute)
					if err != nil {
						t.Error(err)
						return
					}
					mu.Lock()
					for _, j := range got {
						claims[j.Key]++
					}
					done := len(claims) == n
					mu.Unlock()
					if done || (len(got) == 0 && s.Engine() == store.SQLite) {
						return
					}
					if err := s.Complete(t.Context(), got...); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		for key, times := range claims {
			if times != 1 {
				t.Errorf("job %s was claimed %d times", key, times)
			}
		}
		if len(claims) != n {
			t.Errorf("claimed %d of %d", len(claims), n)
		}
	})
}

func TestLeasesEnd(t *testing.T) {
	eachWithClock(t, func(t *testing.T, s *store.Store, c *clock) {
		ctx := t.Context()
		enqueue(t, s, store.Job{Kind: "k", Key: "x"})
		first := claim(t, s, 9)
		if again := claim(t, s, 9); len(first) != 1 || again != nil {
			t.Fatalf("claimed %v, then %v", first, again)
		}
		c.advance(50 * time.Second)
		if err := s.Extend(ctx, first[0], time.Minute); err != nil {
			t.Fatal(err)
		}
		c.advance(50 * time.Second)
		if again := claim(t, s, 9); again != nil {
			t.Fatalf("claimed %v in spite of the extension", again)
		}
		c.advance(time.Minute)
		second := claim(t, s, 9)
		if len(second) != 1 || second[0].Attempts != 2 {
			t.Fatalf("after the lease: %+v", second)
		}
		boom := errors.New("boom")
		for what, err := range map[string]error{
			"Extend": s.Extend(ctx, first[0], time.Minute), "Complete": s.Complete(ctx, first...),
			"Fail": s.Fail(ctx, first[0], boom, 0), "Park": s.Park(ctx, first[0], boom), "Release": s.Release(ctx, first[0]),
		} {
			if !errors.Is(err, store.ErrLeaseLost) {
				t.Errorf("%s with a lost lease: %v", what, err)
			}
		}
		if err := s.Complete(ctx, second...); err != nil {
			t.Errorf("Complete: %v", err)
		}
		c.advance(time.Hour)
		if more := claim(t, s, 9); more != nil {
			t.Errorf("claimed %v after completion", more)
		}
	})
}

func TestWaitingJobsAreKeptOnce(t *testing.T) {
	eachWithClock(t, func(t *testing.T, s *store.Store, c *clock) {
		at := func(d time.Duration) time.Time { return c.now().Add(d) }
		enqueue(t, s, store.Job{Kind: "k", Key: "x", Payload: []byte("1"), RunAt: at(time.Hour)},
			store.Job{Kind: "k", Key: "x", Payload: []byte("2"), RunAt: at(time.Minute)},
			store.Job{Kind: "k", Key: "x", Payload: []byte("3"), RunAt: at(2 * time.Hour)},
			store.Job{Kind: "other", Key: "x"}, store.Job{Kind: "k"}, store.Job{Kind: "k"})
		if got := claim(t, s, 9); len(got) != 2 {
			t.Fatalf("now due: %v, want the two without a key", keys(got))
		}
		if in, ok, err := s.NextDue(t.Context(), "k"); in != time.Minute || !ok || err != nil {
			t.Errorf("next in %v, %v, %v", in, ok, err)
		}
		c.advance(59 * time.Second)
		if got := claim(t, s, 9); got != nil {
			t.Errorf("due too early: %v", keys(got))
		}
		c.advance(time.Second)
		got := claim(t, s, 9)
		if len(got) != 3 { // and the two whose lease has ended
			t.Fatalf("due after a minute: %v", keys(got))
		}
		i := slices.IndexFunc(got, func(j store.Job) bool { return j.Key == "x" })
		if i < 0 || string(got[i].Payload) != "3" {
			t.Errorf("claimed %+v, want the latest payload", got)
		}
	})
}

func TestJobAskedForWhileItRuns(t *testing.T) {
	eachWithClock(t, func(t *testing.T, s *store.Store, c *clock) {
		ctx := t.Context()
		boom := errors.New("boom")
		ends := map[string]func(store.Job) error{
			"complete": func(j store.Job) error { return s.Complete(ctx, j) },
			"fail":     func(j store.Job) error { return s.Fail(ctx, j, boom, time.Hour) },
			"park":     func(j store.Job) error { return s.Park(ctx, j, boom) },
		}
		for name, end := range ends {
			enqueue(t, s, store.Job{Kind: "k", Key: name, Payload: []byte("old")})
			running := claim(t, s, 9)
			if len(running) != 1 {
				t.Fatalf("%s: claimed %v", name, keys(running))
			}
			enqueue(t, s, store.Job{Kind: "k", Key: name, Payload: []byte("new"), RunAt: c.now().Add(time.Second)})
			enqueue(t, s, store.Job{Kind: "k", Key: name, Payload: []byte("newer"), RunAt: c.now().Add(2 * time.Second)})
			if got := claim(t, s, 9); got != nil {
				t.Errorf("%s: claimed twice at a time", name)
			}
			if err := end(running[0]); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if got := claim(t, s, 9); got != nil {
				t.Errorf("%s: ran again too early", name)
			}
			c.advance(time.Second)
			got := claim(t, s, 9)
			if len(got) != 1 || string(got[0].Payload) != "newer" || got[0].Attempts != 1 {
				t.Fatalf("%s: then claimed %+v", name, got)
			}
			if err := s.Complete(ctx, got...); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

func TestParkedJobsWaitForSomebody(t *testing.T) {
	eachWithClock(t, func(t *testing.T, s *store.Store, c *clock) {
		ctx := t.Context()
		enqueue(t, s, store.Job{Kind: "k", Key: "x"})
		long := errors.New("bad \x00 \xff text " + string(make([]byte, 5000)))
		if err := s.Park(ctx, claim(t, s, 1)[0], long); err != nil {
			t.Fatal(err)
		}
		c.advance(24 * time.Hour)
		if got := claim(t, s, 9); got != nil {
			t.Fatalf("claimed a parked job %v", got)
		}
		if _, ok, err := s.NextDue(ctx, "k"); ok || err != nil {
			t.Errorf("a parked job is due: %v", err)
		}
		enqueue(t, s, store.Job{Kind: "k", Key: "x"})
		got := claim(t, s, 9)
		if len(got) != 1 || got[0].Attempts != 1 || got[0].Error == "" {
			t.Errorf("asked for again: %+v", got)
		}
		err := s.Update(ctx, func(tx *store.Tx) error { return tx.RetryJob(ctx, "nobody") })
		if !errors.Is(err, store.ErrNotFound) {
			t.Errorf("RetryJob of no job: %v", err)
		}
	})
}

func TestOtherProcessesAreWoken(t *testing.T) {
	url := storetest.Postgres(t)
	a, b := storetest.Open(t, url, store.Options{}), storetest.Open(t, url, store.Options{})
	wakes, stop := b.Wakes("k")
	defer stop()
	// b's listener may still be connecting, so ask until it hears.
	for deadline := time.After(20 * time.Second); ; {
		enqueue(t, a, store.Job{Kind: "k", Key: "x"})
		select {
		case <-wakes:
			return
		case <-deadline:
			t.Fatal("no wake-up within 20 seconds")
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func TestWakesAreForTheirKind(t *testing.T) {
	s := storetest.Open(t, storetest.SQLite(t), store.Options{})
	wakes, stop := s.Wakes("k")
	enqueue(t, s, store.Job{Kind: "other"})
	select {
	case <-wakes:
		t.Error("woken for another kind")
	default:
	}
	enqueue(t, s, store.Job{Kind: "k"}, store.Job{Kind: "k"})
	select {
	case <-wakes:
	default:
		t.Error("not woken")
	}
	stop()
	enqueue(t, s, store.Job{Kind: "k"})
	select {
	case <-wakes:
		t.Error("woken after stop")
	default:
	}
}
