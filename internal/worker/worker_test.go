package worker_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"muster/internal/store"
	"muster/internal/store/storetest"
	"muster/internal/worker"
)

// quick makes failures come back at once and polls often.
func quick() worker.Options {
	return worker.Options{
		Attempts: 3, Deaths: 3, Poll: 5 * time.Millisecond, Grace: -1,
		Backoff: func(int) time.Duration { return 0 },
	}
}

func enqueue(t *testing.T, s *store.Store, jobs ...store.Job) {
	t.Helper()
	err := s.Update(t.Context(), func(tx *store.Tx) error {
		for _, job := range jobs {
			if err := tx.Enqueue(t.Context(), job); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// start runs a worker with one handler for kind "k" until stop is called.
func start(t *testing.T, s *store.Store, handler worker.Handler, opts worker.Options) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- worker.New(s, map[string]worker.Handler{"k": handler}, opts).Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	t.Cleanup(stop)
	return stop
}

func receive[T any](t *testing.T, c <-chan T) (v T) {
	t.Helper()
	select {
	case v = <-c:
	case <-time.After(20 * time.Second):
		t.Fatal("nothing happened within 20 seconds")
	}
	return v
}

func parked(t *testing.T, s *store.Store) (jobs []store.Job) {
	t.Helper()
	err := s.View(t.Context(), func(tx *store.Tx) (err error) {
		jobs, err = tx.ParkedJobs(t.Context(), "", 100)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return jobs
}

// waitParked waits until a job is parked.
func waitParked(t *testing.T, s *store.Store) []store.Job {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		if jobs := parked(t, s); jobs != nil {
			return jobs
		}
	}
	t.Fatal("no job was parked")
	return nil
}

func counts(t *testing.T, s *store.Store) (c store.JobCount) {
	t.Helper()
	err := s.View(t.Context(), func(tx *store.Tx) error {
		list, err := tx.JobCounts(t.Context())
		if len(list) > 0 {
			c = list[0]
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestEveryJobRunsOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		const n = 50
		ran := make(chan string, 2*n)
		stop := start(t, s, func(_ context.Context, job store.Job) error {
			ran <- string(job.Payload)
			return nil
		}, worker.Options{Poll: time.Minute}) // so only wake-ups can be this quick
		var want []string
		for i := range n {
			enqueue(t, s, store.Job{Kind: "k", Payload: fmt.Append(nil, i)}, store.Job{Kind: "other"})
			want = append(want, fmt.Sprint(i))
		}
		var got []string
		for range n {
			got = append(got, receive(t, ran))
		}
		stop()
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) || len(ran) != 0 {
			t.Errorf("ran %v and %d more", got, len(ran))
		}
		if c := counts(t, s); c != (store.JobCount{Kind: "other", Waiting: n}) {
			t.Errorf("left over: %+v", c)
		}
	})
}

func TestFailuresAreRetriedThenParked(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		attempts := make(chan int, 10)
		stop := start(t, s, func(_ context.Context, job store.Job) error {
			attempts <- job.Attempts
			if job.Key == "second time lucky" && job.Attempts == 2 {
				return nil
			}
			panic("no luck")
		}, quick())
		enqueue(t, s, store.Job{Kind: "k", Key: "second time lucky"})
		for _, want := range []int{1, 2} {
			if got := receive(t, attempts); got != want {
				t.Errorf("attempt %d, want %d", got, want)
			}
		}
		enqueue(t, s, store.Job{Kind: "k", Key: "never lucky"})
		for _, want := range []int{1, 2, 3} {
			if got := receive(t, attempts); got != want {
				t.Errorf("attempt %d, want %d", got, want)
			}
		}
		jobs := waitParked(t, s)
		stop()
		if len(jobs) != 1 || jobs[0].Key != "never lucky" || !strings.Contains(jobs[0].Error, "panic: no luck") {
			t.Fatalf("parked: %+v", jobs)
		}
		if c := counts(t, s); c != (store.JobCount{Kind: "k", Parked: 1}) {
			t.Errorf("left over: %+v", c)
		}
		if err := s.Update(t.Context(), func(tx *store.Tx) error { return tx.RetryJob(t.Context(), jobs[0].ID) }); err != nil {
			t.Fatal(err)
		}
		start(t, s, func(_ context.Context, job store.Job) error { attempts <- job.Attempts; return nil }, quick())
		if got := receive(t, attempts); got != 1 {
			t.Errorf("attempt after RetryJob: %d", got)
		}
	})
}

func TestPermanentFailureIsParkedAtOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ran := make(chan int, 10)
		stop := start(t, s, func(_ context.Context, job store.Job) error {
			ran <- job.Attempts
			return fmt.Errorf("job: %w", worker.Permanent(errors.New("unreadable payload")))
		}, quick())
		enqueue(t, s, store.Job{Kind: "k"})
		receive(t, ran)
		jobs := waitParked(t, s)
		stop()
		if len(jobs) != 1 || jobs[0].Attempts != 1 {
			t.Errorf("parked: %+v", jobs)
		}
	})
}

