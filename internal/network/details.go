package network

import (
	"net/netip"
	"slices"

	"muster/internal/network/ask"
	"muster/internal/network/facts"
	"muster/internal/network/guard"
	"muster/internal/network/paths"
	"muster/internal/network/space"
	"muster/internal/network/topology"
)

// Details say how an exposure comes about.
type Details struct {
	// Path leads from the edge to the instance; Return back to the edge.
	Path, Return []paths.Hop
	// Rules are those that decide about the witness, in order.
	Rules []paths.Rule
	// Opening are all rules of groups that let in some of it, whichever decides
	// about the witness.
	Opening []Rule
	// Witness is a packet that gets through.
	Witness paths.Packet
	// Doubts say what makes it uncertain, Assumed what facts were missing.
	Doubts, Assumed []string
}

// Explainer explains exposures of a snapshot. It remembers the ways to the
// interface that it was asked for last, and to those of load balancers: ask for
// one interface after the other.
type Explainer struct {
	s      *Snapshot
	last   entrance
	direct []known
	fronts map[entrance][]known
}

// entrance is an edge and an address behind it.
type entrance struct {
	iface   facts.ID
	address netip.Addr
	edge    topology.Edge
}

// known is a way in, with what is open on it by protocol.
type known struct {
	leg  paths.Leg
	open map[facts.Protocol]space.Map
}

// Explainer makes one.
func (s *Snapshot) Explainer() *Explainer {
	return &Explainer{s: s, fronts: map[entrance][]known{}}
}

// Details explains an exposure of this snapshot.
func (s *Snapshot) Details(x *Exposure) Details { return s.Explainer().Details(x) }

// ways are those from an edge to an address that nothing blocks.
func (e *Explainer) ways(edge topology.Edge, to topology.Place) []known {
	sources, _ := e.s.Sources(edge, to)
	var out []known
	for _, j := range e.s.Inward(edge, to, sources) {
		if j.Block == nil {
			out = append(out, known{j.Legs[0], map[facts.Protocol]space.Map{}})
		}
	}
	return out
}

func (e *Explainer) opened(k *known, t guard.Traffic) space.Map {
	m, ok := k.open[t.Protocol]
	if !ok {
		m = e.s.Open(&k.leg, t)
		k.open[t.Protocol] = m
	}
	return m
}

// Details explains an exposure.
func (e *Explainer) Details(x *Exposure) Details {
	n := e.s.Interfaces[x.Interface]
	if n == nil {
		return Details{}
	}
	t := guard.Traffic{Protocol: x.Protocol}
	if x.balancer != nil {
		return e.balanced(x, t)
	}
	if at := (entrance{x.Interface, x.Address, x.Edge}); at != e.last || e.direct == nil {
		e.last = at
		e.direct = e.ways(x.Edge, topology.Place{Interface: n, Address: facts.Address{Private: topology.Single(x.Address), Public: x.Public}})
	}
	for i := range e.direct {
		k := &e.direct[i]
		m := e.opened(k, t).Clip(x.Ports).Within(x.Sources)
		if p, ok := e.s.Take(&k.leg, t, m); ok {
			d := e.s.details(&k.leg, t, p)
			d.Opening = e.s.Opening([]paths.Leg{k.leg}, t, ask.Question{Ports: x.Ports})
			return d
		}
	}
	return Details{}
}

func (s *Snapshot) details(l *paths.Leg, t guard.Traffic, p paths.Sample) Details {
	rules, there, back := s.Verdicts(l, t, p)
	d := Details{
		Path: there, Return: back, Rules: rules,
		Witness: *l.Packet(t, p),
		Doubts:  slices.Concat(l.Forward.Doubts, l.Back.Doubts), Assumed: slices.Concat(l.Forward.Assumed, l.Back.Assumed),
	}
	d.Doubts, d.Assumed = paths.Distinct(d.Doubts), paths.Distinct(d.Assumed)
	return d
}

// front are the ways from an edge to a place of a load balancer.
func (e *Explainer) front(edge topology.Edge, from topology.Place) []known {
	at := entrance{from.Interface.ID, from.Address.Private.Addr(), edge}
	if e.fronts[at] == nil {
		e.fronts[at] = e.ways(edge, from)
	}
	return e.fronts[at]
}

// balanced joins the way to the balancer and the way to the target.
func (e *Explainer) balanced(x *Exposure, t guard.Traffic) Details {
	b, f := x.balancer, x.route
	for _, from := range b.Places {
		front := e.front(x.Edge, from)
		for i := range front {
			leg := &front[i].leg
			m := e.opened(&front[i], t).Clip(space.PortRange{First: f.Listener.Port, Last: f.Listener.Port})
			legs, passed := e.s.Passing(e.s.Onward(b, from, leg, f, m.At(f.Listener.Port)), x.Protocol, m.At(f.Listener.Port))
			if p, ok := e.s.Take(leg, t, m.Within(passed.Intersect(x.Sources))); ok {
				return e.s.both(x, t, p, leg, legs)
			}
		}
	}
	return Details{}
}

// both are the details of a way to a balancer and the legs behind it.
func (s *Snapshot) both(x *Exposure, t guard.Traffic, p paths.Sample, leg *paths.Leg, legs []paths.Leg) Details {
	b, f := x.balancer, x.route
	d := s.details(leg, t, p)
	d.Path = append(d.Path, paths.BalancerHop(b))
	for i := range legs {
		d = d.join(s.details(&legs[i], t, s.onward(&legs[i], t, p)))
		if i == 0 && f.Via != nil {
			d.Path = append(d.Path, paths.BalancerHop(f.Via.Balancer))
		}
	}
	first := *leg
	first.Port = f.Listener.Port
	d.Opening = s.Opening(append([]paths.Leg{first}, legs...), t, ask.Question{Ports: x.Ports})
	if b.Assumed != "" {
		d.Assumed = append(d.Assumed, b.Assumed)
	}
	return d
}

// onward is the sample of a later leg: the client's own address where it is
// kept, the balancer's elsewhere.
func (s *Snapshot) onward(l *paths.Leg, t guard.Traffic, p paths.Sample) paths.Sample {
	if a, ok := l.Far.Single(); ok {
		p.Far = a
	}
	p.Server = l.Port
	p.Client = s.Client(l, t, p.Far)
	return p
}

// join appends what a later leg tells; the witness stays the first one's.
func (d Details) join(next Details) Details {
	d.Path = append(d.Path, next.Path...)
	d.Return = append(next.Return, d.Return...)
	d.Rules = append(d.Rules, next.Rules...)
	d.Doubts = append(d.Doubts, next.Doubts...)
	d.Assumed = append(d.Assumed, next.Assumed...)
	return d
}
