package network

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"

	"muster/internal/network/facts"
	"muster/internal/network/space"
)

// Question asks whether flows can begin at Source and arrive at Destination.
// Both are an instance, interface, subnet, VPC, gateway, connection or load
// balancer by id or name, an address, a block, or "internet".
type Question struct {
	Source, Destination string
	// Ports are those asked about; the zero value of AnyPort asks for all.
	Ports   space.PortRange
	AnyPort bool
	// Protocols asked about; none asks for all.
	Protocols []facts.Protocol
}

// traffic says in words what the question is about.
func (q Question) traffic() string {
	var names []string
	for _, p := range q.Protocols {
		names = append(names, ProtocolName(p))
	}
	text := strings.Join(names, ", ")
	switch {
	case q.AnyPort:
		return cmp.Or(text, "anything")
	case text == "":
		text = "port"
	}
	return text + " " + q.Ports.String()
}

// Answer is what is known about a question.
type Answer struct {
	Source      string `json:"source"`
	Destination string `json:"destination"`
	// Asked is the traffic that the question was about, such as "tcp 22",
	// "icmp" or "anything".
	Asked     string `json:"asked"`
	Reachable bool   `json:"reachable"`
	// Confidence is certain, assumed (facts were missing) or unknown (a
	// middlebox decides).
	Confidence string `json:"confidence"`
	// Flows are those between single addresses, the open ones first.
	Flows []Flow `json:"flows"`
	// Left counts the pairs that were not looked at because there were too
	// many.
	Left int `json:"pairsLeftOut,omitempty"`
}

// Flow is what is known about two sides over one way.
type Flow struct {
	From string `json:"from"`
	To   string `json:"to"`
	// Outcome is delivered, exits, denied or no route.
	Outcome string `json:"outcome"`
	// Through is the load balancer or the public way taken.
	Through string `json:"through,omitempty"`
	Open    []Open `json:"open,omitempty"`
	// Witness is a packet that gets through.
	Witness *Packet `json:"witness,omitempty"`
	Path    []Hop   `json:"path"`
	Return  []Hop   `json:"return,omitempty"`
	// Rules decided about the witness, or would have about a packet that is
	// blocked.
	Rules []Rule `json:"rules,omitempty"`
	// Obstacles are all that stand in the way, the first one first.
	Obstacles []Obstacle `json:"obstacles,omitempty"`
	// Changes are the smallest that turn the answer round.
	Changes []string `json:"changes,omitempty"`
	Doubts  []string `json:"doubts,omitempty"`
	Assumed []string `json:"assumed,omitempty"`
}

// Open says which ports are open to whom; Addresses are those of the side that
// is not a single address, empty where both are.
type Open struct {
	Protocol  string            `json:"protocol"`
	Ports     []space.PortRange `json:"ports,omitempty"`
	Addresses []string          `json:"addresses,omitempty"`
	// Internet says that the addresses are the whole internet of a family.
	Internet bool `json:"wholeInternet,omitempty"`
	protocol facts.Protocol
}

// Obstacle is one thing that stands in the way.
type Obstacle struct {
	Component Hop    `json:"component"`
	Reason    string `json:"reason"`
	// Reply: it stops the replies.
	Reply bool `json:"reply,omitempty"`
	// Route: no rule, but the way itself is missing.
	Route bool `json:"route,omitempty"`
}

// maxPairs bounds the pairs of addresses that one question looks at.
const maxPairs = 20_000

// Why answers a question. An error says that the question names nothing.
func (s *Snapshot) Why(q Question) (*Answer, error) {
	from, err := s.endpointOf(q.Source)
	if err != nil {
		return nil, err
	}
	to, err := s.endpointOf(q.Destination)
	if err != nil {
		return nil, err
	}
	a := &Answer{Source: from.label, Destination: to.label, Asked: q.traffic(), Confidence: "certain"}
	for _, c := range s.candidates(from, to, a) {
		a.Flows = append(a.Flows, s.flow(c, q))
	}
	a.conclude(from, to)
	return a, nil
}

