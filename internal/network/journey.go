package network

import (
	"net/netip"
	"slices"

	"muster/internal/network/facts"
	"muster/internal/network/space"
)

// leg is a flow between a near address and a far side, there and back. Between
// two legs addresses are translated.
type leg struct {
	forward, back trail
	// near is fixed; far are the addresses that the other side may have.
	near netip.Addr
	far  space.Set
	// nearVPC and farVPC say where the addresses lie, for rules that name
	// groups; empty for outside.
	nearVPC, farVPC facts.ID
	// viaGroups are those of a load balancer that keeps the client's address.
	viaGroups []facts.ID
	// apart: its far side is not that of the leg before, only the ports are
	// one flow's.
	apart bool
	// also are filters of the leg before that see the same replies, on the
	// same client port.
	also []filter
	// initiator: the far side begins the flow. nearPublic is the public twin
	// of near.
	initiator  bool
	nearPublic netip.Addr
}

// block says where packets stop before any rule is asked.
type block struct {
	// hops lead to it.
	hops   []Hop
	reason string
	// reply: the way back fails.
	reply bool
	// set are the far addresses concerned.
	set space.Set
	// elsewhere is the edge that replies should take and do not; unmapped the
	// interface without a public address.
	elsewhere, unmapped facts.ID
}

// journey is a flow from end to end, or why there is none; with a block on the
// way back, legs hold the way there.
type journey struct {
	legs  []leg
	set   space.Set
	to    *place
	edge  *Edge
	block *block
}

// inward are the flows that begin behind an edge of the VPC and end at an
// address, from a set of sources.
func (s *Snapshot) inward(e Edge, to place, sources space.Set) []journey {
	near := to.address.Private.Addr()
	w := &walker{s: s, initiating: true, toNear: true}
	in := w.enter(e, to.iface.vpc, near)[0]
	if in.end != delivered {
		return []journey{{set: sources, block: &block{hops: in.hops, reason: in.reason, set: sources}}}
	}
	if e.Kind == InternetGateway && !to.public(s) {
		why := "no public address leads to " + near.String() + " of " + string(to.iface.ID)
		return []journey{{set: sources, block: &block{hops: in.hops[:1], reason: why, set: sources, unmapped: to.iface.ID}}}
	}
	back := &walker{s: s, source: to, edges: true}
	var out []journey
	for _, o := range back.leave(to, sources) {
		l := leg{
			forward: in.trail, near: near, far: o.set, nearVPC: to.iface.VPC, farVPC: s.behind(e, to.iface.vpc),
			initiator: true, nearPublic: to.address.Public,
		}
		j := journey{set: o.set, edge: &e, legs: []leg{l}}
		switch {
		case o.end == dropped:
			j.block = &block{hops: o.hops, reason: "replies are lost: " + o.reason, reply: true, set: o.set}
		case o.end != exited || o.edge != e:
			j.block = &block{hops: o.hops, reason: "replies to " + o.set.String() + " leave another way, not through " + string(e.ID), reply: true, set: o.set, elsewhere: e.ID}
		default:
			j.legs[0].forward, j.legs[0].back = in.trail.routesAgree(o.trail), o.trail
		}
		out = append(out, j)
	}
	return out
}

// routesAgree notes when the two directions pass different middleboxes, which
// stateful ones would not allow.
func (t trail) routesAgree(back trail) trail {
	if len(t.boxes) == len(back.boxes) {
		same := map[facts.ID]bool{}
		for _, b := range t.boxes {
			same[b] = true
		}
		for _, b := range back.boxes {
			if !same[b] {
				return t.doubt("replies pass " + string(b) + " and requests do not")
			}
		}
		return t
	}
	return t.doubt("requests and replies pass different middleboxes")
}

// public reports whether the internet gateway maps a public address to it.
func (p place) public(s *Snapshot) bool {
	a := p.address.Private
	return p.address.Public.IsValid() || p.iface.facing && a.Addr().Is4() || a.Addr().Is6() && s.internet.Contains(a.Addr())
}

// behind is the VPC at the other end of a peering connection.
func (s *Snapshot) behind(e Edge, v *vpc) facts.ID {
	p := s.peerings[e.ID]
	switch {
	case p == nil:
		return anyVPC
	case p.Requester.VPC == v.ID:
		return p.Accepter.VPC
	}
	return p.Requester.VPC
}

// anyVPC stands for all VPCs that rules may name groups of.
const anyVPC facts.ID = "*"

