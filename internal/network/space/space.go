// Package space is the arithmetic of reachability: exact sets of addresses,
// and how such a set depends on a port. Both are canonical, so that equal sets
// are equal values, and immutable, so that they may be shared.
package space

import (
	"encoding/json"
	"net/netip"
	"slices"
	"strings"

	"go4.org/netipx"
)

// Set is a set of addresses of both families. The zero value is empty.
type Set struct {
	// Both are sorted, disjoint and not adjacent.
	v4 []span[ip4]
	v6 []span[ip6]
}

// Of is the set of all addresses of the prefixes.
func Of(prefixes ...netip.Prefix) Set {
	var s Set
	for _, p := range prefixes {
		r := netipx.RangeOfPrefix(p)
		if r.From().Is4() {
			s.v4 = append(s.v4, span[ip4]{from4(r.From()), from4(r.To())})
		} else {
			s.v6 = append(s.v6, span[ip6]{from6(r.From()), from6(r.To())})
		}
	}
	return Set{normal(s.v4), normal(s.v6)}
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
	if a.Is4() {
		return Set{v4: []span[ip4]{{from4(a), from4(a)}}}
	}
	return Set{v6: []span[ip6]{{from6(a), from6(a)}}}
}

// All is the set of every address of both families.
func All() Set { return Parse("0.0.0.0/0", "::/0") }

// Union is the set of what is in any of the sets.
func Union(sets ...Set) Set {
	n4, n6, last4, last6 := 0, 0, Set{}, Set{}
	for _, s := range sets {
		if len(s.v4) > 0 {
			n4, last4 = n4+len(s.v4), s
		}
		if len(s.v6) > 0 {
			n6, last6 = n6+len(s.v6), s
		}
	}
	out := Set{last4.v4, last6.v6}
	if n4 > len(last4.v4) {
		all := make([]span[ip4], 0, n4)
		for _, s := range sets {
			all = append(all, s.v4...)
		}
		out.v4 = normal(all)
	}
	if n6 > len(last6.v6) {
		all := make([]span[ip6], 0, n6)
		for _, s := range sets {
			all = append(all, s.v6...)
		}
		out.v6 = normal(all)
	}
	return out
}

// Intersect is the set of what is in both.
func (s Set) Intersect(t Set) Set { return Set{intersect(s.v4, t.v4), intersect(s.v6, t.v6)} }

// Minus is the set of what is in s and not in t.
func (s Set) Minus(t Set) Set { return Set{minus(s.v4, t.v4), minus(s.v6, t.v6)} }

// Equal reports whether the sets have the same members.
func (s Set) Equal(t Set) bool {
	return (same(s.v4, t.v4) || slices.Equal(s.v4, t.v4)) && (same(s.v6, t.v6) || slices.Equal(s.v6, t.v6))
}

// Empty reports whether nothing is in the set.
func (s Set) Empty() bool { return len(s.v4)+len(s.v6) == 0 }

// Contains reports whether the address is in the set.
func (s Set) Contains(a netip.Addr) bool {
	if a.Is4() {
		return contains(s.v4, from4(a))
	}
	return a.Is6() && contains(s.v6, from6(a))
}

// Covers reports whether all of t is in s.
func (s Set) Covers(t Set) bool { return t.Minus(s).Empty() }

// Meets reports whether the sets have a member in common.
func (s Set) Meets(t Set) bool { return !s.Intersect(t).Empty() }

// Ranges are the sorted, disjoint ranges of the set, IPv4 first.
func (s Set) Ranges() []netipx.IPRange {
	out := make([]netipx.IPRange, 0, len(s.v4)+len(s.v6))
	for _, r := range s.v4 {
		out = append(out, netipx.IPRangeFrom(r.from.addr(), r.to.addr()))
	}
	for _, r := range s.v6 {
		out = append(out, netipx.IPRangeFrom(r.from.addr(), r.to.addr()))
	}
	return out
}

// Prefixes are the fewest prefixes that make up the set, in order.
func (s Set) Prefixes() []netip.Prefix {
	var out []netip.Prefix
	for _, r := range s.Ranges() {
		out = r.AppendPrefixes(out)
	}
	return out
}

// Single returns the only address of a set of one.
func (s Set) Single() (netip.Addr, bool) {
	switch {
	case len(s.v4) == 1 && len(s.v6) == 0 && s.v4[0].from == s.v4[0].to:
		return s.v4[0].from.addr(), true
	case len(s.v6) == 1 && len(s.v4) == 0 && s.v6[0].from == s.v6[0].to:
		return s.v6[0].from.addr(), true
	}
	return netip.Addr{}, false
}

// Widest is the largest prefix of the set, the first of equals, IPv4 before
// IPv6; invalid for the empty set.
func (s Set) Widest() netip.Prefix {
	if len(s.v4) > 0 {
		return widest(s.v4)
	}
	return widest(s.v6)
}

// Some are the first prefixes of the set, and how many more there are.
func (s Set) Some(most int) (first []netip.Prefix, more int) {
	var buffer []netip.Prefix
	count := func(r netipx.IPRange) {
		buffer = r.AppendPrefixes(buffer[:0])
		n := min(len(buffer), most-len(first))
		first, more = append(first, buffer[:n]...), more+len(buffer)-n
	}
	for _, r := range s.v4 {
		count(netipx.IPRangeFrom(r.from.addr(), r.to.addr()))
	}
	for _, r := range s.v6 {
		count(netipx.IPRangeFrom(r.from.addr(), r.to.addr()))
	}
	return first, more
}

// MarshalJSON lists the prefixes.
func (s Set) MarshalJSON() ([]byte, error) {
	return json.Marshal(append([]netip.Prefix{}, s.Prefixes()...))
}

// Identity is the same for sets that share their memory, as equal ones often
// do: a key for what was worked out from a set before.
type Identity struct {
	v4     *span[ip4]
	v6     *span[ip6]
	n4, n6 int
}

// Identity is the key of the set; see there.
func (s Set) Identity() Identity {
	id := Identity{n4: len(s.v4), n6: len(s.v6)}
	if id.n4 > 0 {
		id.v4 = &s.v4[0]
	}
	if id.n6 > 0 {
		id.v6 = &s.v6[0]
	}
	return id
}

// String lists the prefixes, or ranges where prefixes would be many.
func (s Set) String() string {
	if s.Empty() {
		return "nothing"
	}
	var texts []string
	for _, r := range s.Ranges() {
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
