package refresh

import (
	"context"
	"encoding/json"
	"fmt"

	"muster/internal/store"
)

// JobSync is the kind of the job that runs a Sync: the scheduled one, or one
// that somebody asked for. Its payload is a Request.
const JobSync = "refresh.sync"

// scheduledKey is the key of the one job that comes back every interval.
const scheduledKey = "scheduled"

// Request is the payload of a sync job.
type Request struct {
	Source         string   `json:"source,omitempty"`
	Ecosystems     []string `json:"ecosystems,omitempty"`
	AcceptShrunken bool     `json:"accept_shrunken,omitempty"`
}

// Schedule makes sure that the scheduled sync is under way: it runs now, and
// then again every interval. Asking twice is the same as asking once. Without
// an interval it does nothing.
func (s *Service) Schedule(ctx context.Context) error {
	if s.config.Interval <= 0 {
		return nil
	}
	return s.config.Store.Update(ctx, func(tx *store.Tx) error {
		return tx.Enqueue(ctx, store.Job{Kind: JobSync, Key: scheduledKey, RunAt: s.config.Now()})
	})
}

// Ask enqueues one sync in the caller's transaction.
func Ask(ctx context.Context, tx *store.Tx, r Request) error {
	payload, err := json.Marshal(r)
	if err != nil {
		return err
	}
	return tx.Enqueue(ctx, store.Job{Kind: JobSync, Payload: payload})
}

// Run is the handler of JobSync. A sync that fails is logged and, when
// scheduled, tried again at the next interval; its failure is in the status of
// the sources. So the job itself fails only where the store does.
func (s *Service) Run(ctx context.Context, job store.Job) error {
	var r Request
	if len(job.Payload) > 0 {
		if err := json.Unmarshal(job.Payload, &r); err != nil {
			return fmt.Errorf("sync request: %w", err)
		}
	}
	report, err := s.Sync(ctx, SyncOptions{Source: r.Source, Ecosystems: r.Ecosystems, AcceptShrunken: r.AcceptShrunken})
	if ctx.Err() != nil {
		return ctx.Err()
	}
	s.log(report, err)
	if job.Key != scheduledKey || s.config.Interval <= 0 {
		return nil
	}
	return s.config.Store.Update(ctx, func(tx *store.Tx) error {
		return tx.Enqueue(ctx, store.Job{Kind: JobSync, Key: scheduledKey, RunAt: s.next(report)})
	})
}

func (s *Service) log(report Report, err error) {
	for _, r := range report.Fetched {
		if r.Err != nil {
			s.config.Log.Warn("feed source not fetched", "source", r.Source, "error", r.Err)
		}
	}
	if list, statusErr := s.fetchStatus(); statusErr == nil {
		for _, f := range list {
			if f.Stale {
				s.config.Log.Warn("feed source is stale", "source", f.Source, "since", f.SucceededAt, "error", f.Error)
			}
		}
	}
	if err != nil {
		s.config.Log.Error("advisories not refreshed", "error", err)
		return
	}
	for _, r := range report.Rejected() {
		s.config.Log.Warn("advisory source rejected", "source", r.Name, "reason", r.Reason)
	}
	s.config.Log.Info("advisories refreshed", "sources", len(report.Sources), "from", report.From, "to", report.To)
}