// conclude sums the flows up.
func (a *Answer) conclude(from, to endpoint) {
	if len(a.Flows) == 0 {
		reason := "no pair of addresses of the same family"
		for _, e := range []endpoint{to, from} {
			if len(e.places) == 0 {
				reason = "no interface among the facts has " + e.label
			}
		}
		a.Flows = []Flow{{From: from.label, To: to.label, Outcome: "no route", Obstacles: []Obstacle{{Component: Hop{ID: facts.ID(to.text)}, Reason: reason, Route: true}}}}
	}
	slices.SortStableFunc(a.Flows, func(x, y Flow) int { return x.rank() - y.rank() })
	first := a.Flows[0]
	a.Reachable = first.Open != nil
	switch {
	case len(first.Doubts) > 0:
		a.Confidence = "unknown"
	case len(first.Assumed) > 0:
		a.Confidence = "assumed"
	}
}

// rank puts open before closed, certain before doubtful, and rules before
// missing routes.
func (f *Flow) rank() int {
	switch {
	case f.Open != nil && len(f.Doubts) == 0:
		return 0
	case f.Open != nil:
		return 1
	case f.Outcome == "denied":
		return 2
	}
	return 3
}

// candidate is a way that packets may take between two sides.
type candidate struct {
	from, to string
	through  string
	journey  journey
	// ports limits the flow to those of a load balancer's listener; zero for
	// no limit.
	listener *forwarding
	assumed  string
	// variable says that the far side is a set of addresses.
	variable bool
}

// candidates are all ways between two endpoints.
func (s *Snapshot) candidates(from, to endpoint, a *Answer) []candidate {
	switch {
	case len(from.places) > 0 && len(to.places) > 0:
		return s.between(from, to, a)
	case len(to.places) > 0:
		return s.from(from, to)
	case len(from.places) > 0:
		return s.towards(from, to)
	}
	return nil
}

// between pairs interfaces.
func (s *Snapshot) between(from, to endpoint, a *Answer) []candidate {
	var out []candidate
	for _, x := range from.places {
		for _, y := range to.places {
			if x.iface == y.iface || x.address.Private.Addr().Is4() != y.address.Private.Addr().Is4() {
				continue
			}
			if len(out) >= maxPairs {
				a.Left++
				continue
			}
			if to.named.IsValid() && to.named == y.address.Public && to.named != y.address.Private.Addr() {
				out = append(out, s.acrossInternet(x, y)...)
				continue
			}
			out = append(out, s.pair(x, y)...)
		}
	}
	return out
}

func (s *Snapshot) pair(x, y place) []candidate {
	var out []candidate
	for _, j := range s.outward(x, space.One(y.address.Private.Addr())) {
		if j.to != nil && j.to.iface != y.iface {
			j.block = &block{hops: j.legs[0].forward.hops, reason: y.address.Private.Addr().String() + " is " + string(j.to.iface.ID) + " there", set: j.set}
		}
		if j.edge != nil && j.edge.Kind == InternetGateway && y.public(s) && j.block == nil {
			return s.acrossInternet(x, y)
		}
		if j.to == nil && j.block == nil {
			j.block = &block{hops: j.legs[0].forward.hops, reason: "packets leave by " + string(j.edge.ID) + " and do not come to " + string(y.iface.ID), set: j.set}
		}
		out = append(out, candidate{from: x.label(), to: y.label(), journey: j})
	}
	return out
}

// acrossInternet are flows from one interface to the public address of
// another: out of one internet gateway and in by another.
func (s *Snapshot) acrossInternet(x, y place) []candidate {
	public := y.address.Public
	if !public.IsValid() {
		public = y.address.Private.Addr()
	}
	var out []candidate
	for _, j := range s.outward(x, space.One(public)) {
		c := candidate{from: x.label(), to: y.label(), through: "the internet", journey: j}
		if j.block != nil || j.edge == nil || j.edge.Kind != InternetGateway {
			out = append(out, c)
			continue
		}
		source := s.shown(j, x)
		for _, e := range y.iface.vpc.edges {
			if !e.Internet() || !source.IsValid() {
				continue
			}
			for _, in := range s.inward(e, y, space.One(source)) {
				next := c
				next.journey.block = in.block
				next.journey.legs = slices.Clone(j.legs)
				for _, l := range in.legs {
					l.apart = true
					next.journey.legs = append(next.journey.legs, l)
				}
				next.journey.to = &y
				out = append(out, next)
			}
		}
	}
	return out
}

