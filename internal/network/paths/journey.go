package paths

import (
	"net/netip"
	"slices"

	"muster/internal/network/facts"
	"muster/internal/network/guard"
	"muster/internal/network/space"
	"muster/internal/network/topology"
)

// Leg is a flow between a near address and a far side, there and back. Between
// two legs addresses are translated.
type Leg struct {
	Forward, Back Trail
	// Near is fixed; far are the addresses that the other side may have.
	Near netip.Addr
	Far  space.Set
	// NearVPC and farVPC say where the addresses lie, for rules that name
	// groups; empty for outside.
	nearVPC, farVPC facts.ID
	// Port is the server's where a load balancer chose it, else zero; kept says
	// that the leg shows the clients of the one before.
	Port uint16
	kept bool
	// viaGroups are those of a load balancer that keeps the client's address.
	viaGroups []facts.ID
	// Apart: its far side is not that of the leg before, only the ports are
	// one flow's.
	Apart bool
	// across: its addresses are of the other family than those of the leg
	// before, which was translated.
	across bool
	// also is the leg before where it carries the same replies, to the same
	// client port.
	also *Leg
	// initiator: the far side begins the flow. nearPublic is the public twin
	// of near.
	initiator  bool
	nearPublic netip.Addr
}

// Block says where packets stop before any rule is asked.
type Block struct {
	// Hops lead to it.
	Hops   []Hop
	Reason string
	// reply: the way back fails.
	Reply bool
	// Set are the far addresses concerned; of replies that do not come back
	// the address that they are for, and Toward says whose it is.
	Set    space.Set
	Toward string
	// Elsewhere is the edge that replies should take and do not; unmapped the
	// interface without a public address.
	Elsewhere, Unmapped facts.ID
	// Doubts and Assumed are those of the way to it.
	Doubts, Assumed []string
}

// block is where packets on a way stop.
func (t Trail) block(reason string, set space.Set) *Block {
	return &Block{Hops: t.Hops(), Reason: reason, Set: set, Doubts: t.Doubts, Assumed: t.Assumed}
}

// Journey is a flow from end to end, or why there is none; with a block on the
// way back, legs hold the way there.
type Journey struct {
	Legs  []Leg
	Set   space.Set
	To    *topology.Place
	Edge  *topology.Edge
	Block *Block
}

// Inward are the flows that begin behind an edge of the VPC and end at an
// address, from a set of sources.
func (s *Finder) Inward(e topology.Edge, to topology.Place, sources space.Set) []Journey {
	near := to.Address.Private.Addr()
	w := &walker{s: s, initiating: true, toNear: true}
	in := w.enter(e, to.Interface.Home, near)[0]
	if in.end != delivered {
		return []Journey{{Set: sources, Block: in.block(in.reason, sources)}}
	}
	if e.Kind == topology.InternetGateway && !to.Public(s.Internet) {
		why := "no public address leads to " + near.String() + " of " + string(to.Interface.ID)
		return []Journey{{Set: sources, Block: &Block{Hops: in.Hops()[:1], Reason: why, Set: sources, Unmapped: to.Interface.ID}}}
	}
	back := &walker{s: s, source: to, edges: true}
	var out []Journey
	for _, o := range back.leave(to, sources) {
		l := Leg{
			Forward: in.Trail, Near: near, Far: o.set, nearVPC: to.Interface.VPC, farVPC: s.behind(e, to.Interface.Home),
			initiator: true, nearPublic: to.Address.Public,
		}
		j := Journey{Set: o.set, Edge: &e, Legs: []Leg{l}}
		switch {
		case o.end == dropped:
			j.Block = o.block("replies are lost: "+o.reason, o.set)
			j.Block.Reply = true
		case o.end != exited || o.edge != e:
			j.Block = &Block{Hops: o.Hops(), Reason: "replies to " + o.set.String() + " leave another way, not through " + string(e.ID), Reply: true, Set: o.set, Elsewhere: e.ID}
		default:
			j.Legs[0].Forward, j.Legs[0].Back = in.Trail.routesAgree(o.Trail), o.Trail
		}
		out = append(out, j)
	}
	return out
}

