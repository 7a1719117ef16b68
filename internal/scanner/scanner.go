// Package scanner scans one target without a server and without state: it
// reads what is installed, matches it against the advisories, and says what it
// found, why, and what it could not judge. The line is the server's own:
// source, extract, match, finding.
package scanner

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"muster/internal/advisorydb"
	"muster/internal/extract"
	"muster/internal/finding"
	"muster/internal/inventory"
	"muster/internal/match"
	"muster/internal/scan/library"
	"muster/internal/scanner/knowledge"
	"muster/internal/source/image"
	"muster/internal/vex"
)

// Options tune a scan.
type Options struct {
	// Advisories say where knowledge comes from and where it is cached.
	Advisories knowledge.Config
	// Paths are further folders of this machine ("dir:/") below which language
	// packages are looked for.
	Paths []string
	// Platform chooses among the images of an index; the zero value means
	// linux/amd64.
	Platform image.Platform
	// Registry says how the registry of an image is reached.
	Registry image.Registry
	// Temp is the folder for temporary files, "" for the system's.
	Temp string
	// FunctionLayers are the zip archives of the layers that a Lambda function
	// (archive:function.zip) is given, in the function's order.
	FunctionLayers []string
	// Layers is the folder in which layers of images are remembered, "" for
	// nowhere, LayersMax its bound in bytes (0 means remember.DefaultMax).
	Layers    string
	LayersMax int64
	// Longest bounds the reading of the target, 0 means an hour: what is made
	// to take for ever ends with ErrTooLong.
	Longest time.Duration
	// Explain names a vulnerability whose every decision is asked for.
	Explain string
	// Development says whether what lock files list for development or tests
	// only is judged; "" means in projects, but not where a system is deployed.
	Development Choice
	// VEX are statements of the user's about vulnerabilities; nil means none.
	VEX *vex.Set
	// Progress, if set, is told what is going on, one call at a time.
	Progress func(text string)
}

func (o *Options) say(format string, args ...any) {
	if o.Progress != nil {
		o.Progress(fmt.Sprintf(format, args...))
	}
}

// Result is what a scan found. It depends on the target's content and the
// advisories only: the same twice gives the same.
type Result struct {
	Target    Target
	Inventory inventory.Inventory
	// Findings are sorted, the most severe first.
	Findings []Finding
	// Suppressed are packages with vulnerabilities that a statement says they
	// do not have, in the form and order of Findings.
	Suppressed []Finding
	// Coverage says for each ecosystem what could be judged.
	Coverage []Coverage
	// Notes are limits that were met and sources that could not be had.
	Notes []string
	// Explanation answers Options.Explain; nil when nothing was asked.
	Explanation *Explanation
}

// Finding is one vulnerability of the target, with all packages that have it.
type Finding struct {
	finding.Draft
	// State is what the advisories say about a fix.
	State match.State
	CWEs  []string
	// Affects are the items behind Package.Packages, in the inventory's order.
	Affects []Affect
	// KEV is the entry in CISA's catalogue, nil where there is none.
	KEV *finding.KEV
	// Disputed: somebody denies that it is a vulnerability.
	Disputed bool
	// Exploits say where exploits are known from.
	Exploits []string
	// Adjusted is the score adapted to what is known of exploits and fixes;
	// nil where nothing changes it.
	Adjusted *finding.Score
}

// Affect is one package of the target that has the vulnerability.
type Affect struct {
	Item inventory.Item
	// State and FixedVersion are of this package; "" where no fix is known.
	State        match.State
	FixedVersion string
	// Statement is what the user says about it, nil for nothing.
	Statement *vex.Statement
}

// Scan scans a target.
func Scan(ctx context.Context, t Target, opts Options) (*Result, error) {
	opts.say("reading %s", t)
	inv, err := Inventory(ctx, t, opts)
	if err != nil {
		return nil, err
	}
	judging := Judging{Explain: opts.Explain, VEX: opts.VEX}
	if opts.VEX != nil {
		if judging.Product, err = product(t); err != nil {
			return nil, err
		}
	}
	opts.say("opening advisories for %d packages", len(inv.Items))
	set, problems, err := knowledge.Open(ctx, opts.Advisories, ecosystems(inv.Items))
	if err != nil {
		return nil, err
	}
	defer set.Close()
	if err := unusable(opts.Advisories.Location, inv, set, problems); err != nil {
		return nil, err
	}
	judging.Problems = problems
	opts.say("matching %d packages", len(inv.Items))
	return Judge(ctx, t, inv, set, judging)
}

