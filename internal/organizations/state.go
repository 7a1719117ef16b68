package organizations

import (
	"context"
	"errors"
	"fmt"
	"time"

	"muster/internal/arn"
	"muster/internal/store"
	"muster/internal/store/directory"
)

// ChangeState is the operator's hand on an account's state: what AWS does when
// it finishes a sign-up, suspends an account, reinstates it, or closes one that
// its owner closes. Every desk learns of it by a job, because the operator's
// command has no desks. The error is store.ErrNotFound for an unknown account.
func ChangeState(ctx context.Context, tx *store.Tx, account arn.AccountID, to directory.State, now time.Time) error {
	a, err := directory.LookupAccount(ctx, tx, account)
	if err != nil {
		return fmt.Errorf("account %s: %w", account, err)
	}
	if a.State == to {
		return nil
	}
	org, err := changeable(ctx, tx, a, to, now)
	if err != nil {
		return err
	}
	var closedAt time.Time
	if to == directory.Closed {
		closedAt = now
	}
	if err := directory.SetState(ctx, tx, account, to, closedAt); err != nil {
		return err
	}
	if to == directory.Closed && org != "" {
		if err := forgetLater(ctx, tx, org, account, now); err != nil {
			return err
		}
	}
	return later(ctx, tx, accountStateJob, account, now, string(org), string(account))
}

// changeable refuses what an operator cannot do either, and returns the
// account's organization, if it has one.
func changeable(ctx context.Context, tx *store.Tx, a directory.Account, to directory.State, now time.Time) (OrganizationID, error) {
	switch to {
	case directory.Active, directory.Suspended, directory.PendingActivation, directory.Closed:
	default:
		return "", fmt.Errorf("account state %q: give ACTIVE, SUSPENDED, PENDING_ACTIVATION or CLOSED", to)
	}
	if a.State == directory.Closed && !now.Before(a.ClosedAt.Add(retention)) {
		return "", fmt.Errorf("account %s was closed on %s, for good", a.ID, a.ClosedAt.Format(time.DateOnly))
	}
	o, err := directory.OrganizationOf(ctx, tx, a.ID)
	if errors.Is(err, store.ErrNotFound) {
		return "", nil
	}
	if err == nil && to == directory.Closed && o.Management == a.ID {
		err = fmt.Errorf("account %s is the management account of %s: delete the organization first", a.ID, o.ID)
	}
	return o.ID, err
}

// tellState is the job that tells of a change by the operator.
func (s *Service) tellState(ctx context.Context, tx *store.Tx, org OrganizationID, id string) error {
	a, err := directory.LookupAccount(ctx, tx, arn.AccountID(id))
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	return s.tell(func(o Observer) error { return o.AccountStateChanged(ctx, tx, org, a.ID, a.State, s.now()) })
}
