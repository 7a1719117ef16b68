// Package jobs is the desk for those who want to know what the server is at:
// which work of theirs waits, runs, or failed so often that it was put aside.
// An account sees its own; a delegated administrator that of its members, in
// its Region. Work of nobody (feeds, retention) is the operator's.
package jobs

import (
	"context"
	"errors"
	"time"

	"muster/internal/awsmodel"
	"muster/internal/awsmodel/muster"
	"muster/internal/inspector"
	"muster/internal/inspector/desk"
	"muster/internal/store"
	"muster/internal/store/activation"
	"muster/internal/store/jobs"
)

// pageSize is the most jobs of one page, and the default.
const pageSize = 100

// Config are the desk's parts.
type Config struct {
	Store *store.Store
	// Pages seals page tokens; required.
	Pages inspector.Pager
	// Now is the clock that jobs are due by; required.
	Now func() time.Time
}

// Service is the desk. It is safe for concurrent use.
type Service struct{ config Config }

// New returns the desk.
func New(c Config) *Service { return &Service{c} }

// AddHandlers adds the desk's operations to those of our own service.
func (s *Service) AddHandlers(h *muster.Handlers) {
	h.ListJobs = s.ListJobs
	h.ListJobQueues = s.ListJobQueues
	h.RetryJob = s.RetryJob
	h.DeleteJob = s.DeleteJob
}

// asked is what a page token of ListJobs is bound to.
type asked muster.ListJobsInput

// query is what the caller may see.
func (s *Service) query(ctx context.Context, tx *store.Tx, call *awsmodel.Call) (jobs.Query, error) {
	scope, err := inspector.VisibleAccounts(ctx, tx, call.Account(), call.Region)
	return jobs.Query{Scope: scope, Region: call.Region, Now: s.config.Now()}, err
}

// ListJobs lists the work of the accounts that the caller sees, the oldest
// first. A page can be short, or empty, and not the last.
func (s *Service) ListJobs(ctx context.Context, call *awsmodel.Call, in *muster.ListJobsInput) (*muster.ListJobsOutput, error) {
	const op = "ListJobs"
	bound := asked(*in)
	bound.NextToken, bound.MaxResults = nil, nil
	after, err := desk.After(s.config.Pages, call, op, bound, in.NextToken)
	if err != nil {
		return nil, err
	}
	return store.Read(ctx, s.config.Store, func(tx *store.Tx) (*muster.ListJobsOutput, error) {
		q, err := s.query(ctx, tx, call)
		if err != nil {
			return nil, err
		}
		q.State, q.After = jobs.State(in.Status), after
		if in.Kind != nil {
			q.Kind = *in.Kind
		}
		q.Limit = desk.Size(in.MaxResults, pageSize, pageSize)
		list, next, err := jobs.List(ctx, tx, q)
		out := &muster.ListJobsOutput{Jobs: []muster.Job{}}
		for i := range list {
			out.Jobs = append(out.Jobs, wire(&list[i]))
		}
		if next != "" {
			out.NextToken = new(s.config.Pages.Seal(call, op, bound, []byte(next)))
		}
		return out, err
	})
}

func wire(j *jobs.Job) muster.Job {
	out := muster.Job{
		JobId: j.ID, Kind: j.Kind, Key: j.Key, AccountId: string(j.Account), Status: muster.JobStatus(j.State), CreatedAt: j.CreatedAt, DueAt: j.DueAt,
		Attempts: j.Attempts, Failures: j.Failures,
	}
	if j.Region != "" {
		out.Region = new(string(j.Region))
	}
	if j.Error != "" {
		out.Error = &j.Error
	}
	return out
}

// ListJobQueues counts the work of the accounts that the caller sees, by kind.
func (s *Service) ListJobQueues(ctx context.Context, call *awsmodel.Call, _ *muster.ListJobQueuesInput) (*muster.ListJobQueuesOutput, error) {
	return store.Read(ctx, s.config.Store, func(tx *store.Tx) (*muster.ListJobQueuesOutput, error) {
		q, err := s.query(ctx, tx, call)
		if err != nil {
			return nil, err
		}
		list, complete, err := jobs.Queues(ctx, tx, q)
		out := &muster.ListJobQueuesOutput{Complete: complete, Queues: []muster.JobQueue{}}
		for _, c := range list {
			queue := muster.JobQueue{Kind: c.Kind, Scheduled: c.Scheduled, Pending: c.Pending, Running: c.Running, Parked: c.Parked}
			if !c.OldestDue.IsZero() {
				queue.OldestDueAt = &c.OldestDue
			}
			out.Queues = append(out.Queues, queue)
		}
		return out, err
	})
}

// RetryJob makes work due again that was put aside.
func (s *Service) RetryJob(ctx context.Context, call *awsmodel.Call, in *muster.RetryJobInput) (*muster.RetryJobOutput, error) {
	err := s.parked(ctx, call, in.JobId, func(tx *store.Tx) error { return tx.RetryJob(ctx, in.JobId) })
	return &muster.RetryJobOutput{}, err
}

// DeleteJob forgets work that was put aside. A member's administrator decides
// that, not the member: what is never done may be what watches it.
func (s *Service) DeleteJob(ctx context.Context, call *awsmodel.Call, in *muster.DeleteJobInput) (*muster.DeleteJobOutput, error) {
	err := s.parked(ctx, call, in.JobId, func(tx *store.Tx) error {
		standing, err := activation.StandingOf(ctx, tx, call.Account(), call.Region)
		switch {
		case err != nil && !errors.Is(err, store.ErrNotFound):
			return err
		case standing.Associated:
			return &muster.AccessDeniedException{Message: "The delegated administrator of this account decides which of its work is dropped."}
		}
		return jobs.Drop(ctx, tx, in.JobId)
	})
	return &muster.DeleteJobOutput{}, err
}

// parked does something about a job that was put aside and that the caller
// sees; there is none other for it.
func (s *Service) parked(ctx context.Context, call *awsmodel.Call, id string, act func(*store.Tx) error) error {
	return s.config.Store.Update(ctx, func(tx *store.Tx) error {
		q, err := s.query(ctx, tx, call)
		if err != nil {
			return err
		}
		j, err := jobs.Find(ctx, tx, q, id)
		if err == nil && j.State != jobs.Parked {
			err = store.ErrNotFound
		}
		if err == nil {
			err = act(tx)
		}
		if errors.Is(err, store.ErrNotFound) {
			return &muster.ResourceNotFoundException{Message: "There is no parked job " + id + "."}
		}
		return err
	})
}
