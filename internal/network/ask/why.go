package ask

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"

	"muster/internal/network/facts"
	"muster/internal/network/guard"
	"muster/internal/network/paths"
	"muster/internal/network/space"
	"muster/internal/network/topology"
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
		names = append(names, guard.ProtocolName(p))
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
	// Behind are the second leg where a load balancer was asked for: the way
	// on to each of its targets, as far as the listener was asked about.
	Behind []Flow `json:"behind,omitempty"`
	// Left counts the pairs that were not looked at because there were too
	// many.
	Left int `json:"pairsLeftOut,omitempty"`
	// Facts say how old the facts are and what lacks of them, as far as that
	// was noted.
	Facts []string `json:"facts,omitempty"`
}

// Flow is what is known about two sides over one way.
type Flow struct {
	From string `json:"from"`
	To   string `json:"to"`
	// Outcome is delivered, exits, denied or no route.
	Outcome string `json:"outcome"`
	// Through is the load balancer or the public way taken.
	Through string `json:"through,omitempty"`
	// Health is a target's, in the words of its load balancer.
	Health string `json:"health,omitempty"`
	Open   []Open `json:"open,omitempty"`
	// Witness is a packet that gets through.
	Witness *paths.Packet `json:"witness,omitempty"`
	Path    []paths.Hop   `json:"path"`
	Return  []paths.Hop   `json:"return,omitempty"`
	// Rules decided about the witness, or would have about a packet that is
	// blocked.
	Rules []paths.Rule `json:"rules,omitempty"`
	// Obstacles are all that stand in the way, the first one first.
	Obstacles []Obstacle `json:"obstacles,omitempty"`
	// Changes are the smallest that turn the answer round.
	Changes []string `json:"changes,omitempty"`
	// Commands are those of the AWS CLI that make the changes; words in
	// capitals are the asker's to fill in.
	Commands []string `json:"commands,omitempty"`
	Doubts   []string `json:"doubts,omitempty"`
	Assumed  []string `json:"assumed,omitempty"`
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
	Component paths.Hop `json:"component"`
	Reason    string    `json:"reason"`
	// Reply: it stops the replies.
	Reply bool `json:"reply,omitempty"`
	// Route: no rule, but the way itself is missing.
	Route bool `json:"route,omitempty"`
	// listener: no listener of a load balancer takes it.
	listener bool
}

// maxPairs bounds the pairs of addresses that one question looks at.
const maxPairs = 20_000

// Why answers a question. An error says that the question names nothing.
func (s *Asker) Why(q Question) (*Answer, error) {
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
		if c.listener == nil || q.concerns(&c) {
			a.Flows = append(a.Flows, s.flow(c, q))
		}
	}
	a.conclude(from, to)
	if to.balancer != nil {
		s.behind(a, from, to.balancer, q)
	}
	for i := range s.Facts.Collections {
		a.Facts = append(a.Facts, s.Facts.Collections[i].Text())
	}
	return a, nil
}

