// Package space is the arithmetic of reachability: exact sets of addresses,
// and how such a set depends on a port. Both are canonical, so that equal sets
// are equal values, and immutable, so that they may be shared.
package space

import (
	"net/netip"
	"slices"
	"strings"

	"go4.org/netipx"
)

// Set is a set of addresses of both families. The zero value is empty.
type Set struct {
	// ranges are sorted, disjoint and not adjacent; IPv4 comes first.
	ranges []netipx.IPRange
}

// Of is the set of all addresses of the prefixes.
func Of(prefixes ...netip.Prefix) Set {
	ranges := make([]netipx.IPRange, 0, len(prefixes))
	for _, p := range prefixes {
		ranges = append(ranges, netipx.RangeOfPrefix(p))
	}
	return normal(ranges)
}

// Parse is Of for prefixes or addresses in text; it panics on anything else
// and is meant for constants.
func Parse(texts ...string) Set {
	var prefixes []netip.Prefix
	for _, text := range texts {
		if !strings.Contains(text, "/") {
			a := netip.MustParseAddr(text)
			prefixes = append(prefixes, netip.PrefixFrom(a, a.BitLen()))
			continue
		}
		prefixes = append(prefixes, netip.MustParsePrefix(text).Masked())
	}
	return Of(prefixes...)
}

// One is the set of one address.
func One(a netip.Addr) Set {
	return Set{[]netipx.IPRange{netipx.IPRangeFrom(a, a)}}
}

// All is the set of every address of both families.
func All() Set { return Parse("0.0.0.0/0", "::/0") }

// Union is the set of what is in any of the sets.
func Union(sets ...Set) Set {
	n, last := 0, Set{}
	for _, s := range sets {
		if len(s.ranges) > 0 {
			n, last = n+len(s.ranges), s
		}
	}
	if n == len(last.ranges) {
		return last
	}
	ranges := make([]netipx.IPRange, 0, n)
	for _, s := range sets {
		ranges = append(ranges, s.ranges...)
	}
	return normal(ranges)
}

// normal sorts and merges; it may reuse its argument.
func normal(ranges []netipx.IPRange) Set {
	if len(ranges) == 0 {
		return Set{}
	}
	slices.SortFunc(ranges, func(a, b netipx.IPRange) int { return a.From().Compare(b.From()) })
	out := ranges[:1]
	for _, r := range ranges[1:] {
		last := &out[len(out)-1]
		switch {
		case r.From().BitLen() == last.To().BitLen() && (r.From().Compare(last.To()) <= 0 || r.From() == last.To().Next()):
			if r.To().Compare(last.To()) > 0 {
				*last = netipx.IPRangeFrom(last.From(), r.To())
			}
		default:
			out = append(out, r)
		}
	}
	return Set{out}
}

// Intersect is the set of what is in both.
func (s Set) Intersect(t Set) Set {
	switch {
	case s.same(t) || t.spans(s):
		return s
	case s.spans(t):
		return t
	}
	few, many := s.ranges, t.ranges
	if len(few) > len(many) {
		few, many = many, few
	}
	whole := many
	var out []netipx.IPRange
	for _, a := range few {
		// The ranges from i on and before j meet a; only the first and the last
		// of them can reach beyond it.
		i, _ := slices.BinarySearchFunc(many, a.From(), func(r netipx.IPRange, from netip.Addr) int { return r.To().Compare(from) })
		j, last := slices.BinarySearchFunc(many[i:], a.To(), func(r netipx.IPRange, to netip.Addr) int { return r.From().Compare(to) })
		if j += i; last {
			j++
		}
		if i == j {
			continue
		}
		if j-i == len(whole) && a.From().Compare(whole[0].From()) <= 0 && a.To().Compare(whole[j-i-1].To()) >= 0 {
			return Set{whole}
		}
		n := len(out)
		out = append(out, many[i:j]...)
		out[n] = netipx.IPRangeFrom(later(a.From(), out[n].From()), out[n].To())
		out[len(out)-1] = netipx.IPRangeFrom(out[len(out)-1].From(), earlier(a.To(), out[len(out)-1].To()))
		many = many[j-1:]
	}
	return Set{out}
}