// outward are the flows that an interface begins towards a set of addresses.
func (s *Snapshot) outward(from place, dst space.Set) []journey { return s.outwardDeep(from, dst, 0) }

func (s *Snapshot) outwardDeep(from place, dst space.Set, depth int) []journey {
	near := from.address.Private.Addr()
	w := &walker{s: s, initiating: true, source: from}
	var out []journey
	for _, o := range w.leave(from, dst) {
		l := leg{forward: o.trail, near: near, far: o.set, nearVPC: from.iface.VPC, farVPC: anyVPC}
		j := journey{set: o.set}
		switch o.end {
		case dropped:
			j.block = &block{hops: o.hops, reason: o.reason, set: o.set}
		case inside:
			j.block = &block{hops: o.hops, reason: "several addresses inside the VPC", set: o.set}
		case delivered:
			j.to = &o.at
			l.farVPC = o.at.iface.VPC
			b := &walker{s: s, toNear: true, source: o.at}
			j.finish(l, b.leave(o.at, space.One(near)), from)
		case exited:
			j.edge = &o.edge
			l.forward.noReferences = l.forward.noReferences || o.edge.Kind != PeeringConnection && o.edge.Kind != TransitGateway
			b := &walker{s: s, toNear: true}
			j.finish(l, b.enter(o.edge, s.edgeVPC(o, from), near), from)
		case translated:
			out = append(out, s.beyond(j, l, o, from, depth)...)
			continue
		}
		out = append(out, j)
	}
	return out
}

// edgeVPC is the VPC whose edge a flow left by: the sender's, unless a transit
// gateway led elsewhere.
func (s *Snapshot) edgeVPC(o outcome, from place) *vpc {
	v := from.iface.vpc
	for _, h := range o.hops {
		if h.Type == "AWS::EC2::VPC" && s.vpcs[h.ID] != nil {
			v = s.vpcs[h.ID]
		}
	}
	if o.edge.Kind == TransitGateway {
		return from.iface.vpc
	}
	return v
}

// finish takes the way back into the journey, if there is one to the sender.
func (j *journey) finish(l leg, back []outcome, from place) {
	o := back[0]
	switch {
	case o.end == dropped:
		j.block = &block{hops: o.hops, reason: "replies are lost: " + o.reason, reply: true, set: j.set}
	case o.end != delivered || o.at.iface != from.iface:
		j.block = &block{hops: o.hops, reason: "replies go elsewhere, not to " + string(from.iface.ID), reply: true, set: j.set}
	default:
		l.back = o.trail
		l.forward = l.forward.routesAgree(o.trail)
	}
	j.legs = append(j.legs, l)
}

// beyond continues behind a NAT gateway, whose own address begins a new leg.
func (s *Snapshot) beyond(j journey, l leg, o outcome, from place, depth int) []journey {
	nat := o.nat
	if len(nat.iface.Addresses) == 0 || depth > 2 {
		j.block = &block{hops: o.hops, reason: "the addresses of " + string(nat.ID) + " are not among the facts", set: o.set}
		return []journey{j}
	}
	own := place{nat.iface, nat.iface.Addresses[0]}
	b := &walker{s: s, toNear: true, source: own}
	j.finish(l, b.fromSubnet(trail{}.hop("AWS::EC2::NatGateway", nat.ID, ""), nat.iface.subnet, space.One(l.near)), from)
	if j.block != nil {
		return []journey{j}
	}
	first := j.legs[0]
	// What is behind the translation cannot be named by a group.
	first.forward.noReferences = true
	var out []journey
	for _, k := range s.outwardDeep(own, o.set, depth+1) {
		if nat.Private && k.edge != nil && k.edge.Kind == InternetGateway {
			k = journey{set: k.set, block: &block{hops: k.legs[0].forward.hops, reason: string(nat.ID) + " is private", set: k.set}}
		}
		for i := range k.legs {
			k.legs[i].forward.noReferences = true
		}
		k.legs = append([]leg{first}, k.legs...)
		out = append(out, k)
	}
	return out
}

// open are the far addresses and server ports of a leg for which every rule
// agrees, there and back: replies pass when some client port does.
func (s *Snapshot) open(l *leg, t traffic) space.Map {
	m := space.Everywhere(l.far)
	for i := range l.forward.filters {
		if len(m) == 0 {
			return nil
		}
		m = m.And(s.permit(l, &l.forward.filters[i], t))
	}
	if len(m) == 0 || len(l.back.filters)+len(l.also) == 0 {
		return m
	}
	return m.Within(s.replies(l, t))
}

