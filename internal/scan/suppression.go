package scan

import (
	"context"
	"errors"
	"fmt"
	"time"

	"muster/internal/arn"
	"muster/internal/finding"
	"muster/internal/store"
	"muster/internal/store/activation"
	"muster/internal/store/findings"
	"muster/internal/suppress"
)

// rules are the suppression rules that govern an account's findings.
type rules = suppress.Rules

// rulesFor returns the rules that govern an account in a Region: those of its
// administrator while it is an associated member, else its own.
func rulesFor(ctx context.Context, tx *store.Tx, account arn.AccountID, region arn.Region) (rules, error) {
	owner, err := activation.AdministratorOf(ctx, tx, account, region)
	if errors.Is(err, store.ErrNotFound) {
		owner = account
	} else if err != nil {
		return nil, fmt.Errorf("administrator of %s: %w", account, err)
	}
	var list rules
	for after := ""; ; {
		page, err := findings.Filters(ctx, tx, owner, region, findings.Suppress, after, rulesAtOnce)
		if err != nil {
			return nil, fmt.Errorf("suppression rules of %s: %w", owner, err)
		}
		for _, f := range page {
			list = append(list, suppress.Rule{Name: string(f.ARN()), Criteria: f.Criteria})
		}
		if len(page) < rulesAtOnce {
			return list, nil
		}
		after = page[len(page)-1].ID
	}
}

const (
	rulesAtOnce = 100
	// suppressAtOnce is how many findings one transaction moves; more are
	// left to a job.
	suppressAtOnce = 2000
	// pageOfSuppressed is how many suppressed findings are read at a time,
	// pagesAtOnce how many such pages a caller's transaction reads.
	pageOfSuppressed = 500
	pagesAtOnce      = 10
)

// account is the scope of one account.
type account arn.AccountID

// Where makes it a findings.Scope.
func (a account) Where(w *store.Where, column string) { w.Add(column+" = ?", string(a)) }

// Resuppress applies the rules in force to all findings of an account in a
// Region, in the caller's transaction. Where that would take long the rest is
// left to a job, which the transaction enqueues.
func (s *Service) Resuppress(ctx context.Context, tx *store.Tx, of arn.AccountID, region arn.Region, now time.Time) error {
	r, err := rulesFor(ctx, tx, of, region)
	if err != nil {
		return err
	}
	done, err := hide(ctx, tx, of, region, r, now)
	if err != nil {
		return err
	}
	var from place
	for range pagesAtOnce {
		if !done || from.done {
			break
		}
		if from, err = reveal(ctx, tx, of, region, r, from, now); err != nil {
			return err
		}
	}
	if done && from.done {
		return nil
	}
	return askForAccount(ctx, tx, JobSuppression, of, region, now)
}

// resuppress is the handler of JobSuppression. It works in transactions of
// bounded size; begun again after a crash it finds less to do.
func (s *Service) resuppress(ctx context.Context, job store.Job) error {
	at, err := payload[Account](job)
	if err != nil {
		return err
	}
	for done := false; !done; {
		err := s.store.Update(ctx, func(tx *store.Tx) error {
			r, err := rulesFor(ctx, tx, at.Account, at.Region)
			if err == nil {
				done, err = hide(ctx, tx, at.Account, at.Region, r, s.now())
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	for from := (place{}); !from.done; {
		var next place
		err := s.store.Update(ctx, func(tx *store.Tx) error {
			r, err := rulesFor(ctx, tx, at.Account, at.Region)
			if err == nil {
				next, err = reveal(ctx, tx, at.Account, at.Region, r, from, s.now())
			}
			return err
		})
		if err != nil {
			return err
		}
		from = next
	}
	return nil
}

// hide suppresses the ACTIVE findings that a rule matches, up to the limit of
// one transaction; done is false when there may be more.
func hide(ctx context.Context, tx *store.Tx, of arn.AccountID, region arn.Region, r rules, now time.Time) (done bool, err error) {
	left := suppressAtOnce
	for i := range r {
		list, err := findings.ActiveMatching(ctx, tx, account(of), region, &r[i].Criteria, left)
		if err != nil {
			return false, err
		}
		if err := move(ctx, tx, list, func(*finding.Finding) string { return r[i].Name }, now); err != nil {
			return false, err
		}
		if left -= len(list); left == 0 {
			return false, nil
		}
	}
	return true, nil
}

// place is how far the suppressed findings have been gone through.
type place struct {
	id   string
	done bool
}

// reveal goes through a page of the SUPPRESSED findings and restores those
// that no rule matches.
func reveal(ctx context.Context, tx *store.Tx, of arn.AccountID, region arn.Region, r rules, from place, now time.Time) (place, error) {
	list, err := findings.SuppressedPage(ctx, tx, account(of), region, of, from.id, pageOfSuppressed)
	if err != nil {
		return from, err
	}
	next := place{id: from.id, done: len(list) < pageOfSuppressed}
	if len(list) > 0 {
		next.id = list[len(list)-1].ID()
	}
	return next, move(ctx, tx, list, r.By, now)
}

// move gives findings the status that rules decide, and leaves those alone
// that have it.
func move(ctx context.Context, tx *store.Tx, list []findings.Stored, by func(*finding.Finding) string, now time.Time) error {
	var writes []findings.Write
	for _, f := range list {
		if c, ok := finding.Suppress(f.Finding, by(&f.Finding), now); ok {
			writes = append(writes, findings.Write{Resource: f.Number, Change: c})
		}
	}
	return write(ctx, tx, writes)
}
