package matchtest

import (
	"fmt"
	"slices"
	"strings"

	"muster/internal/inventory"
	"muster/internal/match"
)

// Explained is one component, one vulnerability, what the matches say of it
// and why.
type Explained struct {
	Component  inventory.Component
	ID         string
	Reported   bool
	Judgements []match.Judgement
}

// Explain asks about every component and every vulnerability that the records
// name, in order; pairs of which no record speaks are left out.
func (s *Script) Explain() ([]Explained, error) {
	lookup := NewLookup(s.Records)
	var ids []string
	for _, key := range lookup.byKey {
		for _, i := range key {
			ids = append(ids, lookup.records[i].Vulnerabilities...)
		}
	}
	slices.Sort(ids)
	ids = slices.Compact(ids)
	var out []Explained
	for _, c := range s.Components {
		matches, err := match.Component(c, lookup)
		if err != nil {
			return nil, err
		}
		for _, id := range ids {
			judgements, err := match.Explain(c, lookup, id)
			if err != nil {
				return nil, err
			}
			reported := slices.ContainsFunc(matches, func(m match.Match) bool { return m.VulnerabilityID == id })
			if reported || len(judgements) > 0 {
				out = append(out, Explained{c, id, reported, judgements})
			}
		}
	}
	return out, nil
}

// PrintExplained writes what Explain returned, in the form of the scripts'
// section "explained".
func PrintExplained(list []Explained) string {
	var b strings.Builder
	for _, e := range list {
		word := "not reported"
		if e.Reported {
			word = "reported"
		}
		fmt.Fprintf(&b, "%s %s %s: %s\n", e.Component.Name, e.Component.Version, e.ID, word)
		for _, j := range e.Judgements {
			sign := "-"
			if j.Affected {
				sign = "+"
			}
			fmt.Fprintf(&b, "    %s %s %s: %s\n", sign, j.Advisory, j.Range, j.Reason)
		}
	}
	return b.String()
}

// Affected reports whether some judgement says so.
func (e Explained) Affected() bool {
	return slices.ContainsFunc(e.Judgements, func(j match.Judgement) bool { return j.Affected })
}
