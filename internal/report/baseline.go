package report

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"muster/internal/finding"
	"muster/internal/scanner"
)

// maxBaseline bounds the file of a baseline, in bytes, maxKnown what it says:
// packages by all names of their vulnerabilities.
const (
	maxBaseline = 512 << 20
	maxKnown    = 5_000_000
)

// Baseline is an earlier result, as its JSON form tells it.
type Baseline struct {
	known    map[place]bool
	findings []Known
}

// place is a vulnerability of a package somewhere. The version is no part of
// it: an update that does not help makes nothing new.
type place struct{ id, name, path string }

// Known is a finding of a baseline.
type Known struct {
	ID       string           `json:"id"`
	Severity finding.Severity `json:"severity"`
	Packages []string         `json:"packages"`
	related  []string
}

// Difference is how a result differs from a baseline.
type Difference struct {
	// New says for each finding of the result whether the baseline lacks it,
	// or a package that has it now.
	New []bool
	// Fixed are the baseline's findings that the result lacks.
	Fixed []Known
}

// ReadBaseline reads a file that was written as JSON.
func ReadBaseline(name string) (_ *Baseline, err error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	data, err := io.ReadAll(io.LimitReader(f, maxBaseline+1))
	if err != nil {
		return nil, err
	}
	if len(data) > maxBaseline {
		return nil, fmt.Errorf("%s is larger than %d bytes", name, maxBaseline)
	}
	b, err := parseBaseline(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return b, nil
}

func parseBaseline(data []byte) (*Baseline, error) {
	var in struct {
		Schema   string `json:"schema"`
		Findings []struct {
			ID       string           `json:"id"`
			Related  []string         `json:"related"`
			Severity finding.Severity `json:"severity"`
			Packages []struct {
				Name string `json:"name"`
				Path string `json:"path"`
			} `json:"packages"`
		} `json:"findings"`
	}
	if err := json.Unmarshal(data, &in); err != nil {
		return nil, fmt.Errorf("not a report written with --format json: %w", err)
	}
	if in.Schema != schema {
		return nil, fmt.Errorf("not a report written with --format json: its schema is %.40q, not %q", in.Schema, schema)
	}
	b := &Baseline{known: map[place]bool{}}
	for _, f := range in.Findings {
		k := Known{ID: f.ID, Severity: f.Severity, related: f.Related}
		for _, p := range f.Packages {
			for _, id := range append([]string{f.ID}, f.Related...) {
				b.known[place{id, p.Name, p.Path}] = true
			}
			if len(b.known) > maxKnown {
				return nil, fmt.Errorf("a report of more than %d packages by the names of their vulnerabilities", maxKnown)
			}
			k.Packages = append(k.Packages, p.Name)
		}
		slices.Sort(k.Packages)
		k.Packages = slices.Compact(k.Packages)
		b.findings = append(b.findings, k)
	}
	return b, nil
}

// Compare says what is new in a result and what is gone. What a statement
// takes out is neither: it is still there.
func (b *Baseline) Compare(r *scanner.Result) *Difference {
	d := &Difference{New: make([]bool, len(r.Findings))}
	still := map[string]bool{}
	note := func(f *scanner.Finding) {
		for _, id := range append([]string{f.Package.VulnerabilityID}, f.Package.Related...) {
			still[id] = true
		}
	}
	for i := range r.Findings {
		d.New[i] = b.lacks(&r.Findings[i])
		note(&r.Findings[i])
	}
	for i := range r.Suppressed {
		note(&r.Suppressed[i])
	}
	for _, k := range b.findings {
		if !still[k.ID] && !slices.ContainsFunc(k.related, func(id string) bool { return still[id] }) {
			d.Fixed = append(d.Fixed, k)
		}
	}
	slices.SortStableFunc(d.Fixed, func(a, b Known) int {
		return cmp.Or(cmp.Compare(b.Severity.Rank(), a.Severity.Rank()), cmp.Compare(a.ID, b.ID))
	})
	return d
}

// lacks reports whether any package of the finding was not known with it.
func (b *Baseline) lacks(f *scanner.Finding) bool {
	ids := append([]string{f.Package.VulnerabilityID}, f.Package.Related...)
	return slices.ContainsFunc(f.Package.Packages, func(p finding.Package) bool {
		return !slices.ContainsFunc(ids, func(id string) bool { return b.known[place{id, p.Name, p.Path}] })
	})
}

// Worst is the highest severity among the findings that are new; false when
// there is none.
func (d *Difference) Worst(r *scanner.Result) (finding.Severity, bool) {
	for i := range r.Findings { // the most severe first
		if d.New[i] {
			return r.Findings[i].Severity, true
		}
	}
	return "", false
}

// Count is how many findings are new.
func (d *Difference) Count() int {
	n := 0
	for _, is := range d.New {
		if is {
			n++
		}
	}
	return n
}

// isNew reports whether a finding is new; without a baseline nothing is.
func (o *Options) isNew(i int) bool { return o.Baseline != nil && o.Baseline.New[i] }
