package scan

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"muster/internal/arn"
	"muster/internal/finding"
	"muster/internal/store"
	"muster/internal/store/activation"
	"muster/internal/store/filters"
	"muster/internal/store/findings"
	"muster/internal/suppress"
)

// rules are the suppression rules that govern an account's findings.
type rules = suppress.Rules

// rulesFor returns the rules that govern an account in a Region: those of its
// administrator while it is an associated member, else its own. Rules whose
// time is over govern nothing, however late the job is that ends them.
func rulesFor(ctx context.Context, tx *store.Tx, account arn.AccountID, region arn.Region, now time.Time) (rules, error) {
	owner, err := activation.AdministratorOf(ctx, tx, account, region)
	if errors.Is(err, store.ErrNotFound) {
		owner = account
	} else if err != nil {
		return nil, fmt.Errorf("administrator of %s: %w", account, err)
	}
	return rulesOf(ctx, tx, owner, region, now)
}

// rulesOf returns the rules that an account has made in a Region and that hide
// findings now.
func rulesOf(ctx context.Context, tx *store.Tx, owner arn.AccountID, region arn.Region, now time.Time) (rules, error) {
	var list rules
	for after := ""; ; {
		page, err := filters.Page(ctx, tx, owner, region, filters.Suppress, after, rulesAtOnce)
		if err != nil {
			return nil, fmt.Errorf("suppression rules of %s: %w", owner, err)
		}
		for i := range page {
			if page[i].Hides(now) {
				list = append(list, suppress.Rule{Name: string(page[i].ARN()), Criteria: page[i].Criteria})
			}
		}
		if len(page) < rulesAtOnce {
			return list, nil
		}
		after = page[len(page)-1].ID
	}
}

const (
	rulesAtOnce = 100
	// suppressAtOnce is how many findings one transaction moves, and
	// suppressWithin how many the accounts have at most among which a caller's
	// transaction looks for them; the rest is left to jobs.
	suppressAtOnce = 2000
	suppressWithin = 10_000
	// pageOfFindings is how many findings a job moves in one transaction.
	pageOfFindings = 500
)

// Suppression is the payload of JobHide and JobReveal.
type Suppression struct {
	Account
	// Rule is the ARN of the rule that is new or changed; of JobHide only.
	Rule string `json:"rule,omitempty"`
}

// Resuppress lets a changed rule act on the findings of accounts in a Region:
// hide, unless nil, is what the rule now is; reveal brings findings back that no
// rule hides any more. Where there are few findings that is done in the caller's
// transaction, else by jobs that the transaction enqueues.
func (s *Service) Resuppress(ctx context.Context, tx *store.Tx, region arn.Region, accounts []arn.AccountID, hide *filters.Filter, reveal bool, now time.Time) error {
	if hide != nil && !hide.Hides(now) {
		hide = nil
	}
	within, left := suppressWithin, suppressAtOnce
	for i, of := range accounts {
		n, err := findings.Total(ctx, tx, of, region)
		if err != nil {
			return err
		}
		if within -= int(n); within < 0 {
			return askToSuppress(ctx, tx, region, accounts[i:], hide, reveal)
		}
		moved, err := applyRule(ctx, tx, Account{of, region}, hide, reveal, left, now)
		if err != nil {
			return err
		}
		if left -= moved; left <= 0 {
			return askToSuppress(ctx, tx, region, accounts[i:], hide, reveal)
		}
	}
	return nil
}

// applyRule moves up to limit findings of an account.
func applyRule(ctx context.Context, tx *store.Tx, at Account, hide *filters.Filter, reveal bool, limit int, now time.Time) (int, error) {
	r, err := rulesFor(ctx, tx, at.Account, at.Region, now)
	if err != nil {
		return 0, err
	}
	var all []findings.Stored
	if hide != nil {
		if all, err = findings.MatchingPage(ctx, tx, at.Account, at.Region, finding.Active, &hide.Criteria, "", limit); err != nil {
			return 0, err
		}
	}
	if reveal {
		hidden, err := findings.MatchingPage(ctx, tx, at.Account, at.Region, finding.Suppressed, nil, "", limit)
		if err != nil {
			return 0, err
		}
		all = append(all, hidden...)
	}
	// What is read and stays counts, too: the limit is of the work.
	return len(all), move(ctx, tx, all, r.By, now)
}