// Judging tunes Judge.
type Judging struct {
	// Problems are sources of advisories that the set lacks or has old.
	Problems []knowledge.Problem
	// Explain is Options.Explain.
	Explain string
	// VEX are statements, and Product is what they may call the target.
	VEX     *vex.Set
	Product vex.Target
}

// Judge matches an inventory against a set of advisories. It reaches out to
// nothing else: the same arguments give the same result.
func Judge(ctx context.Context, t Target, inv inventory.Inventory, set *advisorydb.Set, opts Judging) (*Result, error) {
	r := &Result{Target: t, Inventory: inv, Notes: slices.Clone(inv.Notes)}
	for _, p := range opts.Problems {
		if p.Ecosystem == "" { // coverage has the others
			r.Notes = append(r.Notes, p.String())
		}
	}
	var err error
	if r.Coverage, err = coverage(inv, set, opts.Problems); err != nil {
		return nil, err
	}
	opts.Product.System = inv.OS
	found := finder{lib: library.New(set), set: set, vex: opts.VEX, product: &opts.Product, reported: newPile(), suppressed: newPile()}
	if err := found.items(ctx, inv.Items); err != nil {
		return nil, err
	}
	if r.Findings, err = found.drafts(found.reported); err != nil {
		return nil, err
	}
	if r.Suppressed, err = found.drafts(found.suppressed); err != nil {
		return nil, err
	}
	r.Notes = append(r.Notes, opts.VEX.Notes()...)
	if opts.Explain != "" {
		r.Explanation, err = explain(opts.Explain, r, set)
	}
	return r, err
}

// ErrNoAdvisories says that a place offers neither advisories nor anything
// else that is looked for there.
var ErrNoAdvisories = errors.New("nothing there: neither osv/<Ecosystem>.zip nor <Ecosystem>/all.zip nor kev.json")

// unusable is an error when nothing at all can be judged because the
// advisories could not be had: a report would be worth nothing.
func unusable(place string, inv inventory.Inventory, set *advisorydb.Set, problems []knowledge.Problem) error {
	if len(set.Ecosystems()) > 0 {
		return nil
	}
	for _, p := range problems {
		if p.Ecosystem != "" {
			return fmt.Errorf("advisories: %w", p.Err)
		}
	}
	if len(set.Files()) == 0 && len(problems) == 0 && len(inv.Items) > 0 {
		return fmt.Errorf("advisories at %s: %w", place, ErrNoAdvisories)
	}
	return nil
}

// ErrTooLong says that reading a target took longer than Options.Longest.
var ErrTooLong = errors.New("reading it takes too long")

// Inventory reads what is installed on a target.
func Inventory(ctx context.Context, t Target, opts Options) (inventory.Inventory, error) {
	longest := cmp.Or(opts.Longest, time.Hour)
	within, cancel := context.WithTimeout(ctx, longest)
	defer cancel()
	inv, err := read(within, t, opts)
	if err != nil && within.Err() != nil && ctx.Err() == nil {
		err = fmt.Errorf("%w: more than %s", ErrTooLong, longest)
	}
	if errors.Is(err, extract.ErrIncomplete) {
		return inv, nil // the notes say so
	}
	if err != nil {
		return inv, fmt.Errorf("%s: %w", t, err)
	}
	for i := range inv.Items {
		inv.Items[i].Role = opts.Development.apply(inv.Items[i].Role)
	}
	inv.Sort()
	return inv, nil
}

// Choice is what the user wants instead of what is usual.
type Choice string

// The choices; "" leaves it to the kind of target.
const (
	Include Choice = "include"
	Exclude Choice = "exclude"
)

func (c Choice) apply(r inventory.Role) inventory.Role {
	switch c {
	case Include:
		return r.Developed()
	case Exclude:
		return r.Deployed()
	}
	return r
}

// DevelopmentOnly reports whether only packages that are needed for
// development or tests have the vulnerability.
func (f *Finding) DevelopmentOnly() bool {
	other := func(a Affect) bool { return a.Item.Role != inventory.RoleDevelopment }
	return len(f.Affects) > 0 && !slices.ContainsFunc(f.Affects, other)
}

// ecosystems lists what advisories are needed of.
func ecosystems(items []inventory.Item) []string {
	seen := map[string]bool{}
	var list []string
	for i := range items {
		if e := items[i].Ecosystem; e != "" && !seen[e] {
			seen[e] = true
			list = append(list, e)
		}
	}
	return list
}

// pile gathers packages with vulnerabilities.
type pile struct {
	affects  map[string][]Affect
	affected []finding.Affected
}

