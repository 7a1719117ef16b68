package space

import (
	"net/netip"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// prefixes draws a few prefixes among the last byte of an address, so that
// sets can be checked address by address.
func prefixes(t *rapid.T, label string) []netip.Prefix {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) netip.Prefix {
		a := netip.AddrFrom4([4]byte{10, 0, 0, rapid.Byte().Draw(t, "byte")})
		return netip.PrefixFrom(a, rapid.IntRange(24, 32).Draw(t, "bits")).Masked()
	}), 0, 6).Draw(t, label)
}

func holds(list []netip.Prefix, a netip.Addr) bool {
	for _, p := range list {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

// TestSetsAreExact: each operation agrees with membership, for every address.
func TestSetsAreExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p, q := prefixes(t, "p"), prefixes(t, "q")
		a, b := Of(p...), Of(q...)
		union, both, less := Union(a, b), a.Intersect(b), a.Minus(b)
		for n := range 256 {
			x := netip.AddrFrom4([4]byte{10, 0, 0, byte(n)})
			inA, inB := holds(p, x), holds(q, x)
			if a.Contains(x) != inA || union.Contains(x) != (inA || inB) || both.Contains(x) != (inA && inB) || less.Contains(x) != (inA && !inB) {
				t.Fatalf("%s: %v %v: union %v, intersection %v, difference %v", x, a, b, union, both, less)
			}
		}
		if !Union(less, both).Equal(a) || !a.Covers(less) || a.Meets(b) == both.Empty() || !Of(a.Prefixes()...).Equal(a) {
			t.Fatalf("%v %v", a, b)
		}
	})
}

// TestMapsAreExact: each operation agrees with its meaning, port by port.
func TestMapsAreExact(t *testing.T) {
	segment := rapid.Custom(func(t *rapid.T) Segment {
		first := rapid.Uint16Range(0, 20).Draw(t, "first")
		return Segment{PortRange{first, first + rapid.Uint16Range(0, 20).Draw(t, "more")}, Of(prefixes(t, "set")...)}
	})
	rapid.Check(t, func(t *rapid.T) {
		p, q := rapid.SliceOfN(segment, 0, 4).Draw(t, "p"), rapid.SliceOfN(segment, 0, 4).Draw(t, "q")
		m, n := Overlay(p), Overlay(q)
		at := func(list []Segment, port uint16) Set {
			var sets []Set
			for _, s := range list {
				if s.First <= port && port <= s.Last {
					sets = append(sets, s.Addrs)
				}
			}
			return Union(sets...)
		}
		or, and := Or(m, n), m.And(n)
		for port := uint16(0); port < 45; port++ {
			x, y := at(p, port), at(q, port)
			if !m.At(port).Equal(x) || !or.At(port).Equal(Union(x, y)) || !and.At(port).Equal(x.Intersect(y)) {
				t.Fatalf("port %d of %v and %v", port, m, n)
			}
		}
		if !Or(and, m).Equal(m) || !m.Clip(AllPorts()).Equal(m) || !m.Within(All()).Equal(m) {
			t.Fatalf("%v %v", m, n)
		}
	})
}

// TestBothFamiliesAndEnds: the ends of address space are addresses like others.
func TestBothFamiliesAndEnds(t *testing.T) {
	last4, last6 := netip.MustParseAddr("255.255.255.255"), netip.MustParseAddr("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff")
	s := All().Minus(Parse("0.0.0.0/1", "8000::/1"))
	if !s.Contains(last4) || s.Contains(last6) || !s.Contains(netip.MustParseAddr("::")) || s.Contains(netip.MustParseAddr("127.255.255.255")) {
		t.Errorf("%v", s)
	}
	if got := s.String(); got != "128.0.0.0/1, ::/1" {
		t.Error(got)
	}
	if !All().Minus(All()).Empty() || !All().Equal(Union(Parse("0.0.0.0/0"), Parse("::/0"))) {
		t.Error("all is not all")
	}
}

// TestPartitionsAreExact: a split agrees with membership, for every address,
// and shares are whole and disjoint.
func TestPartitionsAreExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		taken := Set{}
		var parts []Set
		for _, p := range prefixes(t, "parts") {
			part := Of(p).Minus(taken)
			taken = Union(taken, part)
			parts = append(parts, part)
		}
		set := Of(append(prefixes(t, "set"), netip.MustParsePrefix("fd00::/16"))...)
		if rapid.Bool().Draw(t, "one family") {
			set = set.Intersect(Parse("0.0.0.0/0"))
		}
		division := Divide(parts)
		rest, shares := set, division.Split(set)
		for i, share := range shares {
			want := set.Minus(taken)
			if share.Part >= 0 {
				want = set.Intersect(parts[share.Part])
			}
			if !share.Set.Equal(want) || !Of(share.Set.Prefixes()...).Equal(want) || i > 0 && shares[i-1].Part >= share.Part && share.Part >= 0 {
				t.Fatalf("part %d of %v: %v, want %v", share.Part, set, share.Set, want)
			}
			rest = rest.Minus(share.Set)
		}
		if !rest.Empty() || division.Uniform(set) != (len(shares) <= 1) {
			t.Fatalf("%v: %v, uniform %v", set, shares, division.Uniform(set))
		}
	})
}

// TestWidestAndSome: the widest prefix is the first of the shortest, IPv4 before
// IPv6, and a few of the prefixes are the first ones.
func TestWidestAndSome(t *testing.T) {
	six := rapid.Custom(func(t *rapid.T) netip.Prefix {
		a := netip.MustParseAddr("2001:db8::").As16()
		a[rapid.IntRange(5, 15).Draw(t, "at")] = rapid.Byte().Draw(t, "byte")
		return netip.PrefixFrom(netip.AddrFrom16(a), rapid.IntRange(0, 128).Draw(t, "bits")).Masked()
	})
	rapid.Check(t, func(t *rapid.T) {
		s := Of(append(prefixes(t, "p"), rapid.SliceOfN(six, 0, 4).Draw(t, "six")...)...).Minus(Of(append(prefixes(t, "q"), rapid.SliceOfN(six, 0, 4).Draw(t, "less")...)...))
		all, want := s.Prefixes(), netip.Prefix{}
		for _, p := range all {
			if !want.IsValid() || p.Addr().Is4() == want.Addr().Is4() && p.Bits() < want.Bits() {
				want = p
			}
		}
		if got := s.Widest(); got != want {
			t.Fatalf("%v: widest %v, want %v", s, got, want)
		}
		most := rapid.IntRange(0, 8).Draw(t, "most")
		first, more := s.Some(most)
		if len(first) != min(most, len(all)) || len(first)+more != len(all) || !slices.Equal(first, all[:len(first)]) {
			t.Fatalf("%v: %v and %d more, of %v", s, first, more, all)
		}
		if u := Union(s, Set{}); u.Identity() != s.Identity() {
			t.Fatal("a set that shares its memory has another identity")
		}
	})
}
