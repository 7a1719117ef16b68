// Package suppress decides whether a finding meets filter criteria, and which
// suppression rule hides it (findings interfaces, 7.2; scanning specification,
// 8). It is pure: a finding and criteria in, an answer out. store/findings
// answers the same question in SQL for many findings at once.
package suppress

import (
	"strings"
	"time"

	"muster/internal/finding"
	"muster/internal/finding/criteria"
)

// Rule is a filter whose action is SUPPRESS.
type Rule struct {
	// Name is what the history calls it: the filter's ARN.
	Name     string
	Criteria criteria.Criteria
}

// Rules are all rules that govern a finding.
type Rules []Rule

// By names the first rule that suppresses the finding, "" if none does. A
// finding is suppressed while at least one rule matches.
func (r Rules) By(f *finding.Finding) string {
	for i := range r {
		if Matches(&r[i].Criteria, f) {
			return r[i].Name
		}
	}
	return ""
}

// Named returns the criteria of the rule of that name.
func (r Rules) Named(name string) (*criteria.Criteria, bool) {
	for i := range r {
		if r[i].Name == name {
			return &r[i].Criteria, true
		}
	}
	return nil, false
}

// Matches reports whether the finding meets all the criteria.
func Matches(c *criteria.Criteria, f *finding.Finding) bool {
	for a, filters := range c.Strings {
		if !matchStrings(filters, criteria.Texts(f, a)) {
			return false
		}
	}
	for a, filters := range c.Dates {
		at, ok := criteria.Time(f, a)
		if !matchAny(filters, func(d criteria.Date) bool { return matchDate(d, at, ok) }) {
			return false
		}
	}
	for a, filters := range c.Numbers {
		n, ok := criteria.NumberOf(f, a)
		if !matchAny(filters, func(r criteria.Number) bool { return matchNumber(r, n, ok) }) {
			return false
		}
	}
	return matchAny(c.Tags, func(t criteria.Tag) bool { return matchTag(t, f.Resource.Tags) }) &&
		matchAny(c.Ports, func(p criteria.Ports) bool { return matchPorts(p, f.Network) }) &&
		matchAny(c.Packages, func(p criteria.Package) bool { return matchPackages(&p, f.Package) })
}

// matchAny combines filters by "or"; without filters everything matches.
func matchAny[T any](filters []T, match func(T) bool) bool {
	for _, f := range filters {
		if match(f) {
			return true
		}
	}
	return len(filters) == 0
}

// matchStrings combines the filters of one criterion: EQUALS and PREFIX by
// "or" over all values, NOT_EQUALS by "and", both groups by "and".
func matchStrings(filters []criteria.String, values []string) bool {
	wanted, found := false, false
	for _, f := range filters {
		hit := false
		for _, v := range values {
			hit = hit || compare(f, v)
		}
		if f.Comparison == criteria.NotEquals {
			if hit {
				return false
			}
			continue
		}
		wanted, found = true, found || hit
	}
	return found || !wanted
}

// compare reports whether the value is the one the filter names, whichever
// way the filter then counts it.
func compare(f criteria.String, value string) bool {
	if f.Comparison == criteria.Prefix {
		return strings.HasPrefix(value, f.Value)
	}
	return value == f.Value
}

// matchDate: a range without bounds matches all, also what is absent.
func matchDate(d criteria.Date, at time.Time, ok bool) bool {
	first, last := d.Micros()
	if first == nil && last == nil {
		return true
	}
	return ok && (first == nil || at.UnixMicro() >= *first) && (last == nil || at.UnixMicro() <= *last)
}

func matchNumber(r criteria.Number, n float64, ok bool) bool {
	if r.Lower == nil && r.Upper == nil {
		return true
	}
	return ok && (r.Lower == nil || n >= *r.Lower) && (r.Upper == nil || n <= *r.Upper)
}

func matchTag(t criteria.Tag, tags map[string]string) bool {
	value, ok := tags[t.Key]
	return ok && (t.Value == nil || *t.Value == value)
}

func matchPorts(p criteria.Ports, n *finding.NetworkDetails) bool {
	if p.Begin == nil && p.End == nil {
		return true
	}
	return n != nil && (p.End == nil || n.Begin <= *p.End) && (p.Begin == nil || n.End >= *p.Begin)
}

func matchPackages(want *criteria.Package, d *finding.PackageDetails) bool {
	if len(want.Strings) == 0 && want.Epoch == nil {
		return true
	}
	if d == nil {
		return false
	}
	for i := range d.Packages {
		if matchPackage(want, &d.Packages[i]) {
			return true
		}
	}
	return false
}

// matchPackage: all members given must hold for this one package.
func matchPackage(want *criteria.Package, p *finding.Package) bool {
	for a, f := range want.Strings {
		var values []string
		if v := criteria.PackageText(p, a); v != "" {
			values = []string{v}
		}
		if !matchStrings([]criteria.String{f}, values) {
			return false
		}
	}
	return want.Epoch == nil || matchNumber(*want.Epoch, float64(p.Epoch), true)
}
