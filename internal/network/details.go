package network

import (
	"net/netip"
	"slices"

	"muster/internal/network/facts"
	"muster/internal/network/space"
)

// Details say how an exposure comes about.
type Details struct {
	// Path leads from the edge to the instance; Return back to the edge.
	Path, Return []Hop
	// Rules are those that decide about the witness, in order.
	Rules []Rule
	// Witness is a packet that gets through.
	Witness Packet
	// Doubts say what makes it uncertain, Assumed what facts were missing.
	Doubts, Assumed []string
}

// Details explains an exposure of this snapshot.
func (s *Snapshot) Details(x *Exposure) Details {
	n := s.interfaces[x.Interface]
	if n == nil {
		return Details{}
	}
	to := place{n, facts.Address{Private: single(x.Address), Public: x.Public}}
	t := traffic{protocol: x.Protocol}
	if x.balancer != nil {
		return s.balancedDetails(x, t)
	}
	sources, _ := s.sources(x.Edge, to)
	for _, j := range s.inward(x.Edge, to, sources) {
		if j.block != nil {
			continue
		}
		m := s.open(&j.legs[0], t).Clip(x.Ports).Within(x.Sources)
		if p, ok := s.take(&j.legs[0], t, m); ok {
			return s.details(&j.legs[0], t, p)
		}
	}
	return Details{}
}

func single(a netip.Addr) netip.Prefix { return netip.PrefixFrom(a, a.BitLen()) }

func (s *Snapshot) details(l *leg, t traffic, p sample) Details {
	rules, there, back := s.verdicts(l, t, p)
	d := Details{
		Path: there, Return: back, Rules: rules,
		Witness: *l.packet(t, p),
		Doubts:  slices.Concat(l.forward.doubts, l.back.doubts), Assumed: slices.Concat(l.forward.assumed, l.back.assumed),
	}
	d.Doubts, d.Assumed = distinct(d.Doubts), distinct(d.Assumed)
	return d
}

func distinct(list []string) []string {
	slices.Sort(list)
	return slices.Compact(list)
}

// balancedDetails joins the way to the balancer and the way to the target.
func (s *Snapshot) balancedDetails(x *Exposure, t traffic) Details {
	b, f := x.balancer, x.route
	for _, from := range b.places {
		sources, _ := s.sources(x.Edge, from)
		for _, j := range s.inward(x.Edge, from, sources) {
			if j.block != nil {
				continue
			}
			m := s.open(&j.legs[0], t).Clip(space.PortRange{First: f.listener.Port, Last: f.listener.Port})
			legs, passed := s.through(b, from, &j.legs[0], f, x.Protocol, m.At(f.listener.Port))
			p, ok := s.take(&j.legs[0], t, m.Within(passed.Intersect(x.Sources)))
			if !ok {
				continue
			}
			d := s.details(&j.legs[0], t, p)
			d.Path = append(d.Path, b.component())
			for i := range legs {
				d = d.join(s.details(&legs[i], t, s.onward(&legs[i], t, p, f)))
			}
			if b.assumed != "" {
				d.Assumed = append(d.Assumed, b.assumed)
			}
			return d
		}
	}
	return Details{}
}

// onward is the sample of a later leg: the client's own address where it is
// kept, the balancer's elsewhere.
func (s *Snapshot) onward(l *leg, t traffic, p sample, f *forwarding) sample {
	if a, ok := l.far.Single(); ok {
		p.far = a
	}
	p.server = f.target.Port
	p.client = s.client(l, t, p.far)
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
