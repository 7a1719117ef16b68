package handshakes

import (
	"context"
	"errors"
	"time"

	"muster/internal/store"
	"muster/internal/store/handshakes"
	"muster/internal/worker"
)

// The kinds of this desk's jobs.
const (
	expireJob = "organizations.expire-handshake"
	forgetJob = "organizations.forget-handshake"
)

// later enqueues a job about a handshake.
func later(ctx context.Context, tx *store.Tx, kind string, h handshakes.Handshake, when time.Time) error {
	return tx.Enqueue(ctx, store.Job{Kind: kind, Key: h.ID, Account: string(h.Management), Payload: []byte(h.ID), RunAt: when})
}

// Jobs returns the handlers of this desk's jobs by kind. Each does its whole
// work in one transaction and finds nothing to do when it is run again.
func (s *Service) Jobs() map[string]worker.Handler {
	return map[string]worker.Handler{expireJob: s.job(s.expire), forgetJob: s.job(s.forget)}
}

func (s *Service) job(do func(context.Context, *store.Tx, handshakes.Handshake) error) worker.Handler {
	return func(ctx context.Context, job store.Job) error {
		return s.store.Update(ctx, func(tx *store.Tx) error {
			h, err := handshakes.Lookup(ctx, tx, string(job.Payload))
			if errors.Is(err, store.ErrNotFound) {
				return nil
			}
			if err != nil {
				return err
			}
			return do(ctx, tx, h)
		})
	}
}

// expire writes down that nobody has answered in time.
func (s *Service) expire(ctx context.Context, tx *store.Tx, h handshakes.Handshake) error {
	if h.State != handshakes.Requested || h.Pending(s.now()) {
		return nil
	}
	return finish(ctx, tx, &h, handshakes.Expired, h.ExpiresAt)
}

// forget deletes what nobody can see any more.
func (s *Service) forget(ctx context.Context, tx *store.Tx, h handshakes.Handshake) error {
	if h.FinishedAt.IsZero() || s.now().Before(h.FinishedAt.Add(listed)) {
		return nil
	}
	return handshakes.Forget(ctx, tx, h.ID)
}