// spans reports whether s is one range that holds all of t; that is common and
// spares a copy.
func (s Set) spans(t Set) bool {
	n := len(t.ranges)
	return len(s.ranges) == 1 && n > 0 && s.ranges[0].From().Compare(t.ranges[0].From()) <= 0 && s.ranges[0].To().Compare(t.ranges[n-1].To()) >= 0
}

// Minus is the set of what is in s and not in t.
func (s Set) Minus(t Set) Set {
	switch {
	case len(t.ranges) == 0:
		return s
	case s.same(t) || t.spans(s):
		return Set{}
	}
	var out []netipx.IPRange
	j := 0
	for _, r := range s.ranges {
		from := r.From()
		for ; j < len(t.ranges) && t.ranges[j].To().Compare(from) < 0; j++ {
		}
		open := true
		for k := j; k < len(t.ranges) && t.ranges[k].From().Compare(r.To()) <= 0; k++ {
			if t.ranges[k].From().Compare(from) > 0 {
				out = append(out, netipx.IPRangeFrom(from, t.ranges[k].From().Prev()))
			}
			if t.ranges[k].To().Compare(r.To()) >= 0 {
				open = false
				break
			}
			from = t.ranges[k].To().Next()
		}
		if open {
			out = append(out, netipx.IPRangeFrom(from, r.To()))
		}
	}
	return Set{out}
}

func later(a, b netip.Addr) netip.Addr {
	if a.Compare(b) > 0 {
		return a
	}
	return b
}

func earlier(a, b netip.Addr) netip.Addr {
	if a.Compare(b) < 0 {
		return a
	}
	return b
}

// same reports whether two sets share their memory, which is common.
func (s Set) same(t Set) bool {
	return len(s.ranges) == len(t.ranges) && (len(s.ranges) == 0 || &s.ranges[0] == &t.ranges[0])
}

// Equal reports whether the sets have the same members.
func (s Set) Equal(t Set) bool { return s.same(t) || slices.Equal(s.ranges, t.ranges) }

// Empty reports whether nothing is in the set.
func (s Set) Empty() bool { return len(s.ranges) == 0 }

// Contains reports whether the address is in the set.
func (s Set) Contains(a netip.Addr) bool {
	_, found := slices.BinarySearchFunc(s.ranges, a, func(r netipx.IPRange, a netip.Addr) int {
		switch {
		case r.To().Compare(a) < 0:
			return -1
		case r.From().Compare(a) > 0:
			return 1
		}
		return 0
	})
	return found
}

// Covers reports whether all of t is in s.
func (s Set) Covers(t Set) bool { return t.Minus(s).Empty() }

// Meets reports whether the sets have a member in common.
func (s Set) Meets(t Set) bool { return !s.Intersect(t).Empty() }

// Ranges are the sorted, disjoint ranges of the set; they must not be changed.
func (s Set) Ranges() []netipx.IPRange { return s.ranges }

// Prefixes are the fewest prefixes that make up the set, in order.
func (s Set) Prefixes() []netip.Prefix {
	var out []netip.Prefix
	for _, r := range s.ranges {
		out = r.AppendPrefixes(out)
	}
	return out
}

// Single returns the only address of a set of one.
func (s Set) Single() (netip.Addr, bool) {
	if len(s.ranges) == 1 && s.ranges[0].From() == s.ranges[0].To() {
		return s.ranges[0].From(), true
	}
	return netip.Addr{}, false
}

// Widest is the largest prefix of the set, the first of equals, IPv4 before
// IPv6; invalid for the empty set.
func (s Set) Widest() netip.Prefix {
	var best netip.Prefix
	for _, p := range s.Prefixes() {
		if !best.IsValid() || p.Addr().Is4() == best.Addr().Is4() && p.Bits() < best.Bits() {
			best = p
		}
	}
	return best
}

// String lists the prefixes, or ranges where prefixes would be many.
func (s Set) String() string {
	if s.Empty() {
		return "nothing"
	}
	var texts []string
	for _, r := range s.ranges {
		if p, ok := r.Prefix(); ok {
			texts = append(texts, prefixText(p))
			continue
		}
		texts = append(texts, r.From().String()+"-"+r.To().String())
	}
	return strings.Join(texts, ", ")
}

// prefixText leaves out the length of a single address.
func prefixText(p netip.Prefix) string {
	if p.IsSingleIP() {
		return p.Addr().String()
	}
	return p.String()
}
