package reach

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"muster/internal/arn"
	"muster/internal/collect"
	"muster/internal/collect/query"
	"muster/internal/inspector"
	"muster/internal/network/facts"
	"muster/internal/store"
	"muster/internal/store/activation"
	"muster/internal/store/topology"
	"muster/internal/worker"
)

// The collectors' jobs.
const (
	// JobRound begins a round of a collector; the payload is a
	// topology.CollectorRef.
	JobRound = "network.round"
	// JobCollect looks at one account in one Region; the payload is a visit.
	JobCollect = "network.collect"
)

// AtATime is how many accounts and Regions a server looks at at once.
const AtATime = 4

// settle is how long findings wait while further accounts are to be looked at,
// so that a round through an organization is not analysed account by account.
const settle = time.Minute

// longest is how long a look at one account in one Region may take.
const longest = 20 * time.Minute

// visit is a look at one account in one Region.
type visit struct {
	Collector topology.CollectorRef `json:"collector"`
	Target    topology.Target       `json:"target"`
	Region    arn.Region            `json:"region"`
}

// targetsOf are the accounts that a collector looks at in a Region and that its
// account sees there now.
func targetsOf(ctx context.Context, tx *store.Tx, c *topology.Collector, region arn.Region) ([]topology.Target, error) {
	visible, err := inspector.VisibleAccounts(ctx, tx, c.Account, region)
	if err != nil {
		return nil, err
	}
	if len(c.Targets) == 0 {
		return everybody(ctx, tx, visible)
	}
	var out []topology.Target
	for _, t := range c.Targets {
		sees, err := visible.Sees(ctx, tx, t.Account)
		if err != nil {
			return nil, err
		}
		if sees {
			out = append(out, t)
		}
	}
	return out, nil
}

// everybody is the accounts of a scope.
func everybody(ctx context.Context, tx *store.Tx, scope activation.Scope) ([]topology.Target, error) {
	out := []topology.Target{{Account: scope.Own}}
	if !scope.Administrator {
		return out, nil
	}
	after := arn.AccountID("")
	for {
		const size = 1000
		page, err := activation.MembersPage(ctx, tx, scope.Own, scope.Region, after, size)
		if err != nil {
			return nil, err
		}
		for _, m := range page {
			if m.Relationship.Associated() && m.Account != scope.Own {
				out = append(out, topology.Target{Account: m.Account})
			}
			after = m.Account
		}
		if len(page) < size {
			return out, nil
		}
	}
}

