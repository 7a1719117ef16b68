package match

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"muster/internal/advisory"
	"muster/internal/inventory"
	"muster/internal/version"
)

// Lookup finds the records about a package: all that are not withdrawn, each
// with the affected entries of that package only, names resolved. It calls
// visit for those that have an entry which relevant accepts; a nil relevant
// accepts all. What it passes need be valid only during the call.
// advisorydb.Set is one.
type Lookup interface {
	Each(ecosystem, name string, relevant func(*advisory.Affected) bool, visit func(*advisory.Advisory)) error
	// Feeds are the feeds that the records of an ecosystem came by, "" for
	// OSV, in the order of precedence.
	Feeds(ecosystem string) []string
}

// Component returns the vulnerabilities of a package version, one match each,
// sorted by id. Where several records speak of the same vulnerability the
// package is affected if any of them says so; the evidence lists those that
// do. A fixed version exists if any of them names one; the highest counts,
// because only that satisfies all. The result shares no memory with the lookup.
func Component(c inventory.Component, lookup Lookup) ([]Match, error) {
	f := finder{component: c, found: map[string]*candidate{}}
	layers := feedLayers(c, lookup)
	for i, l := range layers {
		if err := f.judge(l, lookup, i+1 < len(layers)); err != nil {
			return nil, fmt.Errorf("match %s %s %s: %w", c.Ecosystem, c.Name, c.Version, err)
		}
	}
	matches := f.matches()
	if isWindows(c) && len(matches) > 0 {
		return withoutContained(c, lookup, matches)
	}
	return matches, nil
}

// Keys returns what the component's records are looked up by: a change of
// other keys cannot change its matches.
func Keys(c inventory.Component) []advisory.Key {
	var out []advisory.Key
	for _, l := range layersOf(c) {
		out = append(out, l.keys...)
	}
	return out
}

// finder collects the candidates of one component.
type finder struct {
	component inventory.Component
	found     map[string]*candidate
	// decided are the vulnerabilities that a layer of higher precedence has
	// spoken about, whatever it said.
	decided map[string]bool
}

// candidate is a vulnerability that some record affirms.
type candidate struct {
	evidence []proof
	related  map[string]bool
}

// proof is the evidence of one record and what follows from it.
type proof struct {
	Evidence
	fixed, word string
	status      advisory.Status
	paid        bool
}

// judge evaluates the records of one layer. What the layer speaks about,
// affected or not, is noted only when another layer follows.
func (f *finder) judge(l layer, lookup Lookup, follows bool) error {
	j := newJudge(l)
	mentioned := map[string]bool{}
	relevant := func(entry *advisory.Affected) bool {
		_, ok := j.evaluate(entry)
		return ok && entry.Status.Affects()
	}
	if follows {
		relevant = nil
	}
	visit := func(a *advisory.Advisory) {
		if !l.hears(a) || !counts(a) {
			return
		}
		p, affected, spoken := j.examine(a)
		if follows && spoken {
			note(mentioned, a)
		}
		if affected {
			f.add(a, p)
		}
	}
	for _, key := range l.keys {
		if err := lookup.Each(key.Ecosystem, key.Name, relevant, visit); err != nil {
			return err
		}
	}
	if follows {
		f.close(mentioned)
	}
	return nil
}

// counts leaves out withdrawn records and bug fixes that name no CVE.
func counts(a *advisory.Advisory) bool {
	if !a.Withdrawn.IsZero() {
		return false
	}
	return !a.Bugfix() || slices.ContainsFunc(a.Vulnerabilities, advisory.IsCVE)
}

func note(mentioned map[string]bool, a *advisory.Advisory) {
	for _, id := range a.Vulnerabilities {
		mentioned[strings.Clone(id)] = true
	}
}

func (f *finder) close(mentioned map[string]bool) {
	if f.decided == nil {
		f.decided = mentioned
		return
	}
	maps.Copy(f.decided, mentioned)
}

// add notes the proof under each vulnerability that the record is about,
// unless a layer of higher precedence has decided. Of what agrees with that
// decision the names are kept (a notice of the fix), and of a paid channel's
// proof that there is a fix.
func (f *finder) add(a *advisory.Advisory, p proof) {
	for _, id := range a.Vulnerabilities {
		c := f.found[id]
		if c == nil && f.decided[id] {
			continue
		}
		if c == nil {
			c = &candidate{related: map[string]bool{}}
			f.found[strings.Clone(id)] = c
		}
		switch {
		case !f.decided[id], p.paid:
			c.evidence = append(c.evidence, p)
		case !c.agrees(p):
			continue
		}
		for _, other := range a.Synonyms {
			c.related[strings.Clone(other)] = true
		}
		if a.ID != id {
			c.related[p.Advisory] = true
		}
	}
}

// agrees reports whether a proof names the fix that is known already, or that
// there is none.
func (c *candidate) agrees(p proof) bool {
	return slices.ContainsFunc(c.evidence, func(known proof) bool { return known.fixed == p.fixed && known.paid == p.paid })
}

func (f *finder) matches() []Match {
	out := make([]Match, 0, len(f.found))
	for id, c := range f.found {
		delete(c.related, id)
		slices.SortStableFunc(c.evidence, compareProofs)
		m := Match{VulnerabilityID: id, Source: f.source(c.evidence[0].Advisory)}
		m.Related = slices.Sorted(maps.Keys(c.related))
		m.State, m.FixedVersion = outcome(f.component, c.evidence)
		if m.State == Subscription {
			m.FixedVersion, m.SubscriptionFix = "", m.FixedVersion
		}
		for _, p := range c.evidence {
			if m.VendorSeverity == "" {
				m.VendorSeverity = p.word
			}
			m.Evidence = append(m.Evidence, p.Evidence)
		}
		out = append(out, m)
	}
	slices.SortFunc(out, func(a, b Match) int { return cmp.Compare(a.VulnerabilityID, b.VulnerabilityID) })
	return out
}

// outcome is the state that the proofs, best first, amount to, and the version
// with the fix.
func outcome(c inventory.Component, proofs []proof) (State, string) {
	scheme, _ := version.SchemeOf(c.Ecosystem)
	fixed, paid, unfixed := "", "", Unfixed
	for _, p := range proofs {
		if p.paid && newer(scheme, p.fixed, paid) {
			paid = p.fixed
		}
		if unfixed == Unfixed {
			unfixed = unfixedState(p.status)
		}
		if !p.paid && newer(scheme, p.fixed, fixed) {
			fixed = p.fixed
		}
	}
	switch {
	case fixed != "":
		return Fixed, fixed
	case paid != "":
		return Subscription, paid
	}
	return unfixed, ""
}

func unfixedState(s advisory.Status) State {
	switch s {
	case advisory.StatusWontFix:
		return WontFix
	case advisory.StatusPostponed:
		return Postponed
	case advisory.StatusEndOfLife:
		return EndOfLife
	}
	return Unfixed
}

// newer reports whether a is a higher fix than b; no fix is the lowest.
func newer(scheme version.Scheme, a, b string) bool {
	if a == "" || b == "" {
		return a != ""
	}
	va, errA := scheme.Parse(a)
	vb, errB := scheme.Parse(b)
	return errA == nil && errB == nil && va.Compare(vb) > 0
}
