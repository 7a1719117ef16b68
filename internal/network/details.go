package network

import (
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

// Details explains an exposure of this snapshot.
func (s *Snapshot) Details(x *Exposure) Details {
	n := s.Interfaces[x.Interface]
	if n == nil {
		return Details{}
	}
	to := topology.Place{Interface: n, Address: facts.Address{Private: topology.Single(x.Address), Public: x.Public}}
	t := guard.Traffic{Protocol: x.Protocol}
	if x.balancer != nil {
		return s.balancedDetails(x, t)
	}
	sources, _ := s.Sources(x.Edge, to)
	for _, j := range s.Inward(x.Edge, to, sources) {
		if j.Block != nil {
			continue
		}
		m := s.Open(&j.Legs[0], t).Clip(x.Ports).Within(x.Sources)
		if p, ok := s.Take(&j.Legs[0], t, m); ok {
			d := s.details(&j.Legs[0], t, p)
			d.Opening = s.Opening(j.Legs[:1], t, ask.Question{Ports: x.Ports})
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

// balancedDetails joins the way to the balancer and the way to the target.
func (s *Snapshot) balancedDetails(x *Exposure, t guard.Traffic) Details {
	b, f := x.balancer, x.route
	for _, from := range b.Places {
		sources, _ := s.Sources(x.Edge, from)
		for _, j := range s.Inward(x.Edge, from, sources) {
			if j.Block != nil {
				continue
			}
			m := s.Open(&j.Legs[0], t).Clip(space.PortRange{First: f.Listener.Port, Last: f.Listener.Port})
			legs, passed := s.Passing(s.Onward(b, from, &j.Legs[0], f, m.At(f.Listener.Port)), x.Protocol, m.At(f.Listener.Port))
			p, ok := s.Take(&j.Legs[0], t, m.Within(passed.Intersect(x.Sources)))
			if !ok {
				continue
			}
			d := s.details(&j.Legs[0], t, p)
			d.Path = append(d.Path, paths.BalancerHop(b))
			for i := range legs {
				d = d.join(s.details(&legs[i], t, s.onward(&legs[i], t, p)))
				if i == 0 && f.Via != nil {
					d.Path = append(d.Path, paths.BalancerHop(f.Via.Balancer))
				}
			}
			first := j.Legs[0]
			first.Port = f.Listener.Port
			d.Opening = s.Opening(append([]paths.Leg{first}, legs...), t, ask.Question{Ports: x.Ports})
			if b.Assumed != "" {
				d.Assumed = append(d.Assumed, b.Assumed)
			}
			return d
		}
	}
	return Details{}
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
