package worker

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	"muster/internal/store"
)

// completeAtOnce bounds the jobs that one transaction completes.
const completeAtOnce = 256

// settleWithin bounds the transaction that records how a job ended.
const settleWithin = 30 * time.Second

// run gives the job to the handler and records how it ended.
func (w *Worker) run(ctx context.Context, job store.Job, handler Handler) {
	if job.Attempts > w.opts.Attempts {
		// Its last attempts ended with the process, so nobody could count
		// them as failures.
		w.settle(ctx, job, w.store.Park, fmt.Errorf("given up after %d attempts; the last one did not end: %s", w.opts.Attempts, job.Error))
		return
	}
	leased, release := w.keepLease(ctx, job)
	err := call(leased, job, handler)
	lost := errors.Is(context.Cause(leased), store.ErrLeaseLost)
	release()
	switch {
	case lost:
		w.opts.Log.Warn("lease lost; another process runs the job", "kind", job.Kind, "job", job.ID)
	case err == nil:
		w.done <- job
	case ctx.Err() != nil:
		w.settle(ctx, job, func(ctx context.Context, job store.Job, _ error) error { return w.store.Release(ctx, job) }, err)
	case job.Attempts >= w.opts.Attempts || isPermanent(err):
		w.settle(ctx, job, w.store.Park, err)
	default:
		w.settle(ctx, job, w.retry, err)
	}
}

func (w *Worker) retry(ctx context.Context, job store.Job, cause error) error {
	return w.store.Fail(ctx, job, cause, w.opts.Backoff(job.Attempts))
}

func isPermanent(err error) bool {
	_, ok := errors.AsType[*permanentError](err)
	return ok
}

// call turns a panic into an error: one bad job must not end the process that
// serves everybody else.
func call(ctx context.Context, job store.Job, handler Handler) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	return handler(ctx, job)
}

// settle records an end that is not success, also while the process stops.
func (w *Worker) settle(ctx context.Context, job store.Job, record func(context.Context, store.Job, error) error, cause error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleWithin)
	defer cancel()
	w.opts.Log.Warn("job did not succeed", "kind", job.Kind, "job", job.ID, "attempt", job.Attempts, "error", cause)
	if err := record(ctx, job, cause); err != nil {
		w.opts.Log.Error("recording a job's failure failed; its lease will end", "kind", job.Kind, "job", job.ID, "error", err)
	}
}

// keepLease prolongs the job's lease until release is called. The context ends
// with cause store.ErrLeaseLost when that fails.
func (w *Worker) keepLease(ctx context.Context, job store.Job) (leased context.Context, release func()) {
	leased, cancel := context.WithCancelCause(ctx)
	var keeper sync.WaitGroup
	keeper.Go(func() {
		end := time.Now().Add(w.opts.Lease)
		tick := time.NewTicker(w.opts.Lease / 3)
		defer tick.Stop()
		for {
			select {
			case <-leased.Done():
				return
			case <-tick.C:
			}
			err := w.store.Extend(leased, job, w.opts.Lease)
			switch {
			case err == nil:
				end = time.Now().Add(w.opts.Lease)
			case errors.Is(err, store.ErrLeaseLost) || time.Now().After(end):
				cancel(store.ErrLeaseLost)
			}
		}
	})
	return leased, func() { cancel(nil); keeper.Wait() }
}

// completeAll completes finished jobs until the channel closes, as many at a
// time as have gathered while the last transaction ran.
func (w *Worker) completeAll() {
	for job := range w.done {
		jobs := []store.Job{job}
		for more := true; more && len(jobs) < completeAtOnce; {
			select {
			case job, more = <-w.done:
				if more {
					jobs = append(jobs, job)
				}
			default:
				more = false
			}
		}
		w.complete(jobs)
	}
}

func (w *Worker) complete(jobs []store.Job) {
	ctx, cancel := context.WithTimeout(context.Background(), settleWithin)
	defer cancel()
	if err := w.store.Complete(ctx, jobs...); err != nil {
		w.opts.Log.Error("completing jobs failed; those not completed will run again", "jobs", len(jobs), "error", err)
	}
}
