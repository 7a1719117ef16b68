// Package event looks after the outbox: what happened, in EventBridge's terms,
// written by the transactions that made it happen. Nothing collects events
// yet, so that all there is to do is to keep the outbox from growing for ever.
package event

import (
	"context"
	"time"

	"muster/internal/store"
	"muster/internal/worker"
)

// JobRetention forgets events that are older than Keep. It comes back by
// itself.
const JobRetention = "event.retention"

const (
	// Keep is how long events stay in the outbox.
	Keep = 7 * 24 * time.Hour
	// every is how often old events are looked for.
	every = time.Hour
	// atOnce is how many events one transaction deletes.
	atOnce = 5000
)

// Service is the desk.
type Service struct {
	store *store.Store
	now   func() time.Time
}

// New returns the desk; now is its clock.
func New(s *store.Store, now func() time.Time) *Service { return &Service{s, now} }

// Jobs are the handlers of the desk's jobs, by kind.
func (s *Service) Jobs() map[string]worker.Handler {
	return map[string]worker.Handler{JobRetention: s.retain}
}

// Start makes sure that the retention is under way. Asking twice is the same
// as asking once.
func (s *Service) Start(ctx context.Context) error {
	return s.store.Update(ctx, func(tx *store.Tx) error { return s.again(ctx, tx, s.now()) })
}

func (s *Service) again(ctx context.Context, tx *store.Tx, when time.Time) error {
	return tx.Enqueue(ctx, store.Job{Kind: JobRetention, Key: "all", RunAt: when})
}

func (s *Service) retain(ctx context.Context, _ store.Job) error {
	for {
		var n int64
		err := s.store.Update(ctx, func(tx *store.Tx) (err error) {
			if n, err = tx.ExpireEvents(ctx, s.now().Add(-Keep), atOnce); err != nil || n > 0 {
				return err
			}
			return s.again(ctx, tx, s.now().Add(every))
		})
		if err != nil || n == 0 {
			return err
		}
	}
}