// shown is the address that the internet sees of a flow's sender.
func (s *Snapshot) shown(j journey, x place) netip.Addr {
	last := j.legs[len(j.legs)-1].near
	if here, ok := x.iface.vpc.find(last); ok && here.address.Public.IsValid() {
		return here.address.Public
	}
	if last.Is6() {
		return last
	}
	return netip.Addr{}
}

// label names a place.
func (p place) label() string {
	name := string(p.iface.Instance)
	if name == "" {
		name = string(p.iface.ID)
	}
	return name + "[" + p.address.Private.Addr().String() + "]"
}

// from are the flows from outside to interfaces, directly and by load
// balancers.
func (s *Snapshot) from(from, to endpoint) []candidate {
	var out []candidate
	for _, y := range to.places {
		near := y.address.Private.Addr()
		if to.named == near && near.Is4() && from.onlyInternet(s) {
			reason := near.String() + " is a private address, which the internet cannot address"
			if y.address.Public.IsValid() {
				reason += "; its public one is " + y.address.Public.String()
			}
			out = append(out, candidate{from: from.label, to: y.label(), journey: journey{block: &block{reason: reason}}})
			continue
		}
		begin := len(out)
		for _, e := range y.iface.vpc.edges {
			out = append(out, s.overEdge(from, e, y)...)
		}
		if !to.named.IsValid() {
			out = append(out, s.overBalancers(from, y)...)
		}
		if len(out) == begin {
			reason := from.label + " is behind no edge of " + string(y.iface.VPC)
			out = append(out, candidate{from: from.label, to: y.label(), journey: journey{block: &block{reason: reason}}})
		}
	}
	return out
}

// onlyInternet reports whether all sources are public addresses.
func (e *endpoint) onlyInternet(s *Snapshot) bool {
	return e.edge != nil && e.edge.Internet() || e.edge == nil && !e.set.Empty() && s.internet.Covers(e.set)
}

// clientsOf are the sources behind an edge that an endpoint stands for.
func (s *Snapshot) clientsOf(from endpoint, e Edge, y place) (space.Set, bool) {
	if from.edge != nil && *from.edge != e || from.internet && !e.Internet() {
		return space.Set{}, false
	}
	sources, _ := s.sources(e, y)
	if from.edge == nil {
		sources = sources.Intersect(from.set)
	}
	return sources, from.edge != nil || !sources.Empty()
}

func (s *Snapshot) overEdge(from endpoint, e Edge, y place) []candidate {
	sources, ok := s.clientsOf(from, e, y)
	if !ok {
		return nil
	}
	c := candidate{from: from.label, to: y.label(), variable: true}
	if sources.Empty() {
		c.journey.block = &block{hops: []Hop{{Type: e.componentType(), ID: e.ID}}, reason: "nothing behind " + string(e.ID) + " sends packets for " + y.address.Private.Addr().String() + " to it"}
		return []candidate{c}
	}
	var out []candidate
	for _, j := range s.inward(e, y, sources) {
		c.journey = j
		out = append(out, c)
	}
	return out
}

// overBalancers are the flows to a target by the load balancers before it.
func (s *Snapshot) overBalancers(from endpoint, y place) []candidate {
	var out []candidate
	for _, b := range s.balancers {
		for i := range b.routes {
			f := &b.routes[i]
			if f.to.iface != y.iface || f.to.address.Private != y.address.Private {
				continue
			}
			for _, x := range b.places {
				for _, e := range x.iface.vpc.edges {
					out = append(out, s.overBalancer(from, e, b, f, x, y)...)
				}
			}
		}
	}
	return out
}