// askToSuppress leaves accounts to jobs.
func askToSuppress(ctx context.Context, tx *store.Tx, region arn.Region, accounts []arn.AccountID, hide *filters.Filter, reveal bool) error {
	var jobs []store.Job
	add := func(kind, key string, p Suppression) error {
		body, err := json.Marshal(p)
		jobs = append(jobs, store.Job{Kind: kind, Key: key, Account: string(p.Account.Account), Region: string(region), Payload: body})
		return err
	}
	for _, of := range accounts {
		p, key := Suppression{Account: Account{of, region}}, string(of)+"/"+string(region)
		if reveal {
			if err := add(JobReveal, key, p); err != nil {
				return err
			}
		}
		if hide == nil {
			continue
		}
		p.Rule = string(hide.ARN())
		if err := add(JobHide, key+"/"+hide.ID, p); err != nil {
			return err
		}
	}
	return tx.EnqueueAll(ctx, jobs)
}

// resuppress is the handler of JobSuppression: all rules act on all findings
// of an account. Begun again after a crash it finds less to do.
func (s *Service) resuppress(ctx context.Context, job store.Job) error {
	at, err := payload[Account](job)
	if err != nil {
		return err
	}
	var r rules
	err = s.look(ctx, func(tx *store.Tx) (err error) {
		r, err = rulesFor(ctx, tx, at.Account, at.Region, s.now())
		return err
	})
	for i := 0; err == nil && i < len(r); i++ {
		err = s.walk(ctx, at, finding.Active, r[i].Name)
	}
	if err != nil {
		return err
	}
	return s.walk(ctx, at, finding.Suppressed, "")
}

// hide is the handler of JobHide.
func (s *Service) hide(ctx context.Context, job store.Job) error {
	p, err := payload[Suppression](job)
	if err != nil {
		return err
	}
	return s.walk(ctx, p.Account, finding.Active, p.Rule)
}

// reveal is the handler of JobReveal.
func (s *Service) reveal(ctx context.Context, job store.Job) error {
	p, err := payload[Suppression](job)
	if err != nil {
		return err
	}
	return s.walk(ctx, p.Account, finding.Suppressed, "")
}

// look reads. On PostgreSQL it does so in a serializable transaction: a scan
// that read the rules before they changed and commits after this has read its
// findings would else be missed by both.
func (s *Service) look(ctx context.Context, fn func(*store.Tx) error) error {
	if s.store.Engine() == store.PostgreSQL {
		return s.store.Update(ctx, fn)
	}
	return s.store.View(ctx, fn)
}

// walk goes through the findings of an account that have a status and that a
// rule matches, if one is named, and gives each the status that the rules in
// force give it. Pages are looked for without holding up writers; each is
// looked at again in the transaction that moves it.
func (s *Service) walk(ctx context.Context, at Account, status finding.Status, rule string) error {
	for after := ""; ; {
		var page []findings.Stored
		var r rules
		err := s.look(ctx, func(tx *store.Tx) (err error) {
			page = nil
			if r, err = rulesFor(ctx, tx, at.Account, at.Region, s.now()); err != nil {
				return err
			}
			named, ok := r.Named(rule)
			if rule != "" && !ok {
				return nil // It is no rule of this account any more.
			}
			page, err = findings.MatchingPage(ctx, tx, at.Account, at.Region, status, named, after, pageOfFindings)
			return err
		})
		if err != nil || len(page) == 0 {
			return err
		}
		after = page[len(page)-1].ID()
		if err := s.settle(ctx, at, wrong(page, r)); err != nil {
			return err
		}
		if len(page) < pageOfFindings {
			return nil
		}
	}
}

// wrong are the ids of findings whose status is not what rules give them.
func wrong(page []findings.Stored, r rules) []string {
	var ids []string
	for i := range page {
		if (r.By(&page[i].Finding) != "") != (page[i].Status == finding.Suppressed) {
			ids = append(ids, page[i].ID())
		}
	}
	return ids
}

// settle gives findings the status that the rules in force give them.
func (s *Service) settle(ctx context.Context, at Account, ids []string) error {
	if len(ids) == 0 {
		return nil
	}
	return s.store.Update(ctx, func(tx *store.Tx) error {
		now := s.now()
		r, err := rulesFor(ctx, tx, at.Account, at.Region, now)
		if err != nil {
			return err
		}
		list, err := findings.WithIDs(ctx, tx, at.Account, at.Region, ids)
		if err != nil {
			return err
		}
		return move(ctx, tx, list, r.By, now)
	})
}

// move gives open findings the status that rules decide, and leaves those alone
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
