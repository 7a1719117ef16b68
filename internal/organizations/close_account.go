package organizations

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"muster/internal/arn"
	"muster/internal/awsmodel"
	api "muster/internal/awsmodel/organizations"
	"muster/internal/organizations/principal"
	"muster/internal/organizations/refusal"
	"muster/internal/store"
	"muster/internal/store/directory"
)

const (
	// closureWindow is the time over which closures are limited.
	closureWindow = 30 * 24 * time.Hour
	// retention is how long a closed account stays in its organization.
	retention = 90 * 24 * time.Hour
)

// CloseAccount begins the closure of a member account.
func (s *Service) CloseAccount(ctx context.Context, call *awsmodel.Call, in *api.CloseAccountInput) (*api.CloseAccountOutput, error) {
	account := arn.AccountID(in.AccountId)
	return store.Write(ctx, s.store, func(tx *store.Tx) (*api.CloseAccountOutput, error) {
		m, err := s.Admit(ctx, tx, call, "CloseAccount", in)
		if err != nil {
			return nil, err
		}
		if err := s.closable(ctx, tx, m, account, call.Time); err != nil {
			return nil, err
		}
		if err := s.setState(ctx, tx, m.Org, account, directory.PendingClosure, call.Time, call.Time); err != nil {
			return nil, err
		}
		return &api.CloseAccountOutput{},
			s.later(ctx, tx, closeAccountJob, account, call.Time.Add(s.lasts("ACCOUNT_CLOSURE", account)), string(m.Org), string(account))
	})
}

// closable refuses a closure that state or limits forbid.
func (s *Service) closable(ctx context.Context, tx *store.Tx, m Membership, account arn.AccountID, now time.Time) error {
	if !m.AllFeatures() {
		return refusal.NotAllFeatures()
	}
	a, err := directory.LookupMember(ctx, tx, m.Org, account)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return refusal.AccountNotFound()
	case err != nil:
		return err
	case account == m.Management:
		return cannotCloseManagement()
	case a.State == directory.Closed:
		return accountAlreadyClosed()
	case a.State == directory.PendingClosure:
		return accountClosing()
	}
	return s.roomForClosure(ctx, tx, m.Org, now)
}

func (s *Service) roomForClosure(ctx context.Context, tx *store.Tx, org OrganizationID, now time.Time) error {
	running, err := directory.CountMembersInState(ctx, tx, org, directory.PendingClosure)
	if err != nil {
		return err
	}
	if running >= s.limits.Closing {
		return tooManyClosuresAtOnce()
	}
	accounts, err := directory.CountMembers(ctx, tx, org)
	if err != nil {
		return err
	}
	recent, err := directory.CountClosedSince(ctx, tx, org, now.Add(-closureWindow))
	if err != nil {
		return err
	}
	if recent >= s.limits.ClosuresOf(accounts) {
		return tooManyClosures()
	}
	return nil
}

// setState changes an account's state and tells.
func (s *Service) setState(ctx context.Context, tx *store.Tx, org OrganizationID, account arn.AccountID, state directory.State, closedAt, now time.Time) error {
	if err := directory.SetState(ctx, tx, account, state, closedAt); err != nil {
		return err
	}
	return s.tell(func(o Observer) error { return o.AccountStateChanged(ctx, tx, org, account, state, now) })
}

// finishClosure is the job behind CloseAccount.
func (s *Service) finishClosure(ctx context.Context, tx *store.Tx, org OrganizationID, id string) error {
	a, err := directory.LookupMember(ctx, tx, org, arn.AccountID(id))
	if errors.Is(err, store.ErrNotFound) || err == nil && a.State != directory.PendingClosure {
		return nil // done before, or the account has left
	}
	if err != nil {
		return err
	}
	if err := s.setState(ctx, tx, org, a.ID, directory.Closed, a.ClosedAt, s.now()); err != nil {
		return err
	}
	return forgetLater(ctx, tx, org, a.ID, a.ClosedAt)
}

// forgetLater enqueues the end of an account that closed at a time. An account
// may be reinstated and closed again, so each closure has a job of its own.
func forgetLater(ctx context.Context, tx *store.Tx, org OrganizationID, account arn.AccountID, closedAt time.Time) error {
	closure := string(account) + " " + strconv.FormatInt(closedAt.UnixMicro(), 10)
	return later(ctx, tx, forgetAccountJob, account, closedAt.Add(retention), string(org), closure)
}

// forgetAccount is the job that takes an account out of its organization when
// it has been closed for long enough. Its row stays, because the address of a
// closed account is never free again.
func (s *Service) forgetAccount(ctx context.Context, tx *store.Tx, org OrganizationID, closure string) error {
	id, _, _ := strings.Cut(closure, " ")
	a, err := directory.LookupMember(ctx, tx, org, arn.AccountID(id))
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	if a.State != directory.Closed || s.now().Before(a.ClosedAt.Add(retention)) {
		return nil // reinstated, and perhaps closed again since
	}
	if !s.store.ClockTrusted() {
		return s.later(ctx, tx, forgetAccountJob, a.ID, s.now().Add(time.Hour), string(org), closure)
	}
	return s.expel(ctx, tx, org, a.ID, s.now())
}

// expel takes an account out of its organization with all that it was there.
func (s *Service) expel(ctx context.Context, tx *store.Tx, org OrganizationID, account arn.AccountID, now time.Time) error {
	list, err := directory.DelegationsOf(ctx, tx, org, account, "", principal.Count())
	if err != nil {
		return err
	}
	for _, d := range list {
		if err := directory.DeleteDelegation(ctx, tx, org, d.Principal, account); err != nil {
			return err
		}
		err := s.tell(func(o Observer) error {
			return o.DelegatedAdministratorDeregistered(ctx, tx, org, account, d.Principal, now)
		})
		if err != nil {
			return err
		}
	}
	if err := forget(ctx, tx, org, string(account)); err != nil {
		return err
	}
	if err := directory.RemoveMember(ctx, tx, org, account); err != nil {
		return err
	}
	return s.tell(func(o Observer) error { return o.AccountLeft(ctx, tx, org, account, now) })
}
