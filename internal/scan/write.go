package scan

import (
	"context"
	"time"

	"muster/internal/finding"
	"muster/internal/store"
	"muster/internal/store/findings"
)

// write stores the changes to a resource's findings, announces those that are
// published, and asks for closed ones to be forgotten in time.
func write(ctx context.Context, tx *store.Tx, resource int64, changes []finding.Change) error {
	list := make([]findings.Write, len(changes))
	for i, c := range changes {
		list[i] = findings.Write{Resource: resource, Change: c}
	}
	return writeAll(ctx, tx, list)
}

// writeAll is write for findings of several resources.
func writeAll(ctx context.Context, tx *store.Tx, list []findings.Write) error {
	if err := findings.Apply(ctx, tx, list); err != nil {
		return err
	}
	expiry := map[Account]time.Time{}
	for i := range list {
		f := &list[i].After
		if list[i].Published() {
			if err := emit(ctx, tx, f); err != nil {
				return err
			}
		}
		at := Account{f.Account, f.Region}
		if due := f.ExpiresAt(); !due.IsZero() && (expiry[at].IsZero() || due.Before(expiry[at])) {
			expiry[at] = due
		}
	}
	for at, due := range expiry {
		if err := askForAccount(ctx, tx, JobRetention, at.Account, at.Region, due); err != nil {
			return err
		}
	}
	return nil
}