func TestAskedAgainWhileRunningRunsAgain(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ran, proceed := make(chan string), make(chan bool)
		start(t, s, func(_ context.Context, job store.Job) error {
			ran <- string(job.Payload)
			<-proceed
			return nil
		}, quick())
		enqueue(t, s, store.Job{Kind: "k", Key: "x", Payload: []byte("first")})
		if got := receive(t, ran); got != "first" {
			t.Fatalf("ran %q", got)
		}
		enqueue(t, s, store.Job{Kind: "k", Key: "x", Payload: []byte("second")})
		enqueue(t, s, store.Job{Kind: "k", Key: "x", Payload: []byte("third")})
		proceed <- true
		if got := receive(t, ran); got != "third" {
			t.Errorf("then ran %q, want the latest payload", got)
		}
		proceed <- true
	})
}

func TestStopGivesUnfinishedJobsBack(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		started := make(chan bool)
		stop := start(t, s, func(ctx context.Context, _ store.Job) error {
			started <- true
			<-ctx.Done()
			return ctx.Err()
		}, quick())
		enqueue(t, s, store.Job{Kind: "k"})
		receive(t, started)
		stop()
		if c := counts(t, s); c != (store.JobCount{Kind: "k", Waiting: 1}) {
			t.Errorf("after the stop: %+v", c)
		}
		attempts := make(chan int)
		start(t, s, func(_ context.Context, job store.Job) error { attempts <- job.Attempts; return nil }, quick())
		if got := receive(t, attempts); got != 1 {
			t.Errorf("attempt %d: the stop counted as a failure", got)
		}
	})
}

func TestStopLetsRunningJobsFinish(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		started, proceed := make(chan bool), make(chan bool)
		opts := quick()
		opts.Grace = time.Minute
		stop := start(t, s, func(ctx context.Context, _ store.Job) error {
			started <- true
			<-proceed
			return ctx.Err()
		}, opts)
		enqueue(t, s, store.Job{Kind: "k"})
		receive(t, started)
		go func() { proceed <- true }()
		stop()
		if c := counts(t, s); c != (store.JobCount{}) {
			t.Errorf("after the stop: %+v", c)
		}
	})
}

func TestLostLeaseEndsTheHandlerAndTouchesNothing(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		started, cause := make(chan bool), make(chan error)
		opts := quick()
		opts.Lease = 30 * time.Millisecond
		stop := start(t, s, func(ctx context.Context, _ store.Job) error {
			started <- true
			<-ctx.Done()
			cause <- context.Cause(ctx)
			return nil
		}, opts)
		enqueue(t, s, store.Job{Kind: "k"})
		receive(t, started)
		err := s.Update(t.Context(), func(tx *store.Tx) error {
			_, err := tx.Exec(t.Context(), `UPDATE jobs SET lease = 'somebody else', run_at = $1`, store.Micros(time.Now().Add(time.Hour)))
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		if got := receive(t, cause); !errors.Is(got, store.ErrLeaseLost) {
			t.Errorf("the handler was stopped for %v", got)
		}
		stop()
		if c := counts(t, s); c != (store.JobCount{Kind: "k", Running: 1}) {
			t.Errorf("afterwards: %+v, want it running elsewhere", c)
		}
	})
}

func TestLongJobKeepsItsLease(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		opts := quick()
		opts.Lease = 90 * time.Millisecond
		var runs atomic.Int64
		started, proceed := make(chan bool, 9), make(chan bool)
		for range 2 { // a second worker would take the job if the lease ended
			start(t, s, func(context.Context, store.Job) error {
				runs.Add(1)
				started <- true
				<-proceed
				return nil
			}, opts)
		}
		enqueue(t, s, store.Job{Kind: "k"})
		receive(t, started)
		time.Sleep(4 * opts.Lease) // what is tested is time itself
		close(proceed)
		if n := runs.Load(); n != 1 {
			t.Errorf("ran %d times", n)
		}
	})
}

func TestJobThatKillsTheProcessIsParked(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		enqueue(t, s, store.Job{Kind: "k"})
		for range 3 { // claimed by processes that died before they could answer
			if jobs, err := s.Claim(t.Context(), "k", 1, 0); len(jobs) != 1 || err != nil {
				t.Fatalf("claimed %v, %v", jobs, err)
			}
		}
		stop := start(t, s, func(context.Context, store.Job) error { t.Error("ran again"); return nil }, quick())
		waitParked(t, s)
		stop()
	})
}

func TestConcurrencyIsBounded(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		const n, limit = 10, 3
		started, proceed := make(chan bool, n), make(chan bool)
		opts := quick()
		opts.PerKind = map[string]int{"k": limit}
		jobs := make([]store.Job, n)
		for i := range jobs {
			jobs[i].Kind = "k"
		}
		enqueue(t, s, jobs...)
		start(t, s, func(context.Context, store.Job) error {
			started <- true
			<-proceed
			return nil
		}, opts)
		for range limit {
			receive(t, started)
		}
		time.Sleep(10 * opts.Poll) // time in which one too many would start
		if len(started) != 0 {
			t.Errorf("%d more than %d at once", len(started), limit)
		}
		close(proceed)
		for range n - limit {
			receive(t, started)
		}
	})
}
