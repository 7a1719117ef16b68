package paths

import (
	"net/netip"

	"muster/internal/network/facts"
	"muster/internal/network/guard"
	"muster/internal/network/routing"
	"muster/internal/network/space"
	"muster/internal/network/topology"
)

// Filter is a device that asks about each packet: an ACL at the bound of a
// subnet, the groups of an interface, a NAT gateway or a load balancer.
type Filter struct {
	ACL       *guard.ACL
	Interface *topology.Interface
	// NAT and Balancer are set where no rules but what a device is decides: a
	// NAT gateway, the listeners of a load balancer.
	NAT      facts.ID
	Balancer *topology.Balancer
	Egress   bool
	// far: it compares the far address with its rules, else the near one.
	Far bool
	// reply: it sees replies, whose destination port is the client's.
	Reply bool
	// plain: what came before leaves the source's own address and groups.
	plain bool
	// Hop is its place among the hops.
	Hop int
}

// Trail is the way of packets in one direction.
type Trail struct {
	// last is the component that packets came to last; trails that part later
	// share what they have in common.
	last    *link
	Filters []Filter
	// boxes are the middleboxes passed.
	boxes []facts.ID
	// Doubts say why the way is not certain; assumed what the facts lacked.
	Doubts, Assumed []string
	// noReferences: rules that name groups cannot match any more.
	noReferences bool
	depth        int
}

// maxDepth bounds the subnets and gateways on one way, as the model's list of
// steps is bounded.
const maxDepth = 30

func clip[T any](list []T, more ...T) []T { return append(list[:len(list):len(list)], more...) }

// link is a component on a trail, the count-th, behind another one.
type link struct {
	Hop
	before *link
	count  int
}

// Hop is the trail one component further.
func (t Trail) Hop(kind string, id facts.ID, detail string) Trail {
	t.last = &link{Hop{kind, id, detail}, t.last, t.length() + 1}
	return t
}

func (t Trail) length() int {
	if t.last == nil {
		return 0
	}
	return t.last.count
}

// Hops are the components in order.
func (t Trail) Hops() []Hop {
	out := make([]Hop, t.length())
	for l := t.last; l != nil; l = l.before {
		out[l.count-1] = l.Hop
	}
	return out
}

// begins is the first component; the zero value where there is none.
func (t Trail) begins() Hop {
	var first Hop
	for l := t.last; l != nil; l = l.before {
		first = l.Hop
	}
	return first
}

func (t Trail) doubt(text string) Trail {
	t.Doubts = clip(t.Doubts, text)
	return t
}