// openAll are the far addresses of the first leg and the server ports for
// which all legs are open.
func (s *Snapshot) openAll(legs []leg, t traffic) space.Map {
	var m space.Map
	for i := range legs {
		next := s.open(&legs[i], t)
		switch {
		case i == 0:
			m = next
		case legs[i].apart:
			if i == 1 && !s.meets(&legs[0], &legs[1], t) {
				return nil
			}
			var kept []space.Segment
			for _, r := range next.Ports() {
				kept = append(kept, m.Clip(r)...)
			}
			m = space.Overlay(kept)
		default:
			m = m.And(next)
		}
	}
	return m
}

// firstClient is the lowest port that clients use (6.4, ACL return path).
const firstClient = 1024

func clientPorts(t traffic) space.PortRange {
	if !t.ported() {
		return space.AllPorts()
	}
	return space.PortRange{First: firstClient, Last: space.MaxPort}
}

// replies are the far addresses to which replies pass on some client port.
func (s *Snapshot) replies(l *leg, t traffic) space.Set {
	return s.clients(l, t).Addrs()
}

// clients are the far addresses by the client ports on which replies pass.
func (s *Snapshot) clients(l *leg, t traffic) space.Map {
	m := space.Over(clientPorts(t), l.far)
	for i := range l.back.filters {
		m = m.And(s.permit(l, &l.back.filters[i], traffic{t.protocol, true}))
	}
	for i := range l.also {
		m = m.And(s.permit(l, &l.also[i], traffic{t.protocol, true}))
	}
	return m
}

// meets reports whether some client port suits the replies of two legs that
// share it; their far sides are single addresses.
func (s *Snapshot) meets(a, b *leg, t traffic) bool {
	for _, x := range s.clients(a, t).Ports() {
		for _, y := range s.clients(b, t).Ports() {
			if x.First <= y.Last && y.First <= x.Last {
				return true
			}
		}
	}
	return false
}

// permit is what a filter lets pass, as far addresses by port.
func (s *Snapshot) permit(l *leg, f *filter, t traffic) space.Map {
	var m space.Map
	if f.acl != nil {
		m = f.acl.permits(f.egress, t)
		if f.far {
			return m
		}
		return atNear(m, l)
	}
	maps := make([]space.Map, 0, len(f.iface.groups)+1)
	for _, g := range f.iface.groups {
		p := s.permits(g, f.egress, t)
		maps = append(maps, p.cidrs)
		if len(p.refs) > 0 && l.references(f) {
			maps = append(maps, s.named(l, f, p.refs))
		}
	}
	m = space.Or(maps...)
	if f.far {
		return m
	}
	return atNear(m, l)
}

// references reports whether rules of a filter that name groups can match:
// for sources it depends on the way before, for destinations on all of it.
func (l *leg) references(f *filter) bool {
	if f.egress {
		return !l.forward.noReferences
	}
	return f.plain
}

// atNear turns a filter on the near address into one on ports alone.
func atNear(m space.Map, l *leg) space.Map {
	var out []space.Segment
	for _, segment := range m {
		if segment.Addrs.Contains(l.near) {
			out = append(out, space.Segment{PortRange: segment.PortRange, Addrs: l.far})
		}
	}
	return space.Overlay(out)
}

// named are the addresses that rules with group references admit: those of the
// group's members in the VPC of the address that the filter looks at.
func (s *Snapshot) named(l *leg, f *filter, refs []reference) space.Map {
	looked, home := l.farVPC, f.iface.VPC
	if !f.far {
		looked = l.nearVPC
	}
	var out []space.Segment
	for _, r := range refs {
		if p := s.peerings[r.Peering]; r.Stale || p != nil && !p.Active {
			continue
		}
		set := s.memberAddresses(r.Group, looked, home).Intersect(r.family)
		if f.far && slices.Contains(l.viaGroups, r.Group) {
			set = l.far
		}
		if f.far {
			set = set.Intersect(l.far)
		}
		if !set.Empty() {
			out = append(out, space.Segment{PortRange: r.PortRange, Addrs: set})
		}
	}
	return space.Overlay(out)
}

// memberAddresses are the private addresses of the interfaces that carry a
// group, in one VPC or, for anyVPC, in all but the rule's own.
func (s *Snapshot) memberAddresses(id, in, home facts.ID) space.Set {
	var prefixes []netip.Prefix
	for _, n := range s.members[id] {
		if n.VPC == in || in == anyVPC && n.VPC != home {
			for _, a := range n.Addresses {
				prefixes = append(prefixes, a.Private)
			}
		}
	}
	return space.Of(prefixes...)
}
