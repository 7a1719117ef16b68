package network

import (
	"net/netip"
	"slices"

	"muster/internal/network/facts"
	"muster/internal/network/space"
)

// exit follows packets out of an internet, egress-only or virtual private
// gateway.
func (w *walker) exit(t trail, id facts.ID, g gateway, set space.Set) []outcome {
	edge := Edge{g.kind, id}
	t = t.hop(edge.componentType(), id, "")
	allowed, reason := w.s.internet, "no public address: the internet gateway drops it"
	switch g.kind {
	case EgressOnlyGateway:
		allowed, reason = w.s.internet.Intersect(family(true)), "no public IPv6 address"
	case VirtualPrivateGateway, DirectConnect:
		allowed, reason = w.s.onPremises[id], "not known behind "+string(id)
	default:
	}
	var out []outcome
	if rest := set.Minus(allowed); !rest.Empty() {
		out = drop(t, rest, rest.String()+" is "+reason)
	}
	set = set.Intersect(allowed)
	if set.Empty() {
		return out
	}
	if g.kind == InternetGateway {
		var why string
		if t, why = w.mapped(t); why != "" {
			return append(out, drop(t, set, why)...)
		}
	}
	return append(out, outcome{trail: t, set: set, end: exited, edge: edge})
}

// mapped reports whether the internet gateway knows a public address for the
// packets' source; a middlebox on the way may have put its own there.
func (w *walker) mapped(t trail) (trail, string) {
	n, a := w.source.iface, w.source.address
	switch {
	case n == nil || w.source.public(w.s):
		return t, ""
	case len(t.boxes) > 0:
		return t.doubt(string(t.boxes[len(t.boxes)-1]) + " would have to translate addresses"), ""
	}
	return t, a.Private.Addr().String() + " of " + string(n.ID) + " has no public address that the internet gateway could map"
}

// peer follows packets over a peering connection; what is not the other VPC's
// own cannot be reached through it.
func (w *walker) peer(t trail, from *vpc, p *facts.Peering, set space.Set) []outcome {
	other := p.Accepter
	if other.VPC == from.ID {
		other = p.Requester
	}
	t = t.hop("AWS::EC2::VPCPeeringConnection", p.ID, "")
	if p.Requester.Region != p.Accepter.Region {
		t.noReferences = true
	}
	known := w.s.vpcs[other.VPC]
	blocks := space.Of(other.CIDRs...)
	if known != nil {
		blocks = known.space
	}
	var out []outcome
	if rest := set.Minus(blocks); !rest.Empty() {
		out = drop(t, rest, "peering is not transitive: "+rest.String()+" is not in "+string(other.VPC))
	}
	set = set.Intersect(blocks)
	switch {
	case set.Empty():
		return out
	case w.edges:
		return append(out, outcome{trail: t, set: set, end: exited, edge: Edge{PeeringConnection, p.ID}})
	case known == nil:
		t = t.doubt(string(other.VPC) + ", at the other end of " + string(p.ID) + ", is not among the facts")
		return append(out, outcome{trail: t, set: set, end: exited, edge: Edge{PeeringConnection, p.ID}})
	}
	return append(out, w.local(t, known, set)...)
}

// translate follows packets into a NAT gateway, which sends them on with an
// address of its own.
func (w *walker) translate(t trail, sub *subnet, nat *natGateway, set space.Set) []outcome {
	if sub != nat.iface.subnet {
		t = w.passACL(w.passACL(t, sub, true), nat.iface.subnet, false)
	}
	t = t.hop("AWS::EC2::NatGateway", nat.ID, "")
	if !w.initiating {
		return drop(t, set, "replies would leave through the NAT gateway "+string(nat.ID)+", which knows no such flow")
	}
	return []outcome{{trail: t, set: set, end: translated, nat: nat}}
}

// transit follows packets from a subnet into a transit gateway.
func (w *walker) transit(t trail, sub *subnet, id facts.ID, set space.Set) []outcome {
	a := w.s.attachmentOf(id, sub.VPC)
	if a == nil {
		return drop(t, set, string(sub.VPC)+" is not attached to "+string(id))
	}
	if len(a.subnets) > 0 && !a.covers(sub.Zone) {
		return drop(t, set, "the attachment "+string(a.ID)+" has no subnet in the zone "+sub.Zone)
	}
	// Leaving for the gateway, the inbound rules of the attachment's subnet
	// see the packets too, even where that is the subnet they come from.
	t = w.passACL(t, sub, true)
	if entry := a.pick(sub.Zone); entry != nil {
		t = w.passACL(t, entry, false)
	}
	t.noReferences = t.noReferences || !w.s.transits[id].GroupReferences || !a.GroupReferences
	if w.edges {
		// Where the gateway's table leads was asked for the sources.
		t = t.hop("AWS::EC2::TransitGateway", id, "from "+string(a.ID))
		return []outcome{{trail: t, set: set, end: exited, edge: Edge{TransitGateway, id}}}
	}
	return w.attached(t, a, sub.Zone, set)
}

