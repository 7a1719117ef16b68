// Package guard compiles the rules of security groups and network ACLs to what
// they let pass: for every port the set of addresses. It is pure.
package guard

import (
	"cmp"
	"net/netip"
	"slices"
	"strconv"
	"sync/atomic"

	"muster/internal/network/facts"
	"muster/internal/network/space"
)

// Traffic is what rules are asked about: a protocol, and of ICMP whether it is
// the echo or the reply.
type Traffic struct {
	Protocol facts.Protocol
	Reply    bool
}

// slot numbers the kinds of traffic whose permits are kept; others are worked
// out anew, as they are rare.
func (t Traffic) slot() (int, bool) {
	switch {
	case t.Protocol == facts.TCP:
		return 0, true
	case t.Protocol == facts.UDP:
		return 1, true
	case t.Protocol == facts.ICMP && !t.Reply:
		return 2, true
	case t.Protocol == facts.ICMP:
		return 3, true
	}
	return 0, false
}

const slots = 4

// Ported reports whether the protocol has ports.
func (t Traffic) Ported() bool { return t.Protocol == facts.TCP || t.Protocol == facts.UDP }

// Text names the traffic to a port.
func (t Traffic) Text(port uint16) string {
	if !t.Ported() {
		return ProtocolName(t.Protocol)
	}
	return ProtocolName(t.Protocol) + " " + strconv.Itoa(int(port))
}

// echo types and codes by family (RFC 792, RFC 4443).
func (t Traffic) icmpType(v6 bool) int {
	switch {
	case v6 && t.Reply:
		return 129
	case v6:
		return 128
	case t.Reply:
		return 0
	}
	return 8
}

// Ports are the destination ports that a rule admits for the traffic; ok is
// false where it does not speak of it. Traffic without ports stands for all.
// The family decides which protocol number ICMP has.
func (t Traffic) Ports(m facts.Match, v6 bool) (r space.PortRange, ok bool) {
	switch {
	case m.Protocol == facts.Any:
		return space.AllPorts(), true
	case t.Protocol == facts.ICMP:
		number := facts.ICMP
		if v6 {
			number = facts.ICMPv6
		}
		fits := m.Protocol == number && (m.From == -1 || m.From == t.icmpType(v6)) && (m.From == -1 || m.To == -1 || m.To == 0)
		return space.AllPorts(), fits
	case m.Protocol != t.Protocol:
		return r, false
	case t.Ported():
		return space.PortRange{First: uint16(m.From), Last: uint16(m.To)}, true
	}
	return space.AllPorts(), true
}

// Group is a security group with its permits.
type Group struct {
	*facts.Group
	Missing bool
	cache   [2][slots]atomic.Pointer[permits]
	mark    atomic.Uint64
}

// Lists are the addresses of prefix lists.
type Lists map[facts.ID]space.Set

// permits is what one direction of a group allows: addresses by port, and
// ports to other groups.
type permits struct {
	Cidrs space.Map
	Refs  []Reference
}

// Reference allows the private addresses of the interfaces of a group.
type Reference struct {
	space.PortRange
	*facts.Rule
	// Family holds the addresses that the rule can speak of, as ICMP has a
	// number per family.
	Family space.Set
}

// Set is the groups of an interface, by id, with what they let pass together.
// Interfaces that carry the same groups share it.
type Set struct {
	Groups []*Group
	cache  [2][slots]atomic.Pointer[permits]
}

// Forget is for when a group of the set has other rules; nobody may read it
// meanwhile.
func (s *Set) Forget() { forget(&s.cache) }

func forget(cache *[2][slots]atomic.Pointer[permits]) {
	for i := range cache {
		for j := range cache[i] {
			cache[i][j].Store(nil)
		}
	}
}

// Replace gives the group other rules; nobody may read it meanwhile.
func (g *Group) Replace(f *facts.Group) {
	g.Group = f
	g.mark.Store(0)
	forget(&g.cache)
}

// Rules are those of one direction.
func (g *Group) Rules(egress bool) []facts.Rule {
	if egress {
		return g.Egress
	}
	return g.Ingress
}

func index(b bool) int {
	if b {
		return 1
	}
	return 0
}

// Together is what any group of a set permits.
func (l Lists) Together(s *Set, egress bool, t Traffic) *permits {
	if len(s.Groups) == 1 {
		return l.Permits(s.Groups[0], egress, t)
	}
	slot, kept := t.slot()
	if kept {
		if p := s.cache[index(egress)][slot].Load(); p != nil {
			return p
		}
	}
	p, maps := &permits{}, make([]space.Map, len(s.Groups))
	for i, g := range s.Groups {
		one := l.Permits(g, egress, t)
		maps[i], p.Refs = one.Cidrs, append(p.Refs, one.Refs...)
	}
	p.Cidrs = space.Or(maps...)
	if kept {
		s.cache[index(egress)][slot].Store(p)
	}
	return p
}

