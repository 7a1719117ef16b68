package space

import (
	"cmp"
	"encoding/binary"
	"math/bits"
	"net/netip"
	"slices"

	"go4.org/netipx"
)

// point is an address of one family as a number.
type point[P any] interface {
	comparable
	compare(P) int
	// next and prev are the neighbours; nobody asks for those beyond the ends.
	next() P
	prev() P
	addr() netip.Addr
	// fits is the shortest length that a prefix between two points may have.
	fits(to P) int
}

type ip4 uint32

func (a ip4) compare(b ip4) int { return cmp.Compare(a, b) }
func (a ip4) next() ip4         { return a + 1 }
func (a ip4) prev() ip4         { return a - 1 }

func (a ip4) fits(to ip4) int { return 33 - bits.Len64(uint64(to)-uint64(a)+1) }

func from4(a netip.Addr) ip4 {
	b := a.As4()
	return ip4(binary.BigEndian.Uint32(b[:]))
}

func (a ip4) addr() netip.Addr {
	var b [4]byte
	binary.BigEndian.PutUint32(b[:], uint32(a))
	return netip.AddrFrom4(b)
}

type ip6 struct{ hi, lo uint64 }

func (a ip6) compare(b ip6) int {
	if a.hi != b.hi {
		return cmp.Compare(a.hi, b.hi)
	}
	return cmp.Compare(a.lo, b.lo)
}

func (a ip6) next() ip6 {
	lo, carry := bits.Add64(a.lo, 1, 0)
	return ip6{a.hi + carry, lo}
}

func (a ip6) prev() ip6 {
	lo, borrow := bits.Sub64(a.lo, 1, 0)
	return ip6{a.hi - borrow, lo}
}

func (a ip6) fits(to ip6) int {
	lo, borrow := bits.Sub64(to.lo, a.lo, 0)
	n := ip6{to.hi - a.hi - borrow, lo}.next()
	switch {
	case n == ip6{}:
		return 0
	case n.hi > 0:
		return 65 - bits.Len64(n.hi)
	}
	return 129 - bits.Len64(n.lo)
}

func from6(a netip.Addr) ip6 {
	b := a.As16()
	return ip6{binary.BigEndian.Uint64(b[:8]), binary.BigEndian.Uint64(b[8:])}
}

func (a ip6) addr() netip.Addr {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:8], a.hi)
	binary.BigEndian.PutUint64(b[8:], a.lo)
	return netip.AddrFrom16(b)
}

// span is a range of addresses, both ends included.
type span[P point[P]] struct{ from, to P }

// normal sorts and merges; it may reuse its argument.
func normal[P point[P]](list []span[P]) []span[P] {
	if len(list) < 2 {
		return list
	}
	byStart := func(a, b span[P]) int { return a.from.compare(b.from) }
	if !slices.IsSortedFunc(list, byStart) {
		slices.SortFunc(list, byStart)
	}
	out := list[:1]
	for _, r := range list[1:] {
		last := &out[len(out)-1]
		switch {
		case r.from.compare(last.to) <= 0 || last.to.next() == r.from:
			if r.to.compare(last.to) > 0 {
				last.to = r.to
			}
		default:
			out = append(out, r)
		}
	}
	return out
}

// covers reports whether one span of s holds all of t; that is common and
// spares a copy.
func covers[P point[P]](s, t []span[P]) bool {
	n := len(t)
	return len(s) == 1 && n > 0 && s[0].from.compare(t[0].from) <= 0 && s[0].to.compare(t[n-1].to) >= 0
}

// same reports whether two lists share their memory, which is common.
func same[P point[P]](s, t []span[P]) bool {
	return len(s) == len(t) && (len(s) == 0 || &s[0] == &t[0])
}

// widest is the largest prefix in a list, the first of equals.
func widest[P point[P]](list []span[P]) netip.Prefix {
	var best netip.Prefix
	var buffer []netip.Prefix
	for _, r := range list {
		if best.IsValid() && r.from.fits(r.to) >= best.Bits() {
			continue
		}
		buffer = netipx.IPRangeFrom(r.from.addr(), r.to.addr()).AppendPrefixes(buffer[:0])
		for _, p := range buffer {
			if !best.IsValid() || p.Bits() < best.Bits() {
				best = p
			}
		}
	}
	return best
}

// reaching is the first span that ends at or behind an address.
func reaching[P point[P]](list []span[P], a P) int {
	low, high := 0, len(list)
	for low < high {
		if middle := (low + high) / 2; list[middle].to.compare(a) < 0 {
			low = middle + 1
		} else {
			high = middle
		}
	}
	return low
}

func intersect[P point[P]](s, t []span[P]) []span[P] {
	switch {
	case len(s) == 0 || len(t) == 0:
		return nil
	case same(s, t) || covers(t, s) || len(s) == len(t) && slices.Equal(s, t):
		return s
	case covers(s, t):
		return t
	}
	few, many := s, t
	if len(few) > len(many) {
		few, many = many, few
	}
	whole := many
	var out []span[P]
	for _, a := range few {
		// The spans from i on and before j meet a; only the first and the last
		// of them can reach beyond it.
		i := reaching(many, a.from)
		j := i + reaching(many[i:], a.to)
		if j < len(many) && many[j].from.compare(a.to) <= 0 {
			j++
		}
		if i == j {
			continue
		}
		if j-i == len(whole) && a.from.compare(whole[0].from) <= 0 && a.to.compare(whole[j-i-1].to) >= 0 {
			return whole
		}
		n := len(out)
		out = append(out, many[i:j]...)
		out[n].from = later(a.from, out[n].from)
		last := &out[len(out)-1]
		last.to = earlier(a.to, last.to)
		many = many[j-1:]
	}
	return out
}

func minus[P point[P]](s, t []span[P]) []span[P] {
	switch {
	case len(s) == 0 || same(s, t) || covers(t, s):
		return nil
	case len(t) == 0 || t[0].from.compare(s[len(s)-1].to) > 0 || t[len(t)-1].to.compare(s[0].from) < 0:
		return s
	}
	out := make([]span[P], 0, len(s)+1)
	j := 0
	for _, r := range s {
		from := r.from
		for ; j < len(t) && t[j].to.compare(from) < 0; j++ {
		}
		open := true
		for k := j; k < len(t) && t[k].from.compare(r.to) <= 0; k++ {
			if t[k].from.compare(from) > 0 {
				out = append(out, span[P]{from, t[k].from.prev()})
			}
			if t[k].to.compare(r.to) >= 0 {
				open = false
				break
			}
			from = t[k].to.next()
		}
		if open {
			out = append(out, span[P]{from, r.to})
		}
	}
	return out
}

func contains[P point[P]](s []span[P], a P) bool {
	i := reaching(s, a)
	return i < len(s) && s[i].from.compare(a) <= 0
}

func later[P point[P]](a, b P) P {
	if a.compare(b) > 0 {
		return a
	}
	return b
}

func earlier[P point[P]](a, b P) P {
	if a.compare(b) < 0 {
		return a
	}
	return b
}
