package match

import (
	"fmt"
	"slices"
	"strings"

	"muster/internal/advisory"
	"muster/internal/inventory"
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
	// Status is the publisher's word, Module the stream that it is about.
	Status advisory.Status
	Module string
	// Fixed is the version that ends the deciding interval, "" for none.
	Fixed string
}

// Explain returns every judgement about a vulnerability, named by any of its
// ids or by the id of an advisory, in the order of precedence; nil when no
// advisory about the package mentions it.
func Explain(c inventory.Component, lookup Lookup, id string) ([]Judgement, error) {
	var out []Judgement
	decided, affirmed := false, false
	for _, l := range feedLayers(c, lookup) {
		found, spoken, err := explainLayer(l, lookup, id)
		if err != nil {
			return nil, fmt.Errorf("explain %s %s %s: %w", c.Ecosystem, c.Name, c.Version, err)
		}
		for i := range found {
			if decided && !(l.paid && affirmed) {
				found[i].Affected = false
				found[i].Reason = "a source of higher precedence has decided; this one would say: " + found[i].Reason
			}
			if l.paid && found[i].Affected {
				found[i].Reason += "; its fix needs a subscription that this system does not show"
			}
		}
		out = append(out, found...)
		decided = decided || spoken
		affirmed = affirmed || slices.ContainsFunc(found, func(j Judgement) bool { return j.Affected })
	}
	if isWindows(c) && len(out) > 0 {
		return explainContained(c, lookup, out)
	}
	return out, nil
}

// explainLayer also reports whether the layer decides about the vulnerability.
func explainLayer(l layer, lookup Lookup, id string) (out []Judgement, decides bool, err error) {
	j := newJudge(l)
	visit := func(a *advisory.Advisory) {
		if !l.hears(a) || !mentions(a, id) {
			return
		}
		_, _, spoken := j.examine(a)
		decides = decides || spoken && counts(a)
		for i := range a.Affected {
			out = append(out, j.explain(a, &a.Affected[i]))
		}
	}
	for _, key := range l.keys {
		if err := lookup.Each(key.Ecosystem, key.Name, nil, visit); err != nil {
			return nil, false, err
		}
	}
	return out, decides, nil
}

// mentions reports whether a record is about what the id names.
func mentions(a *advisory.Advisory, id string) bool {
	return a.ID == id || slices.Contains(a.Vulnerabilities, id) || slices.Contains(a.Synonyms, id)
}

// explain says what examine makes of one entry.
func (j *judge) explain(a *advisory.Advisory, entry *advisory.Affected) Judgement {
	verdict, covered := j.evaluate(entry)
	p := j.prove(a, entry, verdict)
	out := Judgement{Evidence: p.Evidence, Status: entry.Status, Module: strings.Clone(entry.Module), Fixed: p.fixed}
	out.Affected, out.Reason = j.reason(a, entry, verdict, covered)
	if !covered {
		out.Range, out.Comparator = describe(entry), string(j.installed.Scheme())
	}
	return out
}

// reason says whether the entry makes a match, and why.
func (j *judge) reason(a *advisory.Advisory, entry *advisory.Affected, verdict advisory.Verdict, covered bool) (affected bool, reason string) {
	switch {
	case !a.Withdrawn.IsZero():
		return false, "the advisory was withdrawn on " + a.Withdrawn.Format("2006-01-02")
	case !counts(a):
		return false, "the notice is about a bug fix and names no CVE"
	case !j.sameStream(a, entry), covered && !sameModularity(j.layer, a, verdict.Fixed):
		return false, "the advisory is about another module stream, or about packages outside modules"
	case !sameLine(&j.layer, entry):
		return false, "the advisory is about another line of builds of the package"
	case !j.concerns(a, entry):
		return false, "the advisory tells source from binary packages, and this one is the other"
	case !j.sameArch(entry):
		return false, "the advisory is about other architectures: " + strings.Join(entry.Arches, ", ")
	case !covered && !j.parsed:
		return false, "the version cannot be ordered, and the advisory does not list it"
	case !covered:
		return false, "the version lies outside every range"
	case j.foreign(verdict.Fixed):
		return false, "the version has neither the epoch nor the revision of the distribution's package: it is another publisher's"
	case j.acquits:
		return false, "extended support of this minor release has a fix; others get theirs from the next release"
	}
	return entry.Status.Affects(), statusReason(entry.Status, verdict)
}

func statusReason(s advisory.Status, verdict advisory.Verdict) string {
	switch s {
	case advisory.StatusNotAffected:
		return "the publisher says that it is not affected"
	case advisory.StatusInvestigated:
		return "the publisher is still investigating"
	case advisory.StatusWontFix:
		return "it is affected, and the publisher decided not to fix it"
	case advisory.StatusPostponed:
		return "it is affected, and the publisher has put the fix off"
	case advisory.StatusEndOfLife:
		return "it is out of support, and taken to be affected"
	}
	if verdict.Listed {
		return "the advisory lists exactly this version"
	}
	return "the version lies within the range"
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