// covers reports whether the attachment has an interface in the zone, as far
// as zones are known.
func (a *attachment) covers(zone string) bool {
	return zone == "" || slices.ContainsFunc(a.subnets, func(s *subnet) bool { return s.Zone == zone || s.Zone == "" })
}

// pick is the attachment's subnet in the zone, or the first.
func (a *attachment) pick(zone string) *subnet {
	for _, s := range a.subnets {
		if s.Zone == zone {
			return s
		}
	}
	if len(a.subnets) == 0 {
		return nil
	}
	return a.subnets[0]
}

// attached follows packets that came in through an attachment: the table
// associated with it decides the next one.
func (w *walker) attached(t trail, a *attachment, zone string, set space.Set) []outcome {
	if t.depth++; t.depth > maxDepth {
		return drop(t, set, "the way is longer than 30 steps; routes form a loop")
	}
	gateway := w.s.transits[a.Gateway]
	t = t.hop("AWS::EC2::TransitGateway", a.Gateway, "from "+string(a.ID))
	table := gateway.tables[a.Table]
	if table == nil {
		return drop(t, set, "no route table of "+string(a.Gateway)+" is associated with "+string(a.ID))
	}
	var out []outcome
	for _, p := range table.split(set) {
		t := t.hop("AWS::EC2::TransitGatewayRouteTable", table.id, p.route.text())
		switch {
		case p.route == nil:
			out = append(out, drop(t, p.set, "no route of "+string(table.id)+" leads to "+p.set.String())...)
		case p.route.blackhole:
			out = append(out, drop(t, p.set, "the route "+p.route.text()+" of "+string(table.id)+" drops packets")...)
		default:
			out = append(out, w.next(t, a.Gateway, p.route.target, zone, p.set)...)
		}
	}
	return out
}

// next follows packets out of a transit gateway through an attachment.
func (w *walker) next(t trail, gateway, id facts.ID, zone string, set space.Set) []outcome {
	var near, far *attachment
	for _, a := range w.s.attachments[id] {
		if a.Gateway == gateway {
			near = a
		} else {
			far = a
		}
	}
	out := outcome{trail: t, set: set, end: exited, edge: Edge{TransitGateway, gateway}, attachment: id}
	switch {
	case near == nil:
		return drop(t, set, "the attachment "+string(id)+" is not among the facts")
	case near.Kind == "peering" && far != nil:
		return w.attached(t, far, zone, set)
	case near.Kind == "vpc" && w.s.vpcs[near.Resource] != nil:
		t.noReferences = t.noReferences || !near.GroupReferences
		return w.fromTransit(t, near, zone, set)
	case near.Kind == "vpc" || near.Kind == "peering":
		out.trail = t.doubt(string(near.Resource) + ", behind " + string(id) + ", is not among the facts")
	}
	return []outcome{out}
}

// fromTransit follows packets into a VPC: they start in the attachment's
// subnet, whose table routes them. Inside that subnet no ACL sees them.
func (w *walker) fromTransit(t trail, a *attachment, zone string, set space.Set) []outcome {
	v := w.s.vpcs[a.Resource]
	if dst, ok := set.Single(); ok && !slices.ContainsFunc(a.subnets, func(s *subnet) bool { return s.Zone == zone }) {
		if sub := v.subnetOf(dst); sub != nil {
			zone = sub.Zone
		}
	}
	entry := a.pick(zone)
	if entry == nil {
		return w.local(t, v, set)
	}
	return w.fromSubnet(t, entry, set)
}

// enter follows packets for one address from an edge into the VPC.
func (w *walker) enter(e Edge, v *vpc, dst netip.Addr) []outcome {
	t := trail{}.hop(e.componentType(), e.ID, "")
	set := space.One(dst)
	switch e.Kind {
	case TransitGateway:
		a := w.s.attachmentOf(e.ID, v.ID)
		if a == nil {
			return drop(t, set, string(v.ID)+" is not attached to "+string(e.ID))
		}
		t.noReferences = !w.s.transits[e.ID].GroupReferences || !a.GroupReferences
		return w.fromTransit(t, a, "", set)
	case PeeringConnection:
		if p := w.s.peerings[e.ID]; p != nil && p.Requester.Region != p.Accepter.Region {
			t.noReferences = true
		}
		return w.local(t, v, set)
	case InternetGateway, VirtualPrivateGateway, DirectConnect, EgressOnlyGateway, GatewayEndpoint:
	}
	t.noReferences = true
	table := w.s.gateways[e.ID].table
	if table == nil {
		return w.local(t, v, set)
	}
	p := table.split(set)[0]
	switch {
	case p.route == nil || p.route.target == localTarget:
		return w.local(t, v, set)
	case p.route.blackhole:
		return drop(t, set, "the route "+p.route.text()+" of "+string(table.id)+" leads nowhere: its target is gone")
	}
	t = t.hop("AWS::EC2::RouteTable", table.id, p.route.text())
	return w.redirect(t, nil, p.route.target, set)
}