func (t Trail) assume(text string) Trail {
	if text != "" {
		t.Assumed = clip(t.Assumed, text)
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
	Trail
	set  space.Set
	end  ending
	at   topology.Place
	edge topology.Edge
	// attachment is the transit gateway's attachment behind the edge.
	attachment facts.ID
	nat        *topology.NATGateway
	// reason says why packets are dropped.
	reason string
}

// walker follows packets in one direction of a flow.
type walker struct {
	s *Finder
	// initiating packets begin flows: groups filter them and not the replies.
	initiating bool
	// toNear is the direction: towards the near side or away from it.
	toNear bool
	// source is where packets begin, when that is an interface.
	source topology.Place
	// edges: stop where packets leave the VPC.
	edges bool
}

// guard adds a filter and its hop.
func (w *walker) guard(t Trail, f Filter) Trail {
	f.Far = f.Egress != w.toNear
	f.Reply, f.plain = !w.initiating, !t.noReferences
	kind, id := "AWS::EC2::NetworkAcl", facts.ID("")
	if f.ACL != nil {
		id = f.ACL.ID
	} else {
		kind, id = "AWS::EC2::SecurityGroup", firstGroup(f.Interface)
	}
	t = t.Hop(kind, id, "")
	f.Hop = t.length() - 1
	t.Filters = clip(t.Filters, f)
	return t
}

func firstGroup(n *topology.Interface) facts.ID {
	if len(n.Guards.Groups) == 0 {
		return ""
	}
	return n.Guards.Groups[0].ID
}

// passACL adds the ACL of a subnet in one direction.
func (w *walker) passACL(t Trail, sub *topology.Subnet, egress bool) Trail {
	if sub.ACL == nil {
		return t.assume("the network ACL of " + string(sub.ID) + " is not among the facts; it is assumed to allow all")
	}
	return w.guard(t, Filter{ACL: sub.ACL, Egress: egress})
}

// passGroups adds the groups of an interface, for packets that begin flows.
func (w *walker) passGroups(t Trail, n *topology.Interface, egress bool) Trail {
	if !w.initiating || n.Unfiltered {
		return t
	}
	return w.guard(t, Filter{Interface: n, Egress: egress})
}

// leave follows packets from an interface to a set of destinations.
func (w *walker) leave(from topology.Place, dst space.Set) []outcome {
	n := from.Interface
	var t Trail
	if n.Instance != "" {
		t = t.Hop("AWS::EC2::Instance", n.Instance, "")
	}
	t = t.Hop("AWS::EC2::NetworkInterface", n.ID, from.Text())
	t = w.passGroups(t, n, true)
	t = t.Hop("AWS::EC2::Subnet", n.In.ID, "")
	return w.fromSubnet(t, n.In, dst)
}

// fromSubnet follows packets that are in a subnet: inside it they meet no
// table and no ACL.
func (w *walker) fromSubnet(t Trail, sub *topology.Subnet, dst space.Set) []outcome {
	if t.depth++; t.depth > maxDepth {
		return drop(t, dst, "the way is longer than 30 steps; routes form a loop")
	}
	var out []outcome
	if near := dst.Intersect(sub.Space); !near.Empty() {
		out = w.deliver(t, sub, near)
		dst = dst.Minus(near)
	}
	if dst.Empty() {
		return out
	}
	for _, p := range sub.Table.Split(dst) {
		out = append(out, w.take(t.assume(sub.Table.Assumed), sub, p)...)
	}
	return out
}

func drop(t Trail, set space.Set, reason string) []outcome {
	return []outcome{{Trail: t, set: set, end: dropped, reason: reason}}
}

// take follows a route out of a subnet.
func (w *walker) take(t Trail, sub *topology.Subnet, p routing.Part) []outcome {
	t = t.Hop("AWS::EC2::RouteTable", sub.Table.ID, p.Route.Text())
	switch {
	case p.Route == nil:
		return drop(t, p.Set, "no route of "+tableName(sub)+" leads to "+p.Set.String())
	case p.Route.Blackhole:
		return drop(t, p.Set, "the route "+p.Route.Text()+" leads nowhere: its target is gone")
	case p.Route.Ambiguous:
		t = t.doubt("several prefix lists route " + p.Route.Prefix.String() + " differently; which one decides is not documented")
	}
	id := p.Route.Target
	if id == routing.Local {
		return w.local(w.passACL(t, sub, true), sub.Home, p.Set)
	}
	if g, ok := w.s.Gateways[id]; ok {
		return w.exit(w.passACL(t, sub, true), id, g, p.Set)
	}
	if peering := w.s.Peerings[id]; peering != nil {
		return w.peer(w.passACL(t, sub, true), sub.Home, peering, p.Set)
	}
	if nat := w.s.NATs[id]; nat != nil {
		return w.translate(t, sub, nat, p.Set)
	}
	if w.s.Transits[id] != nil {
		return w.transit(t, sub, id, p.Set)
	}
	return w.redirect(t, sub, id, p.Set)
}

func tableName(sub *topology.Subnet) string {
	if sub.Table.ID == "" {
		return "the assumed route table of " + string(sub.ID)
	}
	return string(sub.Table.ID)
}

// redirect follows a route to an endpoint, an interface, or a thing that no
// fact describes; sub is nil for packets that come from a gateway.
func (w *walker) redirect(t Trail, sub *topology.Subnet, id facts.ID, set space.Set) []outcome {
	if e := w.s.Endpoints[id]; e != nil && e.Kind == "Gateway" {
		t = w.passACL(t, sub, true).Hop("AWS::EC2::VPCEndpoint", id, e.Service)
		return []outcome{{Trail: t, set: set, end: exited, edge: topology.Edge{Kind: topology.GatewayEndpoint, ID: id}}}
	} else if e != nil {
		return w.box(t, sub, w.s.endpointInterface(e), id, set)
	}
	if n := w.s.Interfaces[id]; n != nil {
		return w.box(t, sub, n, id, set)
	}
	if topology.Unmodelled(id) {
		t = t.Hop("AWS::EC2::Route", id, "")
		return drop(t.doubt("what lies behind "+string(id)+" is not known"), set, "what lies behind "+string(id)+" is not known")
	}
	return drop(t, set, "the target "+string(id)+" is not among the facts")
}

// endpointInterface is the interface through which an endpoint receives.
func (s *Finder) endpointInterface(e *facts.Endpoint) *topology.Interface {
	for _, id := range e.Interfaces {
		if n := s.Interfaces[id]; n != nil {
			return n
		}
	}
	for _, id := range e.Subnets {
		if sub := s.Subnets[id]; sub != nil {
			return &topology.Interface{
				Interface: &facts.Interface{ID: e.ID, VPC: sub.VPC, Subnet: id, Kind: "gateway_load_balancer_endpoint", ForwardsForOthers: true},
				Home:      sub.Home, In: sub, Unfiltered: true,
			}
		}
	}
	return nil
}

// box follows packets into an interface that is not their destination: a
// firewall, an appliance, an endpoint of a gateway load balancer. What it does
// with them is not known; they are followed as if it passed them on.
func (w *walker) box(t Trail, sub *topology.Subnet, n *topology.Interface, id facts.ID, set space.Set) []outcome {
	if n == nil {
		return drop(t, set, "the interface of "+string(id)+" is not among the facts")
	}
	if sub != nil && sub != n.In {
		t = w.passACL(t, sub, true)
	}
	if sub != n.In {
		t = w.passACL(t, n.In, false)
	}
	if own := set.Intersect(n.Own()); !own.Empty() {
		return w.arrive(t, n.In, own)
	}
	t = w.passGroups(t, n, false)
	t = t.Hop("AWS::EC2::NetworkInterface", n.ID, "middlebox")
	if !n.Forwards() {
		return drop(t, set, "the source/destination check of "+string(n.ID)+" is on, so it drops packets that are not addressed to it")
	}
	t.boxes, t.noReferences = clip(t.boxes, id), true
	t = t.doubt(string(id) + " passes packets on or drops them by rules that are not known")
	t = w.passGroups(t, n, true)
	return w.fromSubnet(t.Hop("AWS::EC2::Subnet", n.In.ID, ""), n.In, set)
}

// local follows packets to the subnets of a VPC that they just entered or
// cross: the target subnet's ACL sees them.
func (w *walker) local(t Trail, v *topology.VPC, set space.Set) []outcome {
	t = t.Hop("AWS::EC2::VPC", v.ID, "")
	a, single := set.Single()
	if !single {
		return []outcome{{Trail: t, set: set, end: inside}}
	}
	sub := v.SubnetOf(a)
	if sub == nil {
		return drop(t, set, "no subnet of "+string(v.ID)+" holds "+a.String())
	}
	return w.arrive(w.passACL(t, sub, false), sub, set)
}

// deliver hands packets to the interfaces of the subnet that they are in.
func (w *walker) deliver(t Trail, sub *topology.Subnet, set space.Set) []outcome {
	if _, single := set.Single(); !single {
		return []outcome{{Trail: t, set: set, end: inside}}
	}
	return w.arrive(t, sub, set)
}

// arrive hands a packet to the interface with that address.
func (w *walker) arrive(t Trail, sub *topology.Subnet, set space.Set) []outcome {
	a, single := set.Single()
	if !single {
		return []outcome{{Trail: t, set: set, end: inside}}
	}
	if t.last == nil || t.last.ID != sub.ID {
		t = t.Hop("AWS::EC2::Subnet", sub.ID, "")
	}
	here, ok := sub.Home.Find(a)
	if !ok {
		return drop(t, set, "nothing has the address "+a.String())
	}
	if here.Interface.Kind == "nat_gateway" && w.initiating {
		return drop(t.Hop("AWS::EC2::NetworkInterface", here.Interface.ID, ""), set, "a NAT gateway admits no flow from outside")
	}
	here.Address.Private = netip.PrefixFrom(a, a.BitLen())
	t = w.passGroups(w.listens(t, here.Interface), here.Interface, false)
	t = t.Hop("AWS::EC2::NetworkInterface", here.Interface.ID, here.Text())
	if here.Interface.Instance != "" {
		t = t.Hop("AWS::EC2::Instance", here.Interface.Instance, "")
	}
	return []outcome{{Trail: t, set: set, end: delivered, at: here}}
}