// round is the handler of JobRound: it asks for a look at every account in
// every Region, and for the next round.
func (s *Service) round(ctx context.Context, job store.Job) error {
	var ref topology.CollectorRef
	if err := json.Unmarshal(job.Payload, &ref); err != nil {
		return worker.Permanent(fmt.Errorf("payload of %s: %w", job.Kind, err))
	}
	now := s.now()
	return s.store.Update(ctx, func(tx *store.Tx) error {
		c, err := topology.LookupCollector(ctx, tx, ref)
		if errors.Is(err, store.ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		visits, err := visitsOf(ctx, tx, &c)
		if err != nil {
			return err
		}
		for _, v := range visits {
			if err := askToVisit(ctx, tx, v, now); err != nil {
				return err
			}
		}
		message := ""
		if len(visits) == 0 {
			message = "This account answers for none of the accounts in any of the Regions."
		}
		if err := topology.CollectorStarted(ctx, tx, ref, message, now); err != nil {
			return err
		}
		return askToCollect(ctx, tx, ref, now.Add(c.Every))
	})
}

// visitsOf are the visits of a round.
func visitsOf(ctx context.Context, tx *store.Tx, c *topology.Collector) ([]visit, error) {
	var all []visit
	for _, r := range c.Regions {
		targets, err := targetsOf(ctx, tx, c, r)
		if err != nil {
			return nil, err
		}
		for _, t := range targets {
			all = append(all, visit{c.CollectorRef, t, r})
		}
	}
	return all, nil
}

func askToVisit(ctx context.Context, tx *store.Tx, v visit, when time.Time) error {
	body, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return tx.Enqueue(ctx, store.Job{
		Kind: JobCollect, Key: v.Collector.String() + "/" + string(v.Target.Account) + "/" + string(v.Region),
		Account: string(v.Target.Account), Region: string(v.Region), Payload: body, RunAt: when,
	})
}

// collect is the handler of JobCollect. What goes wrong in AWS is told of the
// account, whose facts stay as they were; the next round tries again.
func (s *Service) collect(ctx context.Context, job store.Job) error {
	var v visit
	if err := json.Unmarshal(job.Payload, &v); err != nil {
		return worker.Permanent(fmt.Errorf("payload of %s: %w", job.Kind, err))
	}
	c, before, err := s.visited(ctx, &v)
	if errors.Is(err, errGone) {
		return nil
	}
	if err != nil {
		return err
	}
	within, cancel := context.WithTimeout(ctx, longest)
	defer cancel()
	got, err := s.look(within, &c, &v)
	if ctx.Err() != nil {
		return ctx.Err() // The server ends; another one looks again.
	}
	if err != nil {
		return s.failed(ctx, &v, err)
	}
	return s.collected(ctx, &v, got, before)
}

// visited reads what a visit needs: the collector, and the facts of last time.
func (s *Service) visited(ctx context.Context, v *visit) (c topology.Collector, before []byte, err error) {
	err = s.store.View(ctx, func(tx *store.Tx) error {
		if c, err = topology.LookupCollector(ctx, tx, v.Collector); err != nil {
			if errors.Is(err, store.ErrNotFound) {
				err = errGone
			}
			return err
		}
		visible, err := inspector.VisibleAccounts(ctx, tx, c.Account, v.Region)
		if err != nil {
			return err
		}
		if sees, err := visible.Sees(ctx, tx, v.Target.Account); err != nil || !sees {
			return errors.Join(err, errGone)
		}
		n, err := topology.LookupSnapshot(ctx, tx, v.Target.Account, v.Region)
		if err == nil && n.Digest != "" && n.Source == topology.Collected {
			before, err = topology.Content(ctx, tx, n.Digest)
		}
		if errors.Is(err, store.ErrNotFound) {
			err = nil
		}
		return err
	})
	return c, before, err
}

// look asks AWS.
func (s *Service) look(ctx context.Context, c *topology.Collector, v *visit) (*collect.Result, error) {
	with := s.config.Credentials
	if c.KeyID != "" {
		secret, err := s.config.Secrets.Open(binding(c), c.Secret)
		if err != nil {
			return nil, fmt.Errorf("the collector's access key cannot be opened: %w", err)
		}
		with = collect.Key(c.KeyID, string(secret))
	}
	if c.KeyID == "" && !s.config.Ambient || with == nil {
		return nil, errors.New("the collector has no access key, and may not use the server's own credentials")
	}
	o := query.Options{Credentials: with, Region: string(v.Region), Endpoint: s.config.Endpoint, HTTP: s.config.HTTP}
	account := v.Target.Account
	if v.Target.As != "" {
		account = v.Target.As
	}
	role := &collect.Role{Name: c.Role, ExternalID: c.ExternalID, Session: "muster-" + string(c.Account)}
	o.Credentials = collect.Assume(with, role, account, o)
	if _, err := o.Credentials.Retrieve(ctx); err != nil {
		return nil, fmt.Errorf("role %s cannot be assumed: %w", role.ARN(account, v.Region), err)
	}
	return collect.Collect(ctx, o)
}

// collected puts in force what an account told. Where single calls failed, what
// they told last time stays.
func (s *Service) collected(ctx context.Context, v *visit, got *collect.Result, before []byte) error {
	at := facts.Scope{Account: v.Target.Account, Region: v.Region}
	var files []file
	for _, f := range got.Files {
		files = append(files, file{f.Name, f.Data})
	}
	files, err := keepLast(files, got.Failures, before)
	if err != nil {
		return err
	}
	select {
	case s.reading <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-s.reading }()
	t, err := tell(files, at)
	if err != nil {
		return s.failed(ctx, v, fmt.Errorf("what AWS told cannot be read: %w", err))
	}
	now := s.now()
	further, err := store.Read(ctx, s.store, func(tx *store.Tx) (bool, error) { return tx.Waiting(ctx, JobCollect, now) })
	if err != nil {
		return err
	}
	wait := time.Duration(0)
	if further {
		wait = settle
	}
	return s.store.Update(ctx, func(tx *store.Tx) error {
		n, err := s.putInForce(ctx, tx, t, topology.Collected, now, wait)
		if err != nil || len(got.Failures) == 0 {
			return err
		}
		n.FailedAt, n.Failure, n.FailureText = now, "PARTIAL", partly(got.Failures)
		return topology.PutSnapshot(ctx, tx, &n)
	})
}

// keepLast takes files of last time for those that are missing now because a
// call failed.
func keepLast(files []file, failures []collect.Failure, before []byte) ([]file, error) {
	if len(failures) == 0 || len(before) == 0 {
		return files, nil
	}
	last, err := filesOf(before)
	if err != nil {
		return nil, err
	}
	missing := map[string]bool{}
	for _, f := range failures {
		missing[f.File] = true
	}
	kept := files[:0]
	for _, f := range files {
		if old, ok := last[f.name]; !missing[f.name] || !ok {
			kept = append(kept, f)
		} else {
			kept = append(kept, old)
		}
		delete(missing, f.name)
	}
	for name := range missing {
		if old, ok := last[name]; ok {
			kept = append(kept, old)
		}
	}
	return kept, nil
}

// maxFailure bounds what is kept of an error.
const maxFailure = 1000

// partly says which calls failed.
func partly(failures []collect.Failure) string {
	var texts []string
	for _, f := range failures {
		texts = append(texts, f.Err.Error())
	}
	return cutText("Not everything was told; what was not is as it was last time, or not known: " + strings.Join(texts, "; "))
}

func cutText(text string) string {
	return strings.ToValidUTF8(text[:min(len(text), maxFailure)], "")
}

// failed notes that nothing could be learned of an account; its facts stay.
func (s *Service) failed(ctx context.Context, v *visit, cause error) error {
	now := s.now()
	return s.store.Update(ctx, func(tx *store.Tx) error {
		n, err := topology.LookupSnapshot(ctx, tx, v.Target.Account, v.Region)
		if errors.Is(err, store.ErrNotFound) {
			n, err = topology.Snapshot{Account: v.Target.Account, Region: v.Region, Source: topology.Collected, FirstAt: now}, nil
		}
		if err != nil {
			return err
		}
		n.FailedAt, n.Failure = now, failureCode(cause)
		n.FailureText = "The networks of account " + string(v.Target.Account) + " in " + string(v.Region) + " could not be read: " + cause.Error()
		if n.Digest != "" {
			n.FailureText = "What is known is of " + n.CollectedAt.UTC().Format(time.RFC3339) + ". " + n.FailureText
		}
		n.FailureText = cutText(n.FailureText)
		return topology.PutSnapshot(ctx, tx, &n)
	})
}

// failureCode sorts failures by what is to be done about them.
func failureCode(err error) string {
	var api interface{ ErrorCode() string }
	switch {
	case collect.Denied(err), errors.As(err, &api) && strings.HasPrefix(api.ErrorCode(), "AccessDenied"):
		return "ACCESS_DENIED"
	case collect.Throttled(err):
		return "THROTTLED"
	case errors.Is(err, context.DeadlineExceeded):
		return "TIMEOUT"
	}
	return "FAILED"
}
