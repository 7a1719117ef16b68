package network

import (
	"net/netip"

	"muster/internal/network/facts"
	"muster/internal/network/space"
)

// Hop is one component on a path, in CloudFormation's words, with what it did.
type Hop struct {
	Type string   `json:"type"`
	ID   facts.ID `json:"id"`
	// Detail is the route taken or the rule that decided.
	Detail string `json:"detail,omitempty"`
}

// filter is a device that asks about each packet: an ACL at the bound of a
// subnet, or the groups of an interface.
type filter struct {
	acl    *acl
	iface  *iface
	egress bool
	// far: it compares the far address with its rules, else the near one.
	far bool
	// reply: it sees replies, whose destination port is the client's.
	reply bool
	// plain: what came before leaves the source's own address and groups.
	plain bool
	// hop is its place among the hops.
	hop int
}

// trail is the way of packets in one direction.
type trail struct {
	hops    []Hop
	filters []filter
	// boxes are the middleboxes passed.
	boxes []facts.ID
	// doubts say why the way is not certain; assumed what the facts lacked.
	doubts, assumed []string
	// noReferences: rules that name groups cannot match any more.
	noReferences bool
	depth        int
}

// maxDepth bounds the subnets and gateways on one way, as the model's list of
// steps is bounded.
const maxDepth = 30

func clip[T any](list []T, more ...T) []T { return append(list[:len(list):len(list)], more...) }

func (t trail) hop(kind string, id facts.ID, detail string) trail {
	t.hops = clip(t.hops, Hop{kind, id, detail})
	return t
}

func (t trail) doubt(text string) trail {
	t.doubts = clip(t.doubts, text)
	return t
}

func (t trail) assume(text string) trail {
	if text != "" {
		t.assumed = clip(t.assumed, text)
	}
	return t
}

// ending says how a way ends.
type ending int

const (
	dropped ending = iota
	delivered
	// inside: at some interface of a VPC; only for sets of destinations.
	inside
	exited
	translated
)

// outcome is the way that some of the destinations take.
type outcome struct {
	trail
	set  space.Set
	end  ending
	at   place
	edge Edge
	// attachment is the transit gateway's attachment behind the edge.
	attachment facts.ID
	nat        *natGateway
	// reason says why packets are dropped.
	reason string
}

// walker follows packets in one direction of a flow.
type walker struct {
	s *Snapshot
	// initiating packets begin flows: groups filter them and not the replies.
	initiating bool
	// toNear is the direction: towards the near side or away from it.
	toNear bool
	// source is where packets begin, when that is an interface.
	source place
	// edges: stop where packets leave the VPC.
	edges bool
}

// guard adds a filter and its hop.
func (w *walker) guard(t trail, f filter) trail {
	f.far = f.egress != w.toNear
	f.reply, f.plain = !w.initiating, !t.noReferences
	kind, id := "AWS::EC2::NetworkAcl", facts.ID("")
	if f.acl != nil {
		id = f.acl.ID
	} else {
		kind, id = "AWS::EC2::SecurityGroup", firstGroup(f.iface)
	}
	t = t.hop(kind, id, "")
	f.hop = len(t.hops) - 1
	t.filters = clip(t.filters, f)
	return t
}

func firstGroup(n *iface) facts.ID {
	if len(n.groups) == 0 {
		return ""
	}
	return n.groups[0].ID
}

// passACL adds the ACL of a subnet in one direction.
func (w *walker) passACL(t trail, sub *subnet, egress bool) trail {
	if sub.acl == nil {
		return t.assume("the network ACL of " + string(sub.ID) + " is not among the facts; it is assumed to allow all")
	}
	return w.guard(t, filter{acl: sub.acl, egress: egress})
}

// passGroups adds the groups of an interface, for packets that begin flows.
func (w *walker) passGroups(t trail, n *iface, egress bool) trail {
	if !w.initiating || n.unfiltered {
		return t
	}
	return w.guard(t, filter{iface: n, egress: egress})
}