func (s *Snapshot) overBalancer(from endpoint, e Edge, b *balancer, f *forwarding, x, y place) []candidate {
	sources, ok := s.clientsOf(from, e, x)
	if !ok || sources.Empty() {
		return nil
	}
	var out []candidate
	for _, j := range s.inward(e, x, sources) {
		if j.block != nil {
			continue
		}
		for _, p := range f.protocols() {
			clients := s.open(&j.legs[0], traffic{protocol: p}).At(f.listener.Port)
			legs, passed := s.through(b, x, &j.legs[0], f, p, clients)
			if passed.Empty() {
				continue
			}
			k := journey{legs: append(slices.Clone(j.legs), legs...), set: passed, edge: j.edge}
			out = append(out, candidate{from: from.label, to: y.label(), through: b.Name, journey: k, listener: f, assumed: b.assumed, variable: true})
		}
	}
	return out
}

// towards are the flows from interfaces to the outside.
func (s *Snapshot) towards(from, to endpoint) []candidate {
	var out []candidate
	for _, x := range from.places {
		if to.named.IsValid() && x.iface.vpc.serves(to.named) {
			out = append(out, x.served(to))
			continue
		}
		dst := s.destinations(to, x).Intersect(s.families(x.address.Private.Addr()))
		if dst.Empty() {
			continue
		}
		begin := len(out)
		for _, j := range s.outward(x, dst) {
			if to.edge != nil && (j.edge == nil || *j.edge != *to.edge) {
				continue
			}
			if to.internet && j.edge != nil && j.edge.Kind != InternetGateway && j.edge.Kind != EgressOnlyGateway {
				continue
			}
			out = append(out, candidate{from: x.label(), to: to.label, journey: j, variable: true})
		}
		if len(out) == begin {
			reason := "no route of " + string(x.iface.Subnet) + " leads to " + to.label
			out = append(out, candidate{from: x.label(), to: to.label, journey: journey{block: &block{reason: reason}}})
		}
	}
	return out
}

// serves reports whether EC2 itself answers at an address: metadata, time and
// the like, and the VPC's resolver. No rule can block those (6.4, ACL
// exemptions).
func (v *vpc) serves(a netip.Addr) bool {
	if linkServices().Contains(a) {
		return true
	}
	for _, c := range v.CIDRs {
		if c.Addr().Is4() && a == c.Addr().Next().Next() {
			return true
		}
	}
	return false
}

// served is the flow to a service of EC2 itself.
func (p place) served(to endpoint) candidate {
	t := trail{}.hop("AWS::EC2::NetworkInterface", p.iface.ID, p.text()).hop("AWS::EC2::VPC", p.iface.VPC, "answers itself; no rule can block it")
	l := leg{forward: t, near: p.address.Private.Addr(), far: space.One(to.named)}
	return candidate{from: p.label(), to: to.label, journey: journey{legs: []leg{l}, set: l.far, to: &p}}
}

// destinations are the addresses that an endpoint outside stands for.
func (s *Snapshot) destinations(to endpoint, x place) space.Set {
	if to.edge == nil {
		return to.set
	}
	switch to.edge.Kind {
	case InternetGateway, EgressOnlyGateway:
		return s.internet
	case VirtualPrivateGateway, DirectConnect:
		return s.onPremises[to.edge.ID]
	case PeeringConnection, TransitGateway:
		set, _ := s.sources(*to.edge, x)
		return set
	case GatewayEndpoint:
		return s.serviceAddresses(to.edge.ID)
	}
	return space.Set{}
}

// serviceAddresses are what routes send to a gateway endpoint.
func (s *Snapshot) serviceAddresses(id facts.ID) space.Set {
	var sets []space.Set
	for _, t := range s.tables {
		for _, p := range t.parts {
			if p.route.target == id {
				sets = append(sets, p.set)
			}
		}
	}
	return space.Union(sets...)
}
