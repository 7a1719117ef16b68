// Package worker runs the jobs of the store: it claims them, gives each to the
// handler of its kind, keeps its lease alive, retries failures with growing
// pauses and parks what fails for good.
//
// Every job runs at least once. It can run twice, when a process dies or stalls
// until its lease ends, so handlers are idempotent: they read the state anew
// and write it in a transaction of their own.
package worker

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"muster/internal/store"
)

// Handler does one job. It stops soon after ctx is done, which means that the
// process stops or that the lease is lost and another process may run the job.
type Handler func(ctx context.Context, job store.Job) error

// Permanent marks an error that trying again cannot change; the job is parked
// at once.
func Permanent(err error) error { return &permanentError{err} }

type permanentError struct{ error }

func (p *permanentError) Unwrap() error { return p.error }

// Options tune a Worker. The zero value is good for production.
type Options struct {
	// Concurrency bounds the jobs that run at once, of each kind; 0 means 4.
	Concurrency int
	// PerKind overrides Concurrency for some kinds.
	PerKind map[string]int
	// Lease is how long a job stays claimed without a sign of life; after
	// the death of a process its jobs wait that long. 0 means 15 seconds.
	Lease time.Duration
	// Attempts is how often a job may fail before it is parked; 0 means 10.
	Attempts int
	// Deaths is how often a job may be under way when its process ends without
	// a word before it is parked as the likely reason; 0 means 25.
	Deaths int
	// Backoff is the pause after the given failed attempt (from 1); nil
	// means doubling from one second to ten minutes, half of it random.
	Backoff func(attempt int) time.Duration
	// Poll is how long a job of another process may go unnoticed; 0 means
	// one second.
	Poll time.Duration
	// Grace is how long running jobs may go on after the stop; 0 means 10
	// seconds, negative means not at all.
	Grace time.Duration
	// Log receives failures; nil means silence.
	Log *slog.Logger
}

// Worker runs jobs between the start of Run and the end of its context.
type Worker struct {
	store    *store.Store
	handlers map[string]Handler
	opts     Options
	// done carries finished jobs to the one goroutine that completes them,
	// many in one transaction.
	done chan store.Job
}

// New makes a worker for the kinds of the handlers. Jobs of other kinds are
// left to other processes.
func New(s *store.Store, handlers map[string]Handler, opts Options) *Worker {
	if opts.Concurrency <= 0 {
		opts.Concurrency = 4
	}
	if opts.Lease <= 0 {
		opts.Lease = 15 * time.Second
	}
	if opts.Attempts <= 0 {
		opts.Attempts = 10
	}
	if opts.Deaths <= 0 {
		opts.Deaths = 25
	}
	if opts.Backoff == nil {
		opts.Backoff = doubling
	}
	if opts.Poll <= 0 {
		opts.Poll = time.Second
	}
	if opts.Grace == 0 {
		opts.Grace = 10 * time.Second
	}
	if opts.Log == nil {
		opts.Log = slog.New(slog.DiscardHandler)
	}
	return &Worker{store: s, handlers: handlers, opts: opts, done: make(chan store.Job, completeAtOnce)}
}

func doubling(attempt int) time.Duration {
	full := min(10*time.Minute, time.Second<<min(attempt-1, 10))
	return full/2 + rand.N(full/2)
}

// Run works until ctx is done, then lets running jobs finish for the grace
// time, gives the others back and returns. The error is nil.
func (w *Worker) Run(ctx context.Context) error {
	// Running jobs outlive ctx by the grace time.
	jobs, cancelJobs := context.WithCancelCause(context.WithoutCancel(ctx))
	defer cancelJobs(nil)
	stopGrace := context.AfterFunc(ctx, func() { w.endGrace(jobs, cancelJobs) })
	defer stopGrace()

	var loops, completer sync.WaitGroup
	for kind, handler := range w.handlers {
		loops.Go(func() { w.loop(ctx, jobs, kind, handler) })
	}
	loops.Go(func() { w.watchClock(ctx) })
	completer.Go(w.completeAll)
	loops.Wait()
	close(w.done)
	completer.Wait()
	return nil
}

// clockEvery is how often the clock is compared with the machine's counter.
const clockEvery = 2 * time.Second

// watchClock lets the store notice that somebody has set the clock.
func (w *Worker) watchClock(ctx context.Context) {
	for {
		bounded, cancel := context.WithTimeout(ctx, claimWithin)
		err := w.store.CheckClock(bounded)
		cancel()
		if err != nil && ctx.Err() == nil {
			w.opts.Log.Warn("checking the clock failed", "error", err)
		}
		if !wait(ctx, nil, clockEvery) {
			return
		}
	}
}

var errStopping = errors.New("the process stops")

func (w *Worker) endGrace(jobs context.Context, cancel context.CancelCauseFunc) {
	select {
	case <-time.After(w.opts.Grace):
		cancel(errStopping)
	case <-jobs.Done():
	}
}

// loop claims jobs of one kind as slots become free, and returns when ctx is
// done and all its jobs have ended.
func (w *Worker) loop(ctx, jobs context.Context, kind string, handler Handler) {
	limit := w.opts.Concurrency
	if n := w.opts.PerKind[kind]; n > 0 {
		limit = n
	}
	wakes, stop := w.store.Wakes(kind)
	defer stop()
	free := make(chan struct{}, limit) // one token per free slot
	for range limit {
		free <- struct{}{}
	}
	var running sync.WaitGroup
	defer running.Wait()
	for {
		slots := take(ctx, free)
		if slots == 0 {
			return
		}
		asked := time.Now()
		claimed, due := w.claim(ctx, kind, slots)
		for range slots - len(claimed) {
			free <- struct{}{}
		}
		for _, job := range claimed {
			running.Go(func() {
				w.run(jobs, job, asked, handler)
				free <- struct{}{}
			})
		}
		if len(claimed) == 0 && !wait(ctx, wakes, due) {
			return
		}
	}
}

// take waits for a free slot and takes all that are free; 0 when ctx is done.
func take(ctx context.Context, free <-chan struct{}) (n int) {
	select {
	case <-ctx.Done():
		return 0
	case <-free:
		n = 1
	}
	for ctx.Err() == nil {
		select {
		case <-free:
			n++
		default:
			return n
		}
	}
	return 0
}

// wait ends at a wake-up or after d; false when ctx is done.
func wait(ctx context.Context, wakes <-chan struct{}, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-wakes:
	case <-t.C:
	}
	return true
}

// claimWithin bounds looking for work and claiming it: a connection that the
// network has swallowed must not end a loop.
const claimWithin = 10 * time.Second

// claim looks before it claims, because looking does not write. Without a due
// job it says how long to wait.
func (w *Worker) claim(ctx context.Context, kind string, slots int) (jobs []store.Job, wait time.Duration) {
	bounded, cancel := context.WithTimeout(ctx, claimWithin)
	defer cancel()
	in, ok, err := w.store.NextDue(bounded, kind)
	if err == nil && (!ok || in > 0) {
		if !ok || in > w.opts.Poll {
			in = w.opts.Poll
		}
		return nil, in
	}
	if err == nil {
		jobs, err = w.store.Claim(bounded, kind, slots, w.opts.Lease)
	}
	if err != nil && ctx.Err() == nil {
		w.opts.Log.Error("claiming jobs failed", "kind", kind, "error", err)
	}
	return jobs, w.opts.Poll
}