// Permits compiles one direction of the group for the traffic.
func (l Lists) Permits(g *Group, egress bool, t Traffic) *permits {
	slot, kept := t.slot()
	if kept {
		if p := g.cache[index(egress)][slot].Load(); p != nil {
			return p
		}
	}
	p := l.compileGroup(g.Rules(egress), t)
	if kept {
		g.cache[index(egress)][slot].Store(p)
	}
	return p
}

func (l Lists) compileGroup(rules []facts.Rule, t Traffic) *permits {
	p := &permits{}
	var segments []space.Segment
	for i := range rules {
		r := &rules[i]
		if r.Group != "" {
			for _, v6 := range []bool{false, true} {
				if ports, ok := t.Ports(r.Match, v6); ok {
					p.Refs = append(p.Refs, Reference{ports, r, Family(v6)})
				}
			}
			continue
		}
		segments = append(segments, l.Admits(r, t)...)
	}
	p.Cidrs = space.Overlay(segments)
	return p
}

// Admits are the segments of a rule with a block or a prefix list.
func (l Lists) Admits(r *facts.Rule, t Traffic) []space.Segment {
	set := l[r.PrefixList]
	if r.PrefixList == "" {
		set = space.Of(r.CIDR)
	}
	var out []space.Segment
	for _, v6 := range []bool{false, true} {
		part := set.Intersect(Family(v6))
		if ports, ok := t.Ports(r.Match, v6); ok && !part.Empty() {
			out = append(out, space.Segment{PortRange: ports, Addrs: part})
		}
	}
	return out
}

// Family is the whole of one address family.
func Family(v6 bool) space.Set {
	if v6 {
		return space.Of(netip.PrefixFrom(netip.IPv6Unspecified(), 0))
	}
	return space.Of(netip.PrefixFrom(netip.IPv4Unspecified(), 0))
}

// ACL is a network ACL with its permits.
type ACL struct {
	*facts.ACL
	cache [2][slots]atomic.Pointer[space.Map]
	mark  atomic.Uint64
	// sorted are the entries by number.
	sorted atomic.Pointer[[]facts.Entry]
}

// Replace gives the list other entries; nobody may read it meanwhile.
func (a *ACL) Replace(f *facts.ACL) {
	a.ACL = f
	a.mark.Store(0)
	a.sorted.Store(nil)
	for i := range a.cache {
		for j := range a.cache[i] {
			a.cache[i][j].Store(nil)
		}
	}
}

// Ordered are those of one direction in the order in which they decide.
func (a *ACL) Ordered(egress bool) []facts.Entry {
	all := a.sorted.Load()
	if all == nil {
		ordered := slices.Clone(a.Entries)
		slices.SortStableFunc(ordered, func(x, y facts.Entry) int { return cmp.Compare(x.Number, y.Number) })
		all = &ordered
		a.sorted.Store(all)
	}
	var out []facts.Entry
	for _, e := range *all {
		if e.Egress == egress {
			out = append(out, e)
		}
	}
	return out
}

// Permits compiles one direction of the list: the first entry that matches a
// packet decides, and what none matches is denied.
func (a *ACL) Permits(egress bool, t Traffic) space.Map {
	slot, kept := t.slot()
	if kept {
		if m := a.cache[index(egress)][slot].Load(); m != nil {
			return *m
		}
	}
	m := firstMatch(a.Ordered(egress), t)
	if kept {
		a.cache[index(egress)][slot].Store(&m)
	}
	return m
}

// firstMatch cuts the ports at the bounds of all entries and decides each run.
func firstMatch(entries []facts.Entry, t Traffic) space.Map {
	type cut struct {
		space.PortRange
		set   space.Set
		allow bool
	}
	var cutsAt []int
	var all []cut
	for _, e := range entries {
		ports, ok := t.Ports(e.Match, e.CIDR.Addr().Is6())
		if !ok {
			continue
		}
		all = append(all, cut{ports, space.Of(e.CIDR), e.Allow})
		cutsAt = append(cutsAt, int(ports.First), int(ports.Last)+1)
	}
	slices.Sort(cutsAt)
	cutsAt = slices.Compact(cutsAt)
	var segments []space.Segment
	for i := range max(len(cutsAt)-1, 0) {
		first, last := uint16(cutsAt[i]), uint16(cutsAt[i+1]-1)
		allowed, decided := space.Set{}, space.Set{}
		for _, c := range all {
			if c.First > first || c.Last < last {
				continue
			}
			if c.allow {
				allowed = space.Union(allowed, c.set.Minus(decided))
			}
			decided = space.Union(decided, c.set)
		}
		segments = append(segments, space.Segment{PortRange: space.PortRange{First: first, Last: last}, Addrs: allowed})
	}
	return space.Overlay(slices.DeleteFunc(segments, func(s space.Segment) bool { return s.Addrs.Empty() }))
}