// routesAgree notes when the two directions pass different middleboxes, which
// stateful ones would not allow.
func (t Trail) routesAgree(back Trail) Trail {
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

// behind is the VPC at the other end of a peering connection.
func (s *Finder) behind(e topology.Edge, v *topology.VPC) facts.ID {
	p := s.Peerings[e.ID]
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

// Outward are the flows that an interface begins towards a set of addresses.
func (s *Finder) Outward(from topology.Place, dst space.Set) []Journey {
	return s.outwardDeep(from, dst, 0)
}

func (s *Finder) outwardDeep(from topology.Place, dst space.Set, depth int) []Journey {
	near := from.Address.Private.Addr()
	w := &walker{s: s, initiating: true, source: from}
	var out []Journey
	for _, o := range w.leave(from, dst) {
		l := Leg{Forward: o.Trail, Near: near, Far: o.set, nearVPC: from.Interface.VPC, farVPC: anyVPC}
		j := Journey{Set: o.set}
		switch o.end {
		case dropped:
			j.Block = o.block(o.reason, o.set)
		case inside:
			j.Block = &Block{Hops: o.Hops(), Reason: "several addresses inside the VPC", Set: o.set}
		case delivered:
			j.To = &o.at
			l.farVPC = o.at.Interface.VPC
			b := &walker{s: s, toNear: true, source: o.at}
			j.finish(l, b.leave(o.at, space.One(near)), from)
		case exited:
			j.Edge = &o.edge
			l.Forward.noReferences = l.Forward.noReferences || o.edge.Kind != topology.PeeringConnection && o.edge.Kind != topology.TransitGateway
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
func (s *Finder) edgeVPC(o outcome, from topology.Place) *topology.VPC {
	v := from.Interface.Home
	for _, h := range o.Hops() {
		if h.Type == "AWS::EC2::VPC" && s.VPCs[h.ID] != nil {
			v = s.VPCs[h.ID]
		}
	}
	if o.edge.Kind == topology.TransitGateway {
		return from.Interface.Home
	}
	return v
}

// finish takes the way back into the journey, if there is one to the sender.
func (j *Journey) finish(l Leg, back []outcome, from topology.Place) {
	o := back[0]
	switch {
	case o.end == dropped:
		j.Block = o.block("replies are lost: "+o.reason, space.One(l.Near))
		j.Block.Reply, j.Block.Toward = true, from.Label()
	case o.end != delivered || o.at.Interface != from.Interface:
		j.Block = &Block{Hops: o.Hops(), Reason: "replies go elsewhere, not to " + string(from.Interface.ID), Reply: true, Set: j.Set}
	default:
		l.Back = o.Trail
		l.Forward = l.Forward.routesAgree(o.Trail)
	}
	j.Legs = append(j.Legs, l)
}

// beyond continues behind a NAT gateway, whose own address begins a new leg.
func (s *Finder) beyond(j Journey, l Leg, o outcome, from topology.Place, depth int) []Journey {
	nat := o.nat
	if len(nat.Interface.Addresses) == 0 || depth > 2 {
		j.Block = &Block{Hops: o.Hops(), Reason: "the addresses of " + string(nat.ID) + " are not among the facts", Set: o.set}
		return []Journey{j}
	}
	own := topology.Place{Interface: nat.Interface, Address: nat.Interface.Addresses[0]}
	b := &walker{s: s, toNear: true, source: own}
	j.finish(l, b.fromSubnet(Trail{}.Hop("AWS::EC2::NatGateway", nat.ID, ""), nat.Interface.In, space.One(l.Near)), from)
	if j.Block != nil {
		return []Journey{j}
	}
	first := j.Legs[0]
	// What is behind the translation cannot be named by a group.
	first.Forward.noReferences = true
	var out []Journey
	dst := o.set
	if six, ok := dst.Single(); ok && six.Is6() {
		dst = space.One(embedded(six))
	}
	for _, k := range s.outwardDeep(own, dst, depth+1) {
		if nat.Private && len(k.Legs) == 1 && k.Edge != nil && k.Edge.Kind == topology.InternetGateway {
			k = Journey{Set: k.Set, Block: &Block{Hops: k.Legs[0].Forward.Hops(), Reason: string(nat.ID) + " is private", Set: k.Set}}
		}
		for i := range k.Legs {
			k.Legs[i].Forward.noReferences = true
		}
		if len(k.Legs) > 0 {
			k.Legs[0].across = !dst.Equal(o.set)
		}
		k.Legs = append([]Leg{first}, k.Legs...)
		out = append(out, k)
	}
	return out
}

// Open are the far addresses and server ports of a leg for which every rule
// agrees, there and back: replies pass when some client port does.
func (s *Finder) Open(l *Leg, t guard.Traffic) space.Map {
	m := space.Everywhere(l.Far)
	for i := range l.Forward.Filters {
		if len(m) == 0 {
			return nil
		}
		m = m.And(s.Permit(l, &l.Forward.Filters[i], t))
	}
	if len(m) == 0 || len(l.Back.Filters) == 0 && l.also == nil {
		return m
	}
	return m.Within(s.replies(l, t))
}

// OpenAll are the far addresses of the first leg and the server ports for
// which all legs are open.
func (s *Finder) OpenAll(legs []Leg, t guard.Traffic) space.Map {
	var m space.Map
	for i := range legs {
		next := s.Open(&legs[i], t)
		switch {
		case i == 0:
			m = next
		case legs[i].Apart || legs[i].across:
			if i == 1 && legs[i].Apart && !s.meets(&legs[0], &legs[1], t) {
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

// replies are the far addresses to which replies pass on some client port.
func (s *Finder) replies(l *Leg, t guard.Traffic) space.Set {
	return s.clients(l, t).Addrs()
}

// clients are the far addresses by the client ports on which replies pass.
func (s *Finder) clients(l *Leg, t guard.Traffic) space.Map {
	m := space.Over(ClientPorts(t), l.Far)
	for i := range l.Back.Filters {
		m = m.And(s.Permit(l, &l.Back.Filters[i], guard.Traffic{Protocol: t.Protocol, Reply: true}))
	}
	if l.also != nil {
		m = m.And(s.clients(l.also, t))
	}
	return m
}

// meets reports whether some client port suits the replies of two legs that
// share it; their far sides are single addresses.
func (s *Finder) meets(a, b *Leg, t guard.Traffic) bool {
	for _, x := range s.clients(a, t).Ports() {
		for _, y := range s.clients(b, t).Ports() {
			if x.First <= y.Last && y.First <= x.Last {
				return true
			}
		}
	}
	return false
}

// Permit is what a filter lets pass, as far addresses by port.
func (s *Finder) Permit(l *Leg, f *Filter, t guard.Traffic) space.Map {
	if !f.ruled() {
		return f.takes(l, t)
	}
	var m space.Map
	if f.ACL != nil {
		m = f.ACL.Permits(f.Egress, t)
		if f.Far {
			return m
		}
		return AtNear(m, l)
	}
	p := s.Lists.Together(f.Interface.Guards, f.Egress, t)
	m = p.Cidrs
	if len(p.Refs) > 0 && l.References(f) {
		m = space.Or(m, s.Named(l, f, p.Refs))
	}
	if f.Far {
		return m
	}
	return AtNear(m, l)
}

// References reports whether rules of a filter that name groups can match:
// for sources it depends on the way before, for destinations on all of it.
func (l *Leg) References(f *Filter) bool {
	if f.Egress {
		return !l.Forward.noReferences
	}
	return f.plain
}

// AtNear turns a filter on the near address into one on ports alone.
func AtNear(m space.Map, l *Leg) space.Map {
	var out []space.Segment
	for _, segment := range m {
		if segment.Addrs.Contains(l.Near) {
			out = append(out, space.Segment{PortRange: segment.PortRange, Addrs: l.Far})
		}
	}
	return space.Overlay(out)
}

// Named are the addresses that rules with group references admit: those of the
// group's members in the VPC of the address that the filter looks at.
func (s *Finder) Named(l *Leg, f *Filter, refs []guard.Reference) space.Map {
	looked, home := l.farVPC, f.Interface.VPC
	if !f.Far {
		looked = l.nearVPC
	}
	var out []space.Segment
	for _, r := range refs {
		if p := s.Peerings[r.Peering]; r.Stale || p != nil && !p.Active {
			continue
		}
		set := s.memberAddresses(r.Group, looked, home).Intersect(r.Family)
		if f.Far && slices.Contains(l.viaGroups, r.Group) {
			set = l.Far
		}
		if f.Far {
			set = set.Intersect(l.Far)
		}
		if !set.Empty() {
			out = append(out, space.Segment{PortRange: r.PortRange, Addrs: set})
		}
	}
	return space.Overlay(out)
}

// memberAddresses are the private addresses of the interfaces that carry a
// group, in one VPC or, for anyVPC, in all but the rule's own.
func (s *Finder) memberAddresses(id, in, home facts.ID) space.Set {
	var prefixes []netip.Prefix
	for _, n := range s.Members[id] {
		if n.VPC == in || in == anyVPC && n.VPC != home {
			for _, a := range n.Addresses {
				prefixes = append(prefixes, a.Private)
			}
		}
	}
	return space.Of(prefixes...)
}
