package quality

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"muster/internal/scanner"
	"muster/internal/testshared"
)

// Score is what a target came to.
type Score struct {
	// Packages were found, Judged of them could be held against advisories.
	Packages, Judged int
	// Hits are vulnerabilities of packages; Digest is a hash over them.
	Hits   int
	Digest string
	// True claims, how many of them have an advisory at hand, and how many
	// were reported; False claims and how many were reported all the same.
	True, AtHand, Found, False, Reported int
}

// Fault is a claim that muster's answer contradicts.
type Fault struct {
	Claim
	// Record is the advisory at hand.
	Record string
}

// Evaluate scores a scan's result.
func Evaluate(t Target, r *scanner.Result, records *Records) (Score, []Fault) {
	list := hits(r)
	s := Score{Packages: len(r.Inventory.Items), Hits: len(list), Digest: Digest(list)}
	for _, c := range r.Coverage {
		if c.State == scanner.Judged {
			s.Judged += c.Packages - c.Excluded
		}
	}
	var faults []Fault
	x, ecosystems := newIndex(list), ecosystems(r)
	for _, c := range t.Claims {
		if c.Ecosystem == "" {
			c.Ecosystem = ecosystems[strings.ToLower(c.Name)]
		}
		found, record := x.has(c), records.atHand(c)
		switch {
		case c.True:
			s.True++
			s.AtHand += one(found || record != "")
			s.Found += one(found)
		default:
			s.False++
			s.Reported += one(found)
		}
		if (c.True && !found && record != "") || (!c.True && found) {
			faults = append(faults, Fault{c, record})
		}
	}
	return s, faults
}

// ecosystems maps the packages that were found, by name and by source.
func ecosystems(r *scanner.Result) map[string]string {
	names := map[string]string{}
	for _, it := range r.Inventory.Items {
		names[strings.ToLower(it.Source)] = it.Ecosystem
	}
	for _, it := range r.Inventory.Items {
		names[strings.ToLower(it.Name)] = it.Ecosystem
	}
	return names
}

func one(is bool) int {
	if is {
		return 1
	}
	return 0
}

// Measure scans every target and tells each to done, whose error ends it.
func (w World) Measure(ctx context.Context, done func(Target, *scanner.Result, Score, []Fault) error) (map[string]Score, error) {
	targets, err := w.Targets()
	if err != nil {
		return nil, err
	}
	records, err := ReadRecords(w.Advisories(), targets)
	if err != nil {
		return nil, err
	}
	scores := map[string]Score{}
	for _, t := range targets {
		r, err := w.Scan(ctx, t.Scan)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", t.Name, err)
		}
		s, faults := Evaluate(t, r, records)
		scores[t.Name] = s
		if err := done(t, r, s, faults); err != nil {
			return nil, fmt.Errorf("%s: %w", t.Name, err)
		}
	}
	return scores, nil
}

const header = `# What each target came to; make quality-update writes it. Claims: true ones, those with
# an advisory at hand, those found; false ones, and those reported all the same.
# target packages judged hits digest true at-hand found false reported
`

// String is the score's line in the table.
func (s Score) String() string {
	return fmt.Sprintf("%d %d %d %s %d %d %d %d %d", s.Packages, s.Judged, s.Hits, s.Digest, s.True, s.AtHand, s.Found, s.False, s.Reported)
}

// Table is the file of the committed scores.
func Table() string { return filepath.Join(folder(), "scores.txt") }

// folder is the package's testdata.
func folder() string {
	root, err := testshared.Root()
	if err != nil {
		root = "."
	}
	return filepath.Join(root, "test", "quality", "testdata")
}

// ReadTable reads the committed scores.
func ReadTable() (scores map[string]Score, err error) {
	f, err := os.Open(Table())
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	scores = map[string]Score{}
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if strings.HasPrefix(lines.Text(), "#") {
			continue
		}
		var name string
		var s Score
		if _, err := fmt.Sscan(lines.Text(), &name, &s.Packages, &s.Judged, &s.Hits, &s.Digest, &s.True, &s.AtHand, &s.Found, &s.False, &s.Reported); err != nil {
			return nil, fmt.Errorf("%s: %q: %w", Table(), lines.Text(), err)
		}
		scores[name] = s
	}
	return scores, nil
}
