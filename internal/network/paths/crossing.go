package paths

import (
	"net/netip"
	"slices"

	"muster/internal/network/facts"
	"muster/internal/network/guard"
	"muster/internal/network/routing"
	"muster/internal/network/space"
	"muster/internal/network/topology"
)

// exit follows packets out of an internet, egress-only or virtual private
// gateway.
func (w *walker) exit(t Trail, id facts.ID, g topology.Gateway, set space.Set) []outcome {
	edge := topology.Edge{Kind: g.Kind, ID: id}
	t = t.Hop(edge.ComponentType(), id, "")
	allowed, reason := w.s.Internet, "no public address: the internet gateway drops it"
	switch g.Kind {
	case topology.EgressOnlyGateway:
		allowed, reason = w.s.Internet.Intersect(guard.Family(true)), "no public IPv6 address"
	case topology.VirtualPrivateGateway, topology.DirectConnect:
		allowed, reason = w.s.OnPremises[id], "not known behind "+string(id)
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
	if g.Kind == topology.InternetGateway {
		var why string
		if t, why = w.mapped(t); why != "" {
			return append(out, drop(t, set, why)...)
		}
	}
	return append(out, outcome{Trail: t, set: set, end: exited, edge: edge})
}

// mapped reports whether the internet gateway knows a public address for the
// packets' source; a middlebox on the way may have put its own there.
func (w *walker) mapped(t Trail) (Trail, string) {
	n, a := w.source.Interface, w.source.Address
	switch {
	case n == nil || w.source.Public(w.s.Internet):
		return t, ""
	case len(t.boxes) > 0:
		return t.doubt(string(t.boxes[len(t.boxes)-1]) + " would have to translate addresses"), ""
	}
	return t, a.Private.Addr().String() + " of " + string(n.ID) + " has no public address that the internet gateway could map"
}

// peer follows packets over a peering connection; what is not the other VPC's
// own cannot be reached through it.
func (w *walker) peer(t Trail, from *topology.VPC, p *facts.Peering, set space.Set) []outcome {
	other := p.Accepter
	if other.VPC == from.ID {
		other = p.Requester
	}
	t = t.Hop("AWS::EC2::VPCPeeringConnection", p.ID, "")
	if p.Requester.Region != p.Accepter.Region {
		t.noReferences = true
	}
	known := w.s.VPCs[other.VPC]
	blocks := space.Of(other.CIDRs...)
	if known != nil {
		blocks = known.Space
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
		return append(out, outcome{Trail: t, set: set, end: exited, edge: topology.Edge{Kind: topology.PeeringConnection, ID: p.ID}})
	case known == nil:
		t = t.doubt(string(other.VPC) + ", at the other end of " + string(p.ID) + ", is not among the facts")
		return append(out, outcome{Trail: t, set: set, end: exited, edge: topology.Edge{Kind: topology.PeeringConnection, ID: p.ID}})
	}
	return append(out, w.local(t, known, set)...)
}

// translate follows packets into a NAT gateway, which sends them on with an
// address of its own.
func (w *walker) translate(t Trail, sub *topology.Subnet, nat *topology.NATGateway, set space.Set) []outcome {
	if sub != nat.Interface.In {
		t = w.passACL(w.passACL(t, sub, true), nat.Interface.In, false)
	}
	t = t.Hop("AWS::EC2::NatGateway", nat.ID, "")
	if set.Meets(guard.Family(true)) {
		if six, ok := set.Single(); !ok || !nat64().Contains(six) {
			return drop(t, set, "a NAT gateway takes IPv6 packets for "+nat64().String()+" only, whose last four bytes are an IPv4 address")
		}
	}
	if !w.initiating {
		return drop(t, set, "replies would leave through the NAT gateway "+string(nat.ID)+", which knows no such flow")
	}
	t.Filters = clip(t.Filters, Filter{NAT: nat.ID, Egress: true, Far: true, Hop: t.length() - 1})
	return []outcome{{Trail: t, set: set, end: translated, nat: nat}}
}

// transit follows packets from a subnet into a transit gateway.
func (w *walker) transit(t Trail, sub *topology.Subnet, id facts.ID, set space.Set) []outcome {
	a := w.s.AttachmentOf(id, sub.VPC)
	if a == nil {
		return drop(t, set, string(sub.VPC)+" is not attached to "+string(id))
	}
	if len(a.Nets) > 0 && !a.Covers(sub.Zone) {
		return drop(t, set, "the attachment "+string(a.ID)+" has no subnet in the zone "+sub.Zone)
	}
	// Leaving for the gateway, the inbound rules of the attachment's subnet
	// see the packets too, even where that is the subnet they come from.
	t = w.passACL(t, sub, true)
	if entry := a.Pick(sub.Zone); entry != nil {
		t = w.passACL(t, entry, false)
	}
	t.noReferences = t.noReferences || !w.s.Transits[id].GroupReferences || !a.GroupReferences
	if w.edges {
		// Where the gateway's table leads was asked for the sources.
		t = t.Hop("AWS::EC2::TransitGateway", id, "from "+string(a.ID))
		return []outcome{{Trail: t, set: set, end: exited, edge: topology.Edge{Kind: topology.TransitGateway, ID: id}}}
	}
	return w.attached(t, a, sub.Zone, set)
}

// attached follows packets that came in through an attachment: the table
// associated with it decides the next one.
func (w *walker) attached(t Trail, a *topology.Attachment, zone string, set space.Set) []outcome {
	if t.depth++; t.depth > maxDepth {
		return drop(t, set, "the way is longer than 30 steps; routes form a loop")
	}
	gateway := w.s.Transits[a.Gateway]
	t = t.Hop("AWS::EC2::TransitGateway", a.Gateway, "from "+string(a.ID))
	table := gateway.Tables[a.Table]
	if table == nil {
		return drop(t, set, "no route table of "+string(a.Gateway)+" is associated with "+string(a.ID))
	}
	var out []outcome
	for _, p := range table.Split(set) {
		t := t.Hop("AWS::EC2::TransitGatewayRouteTable", table.ID, p.Route.Text())
		switch {
		case p.Route == nil:
			if table.Assumed != "" {
				t = t.doubt(table.Assumed)
			}
			out = append(out, drop(t, p.Set, "no route of "+string(table.ID)+" leads to "+p.Set.String())...)
		case p.Route.Blackhole:
			out = append(out, drop(t, p.Set, "the route "+p.Route.Text()+" of "+string(table.ID)+" drops packets")...)
		default:
			out = append(out, w.next(t, a.Gateway, p.Route.Target, zone, p.Set)...)
		}
	}
	return out
}

// next follows packets out of a transit gateway through an attachment.
func (w *walker) next(t Trail, gateway, id facts.ID, zone string, set space.Set) []outcome {
	var near, far *topology.Attachment
	for _, a := range w.s.Attachments[id] {
		if a.Gateway == gateway {
			near = a
		} else {
			far = a
		}
	}
	out := outcome{Trail: t, set: set, end: exited, edge: topology.Edge{Kind: topology.TransitGateway, ID: gateway}, attachment: id}
	switch {
	case near == nil:
		return drop(t, set, "the attachment "+string(id)+" is not among the facts")
	case near.Kind == "peering" && far != nil:
		return w.attached(t, far, zone, set)
	case near.Kind == "vpc" && w.s.VPCs[near.Resource] != nil:
		t.noReferences = t.noReferences || !near.GroupReferences
		return w.fromTransit(t, near, zone, set)
	case near.Kind == "vpc" || near.Kind == "peering":
		out.Trail = t.doubt(string(near.Resource) + ", behind " + string(id) + ", is not among the facts")
	}
	return []outcome{out}
}

// fromTransit follows packets into a VPC: they start in the attachment's
// subnet, whose table routes them. Inside that subnet no ACL sees them.
func (w *walker) fromTransit(t Trail, a *topology.Attachment, zone string, set space.Set) []outcome {
	v := w.s.VPCs[a.Resource]
	if dst, ok := set.Single(); ok && !slices.ContainsFunc(a.Nets, func(s *topology.Subnet) bool { return s.Zone == zone }) {
		if sub := v.SubnetOf(dst); sub != nil {
			zone = sub.Zone
		}
	}
	entry := a.Pick(zone)
	if entry == nil {
		return w.local(t, v, set)
	}
	return w.fromSubnet(t, entry, set)
}

// enter follows packets for one address from an edge into the VPC.
func (w *walker) enter(e topology.Edge, v *topology.VPC, dst netip.Addr) []outcome {
	t := Trail{}.Hop(e.ComponentType(), e.ID, "")
	set := space.One(dst)
	switch e.Kind {
	case topology.TransitGateway:
		a := w.s.AttachmentOf(e.ID, v.ID)
		if a == nil {
			return drop(t, set, string(v.ID)+" is not attached to "+string(e.ID))
		}
		t.noReferences = !w.s.Transits[e.ID].GroupReferences || !a.GroupReferences
		return w.fromTransit(t, a, "", set)
	case topology.PeeringConnection:
		if p := w.s.Peerings[e.ID]; p != nil && p.Requester.Region != p.Accepter.Region {
			t.noReferences = true
		}
		return w.local(t, v, set)
	case topology.InternetGateway, topology.VirtualPrivateGateway, topology.DirectConnect, topology.EgressOnlyGateway, topology.GatewayEndpoint:
	}
	t.noReferences = true
	table := w.s.Gateways[e.ID].Table
	if table == nil {
		return w.local(t, v, set)
	}
	p := table.Split(set)[0]
	switch {
	case p.Route == nil || p.Route.Target == routing.Local:
		return w.local(t, v, set)
	}
	t = t.Hop("AWS::EC2::RouteTable", table.ID, p.Route.Text())
	if p.Route.Blackhole {
		return drop(t, set, "the route "+p.Route.Text()+" of "+string(table.ID)+" leads nowhere: its target is gone")
	}
	return w.redirect(t, nil, p.Route.Target, set)
}
