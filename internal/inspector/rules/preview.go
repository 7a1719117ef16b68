package rules

import (
	"cmp"
	"context"
	"maps"
	"muster/internal/inspector/desk"
	"slices"

	"muster/internal/awsmodel"
	"muster/internal/awsmodel/muster"
	"muster/internal/finding"
	"muster/internal/finding/criteria"
	"muster/internal/inspector"
	"muster/internal/store"
	"muster/internal/store/findings"
)

const (
	// previewWithin is how many findings one call looks at, a tenth of a second's
	// work: who wants to know all asks on.
	previewWithin = 20_000
	// mostAccounts is how many accounts a preview tells apart: those with the
	// most findings.
	mostAccounts = 100
	// usualPreviewed and mostPreviewed are sizes of its list of findings.
	usualPreviewed = 25
	mostPreviewed  = 100
)

// preview is what a page token of PreviewFilter holds: the counts so far.
type preview struct {
	From findings.Progress
	// Hidden and Suppressed are counts by rank of severity.
	Hidden, Suppressed [6]int64
	Accounts           int64
	// Open is the account that is being counted, Most the others with the most
	// findings.
	Open *findings.OpenTally
	Most []findings.OpenTally
}

// previewed is what the token is bound to.
type previewed struct {
	ARN      *string
	Criteria string
}

// PreviewFilter tells what a rule would hide: how many ACTIVE findings of which
// severity, in which accounts, and the first of them. A call looks at a bounded
// part of a large organization's findings; while complete is false the counts
// are those so far and the next call goes on.
func (s *Service) PreviewFilter(ctx context.Context, call *awsmodel.Call, in *muster.PreviewFilterInput) (*muster.PreviewFilterOutput, error) {
	const op = "PreviewFilter"
	return desk.View(ctx, s.store, call, func(tx *store.Tx, scope inspector.Scope) (*muster.PreviewFilterOutput, error) {
		wanted, err := s.meant(ctx, tx, call, in)
		if err != nil {
			return nil, own(err)
		}
		text, err := wanted.Encode()
		if err != nil {
			return nil, err
		}
		bound := previewed{in.FilterArn, text}
		so, err := desk.Place[preview](s.config.Pages, call, op, bound, in.NextToken)
		if err != nil {
			return nil, own(err)
		}
		if so == nil {
			so = &preview{}
		}
		first := so.From == (findings.Progress{})
		list, next, err := findings.CountMatching(ctx, tx, scope, call.Region, &wanted, so.From, previewWithin)
		if err != nil {
			return nil, err
		}
		so.add(list)
		so.From = next
		out := so.shown()
		if !next.Done {
			if out.NextToken, err = desk.Token(s.config.Pages, call, op, bound, so); err != nil {
				return nil, err
			}
		}
		if first {
			out.Findings, err = firstOf(ctx, tx, scope, call, wanted, desk.Size(in.MaxResults, usualPreviewed, mostPreviewed))
		}
		return out, err
	})
}

// meant are the criteria of a request: its own, or those of a filter.
func (s *Service) meant(ctx context.Context, tx *store.Tx, call *awsmodel.Call, in *muster.PreviewFilterInput) (criteria.Criteria, error) {
	switch {
	case (in.FilterArn == nil) == (in.FilterCriteria == nil):
		return criteria.Criteria{}, desk.Invalid("Give either filterCriteria or filterArn.")
	case in.FilterCriteria != nil:
		return ownCriteria(in.FilterCriteria)
	}
	f, err := lookupFilter(ctx, tx, call, *in.FilterArn)
	if err != nil {
		return f.Criteria, err
	}
	return ownCriteria(wireOwn(&f.Criteria))
}

// add adds counts; those of an account can come in parts, one after the other.
func (p *preview) add(list []findings.OpenTally) {
	for _, t := range list {
		for rank := range t.Active {
			p.Hidden[rank] += t.Active[rank]
			p.Suppressed[rank] += t.Suppressed[rank]
		}
		if p.Open != nil && p.Open.Account == t.Account {
			for rank := range t.Active {
				p.Open.Active[rank] += t.Active[rank]
			}
			continue
		}
		p.close()
		p.Open = &t
	}
}

// close puts the account that was being counted among the others.
func (p *preview) close() {
	if p.Open == nil || sum(p.Open.Active) == 0 {
		return
	}
	p.Accounts++
	p.Most = append(p.Most, *p.Open)
	slices.SortFunc(p.Most, func(a, b findings.OpenTally) int {
		return cmp.Or(cmp.Compare(sum(b.Active), sum(a.Active)), cmp.Compare(a.Account, b.Account))
	})
	p.Most = p.Most[:min(len(p.Most), mostAccounts)]
	p.Open = nil
}

func sum(counts [6]int64) (n int64) {
	for _, c := range counts {
		n += c
	}
	return n
}

// shown is the preview so far.
func (p *preview) shown() *muster.PreviewFilterOutput {
	all := preview{Accounts: p.Accounts, Open: p.Open, Most: slices.Clone(p.Most)}
	all.close()
	out := &muster.PreviewFilterOutput{
		HiddenCount: sum(p.Hidden), SuppressedCount: sum(p.Suppressed), AccountCount: all.Accounts, Complete: p.From.Done,
		BySeverity: []muster.FindingSeverityCount{}, ByAccount: []muster.FindingAccountCount{}, Findings: []muster.PreviewedFinding{},
	}
	for _, severity := range slices.Backward(finding.Severities()) {
		out.BySeverity = append(out.BySeverity, muster.FindingSeverityCount{Severity: muster.FindingSeverity(severity), Count: p.Hidden[severity.Rank()]})
	}
	for _, t := range all.Most {
		out.ByAccount = append(out.ByAccount, muster.FindingAccountCount{
			AccountId: string(t.Account), Count: sum(t.Active), Critical: t.Active[finding.Critical.Rank()], High: t.Active[finding.High.Rank()],
		})
	}
	return out
}

// firstOf are the first findings that a rule would hide, the most severe first.
func firstOf(ctx context.Context, tx *store.Tx, scope inspector.Scope, call *awsmodel.Call, wanted criteria.Criteria, limit int) ([]muster.PreviewedFinding, error) {
	active := wanted
	active.Strings = maps.Clone(wanted.Strings)
	if active.Strings == nil {
		active.Strings = map[criteria.Attribute][]criteria.String{}
	}
	active.Strings[criteria.FindingStatus] = []criteria.String{{Comparison: criteria.Equals, Value: string(finding.Active)}}
	q := findings.Query{Scope: scope, Region: call.Region, Criteria: active, Field: findings.BySeverity, Descending: true, Limit: limit}
	if !scope.Administrator {
		q.Single = scope.Own
	}
	list, _, err := findings.List(ctx, tx, q)
	out := []muster.PreviewedFinding{}
	for i := range list {
		f := &list[i]
		shown := muster.PreviewedFinding{
			FindingArn: string(f.ARN), AccountId: string(f.Account), Title: f.Title, Severity: muster.FindingSeverity(f.Severity), Type: string(f.Type),
			ResourceType: string(f.Resource.Type), ResourceId: f.Resource.ID, FirstObservedAt: f.FirstObservedAt,
		}
		if f.Package != nil {
			shown.VulnerabilityId = optional(f.Package.VulnerabilityID)
		}
		out = append(out, shown)
	}
	return out, err
}
