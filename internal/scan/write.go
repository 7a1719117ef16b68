package scan

import (
	"context"
	"time"

	"muster/internal/store"
	"muster/internal/store/findings"
)

// write stores changes to findings, announces those that are published, and
// asks for closed ones to be forgotten in time.
func write(ctx context.Context, tx *store.Tx, list []findings.Write) error {
	if err := findings.Apply(ctx, tx, list); err != nil {
		return err
	}
	var events []store.Event
	expiry := map[Account]time.Time{}
	for i := range list {
		f := &list[i].After
		if list[i].Published() {
			told, err := announcements(&list[i].Change)
			if err != nil {
				return err
			}
			events = append(events, told...)
		}
		at := Account{f.Account, f.Region}
		if due := f.ExpiresAt(); !due.IsZero() && (expiry[at].IsZero() || due.Before(expiry[at])) {
			expiry[at] = due
		}
	}
	if err := tx.EmitAll(ctx, events); err != nil {
		return err
	}
	jobs := make([]store.Job, 0, len(expiry))
	for at, due := range expiry {
		job, err := accountJob(JobRetention, at.Account, at.Region, due)
		if err != nil {
			return err
		}
		jobs = append(jobs, job)
	}
	return tx.EnqueueAll(ctx, jobs)
}
