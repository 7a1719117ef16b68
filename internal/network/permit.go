package network

import (
	"cmp"
	"net/netip"
	"slices"
	"sync/atomic"

	"muster/internal/network/facts"
	"muster/internal/network/space"
)

// traffic is what rules are asked about: a protocol, and of ICMP whether it is
// the echo or the reply.
type traffic struct {
	protocol facts.Protocol
	reply    bool
}

// slot numbers the kinds of traffic whose permits are kept; others are worked
// out anew, as they are rare.
func (t traffic) slot() (int, bool) {
	switch {
	case t.protocol == facts.TCP:
		return 0, true
	case t.protocol == facts.UDP:
		return 1, true
	case t.protocol == facts.ICMP && !t.reply:
		return 2, true
	case t.protocol == facts.ICMP:
		return 3, true
	}
	return 0, false
}

const slots = 4

// ported reports whether the protocol has ports.
func (t traffic) ported() bool { return t.protocol == facts.TCP || t.protocol == facts.UDP }

// echo types and codes by family (RFC 792, RFC 4443).
func (t traffic) icmpType(v6 bool) int {
	switch {
	case v6 && t.reply:
		return 129
	case v6:
		return 128
	case t.reply:
		return 0
	}
	return 8
}

// ports are the destination ports that a rule admits for the traffic; ok is
// false where it does not speak of it. Traffic without ports stands for all.
// The family decides which protocol number ICMP has.
func (t traffic) ports(m facts.Match, v6 bool) (r space.PortRange, ok bool) {
	switch {
	case m.Protocol == facts.Any:
		return space.AllPorts(), true
	case t.protocol == facts.ICMP:
		number := facts.ICMP
		if v6 {
			number = facts.ICMPv6
		}
		fits := m.Protocol == number && (m.From == -1 || m.From == t.icmpType(v6)) && (m.From == -1 || m.To == -1 || m.To == 0)
		return space.AllPorts(), fits
	case m.Protocol != t.protocol:
		return r, false
	case t.ported():
		return space.PortRange{First: uint16(m.From), Last: uint16(m.To)}, true
	}
	return space.AllPorts(), true
}

// group is a security group with its permits.
type group struct {
	*facts.Group
	missing bool
	cache   [2][slots]atomic.Pointer[permits]
}

// permits is what one direction of a group allows: addresses by port, and
// ports to other groups.
type permits struct {
	cidrs space.Map
	refs  []reference
}

// reference allows the private addresses of the interfaces of a group.
type reference struct {
	space.PortRange
	*facts.Rule
	// family holds the addresses that the rule can speak of, as ICMP has a
	// number per family.
	family space.Set
}

func (g *group) rules(egress bool) []facts.Rule {
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

// permits compiles one direction of the group for the traffic.
func (s *Snapshot) permits(g *group, egress bool, t traffic) *permits {
	slot, kept := t.slot()
	if kept {
		if p := g.cache[index(egress)][slot].Load(); p != nil {
			return p
		}
	}
	p := s.compileGroup(g.rules(egress), t)
	if kept {
		g.cache[index(egress)][slot].Store(p)
	}
	return p
}

func (s *Snapshot) compileGroup(rules []facts.Rule, t traffic) *permits {
	p := &permits{}
	var segments []space.Segment
	for i := range rules {
		r := &rules[i]
		if r.Group != "" {
			for _, v6 := range []bool{false, true} {
				if ports, ok := t.ports(r.Match, v6); ok {
					p.refs = append(p.refs, reference{ports, r, family(v6)})
				}
			}
			continue
		}
		segments = append(segments, s.admits(r, t)...)
	}
	p.cidrs = space.Overlay(segments)
	return p
}

// admits are the segments of a rule with a block or a prefix list.
func (s *Snapshot) admits(r *facts.Rule, t traffic) []space.Segment {
	set := s.lists[r.PrefixList]
	if r.PrefixList == "" {
		set = space.Of(r.CIDR)
	}
	var out []space.Segment
	for _, v6 := range []bool{false, true} {
		part := set.Intersect(family(v6))
		if ports, ok := t.ports(r.Match, v6); ok && !part.Empty() {
			out = append(out, space.Segment{PortRange: ports, Addrs: part})
		}
	}
	return out
}

// family is the whole of one address family.
func family(v6 bool) space.Set {
	if v6 {
		return space.Of(netip.PrefixFrom(netip.IPv6Unspecified(), 0))
	}
	return space.Of(netip.PrefixFrom(netip.IPv4Unspecified(), 0))
}

// acl is a network ACL with its permits.
type acl struct {
	*facts.ACL
	cache [2][slots]atomic.Pointer[space.Map]
	// sorted are the entries by number.
	sorted atomic.Pointer[[]facts.Entry]
}

// entries are those of one direction in the order in which they decide.
func (a *acl) entries(egress bool) []facts.Entry {
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

// permits compiles one direction of the list: the first entry that matches a
// packet decides, and what none matches is denied.
func (a *acl) permits(egress bool, t traffic) space.Map {
	slot, kept := t.slot()
	if kept {
		if m := a.cache[index(egress)][slot].Load(); m != nil {
			return *m
		}
	}
	m := firstMatch(a.entries(egress), t)
	if kept {
		a.cache[index(egress)][slot].Store(&m)
	}
	return m
}

// firstMatch cuts the ports at the bounds of all entries and decides each run.
func firstMatch(entries []facts.Entry, t traffic) space.Map {
	type cut struct {
		space.PortRange
		set   space.Set
		allow bool
	}
	var cutsAt []int
	var all []cut
	for _, e := range entries {
		ports, ok := t.ports(e.Match, e.CIDR.Addr().Is6())
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
