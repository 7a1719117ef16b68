package finding

import (
	"bytes"
	"cmp"
	"encoding/json"
	"maps"
	"math"
	"slices"
	"time"

	"muster/internal/arn"
)

// The periods of a finding's life (4.3).
const (
	// ReopenWithin is how long a closed finding can come back as the same.
	ReopenWithin = 7 * 24 * time.Hour
	// KeepClosed is how long a closed finding is kept, KeepGone how long one
	// whose resource went away.
	KeepClosed = 30 * 24 * time.Hour
	KeepGone   = 3 * 24 * time.Hour
)

// Cause says why a finding closed.
type Cause string

// The causes.
const (
	// PackageChanged: a package was updated, removed or is no longer judged.
	PackageChanged Cause = "package changed"
	// AdvisoryChanged: the packages are as before, the advisories are not.
	AdvisoryChanged Cause = "advisory changed"
	// PathClosed: the ports cannot be reached that way any more.
	PathClosed Cause = "path closed"
	// ResourceGone: the resource was deleted, excluded or is not eligible.
	ResourceGone Cause = "resource gone"
)

// Kind is what happened to a finding.
type Kind string

// The kinds of changes.
const (
	Opened   Kind = "OPENED"
	Reopened Kind = "REOPENED"
	Changed  Kind = "CHANGED"
	Hidden   Kind = "SUPPRESSED"
	Restored Kind = "UNSUPPRESSED"
	Ended    Kind = "CLOSED"
	// Refreshed moves what the specification wants moved in silence: a small
	// step of EPSS, the wording of the evidence.
	Refreshed Kind = "REFRESHED"
)

// Change is what one evaluation does to one finding.
type Change struct {
	Kind Kind
	// Before is the finding as it was; its status is "" if it did not exist.
	Before Finding
	// After is the finding as it now is.
	After Finding
	// Why says in words what caused it, for the history.
	Why string
	// Rule names the rule that hid the finding, in changes that made it
	// suppressed.
	Rule string
}

// Published reports whether the change is announced as an event: not in
// silence, and not what happens to a finding while it is suppressed.
func (c Change) Published() bool {
	switch {
	case c.Kind == Refreshed:
		return false
	case c.After.Status == Active:
		return true
	}
	return c.Before.Status == Active
}

// Evaluation compares what is known about a resource's findings with what a
// scan wants them to be.
type Evaluation struct {
	Account  arn.AccountID
	Region   arn.Region
	Resource Resource
	// Previous are the resource's findings, closed ones included.
	Previous []Finding
	// Wanted are the findings that the resource has now.
	Wanted []Draft
	// ResourceGone closes everything because the resource is no more.
	ResourceGone bool
	// Installed reports whether a package is still there; it tells a removed
	// package from a withdrawn advisory. Nil means nothing is known.
	Installed func(Package) bool
	// Suppressed names the rule that hides a finding, "" for none. Nil means
	// that there are no rules.
	Suppressed func(*Finding) string
	// Now becomes the time of every change, in UTC; of a finding that changed
	// at that time or later, by another process's clock, the next moment does.
	Now time.Time
	// Compared remembers what evaluations of resources with equal findings
	// have compared already; nil remembers nothing.
	Compared Compared
}

// Compared are pairs of contents that have been compared, with the outcome.
// What contents point at must not change while it is in use.
type Compared map[[2]Content]comparison

// comparison tells whether two contents differ, and whether a reader sees it.
type comparison struct{ differs, visible bool }

func (c Compared) contents(a, b *Content) comparison {
	if *a == *b {
		return comparison{}
	}
	pair := [2]Content{*a, *b}
	if known, ok := c[pair]; ok {
		return known
	}
	d := comparison{visible: !bytes.Equal(a.visible(), b.visible())}
	d.differs = d.visible || !bytes.Equal(encode(a), encode(b))
	if c != nil {
		c[pair] = d
	}
	return d
}

// follow is the time of a change of a finding that changed last at the time
// given: now, and in any case later, for what is told about a finding is put in
// order by when it changed.
func follow(last, now time.Time) time.Time {
	now = now.UTC().Truncate(time.Microsecond)
	if last.Before(now) {
		return now
	}
	return last.UTC().Add(time.Microsecond)
}

// Evaluate returns the changes that lead from Previous to Wanted, sorted by
// ARN. It is idempotent: evaluated again on its own result it returns none,
// and it does not depend on the order of its input.
func Evaluate(e Evaluation) []Change {
	previous := map[arn.ARN]Finding{}
	for _, f := range e.Previous {
		previous[f.ARN] = f
	}
	var changes []Change
	for _, d := range e.Wanted {
		f := e.finding(d)
		before, known := previous[f.ARN]
		delete(previous, f.ARN)
		if c, ok := e.see(before, known, f); ok {
			changes = append(changes, c)
		}
	}
	for _, f := range previous {
		if f.Status != Closed {
			changes = append(changes, e.close(f))
		}
	}
	slices.SortFunc(changes, func(a, b Change) int { return cmp.Compare(a.After.ARN, b.After.ARN) })
	return changes
}

func (e *Evaluation) finding(d Draft) Finding {
	id := ID(e.Account, e.Region, e.Resource.ID, &d.Content)
	return Finding{
		ARN: ARN(e.Account, e.Region, id), Account: e.Account, Region: e.Region,
		Resource: e.Resource, Content: d.Content, EPSS: d.EPSS,
	}
}

