package code

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"time"

	"muster/internal/arn"
	"muster/internal/code/schedule"
	"muster/internal/finding"
	"muster/internal/store"
	"muster/internal/store/activation"
	"muster/internal/store/catalog"
	cellar "muster/internal/store/code"
)

// sca is the category of rules that muster has: packages with known
// vulnerabilities. It has none for source code (SAST) and templates (IAC).
const sca = "SCA"

// The expressions of frequencies that come without one.
const (
	weekly  = "cron(0 0 ? * SUN *)"
	monthly = "cron(0 0 1 * ? *)"
)

// maxPerProject bounds the configurations that are looked at for a project.
const maxPerProject = 1000

// governing lists the configurations of a project: the default ones of its
// account and of its organization, and those it is associated with.
func governing(ctx context.Context, tx *store.Tx, p *cellar.Project) ([]cellar.Configuration, error) {
	visible, err := visibleTo(ctx, tx, p.At)
	if err != nil {
		return nil, err
	}
	associated, err := cellar.AssociatedWith(ctx, tx, p.At, p.ID)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(visible, func(c cellar.Configuration) bool {
		return c.Scope != cellar.All && !slices.Contains(associated, c.ID)
	}), nil
}

// visibleTo lists the configurations that an account may use: its own, and
// those of its organization's delegated administrator for all accounts.
func visibleTo(ctx context.Context, tx *store.Tx, at cellar.At) ([]cellar.Configuration, error) {
	organization, administrator, err := organizationOf(ctx, tx, at)
	if err != nil {
		return nil, err
	}
	list, err := cellar.Configurations(ctx, tx, at, organization, "", maxPerProject)
	if err != nil {
		return nil, err
	}
	// A former administrator's rules end with its office.
	return slices.DeleteFunc(list, func(c cellar.Configuration) bool { return c.Organization() && c.Account != administrator }), nil
}

// organizationOf is the organization whose rules hold for an account, and its
// administrator; "" for none.
func organizationOf(ctx context.Context, tx *store.Tx, at cellar.At) (string, arn.AccountID, error) {
	st, err := activation.StandingOf(ctx, tx, at.Account, at.Region)
	if errors.Is(err, store.ErrNotFound) || err == nil && !st.Associated && st.Administrator != at.Account {
		return "", "", nil
	}
	return string(st.Organization), st.Administrator, err
}

// planOf is what configurations come to.
func planOf(list []cellar.Configuration) (p cellar.Plan) {
	p.Configured = len(list) > 0
	for _, c := range list {
		if e := expression(&c.Body); e != "" && !slices.ContainsFunc(p.Periods, func(o cellar.Period) bool { return o.Expression == e }) {
			p.Periods = append(p.Periods, cellar.Period{Expression: e, Categories: []string{sca}})
		}
		for _, event := range c.Body.Events {
			if !p.On(event) {
				p.Triggers = append(p.Triggers, cellar.Trigger{Event: event, Categories: []string{sca}})
			}
		}
	}
	return p
}

// expression is when a configuration has projects scanned, "" for never.
func expression(b *cellar.Body) string {
	switch {
	case b.Frequency == "NEVER":
		return ""
	case b.Expression != "":
		return b.Expression
	case b.Frequency == "WEEKLY":
		return weekly
	case b.Frequency == "MONTHLY":
		return monthly
	}
	return ""
}

// due is when the earliest period of a plan comes round; ok is false without
// one.
func due(p *cellar.Plan, after time.Time) (at time.Time, ok bool) {
	for _, period := range p.Periods {
		s, err := schedule.Parse(period.Expression)
		if err != nil {
			continue // they are checked when they come in
		}
		if next, some := s.Next(after); some && (!ok || next.Before(at)) {
			at, ok = next, true
		}
	}
	return at, ok
}

// settle stores a project with what it is scanned for now, and lets coverage
// and findings follow.
func (s *Service) settle(ctx context.Context, tx *store.Tx, i *cellar.Integration, p *cellar.Project, now time.Time) error {
	list, err := governing(ctx, tx, p)
	if err != nil {
		return err
	}
	p.Plan = planOf(list)
	if err := cellar.PutProject(ctx, tx, *p); err != nil {
		return err
	}
	if at, ok := due(&p.Plan, now); ok {
		if err := ask(ctx, tx, JobPeriodic, p.At, p.ID, at); err != nil {
			return err
		}
	}
	after := resource(i, p)
	known, err := catalog.LookupResource(ctx, tx, place(p))
	if err == nil && known.GoneAt.IsZero() && reflect.DeepEqual(known.Resource, after) {
		return nil
	}
	if err := ignore(err, store.ErrNotFound); err != nil {
		return err
	}
	r, err := catalog.PutResource(ctx, tx, p.Account, p.Region, after, now)
	if err != nil {
		return err
	}
	return s.config.Scans.Changed(ctx, tx, &r, now)
}

func place(p *cellar.Project) catalog.Place {
	return catalog.Place{Account: p.Account, Region: p.Region, Type: finding.CodeRepository, ID: string(p.ARN())}
}

// resource is what findings and coverage say of a project.
func resource(i *cellar.Integration, p *cellar.Project) finding.Resource {
	d := &finding.CodeRepoDetails{
		Project: p.Name, IntegrationARN: string(i.ARN()), Provider: string(i.Kind), Visibility: p.Visibility, CommitID: p.Commit, Hindrance: hindrance(i, p),
	}
	for _, period := range p.Plan.Periods {
		d.Periods = append(d.Periods, finding.CodePeriod(period))
	}
	for _, t := range p.Plan.Triggers {
		d.Triggers = append(d.Triggers, finding.CodeTrigger(t))
	}
	if o := p.OnDemand; o != nil {
		d.OnDemand = &finding.CodeScan{CommitID: o.Commit, At: o.At, Status: o.Status}
	}
	return finding.Resource{Type: finding.CodeRepository, ID: string(p.ARN()), Tags: i.Tags, Code: d}
}

// hindrance is why a project is not scanned, in the words of coverage.
func hindrance(i *cellar.Integration, p *cellar.Project) string {
	switch {
	case i.Status == cellar.Inactive || i.Status == cellar.Pending:
		return "INTEGRATION_CONNECTION_LOST"
	case i.Kind.Forge() && !p.Plan.Configured:
		return "NO_SCAN_CONFIGURATION_ASSOCIATED"
	}
	return p.Problem
}