// conclude sums the flows up.
func (a *Answer) conclude(from, to endpoint) {
	if len(a.Flows) == 0 {
		reason := "no pair of addresses of the same family"
		if len(to.places) == 0 {
			reason = "no interface among the facts has " + to.label
		}
		if len(to.places) == 0 && from.named.IsValid() {
			reason += ", and none has " + from.label
		}
		a.Flows = []Flow{{From: from.label, To: to.label, Outcome: "no route", Obstacles: []Obstacle{{Component: paths.Hop{ID: facts.ID(to.text)}, Reason: reason, Route: true}}}}
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

// rank puts open before closed, certain before doubtful, rules before missing
// routes, and ways that somebody made (load balancers) before others.
func (f *Flow) rank() int {
	switch {
	case f.Open != nil && len(f.Doubts) == 0:
		return 0
	case f.Open != nil:
		return 1
	case f.Outcome == "denied":
		return 2
	case f.Through != "":
		return 3
	}
	return 4
}

// candidate is a way that packets may take between two sides.
type candidate struct {
	from, to string
	through  string
	journey  paths.Journey
	// balancer, listener and protocol are those of a flow that a load balancer
	// forwards; the protocol is zero where clients do not even get to it.
	balancer *topology.Balancer
	listener *topology.Forwarding
	protocol facts.Protocol
	assumed  string
	// variable says that the far side is a set of addresses.
	variable bool
}

// concerns reports whether a question is about what a balancer forwards.
func (q *Question) concerns(c *candidate) bool {
	port := c.listener.Target.Port
	if len(q.Protocols) > 0 && c.protocol != 0 && !slices.Contains(q.Protocols, c.protocol) {
		return false
	}
	return q.AnyPort || q.Ports.First <= port && port <= q.Ports.Last
}

// candidates are all ways between two endpoints.
func (s *Asker) candidates(from, to endpoint, a *Answer) []candidate {
	switch {
	case len(from.places) > 0 && len(to.places) > 0:
		out := s.between(from, to, a)
		if !from.set.Empty() {
			out = append(out, s.from(from, to)...)
		}
		if !to.set.Empty() {
			out = append(out, s.towards(from, to)...)
		}
		return out
	case len(to.places) > 0:
		return s.from(from, to)
	case len(from.places) > 0:
		return s.towards(from, to)
	}
	return nil
}

// between pairs interfaces.
func (s *Asker) between(from, to endpoint, a *Answer) []candidate {
	var out []candidate
	for _, x := range from.places {
		for _, y := range to.places {
			if x.Interface == y.Interface || x.Address.Private.Addr().Is4() != y.Address.Private.Addr().Is4() {
				continue
			}
			if len(out) >= maxPairs {
				a.Left++
				continue
			}
			if to.named.IsValid() && to.named == y.Address.Public && to.named != y.Address.Private.Addr() {
				out = append(out, s.acrossInternet(x, y)...)
				continue
			}
			out = append(out, s.pair(x, y)...)
		}
	}
	return out
}

func (s *Asker) pair(x, y topology.Place) []candidate {
	var out []candidate
	for _, j := range s.Outward(x, space.One(y.Address.Private.Addr())) {
		if j.To != nil && j.To.Interface != y.Interface {
			j.Block = &paths.Block{Hops: j.Legs[0].Forward.Hops(), Reason: y.Address.Private.Addr().String() + " is " + string(j.To.Interface.ID) + " there", Set: j.Set}
		}
		if j.Edge != nil && j.Edge.Kind == topology.InternetGateway && y.Public(s.Internet) && j.Block == nil {
			return s.acrossInternet(x, y)
		}
		if j.To == nil && j.Block == nil {
			j.Block = &paths.Block{Hops: j.Legs[0].Forward.Hops(), Reason: "packets leave by " + string(j.Edge.ID) + " and do not come to " + string(y.Interface.ID), Set: j.Set}
		}
		out = append(out, candidate{from: x.Label(), to: y.Label(), journey: j})
	}
	return out
}

// acrossInternet are flows from one interface to the public address of
// another: out of one internet gateway and in by another.
func (s *Asker) acrossInternet(x, y topology.Place) []candidate {
	public := y.Address.Public
	if !public.IsValid() {
		public = y.Address.Private.Addr()
	}
	var out []candidate
	for _, j := range s.Outward(x, space.One(public)) {
		c := candidate{from: x.Label(), to: y.Label(), through: "the internet", journey: j}
		if j.Block != nil || j.Edge == nil || j.Edge.Kind != topology.InternetGateway {
			out = append(out, c)
			continue
		}
		source := s.shown(j, x)
		for _, e := range y.Interface.Home.Edges {
			if !e.Internet() || !source.IsValid() {
				continue
			}
			for _, in := range s.Inward(e, y, space.One(source)) {
				next := c
				next.journey.Block = in.Block
				next.journey.Legs = slices.Clone(j.Legs)
				for _, l := range in.Legs {
					l.Apart = true
					next.journey.Legs = append(next.journey.Legs, l)
				}
				next.journey.To = &y
				out = append(out, next)
			}
		}
	}
	return out
}

// shown is the address that the internet sees of a flow's sender.
func (s *Asker) shown(j paths.Journey, x topology.Place) netip.Addr {
	last := j.Legs[len(j.Legs)-1].Near
	if here, ok := x.Interface.Home.Find(last); ok && here.Address.Public.IsValid() {
		return here.Address.Public
	}
	if last.Is6() {
		return last
	}
	return netip.Addr{}
}

// from are the flows from outside to interfaces, directly and by load
// balancers.
func (s *Asker) from(from, to endpoint) []candidate {
	var out []candidate
	for _, y := range to.places {
		near := y.Address.Private.Addr()
		if to.named == near && near.Is4() && from.onlyInternet(s) {
			reason := near.String() + " is a private address, which the internet cannot address"
			if y.Address.Public.IsValid() {
				reason += "; its public one is " + y.Address.Public.String()
			}
			out = append(out, candidate{from: from.label, to: y.Label(), journey: paths.Journey{Block: &paths.Block{Hops: at("NetworkInterface", y.Interface.ID), Reason: reason}}})
			continue
		}
		begin := len(out)
		public := to.named.IsValid() && to.named != near
		for _, e := range y.Interface.Home.Edges {
			if e.Internet() || !public {
				out = append(out, s.overEdge(from, e, y)...)
			}
		}
		if !to.named.IsValid() {
			out = append(out, s.overBalancers(from, y)...)
		}
		if len(out) == begin && len(from.places) == 0 {
			reason := from.label + " is behind no edge of " + string(y.Interface.VPC)
			out = append(out, candidate{from: from.label, to: y.Label(), journey: paths.Journey{Block: &paths.Block{Hops: at("VPC", y.Interface.VPC), Reason: reason, Doubts: s.untold(y)}}})
		}
	}
	return out
}

// untold says what the transit gateways of a VPC may lead to and nobody told.
func (s *Asker) untold(y topology.Place) []string {
	var out []string
	for _, e := range y.Interface.Home.Edges {
		if e.Kind != topology.TransitGateway {
			continue
		}
		if a := s.AttachmentOf(e.ID, y.Interface.VPC); a != nil {
			if t := s.Transits[e.ID].Tables[a.Table]; t != nil && t.Assumed != "" {
				out = append(out, t.Assumed)
			}
		}
	}
	return out
}

// at is a way that ends where it begins.
func at(kind string, id facts.ID) []paths.Hop {
	return []paths.Hop{{Type: "AWS::EC2::" + kind, ID: id}}
}

// onlyInternet reports whether all sources are public addresses.
func (e *endpoint) onlyInternet(s *Asker) bool {
	return e.edge != nil && e.edge.Internet() || e.edge == nil && !e.set.Empty() && s.Internet.Covers(e.set)
}

// clientsOf are the sources behind an edge that an endpoint stands for.
func (s *Asker) clientsOf(from endpoint, e topology.Edge, y topology.Place) (space.Set, bool) {
	if from.edge != nil && *from.edge != e || from.internet && !e.Internet() {
		return space.Set{}, false
	}
	sources, _ := s.Sources(e, y)
	if from.edge == nil {
		sources = sources.Intersect(from.set)
	}
	return sources, from.edge != nil || !sources.Empty()
}

func (s *Asker) overEdge(from endpoint, e topology.Edge, y topology.Place) []candidate {
	sources, ok := s.clientsOf(from, e, y)
	if !ok {
		return nil
	}
	if rest := sources.Minus(y.Interface.Home.Space); from.edge != nil && !rest.Empty() {
		// What the VPC itself has, nothing behind the edge has too.
		sources = rest
	}
	c := candidate{from: from.label, to: y.Label(), variable: true}
	if sources.Empty() {
		c.journey.Block = &paths.Block{Hops: []paths.Hop{{Type: e.ComponentType(), ID: e.ID}}, Reason: "nothing behind " + string(e.ID) + " sends packets for " + y.Address.Private.Addr().String() + " to it"}
		return []candidate{c}
	}
	var out []candidate
	for _, j := range s.Inward(e, y, sources) {
		c.journey = j
		out = append(out, c)
	}
	return out
}

// overBalancers are the flows to a target by the load balancers before it.
func (s *Asker) overBalancers(from endpoint, y topology.Place) []candidate {
	var out []candidate
	for _, b := range s.Balancers {
		for i := range b.Routes {
			f := &b.Routes[i]
			if f.To.Interface != y.Interface || f.To.Address.Private != y.Address.Private {
				continue
			}
			for _, x := range b.Places {
				for _, e := range x.Interface.Home.Edges {
					out = append(out, s.overBalancer(from, e, b, f, x, y)...)
				}
			}
		}
	}
	return out
}

// overBalancer are the flows over one interface of a balancer to one target,
// also those that something stops, where clients are meant to come that way.
func (s *Asker) overBalancer(from endpoint, e topology.Edge, b *topology.Balancer, f *topology.Forwarding, x, y topology.Place) []candidate {
	sources, ok := s.clientsOf(from, e, x)
	if !ok || sources.Empty() || e.Internet() && !b.InternetFacing {
		return nil
	}
	var out []candidate
	for _, j := range s.Inward(e, x, sources) {
		c := candidate{from: from.label, to: y.Label(), through: b.Name, journey: j, balancer: b, listener: f, assumed: b.Assumed, variable: true}
		if j.Block != nil {
			out = append(out, c)
			continue
		}
		first := j.Legs[0]
		first.Port = f.Listener.Port
		for _, p := range f.Protocols() {
			c.journey = s.balanced(b, f, x, first, p)
			c.protocol = p
			out = append(out, c)
		}
	}
	return out
}

// balanced is the journey over a first leg to a balancer and on to a target.
// Its set is empty where rules stop it.
func (s *Asker) balanced(b *topology.Balancer, f *topology.Forwarding, x topology.Place, first paths.Leg, p facts.Protocol) paths.Journey {
	clients := s.Open(&first, guard.Traffic{Protocol: p}).At(first.Port)
	far := clients
	if far.Empty() {
		far = first.Far
	}
	ways := s.Onward(b, x, &first, f, far)
	if len(ways) == 0 {
		reason := b.Name + " has no way from " + x.Label() + " to " + f.To.Label()
		if !b.Reaches(x, f) {
			reason = b.Name + " does not send from the zone of " + x.Label() + " to another"
		}
		return paths.Journey{Block: &paths.Block{Hops: append(first.Forward.Hops(), paths.BalancerHop(b)), Reason: reason, Set: first.Far}}
	}
	legs, passed := s.Passing(ways, p, clients)
	if passed.Empty() {
		legs = ways[0]
	}
	return paths.Journey{Legs: append([]paths.Leg{first}, legs...), Set: passed}
}

// towards are the flows from interfaces to the outside.
func (s *Asker) towards(from, to endpoint) []candidate {
	var out []candidate
	for _, x := range from.places {
		if to.named.IsValid() && x.Interface.Home.Serves(to.named) {
			out = append(out, served(x, to))
			continue
		}
		dst := s.destinations(to, x).Intersect(s.Families(x.Address.Private.Addr()))
		if dst.Empty() {
			continue
		}
		begin := len(out)
		for _, j := range s.Outward(x, dst) {
			if j.Block != nil && len(to.places) > 0 {
				continue
			}
			if to.edge != nil && (j.Edge == nil || *j.Edge != *to.edge) {
				continue
			}
			if to.internet && j.Edge != nil && j.Edge.Kind != topology.InternetGateway && j.Edge.Kind != topology.EgressOnlyGateway {
				continue
			}
			out = append(out, candidate{from: x.Label(), to: to.label, journey: j, variable: true})
		}
		if len(out) == begin && len(to.places) == 0 {
			reason := "no route of " + string(x.Interface.Subnet) + " leads to " + to.label
			out = append(out, candidate{from: x.Label(), to: to.label, journey: paths.Journey{Block: &paths.Block{Hops: at("Subnet", x.Interface.Subnet), Reason: reason}}})
		}
	}
	return out
}

// served is the flow to a service of EC2 itself.
func served(p topology.Place, to endpoint) candidate {
	t := paths.Trail{}.Hop("AWS::EC2::NetworkInterface", p.Interface.ID, p.Text()).Hop("AWS::EC2::VPC", p.Interface.VPC, "answers itself; no rule can block it")
	l := paths.Leg{Forward: t, Near: p.Address.Private.Addr(), Far: space.One(to.named)}
	return candidate{from: p.Label(), to: to.label, journey: paths.Journey{Legs: []paths.Leg{l}, Set: l.Far, To: &p}}
}

// destinations are the addresses that an endpoint outside stands for.
func (s *Asker) destinations(to endpoint, x topology.Place) space.Set {
	if to.edge == nil {
		return to.set
	}
	switch to.edge.Kind {
	case topology.InternetGateway, topology.EgressOnlyGateway:
		return s.Internet
	case topology.VirtualPrivateGateway, topology.DirectConnect:
		return s.OnPremises[to.edge.ID]
	case topology.PeeringConnection, topology.TransitGateway:
		set, _ := s.Sources(*to.edge, x)
		return set
	case topology.GatewayEndpoint:
		return s.serviceAddresses(to.edge.ID)
	}
	return space.Set{}
}

// serviceAddresses are what routes send to a gateway endpoint.
func (s *Asker) serviceAddresses(id facts.ID) space.Set {
	var sets []space.Set
	for _, t := range s.Tables {
		sets = append(sets, t.Toward(id))
	}
	return space.Union(sets...)
}