// see handles a finding that is wanted.
func (e *Evaluation) see(before Finding, known bool, f Finding) (Change, bool) {
	now := follow(before.UpdatedAt, e.Now)
	f.Life = before.Life
	f.ClosedAt, f.Cause = time.Time{}, ""
	if known && before.Status != Closed {
		return e.compare(before, f)
	}
	c := Change{Kind: Opened, Before: before, Why: "found by a scan"}
	switch {
	case !known:
		f.FirstObservedAt = now
	case now.Sub(before.ClosedAt) <= ReopenWithin:
		c.Kind, c.Why = Reopened, "found again"
	default:
		c.Why = "found again after more than seven days"
		f.FirstObservedAt = now
	}
	f.LastObservedAt, f.UpdatedAt = now, now
	if rule := e.settle(&f); rule != "" {
		c.Why += "; suppressed by " + rule
		c.Rule = rule
	}
	c.After = f
	return c, true
}

// compare handles a finding that was open and still is.
func (e *Evaluation) compare(before, f Finding) (Change, bool) {
	differs, visible := difference(&before, &f, e.Compared)
	now := follow(before.UpdatedAt, e.Now)
	if visible {
		f.LastObservedAt = now
	}
	rule := e.settle(&f)
	c := Change{Before: before}
	switch {
	case before.Status == Active && f.Status == Suppressed:
		c.Kind, c.Why, c.Rule = Hidden, "suppressed by "+rule, rule
	case before.Status == Suppressed && f.Status == Active:
		c.Kind, c.Why = Restored, noRule
	case visible:
		c.Kind, c.Why = Changed, "content changed"
	case differs:
		c.Kind = Refreshed
	default:
		return Change{}, false
	}
	if c.Kind != Refreshed {
		f.UpdatedAt = now
	}
	c.After = f
	return c, true
}

// noRule is why a finding is shown again.
const noRule = "no rule suppresses it any more"

// settle gives an open finding its status and returns the rule that
// suppresses it, if one does.
func (e *Evaluation) settle(f *Finding) (rule string) {
	f.Status = Active
	if e.Suppressed != nil {
		rule = e.Suppressed(f)
	}
	if rule != "" {
		f.Status = Suppressed
	}
	return rule
}

// Suppress moves an open finding to the status that the rules give it: rule
// names the one that hides it, "" none. ok is false when that is the status
// it has.
func Suppress(f Finding, rule string, now time.Time) (c Change, ok bool) {
	c = Change{Before: f, Kind: Restored, Why: noRule}
	want := Active
	if rule != "" {
		want, c.Kind, c.Why, c.Rule = Suppressed, Hidden, "suppressed by "+rule, rule
	}
	if f.Status == Closed || f.Status == want {
		return Change{}, false
	}
	f.Status, f.UpdatedAt = want, follow(f.UpdatedAt, now)
	c.After = f
	return c, true
}

func (e *Evaluation) close(f Finding) Change {
	c := Change{Kind: Ended, Before: f}
	now := follow(f.UpdatedAt, e.Now)
	f.Status, f.ClosedAt, f.UpdatedAt = Closed, now, now
	f.Cause = e.cause(&f)
	c.After, c.Why = f, string(f.Cause)
	return c
}

func (e *Evaluation) cause(f *Finding) Cause {
	if e.ResourceGone {
		return ResourceGone
	}
	if f.Network != nil {
		return PathClosed
	}
	if f.Package == nil || e.Installed == nil {
		return PackageChanged
	}
	for _, p := range f.Package.Packages {
		if !e.Installed(p) {
			return PackageChanged
		}
	}
	return AdvisoryChanged
}

// ExpiresAt is when a closed finding is deleted; zero while it is open.
func (f *Finding) ExpiresAt() time.Time {
	switch {
	case f.Status != Closed:
		return time.Time{}
	case f.Cause == ResourceGone:
		return f.ClosedAt.Add(KeepGone)
	}
	return f.ClosedAt.Add(KeepClosed)
}

// significantEPSS is the step of EPSS that counts as a change of the finding
// (feeds specification 4.2); scores move a little every day.
const significantEPSS = 0.01

// difference tells whether two states of a finding differ at all and whether
// they differ in what a reader sees as a change.
func difference(a, b *Finding, known Compared) (differs, visible bool) {
	content := known.contents(&a.Content, &b.Content)
	visible = content.visible || significant(a.EPSS, b.EPSS) || !sameResource(&a.Resource, &b.Resource)
	return visible || content.differs || !equalScore(a.EPSS, b.EPSS), visible
}

func equalScore(a, b *float64) bool {
	return (a == nil) == (b == nil) && (a == nil || *a == *b)
}

func significant(a, b *float64) bool {
	if a == nil || b == nil {
		return a != b
	}
	return math.Abs(*a-*b) > significantEPSS
}

func sameResource(a, b *Resource) bool {
	// Often it is one value, read once.
	if a.Type == b.Type && a.ID == b.ID && a.Instance != nil && a.Instance == b.Instance && maps.Equal(a.Tags, b.Tags) {
		return true
	}
	return maps.Equal(a.Tags, b.Tags) && bytes.Equal(encode(a), encode(b))
}

// visible is the content without what is kept for explanation only.
func (c *Content) visible() []byte {
	if c.Network != nil {
		bare, details := *c, *c.Network
		details.Evidence, bare.Network = nil, &details
		return encode(&bare)
	}
	if c.Package == nil {
		return encode(c)
	}
	bare, details := *c, *c.Package
	details.Packages = slices.Clone(details.Packages)
	for i := range details.Packages {
		details.Packages[i].Evidence = nil
	}
	bare.Package = &details
	return encode(&bare)
}

// encode is the stored form of a value. The types of this package hold
// nothing that JSON cannot express, so it cannot fail.
func encode(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic("finding: " + err.Error())
	}
	return b
}
