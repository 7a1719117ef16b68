package match

import (
	"slices"
	"strings"

	"muster/internal/advisory"
	"muster/internal/inventory"
)

// isWindows: a product of Microsoft's is judged by its build and by the
// updates that are installed beside it.
func isWindows(c inventory.Component) bool {
	return advisory.BaseEcosystem(c.Ecosystem) == "Windows"
}

// withoutContained drops the updates that the machine has: those that are
// installed, and those that an installed one supersedes, directly or through
// others. Builds alone do not tell: patches that need no restart, and products
// without a build of their own, are known by their numbers only. Where nothing
// is known of installed updates, what has no build is not judged.
func withoutContained(c inventory.Component, lookup Lookup, matches []Match) ([]Match, error) {
	have, err := contained(c, lookup)
	if err != nil {
		return nil, err
	}
	matches = slices.DeleteFunc(matches, func(m Match) bool {
		return have[m.VulnerabilityID] || m.FixedVersion == "" && c.Module == ""
	})
	for i := range matches {
		if m := &matches[i]; m.FixedVersion == "" { // the update itself is the fix
			m.State, m.FixedVersion = Fixed, m.VulnerabilityID
		}
	}
	return matches, nil
}

// contained are the updates whose fixes the product has.
func contained(c inventory.Component, lookup Lookup) (map[string]bool, error) {
	supersedes := map[string][]string{}
	var open []string
	for _, l := range feedLayers(c, lookup) {
		j := newJudge(l)
		err := lookup.Each(l.keys[0].Ecosystem, l.keys[0].Name, nil, func(a *advisory.Advisory) {
			if !l.hears(a) || !a.Withdrawn.IsZero() {
				return
			}
			id := strings.Clone(a.ID)
			for i := range a.Affected {
				entry := &a.Affected[i]
				supersedes[id] = append(supersedes[id], strings.Fields(strings.Clone(entry.Module))...)
				if j.passed(entry) {
					open = append(open, id)
				}
			}
		})
		if err != nil {
			return nil, err
		}
	}
	open = append(open, strings.Fields(c.Module)...)
	have := map[string]bool{}
	for len(open) > 0 {
		id := open[len(open)-1]
		open = open[:len(open)-1]
		if !have[id] {
			have[id] = true
			open = append(open, supersedes[id]...)
		}
	}
	return have, nil
}

// passed reports whether the product's build is one of the entry's release and
// has its fix.
func (j *judge) passed(entry *advisory.Affected) bool {
	if !j.parsed {
		return false
	}
	above := advisory.Affected{Ecosystem: entry.Ecosystem, Name: entry.Name}
	for _, r := range entry.Ranges {
		for _, e := range r.Events {
			if e.Kind == advisory.Fixed && release(e.Version) == release(j.version) {
				above.Ranges = []advisory.Range{{Type: advisory.Ecosystem, Events: []advisory.Event{{Kind: advisory.Introduced, Version: e.Version}}}}
			}
		}
	}
	_, ok := above.Evaluate(j.installed)
	return ok
}

// release is the part of a build that those of a release share.
func release(build string) string {
	parts := strings.SplitN(build, ".", 4)
	return strings.Join(parts[:min(3, len(parts))], ".")
}

// explainContained says of updates that the machine has why they do not count.
func explainContained(c inventory.Component, lookup Lookup, judged []Judgement) ([]Judgement, error) {
	have, err := contained(c, lookup)
	if err != nil {
		return nil, err
	}
	for i := range judged {
		j := &judged[i]
		switch {
		case !j.Affected:
		case have[j.Advisory]:
			j.Affected, j.Reason = false, "the update is installed, or one that supersedes it"
		case j.Fixed == "" && c.Module == "":
			j.Affected, j.Reason = false, "the update has no build, and it is not known which updates are installed"
		}
	}
	return judged, nil
}
