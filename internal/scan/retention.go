package scan

import (
	"context"
	"time"

	"muster/internal/finding"
	"muster/internal/store"
	"muster/internal/store/catalog"
	"muster/internal/store/findings"
)

// doubtful is when to look again while the clock is not to be trusted.
const doubtful = 10 * time.Minute

// forget is the handler of JobRetention: it deletes the closed findings of an
// account whose time has come and the resources that are gone, and asks for
// the next time.
func (s *Service) forget(ctx context.Context, job store.Job) error {
	at, err := payload[Account](job)
	if err != nil {
		return err
	}
	if !s.store.ClockTrusted() {
		return s.store.Update(ctx, func(tx *store.Tx) error {
			return askForAccount(ctx, tx, JobRetention, at.Account, at.Region, s.now().Add(doubtful))
		})
	}
	for {
		var n int
		err := s.store.Update(ctx, func(tx *store.Tx) (err error) {
			n, err = forgetSome(ctx, tx, at, s.now())
			return err
		})
		if err != nil || n == 0 {
			return err
		}
	}
}

// forgetSome deletes a part of what is due. When nothing is left it asks for
// the job that deletes what falls due next.
func forgetSome(ctx context.Context, tx *store.Tx, at Account, now time.Time) (int, error) {
	expired, next, err := findings.Expire(ctx, tx, at.Account, at.Region, now, removeAtOnce)
	if err != nil {
		return 0, err
	}
	dropped, gone, err := catalog.DropGone(ctx, tx, at.Account, at.Region, now.Add(-finding.KeepGone), removeAtOnce)
	if err != nil {
		return 0, err
	}
	if expired+dropped > 0 {
		return expired + dropped, nil
	}
	if due := gone.Add(finding.KeepGone); !gone.IsZero() && due.After(now) && (next.IsZero() || due.Before(next)) {
		next = due
	}
	if next.IsZero() {
		return 0, nil
	}
	return 0, askForAccount(ctx, tx, JobRetention, at.Account, at.Region, next)
}
