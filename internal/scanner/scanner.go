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

	"muster/internal/advisorydb"
	"muster/internal/extract"
	"muster/internal/finding"
	"muster/internal/inventory"
	"muster/internal/match"
	"muster/internal/scan/library"
	"muster/internal/scanner/knowledge"
	"muster/internal/source/image"
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
	// Explain names a vulnerability whose every decision is asked for.
	Explain string
}

// Result is what a scan found. It depends on the target's content and the
// advisories only: the same twice gives the same.
type Result struct {
	Target    Target
	Inventory inventory.Inventory
	// Findings are sorted, the most severe first.
	Findings []Finding
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
}

// Affect is one package of the target that has the vulnerability.
type Affect struct {
	Item inventory.Item
	// State and FixedVersion are of this package; "" where no fix is known.
	State        match.State
	FixedVersion string
}

// Scan scans a target.
func Scan(ctx context.Context, t Target, opts Options) (*Result, error) {
	inv, err := Inventory(ctx, t, opts)
	if err != nil {
		return nil, err
	}
	set, problems, err := knowledge.Open(ctx, opts.Advisories, ecosystems(inv.Items))
	if err != nil {
		return nil, err
	}
	defer set.Close()
	if err := unusable(opts.Advisories.Location, inv, set, problems); err != nil {
		return nil, err
	}
	return Judge(ctx, t, inv, set, Judging{Problems: problems, Explain: opts.Explain})
}

// Judging tunes Judge.
type Judging struct {
	// Problems are sources of advisories that the set lacks or has old.
	Problems []knowledge.Problem
	// Explain is Options.Explain.
	Explain string
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
	if r.Findings, err = findings(ctx, inv.Items, set); err != nil {
		return nil, err
	}
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

// Inventory reads what is installed on a target.
func Inventory(ctx context.Context, t Target, opts Options) (inventory.Inventory, error) {
	inv, err := read(ctx, t, opts)
	if errors.Is(err, extract.ErrIncomplete) {
		return inv, nil // the notes say so
	}
	if err != nil {
		return inv, fmt.Errorf("%s: %w", t, err)
	}
	inv.Sort()
	return inv, nil
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

// findings matches the packages. Each distinct component is matched once.
func findings(ctx context.Context, items []inventory.Item, set *advisorydb.Set) ([]Finding, error) {
	lib := library.New(set)
	known := map[inventory.Component][]match.Match{}
	affects := map[string][]Affect{}
	var affected []finding.Affected
	for _, item := range items {
		if !item.Role.Judged() {
			continue
		}
		matches, done := known[item.Component]
		if !done {
			var err error
			if matches, err = match.Component(item.Component, set); err != nil {
				return nil, err
			}
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			known[item.Component] = matches
		}
		for i := range matches {
			lib.Cite(item.Ecosystem, &matches[i])
			affected = append(affected, newAffected(item, &matches[i]))
			id := matches[i].VulnerabilityID
			affects[id] = append(affects[id], Affect{item, matches[i].State, matches[i].FixedVersion})
		}
	}
	lib.Prepare()
	return drafts(affected, affects, lib)
}

func drafts(affected []finding.Affected, affects map[string][]Affect, lib *library.Library) ([]Finding, error) {
	list := finding.FromPackages(affected, lib.Intel)
	if err := lib.Err(); err != nil {
		return nil, err
	}
	out := make([]Finding, len(list))
	for i, d := range list {
		id := d.Package.VulnerabilityID
		in := lib.Intel(id)
		out[i] = Finding{Draft: d, CWEs: in.CWEs, KEV: in.KEV, Affects: affects[id]}
		for _, a := range affects[id] {
			out[i].State = nearer(out[i].State, a.State)
		}
	}
	slices.SortStableFunc(out, compareFindings)
	return out, nil
}

func newAffected(item inventory.Item, m *match.Match) finding.Affected {
	a := finding.Affected{
		Item: item, VulnerabilityID: m.VulnerabilityID, Related: m.Related, FixedVersion: m.FixedVersion,
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
