package inspector

import (
	"context"
	"time"

	"muster/internal/arn"
	"muster/internal/inspector/enforcement"
	"muster/internal/inspector/relation"
	"muster/internal/store"
	"muster/internal/store/activation"
)

// What the rooms below this one use.

// Target is one account of a batch.
type Target struct {
	Account arn.AccountID
	Region  arn.Region
	// Reached accounts are the caller's to see; of others nothing is told.
	Reached bool
	Scans   activation.Scans
}

// Targets finds the accounts of a batch, each once, in the order asked for;
// without ids it is the caller.
func Targets(ctx context.Context, tx *store.Tx, standing relation.Standing, ids []string) ([]Target, error) {
	found, err := visible(ctx, tx, standing, ids)
	list := make([]Target, len(found))
	for i, t := range found {
		list[i] = Target{Account: t.account, Region: t.region, Reached: t.refused == nil, Scans: t.scans}
	}
	return list, err
}

// PolicyOf is what the organization's policy says of an account.
func PolicyOf(ctx context.Context, tx *store.Tx, account arn.AccountID) (enforcement.Policy, error) {
	of, err := policiesOf(ctx, tx, []arn.AccountID{account})
	return of[account], err
}

// Pending reports whether a setting was made so recently that its transition
// lasts. Nothing has to be carried to anywhere, so no job ends it.
func (s *Service) Pending(updated, now time.Time) bool {
	return !updated.IsZero() && now.Before(updated.Add(s.lasts(statePending)))
}