// leave follows packets from an interface to a set of destinations.
func (w *walker) leave(from place, dst space.Set) []outcome {
	n := from.iface
	var t trail
	if n.Instance != "" {
		t = t.hop("AWS::EC2::Instance", n.Instance, "")
	}
	t = t.hop("AWS::EC2::NetworkInterface", n.ID, from.text())
	t = w.passGroups(t, n, true)
	t = t.hop("AWS::EC2::Subnet", n.subnet.ID, "")
	return w.fromSubnet(t, n.subnet, dst)
}

// text shows the address, with its public twin.
func (p place) text() string {
	text := p.address.Private.String()
	if p.address.Private.IsSingleIP() {
		text = p.address.Private.Addr().String()
	}
	if p.address.Public.IsValid() {
		text += " (public " + p.address.Public.String() + ")"
	}
	return text
}

// fromSubnet follows packets that are in a subnet: inside it they meet no
// table and no ACL.
func (w *walker) fromSubnet(t trail, sub *subnet, dst space.Set) []outcome {
	if t.depth++; t.depth > maxDepth {
		return drop(t, dst, "the way is longer than 30 steps; routes form a loop")
	}
	var out []outcome
	if near := dst.Intersect(sub.space); !near.Empty() {
		out = w.deliver(t, sub, near)
		dst = dst.Minus(near)
	}
	if dst.Empty() {
		return out
	}
	for _, p := range sub.table.split(dst) {
		out = append(out, w.take(t.assume(sub.table.assumed), sub, p)...)
	}
	return out
}

func drop(t trail, set space.Set, reason string) []outcome {
	return []outcome{{trail: t, set: set, end: dropped, reason: reason}}
}

// take follows a route out of a subnet.
func (w *walker) take(t trail, sub *subnet, p part) []outcome {
	t = t.hop("AWS::EC2::RouteTable", sub.table.id, p.route.text())
	switch {
	case p.route == nil:
		return drop(t, p.set, "no route of "+tableName(sub)+" leads to "+p.set.String())
	case p.route.blackhole:
		return drop(t, p.set, "the route "+p.route.text()+" leads nowhere: its target is gone")
	case p.route.ambiguous:
		t = t.doubt("several prefix lists route " + p.route.prefix.String() + " differently; which one decides is not documented")
	}
	id := p.route.target
	if id == localTarget {
		return w.local(w.passACL(t, sub, true), sub.vpc, p.set)
	}
	if g, ok := w.s.gateways[id]; ok {
		return w.exit(w.passACL(t, sub, true), id, g, p.set)
	}
	if peering := w.s.peerings[id]; peering != nil {
		return w.peer(w.passACL(t, sub, true), sub.vpc, peering, p.set)
	}
	if nat := w.s.nats[id]; nat != nil {
		return w.translate(t, sub, nat, p.set)
	}
	if w.s.transits[id] != nil {
		return w.transit(t, sub, id, p.set)
	}
	return w.redirect(t, sub, id, p.set)
}

func tableName(sub *subnet) string {
	if sub.table.id == "" {
		return "the assumed route table of " + string(sub.ID)
	}
	return string(sub.table.id)
}

// redirect follows a route to an endpoint, an interface, or a thing that no
// fact describes; sub is nil for packets that come from a gateway.
func (w *walker) redirect(t trail, sub *subnet, id facts.ID, set space.Set) []outcome {
	if e := w.s.endpoints[id]; e != nil && e.Kind == "Gateway" {
		t = w.passACL(t, sub, true).hop("AWS::EC2::VPCEndpoint", id, e.Service)
		return []outcome{{trail: t, set: set, end: exited, edge: Edge{GatewayEndpoint, id}}}
	} else if e != nil {
		return w.box(t, sub, w.s.endpointInterface(e), id, set)
	}
	if n := w.s.interfaces[id]; n != nil {
		return w.box(t, sub, n, id, set)
	}
	if unmodelled(id) {
		t = t.hop("AWS::EC2::Route", id, "")
		return drop(t.doubt("what lies behind "+string(id)+" is not known"), set, "what lies behind "+string(id)+" is not known")
	}
	return drop(t, set, "the target "+string(id)+" is not among the facts")
}

