package worker

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"muster/internal/store"
)

// completeAtOnce bounds the jobs that one transaction completes.
const completeAtOnce = 256

// settleWithin bounds the transaction that records how a job ended.
const settleWithin = 30 * time.Second

// run gives the job to the handler and records how it ended.
func (w *Worker) run(ctx context.Context, job store.Job, claimed time.Time, handler Handler) {
	if deaths := job.Attempts - 1 - job.Failures; deaths >= w.opts.Deaths {
		w.settle(ctx, job, w.store.Park, fmt.Errorf("given up after %d attempts that ended with their processes: %s", deaths, job.Error))
		return
	}
	leased, release := w.keepLease(ctx, job, claimed)
	err := call(leased, job, handler)
	lost := errors.Is(context.Cause(leased), store.ErrLeaseLost)
	release()
	switch {
	case lost:
		w.opts.Log.Warn("lease lost; another process runs the job", "kind", job.Kind, "job", job.ID)
	case err == nil:
		w.done <- job
	case store.TryLater(err) && ctx.Err() == nil:
		// Nothing is wrong with the job: it is not counted.
		w.settle(ctx, job, w.putOff, err)
	case ctx.Err() != nil:
		w.settle(ctx, job, func(ctx context.Context, job store.Job, _ error) error { return w.store.Release(ctx, job) }, err)
	case job.Failures+1 >= w.opts.Attempts || isPermanent(err):
		w.settle(ctx, job, w.store.Park, err)
	default:
		w.settle(ctx, job, w.retry, err)
	}
}

func (w *Worker) retry(ctx context.Context, job store.Job, cause error) error {
	return w.store.Fail(ctx, job, cause, w.opts.Backoff(job.Failures+1))
}

// mostPutOff bounds the pause of putOff: the back-off of the fourth failure.
const mostPutOff = 4

// putOff gives a job back because the database was in the way; the attempt does
// not count, so that no job is given up for a database that is gone for hours.
func (w *Worker) putOff(ctx context.Context, job store.Job, cause error) error {
	return w.store.PutOff(ctx, job, cause, w.opts.Backoff(min(job.Attempts, mostPutOff)))
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

// leaseKey is the context key of the lease of the job that runs.
type leaseKey struct{}

// lease knows until when a job is nobody else's. Its end is counted from
// before the request that prolonged it, by a clock that goes on while the
// process or the machine is frozen.
type lease struct{ end atomic.Pointer[time.Time] }

func (l *lease) until(end time.Time) { l.end.Store(&end) }

func (l *lease) over() bool { return !time.Now().Before(*l.end.Load()) }

// Holds reports whether the job that ctx was given for is still this process's.
// A process that was frozen for longer than a lease is told no at once, before
// anything has cancelled ctx. Handlers ask it before they do what no transaction
// protects, such as sending something. Without a job the answer is yes.
func Holds(ctx context.Context) bool {
	l, ok := ctx.Value(leaseKey{}).(*lease)
	return ctx.Err() == nil && (!ok || !l.over())
}

// keepLease prolongs the job's lease until release is called. The context ends
// with cause store.ErrLeaseLost when that fails.
func (w *Worker) keepLease(ctx context.Context, job store.Job, claimed time.Time) (leased context.Context, release func()) {
	held := &lease{}
	held.until(claimed.Add(w.opts.Lease))
	leased, cancel := context.WithCancelCause(context.WithValue(ctx, leaseKey{}, held))
	var keeper sync.WaitGroup
	keeper.Go(func() {
		tick := time.NewTicker(w.opts.Lease / 3)
		defer tick.Stop()
		for {
			select {
			case <-leased.Done():
				return
			case <-tick.C:
			}
			asked := time.Now()
			err := w.extend(leased, job, held)
			switch {
			case err == nil:
				held.until(asked.Add(w.opts.Lease))
			case errors.Is(err, store.ErrLeaseLost) || held.over():
				cancel(store.ErrLeaseLost)
			}
		}
	})
	return leased, func() { cancel(nil); keeper.Wait() }
}

// extend prolongs a lease, or gives up when it is over: a database that does
// not answer must not keep the handler from noticing.
func (w *Worker) extend(ctx context.Context, job store.Job, held *lease) error {
	ctx, cancel := context.WithDeadline(ctx, *held.end.Load())
	defer cancel()
	return w.store.Extend(ctx, job, w.opts.Lease)
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