func newPile() *pile { return &pile{affects: map[string][]Affect{}} }

// finder matches the packages of a target.
type finder struct {
	set     *advisorydb.Set
	lib     *library.Library
	vex     *vex.Set
	product *vex.Target

	reported, suppressed *pile
}

// items matches packages. Each distinct component is matched once.
func (f *finder) items(ctx context.Context, items []inventory.Item) error {
	known := map[inventory.Component][]match.Match{}
	for _, item := range items {
		if !item.Role.Judged() {
			continue
		}
		matches, done := known[item.Component]
		if !done {
			var err error
			if matches, err = match.Component(item.Component, f.set); err != nil {
				return err
			}
			if err := ctx.Err(); err != nil {
				return err
			}
			known[item.Component] = matches
		}
		for i := range matches {
			f.take(item, &matches[i])
		}
	}
	f.lib.Prepare()
	return nil
}

// take puts a match where the statements about it say.
func (f *finder) take(item inventory.Item, m *match.Match) {
	f.lib.Cite(item.Ecosystem, m)
	to := f.reported
	said := f.vex.Decide(f.product, item, append([]string{m.VulnerabilityID}, m.Related...))
	if said != nil && said.Status.Suppresses() {
		to = f.suppressed
	}
	to.affected = append(to.affected, newAffected(item, m))
	to.affects[m.VulnerabilityID] = append(to.affects[m.VulnerabilityID], Affect{item, m.State, m.FixedVersion, said})
}

func (f *finder) drafts(p *pile) ([]Finding, error) {
	list := finding.FromPackages(p.affected, f.lib.Intel)
	if err := f.lib.Err(); err != nil {
		return nil, err
	}
	out := make([]Finding, len(list))
	for i, d := range list {
		id := d.Package.VulnerabilityID
		in := f.lib.Intel(id)
		out[i] = Finding{Draft: d, CWEs: in.CWEs, KEV: in.KEV, Disputed: in.Disputed, Exploits: in.ExploitSources, Affects: p.affects[id]}
		out[i].Adjusted = adjusted(d, &in)
		for _, a := range p.affects[id] {
			out[i].State = nearer(out[i].State, a.State)
		}
	}
	slices.SortStableFunc(out, compareFindings)
	return out, nil
}

func newAffected(item inventory.Item, m *match.Match) finding.Affected {
	a := finding.Affected{
		Item: item, VulnerabilityID: m.VulnerabilityID, Related: m.Related, FixedVersion: m.FixedVersion, SubscriptionFix: m.SubscriptionFix,
		Source: m.Source, VendorSeverity: m.VendorSeverity, Evidence: make([]finding.Evidence, len(m.Evidence)),
	}
	for i, e := range m.Evidence {
		a.Evidence[i] = finding.Evidence(e)
	}
	return a
}

// nearer chooses, of the states of several packages, the one nearest to a fix.
func nearer(a, b match.State) match.State {
	order := []match.State{match.Fixed, match.Subscription, match.Unfixed, match.Postponed, match.WontFix, match.EndOfLife}
	if a == "" || slices.Index(order, b) < slices.Index(order, a) {
		return b
	}
	return a
}

// adjusted is muster's own score of a finding. A scan knows nothing of the
// target's network.
func adjusted(d finding.Draft, in *finding.Intel) *finding.Score {
	if d.Score == nil {
		return nil
	}
	s := d.Score.Adjust(finding.Environment{
		KEV: in.KEV, Maturity: in.Maturity, EPSS: in.EPSS, ScoredAt: in.ScoredAt, PublishedAt: in.PublishedAt, Fix: d.Fix,
	})
	if len(s.Adjustments) == 0 {
		return nil
	}
	return &s
}

// compareFindings puts the worst first; within a severity the higher score,
// then what is likelier to be exploited. FromPackages has sorted the rest.
func compareFindings(a, b Finding) int {
	return cmp.Or(cmp.Compare(b.Severity.Rank(), a.Severity.Rank()), cmp.Compare(scoreOf(b), scoreOf(a)), cmp.Compare(epssOf(b), epssOf(a)))
}

func scoreOf(f Finding) float64 {
	if f.Score == nil {
		return 0
	}
	return f.Score.Value
}

func epssOf(f Finding) float64 {
	if f.EPSS == nil {
		return 0
	}
	return *f.EPSS
}

// Worst is the highest severity among the findings; false when there is none.
func (r *Result) Worst() (finding.Severity, bool) {
	if len(r.Findings) == 0 {
		return "", false
	}
	return r.Findings[0].Severity, true
}