// endpointInterface is the interface through which an endpoint receives.
func (s *Snapshot) endpointInterface(e *facts.Endpoint) *iface {
	for _, id := range e.Interfaces {
		if n := s.interfaces[id]; n != nil {
			return n
		}
	}
	for _, id := range e.Subnets {
		if sub := s.subnets[id]; sub != nil {
			return &iface{
				Interface: &facts.Interface{ID: e.ID, VPC: sub.VPC, Subnet: id, Kind: "gateway_load_balancer_endpoint", ForwardsForOthers: true},
				vpc:       sub.vpc, subnet: sub, unfiltered: true,
			}
		}
	}
	return nil
}

// box follows packets into an interface that is not their destination: a
// firewall, an appliance, an endpoint of a gateway load balancer. What it does
// with them is not known; they are followed as if it passed them on.
func (w *walker) box(t trail, sub *subnet, n *iface, id facts.ID, set space.Set) []outcome {
	if n == nil {
		return drop(t, set, "the interface of "+string(id)+" is not among the facts")
	}
	if sub != nil && sub != n.subnet {
		t = w.passACL(t, sub, true)
	}
	if sub != n.subnet {
		t = w.passACL(t, n.subnet, false)
	}
	if own := set.Intersect(n.own()); !own.Empty() {
		return w.arrive(t, n.subnet, own)
	}
	t = w.passGroups(t, n, false)
	t = t.hop("AWS::EC2::NetworkInterface", n.ID, "middlebox")
	forwards := n.ForwardsForOthers || n.unfiltered
	if !forwards {
		return drop(t, set, "the source/destination check of "+string(n.ID)+" is on, so it drops packets that are not addressed to it")
	}
	t.boxes, t.noReferences = clip(t.boxes, id), true
	t = t.doubt(string(id) + " passes packets on or drops them by rules that are not known")
	t = w.passGroups(t, n, true)
	return w.fromSubnet(t.hop("AWS::EC2::Subnet", n.subnet.ID, ""), n.subnet, set)
}

// own are the addresses of an interface.
func (n *iface) own() space.Set {
	var prefixes []netip.Prefix
	for _, a := range n.Addresses {
		prefixes = append(prefixes, a.Private)
	}
	return space.Of(prefixes...)
}

// local follows packets to the subnets of a VPC that they just entered or
// cross: the target subnet's ACL sees them.
func (w *walker) local(t trail, v *vpc, set space.Set) []outcome {
	t = t.hop("AWS::EC2::VPC", v.ID, "")
	a, single := set.Single()
	if !single {
		return []outcome{{trail: t, set: set, end: inside}}
	}
	sub := v.subnetOf(a)
	if sub == nil {
		return drop(t, set, "no subnet of "+string(v.ID)+" holds "+a.String())
	}
	return w.arrive(w.passACL(t, sub, false), sub, set)
}

// deliver hands packets to the interfaces of the subnet that they are in.
func (w *walker) deliver(t trail, sub *subnet, set space.Set) []outcome {
	if _, single := set.Single(); !single {
		return []outcome{{trail: t, set: set, end: inside}}
	}
	return w.arrive(t, sub, set)
}

// arrive hands a packet to the interface with that address.
func (w *walker) arrive(t trail, sub *subnet, set space.Set) []outcome {
	a, single := set.Single()
	if !single {
		return []outcome{{trail: t, set: set, end: inside}}
	}
	if len(t.hops) == 0 || t.hops[len(t.hops)-1].ID != sub.ID {
		t = t.hop("AWS::EC2::Subnet", sub.ID, "")
	}
	here, ok := sub.vpc.find(a)
	if !ok {
		return drop(t, set, "nothing has the address "+a.String())
	}
	if here.iface.Kind == "nat_gateway" && w.initiating {
		return drop(t.hop("AWS::EC2::NetworkInterface", here.iface.ID, ""), set, "a NAT gateway admits no flow from outside")
	}
	here.address.Private = netip.PrefixFrom(a, a.BitLen())
	t = w.passGroups(t, here.iface, false)
	t = t.hop("AWS::EC2::NetworkInterface", here.iface.ID, here.text())
	if here.iface.Instance != "" {
		t = t.hop("AWS::EC2::Instance", here.iface.Instance, "")
	}
	return []outcome{{trail: t, set: set, end: delivered, at: here}}
}
