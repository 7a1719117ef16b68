package scanner

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"muster/internal/advisory"
	"muster/internal/advisorydb"
	"muster/internal/inventory"
	"muster/internal/match"
	"muster/internal/scanner/knowledge"
	"muster/internal/version"
)

// CoverageState says how far the packages of an ecosystem could be judged.
type CoverageState string

// The states. Without advisories nothing was judged: that nothing was found
// means nothing.
const (
	Judged       CoverageState = "judged"
	NoAdvisories CoverageState = "no-advisories"
)

// Coverage says what is known about the packages of one ecosystem.
type Coverage struct {
	// Ecosystem is OSV's with its release, or the platform of an operating
	// system that has none.
	Ecosystem string
	// Packages were found; Excluded of them the noise rules keep from being
	// judged (kernel headers, idle kernels, other publishers' packages …).
	Packages, Excluded int
	State              CoverageState
	// Records are the advisories for the ecosystem and release, Newest the
	// latest date among them.
	Records int
	Newest  time.Time
	// SupportedUntil is the day on which the publisher's support for the
	// operating system's release ends or ended, zero where it is not known.
	// SupportEnded: it lies before the newest that the advisories know of.
	SupportedUntil time.Time
	SupportEnded   bool
	// PaidUntil is until when a subscription (Ubuntu Pro) that the system does
	// not show goes on with updates, zero where there is none.
	PaidUntil time.Time
	// Reason is why nothing was judged, or what to know about the advisories.
	Reason string
}

// coverage sums up what could be judged, by ecosystem.
func coverage(inv inventory.Inventory, set *advisorydb.Set, problems []knowledge.Problem) ([]Coverage, error) {
	byName := map[string]*Coverage{}
	for _, item := range inv.Items {
		name := item.Ecosystem
		if name == "" {
			name = unknownSystem(inv.OS)
		}
		c := byName[name]
		if c == nil {
			c = &Coverage{Ecosystem: name}
			if item.Manager == inventory.ManagerOS {
				until, err := supportOf(inv.OS, set)
				if err != nil {
					return nil, err
				}
				c.SupportedUntil, c.SupportEnded, c.PaidUntil = until.until, until.ended, until.paid
			}
			if err := c.judge(item.Component, set, problems); err != nil {
				return nil, err
			}
			byName[name] = c
		}
		c.Packages++
		if !item.Role.Judged() {
			c.Excluded++
		}
	}
	out := make([]Coverage, 0, len(byName))
	for _, c := range byName {
		out = append(out, *c)
	}
	slices.SortFunc(out, func(a, b Coverage) int { return cmp.Compare(a.Ecosystem, b.Ecosystem) })
	return out, nil
}

// unknownSystem names an operating system without an ecosystem.
func unknownSystem(system inventory.OS) string {
	return cmp.Or(system.Platform, system.ID, "unknown operating system")
}

// judge finds the advisories that a component of the ecosystem is judged by.
func (c *Coverage) judge(sample inventory.Component, set *advisorydb.Set, problems []knowledge.Problem) error {
	c.State = NoAdvisories
	if sample.Ecosystem == "" {
		c.Reason = "no advisory source is known for these packages"
		return nil
	}
	base := advisory.BaseEcosystem(sample.Ecosystem)
	if _, ok := version.SchemeOf(base); !ok {
		c.Reason = fmt.Sprintf("no advisory source is known for %s", base)
		return nil
	}
	releases, err := set.Releases(sample.Ecosystem)
	if err != nil {
		return err
	}
	seen := map[string]bool{}
	for _, key := range match.Keys(sample) {
		for _, r := range releases {
			if r.Ecosystem == key.Ecosystem && !seen[r.Ecosystem] {
				seen[r.Ecosystem] = true
				c.add(r)
			}
		}
	}
	switch {
	case c.State == NoAdvisories:
		c.Reason = missing(base, len(releases) > 0)
	case c.few(sample):
		c.Reason = fmt.Sprintf("advisories at hand: only %d, far fewer than any release has, so that finding little means little", c.Records)
	}
	for _, p := range problems {
		if p.Ecosystem == base {
			c.Reason = p.String()
		}
	}
	return nil
}

// fewAdvisories is less than a distribution publishes for any of its releases.
const fewAdvisories = 100

// few reports whether so little is known about a distribution's release that
// finding nothing says nothing; sample is one of its packages.
func (c *Coverage) few(sample inventory.Component) bool {
	return c.State == Judged && sample.Manager == inventory.ManagerOS && c.Records < fewAdvisories
}

func (c *Coverage) add(r advisorydb.Release) {
	c.State = Judged
	c.Records += r.Records
	if r.Newest.After(c.Newest) {
		c.Newest = r.Newest
	}
}

func missing(base string, others bool) string {
	if others {
		return fmt.Sprintf("the advisories of %s say nothing about this release", base)
	}
	return fmt.Sprintf("there are no advisories of %s", base)
}

// Judges reports whether any package of the ecosystem was judged.
func (c Coverage) Judges() bool { return c.State == Judged && c.Packages > c.Excluded }

// Gaps are the ecosystems whose packages could not be judged.
func (r *Result) Gaps() []Coverage {
	return slices.DeleteFunc(slices.Clone(r.Coverage), func(c Coverage) bool {
		return c.State == Judged || c.Packages == c.Excluded
	})
}
