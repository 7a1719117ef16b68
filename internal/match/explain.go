package match

import (
	"fmt"
	"slices"
	"strings"

	"muster/internal/advisory"
	"muster/internal/inventory"
	"muster/internal/version"
)

// Judgement is what one advisory says about a package version and one
// vulnerability, whether or not it makes a match.
type Judgement struct {
	Evidence
	// Affected: the advisory says that the version has the vulnerability, and
	// nothing of higher precedence says otherwise.
	Affected bool
	// Reason is why it says so, or why it does not count, in words.
	Reason string
	// Fixed is the version that ends the deciding interval, "" for none.
	Fixed string
}

// Explain returns every judgement about a vulnerability, named by any of its
// ids or by the id of an advisory, in the order of precedence; nil when no
// advisory about the package mentions it.
func Explain(c inventory.Component, lookup Lookup, id string) ([]Judgement, error) {
	var out []Judgement
	decided := false
	for _, l := range layersOf(c) {
		found, err := explainLayer(l, lookup, id)
		if err != nil {
			return nil, fmt.Errorf("explain %s %s %s: %w", c.Ecosystem, c.Name, c.Version, err)
		}
		for i := range found {
			if decided && !l.paid {
				found[i].Affected = false
				found[i].Reason = "a source of higher precedence has decided; this one would say: " + found[i].Reason
			}
			if l.paid && found[i].Affected {
				found[i].Reason += "; its fix needs a subscription that this system does not show"
			}
		}
		out = append(out, found...)
		decided = decided || len(found) > 0
	}
	return out, nil
}

func explainLayer(l layer, lookup Lookup, id string) ([]Judgement, error) {
	installed, err := version.Parse(l.keys[0].Ecosystem, l.version)
	parsed := err == nil
	var out []Judgement
	visit := func(a *advisory.Advisory) {
		if !mentions(a, id) {
			return
		}
		for i := range a.Affected {
			out = append(out, judgeEntry(a, &a.Affected[i], l, installed, parsed))
		}
	}
	for _, key := range l.keys {
		if err := lookup.Each(key.Ecosystem, key.Name, nil, visit); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// mentions reports whether a record is about what the id names.
func mentions(a *advisory.Advisory, id string) bool {
	return a.ID == id || slices.Contains(a.Vulnerabilities, id) || slices.Contains(a.Synonyms, id)
}

func judgeEntry(a *advisory.Advisory, entry *advisory.Affected, l layer, installed version.Version, parsed bool) Judgement {
	verdict, affected := evaluate(entry, l, installed, parsed)
	p := prove(a, entry, l, verdict, installed.Scheme())
	j := Judgement{Evidence: p.Evidence, Affected: affected, Fixed: p.fixed}
	switch {
	case !counts(a):
		j.Affected, j.Reason = false, "the notice is about a bug fix and names no CVE"
	case affected && !sameModularity(l, a, verdict.Fixed):
		j.Affected, j.Reason = false, "the advisory is about another module stream, or about packages outside modules"
	case affected && verdict.Listed:
		j.Reason = "the advisory lists exactly this version"
	case affected:
		j.Reason = "the version lies within the range"
	case !parsed:
		j.Reason = "the version cannot be ordered, and the advisory does not list it"
	default:
		j.Reason = "the version lies outside every range"
	}
	if !affected {
		j.Range, j.Comparator = describe(entry), string(installed.Scheme())
	}
	return j
}

// describe writes an entry's ranges in words: "[0, 1.2) [2.0, 2.4]".
func describe(entry *advisory.Affected) string {
	const shown = 20
	var parts []string
	for _, r := range entry.Ranges {
		parts = append(parts, describeRange(r)...)
	}
	if n := len(entry.Versions); n > 0 {
		parts = append(parts, fmt.Sprintf("%d versions listed", n))
	}
	if len(parts) > shown {
		parts = append(parts[:shown:shown], "…")
	}
	return strings.Join(parts, " ")
}

func describeRange(r advisory.Range) []string {
	var parts []string
	start := ""
	open := false
	for _, e := range r.Events {
		switch e.Kind {
		case advisory.Introduced:
			start, open = strings.Clone(e.Version), true
		case advisory.Fixed:
			parts, open = append(parts, "["+start+", "+e.Version+")"), false
		case advisory.LastAffected:
			parts, open = append(parts, "["+start+", "+e.Version+"]"), false
		case advisory.Limit:
		}
	}
	if open {
		parts = append(parts, "["+start+", …)")
	}
	return parts
}
