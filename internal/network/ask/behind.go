package ask

import (
	"slices"

	"muster/internal/network/facts"
	"muster/internal/network/space"
	"muster/internal/network/topology"
)

// maxTargets bounds the targets of a load balancer that an answer tells of.
const maxTargets = 200

// behind tells how it goes on from a load balancer to the targets of the
// listeners that were asked about, for each by the way that is open, if any.
func (s *Asker) behind(a *Answer, from endpoint, b *topology.Balancer, q Question) {
	for i := range b.Routes {
		f := &b.Routes[i]
		if !q.AnyPort && (f.Listener.Port < q.Ports.First || f.Listener.Port > q.Ports.Last) || len(q.Protocols) > 0 && !meet(q.Protocols, f.Protocols()) {
			continue
		}
		if len(a.Behind) >= maxTargets {
			a.Left++
			continue
		}
		onward := q
		onward.Ports, onward.AnyPort = space.PortRange{First: f.Target.Port, Last: f.Target.Port}, false
		if best, ok := s.onward(from, b, f, onward); ok {
			best.Health = f.Target.Health
			a.Behind = append(a.Behind, best)
		}
	}
}

func meet(x, y []facts.Protocol) bool {
	return slices.ContainsFunc(x, func(p facts.Protocol) bool { return slices.Contains(y, p) })
}

// onward is the best way to one target: of clients outside all the way, else
// from the balancer's own addresses. Targets that see a client in their own
// network answer to it, so it has to be asked for them.
func (s *Asker) onward(from endpoint, b *topology.Balancer, f *topology.Forwarding, q Question) (best Flow, ok bool) {
	if len(q.Protocols) == 0 {
		q.Protocols = f.Protocols()
	}
	for _, x := range b.Places {
		var all []candidate
		switch {
		case from.edge != nil || !from.set.Empty():
			for _, e := range x.Interface.Home.Edges {
				all = append(all, s.overBalancer(from, e, b, f, x, f.To)...)
			}
		case f.Via == nil && b.Reaches(x, f) && !b.KeepsClient(x, f):
			own := x.SameFamily(f.To.Address.Private.Addr())
			if own.Address.Private.Addr().Is4() == f.To.Address.Private.Addr().Is4() {
				all = s.pair(own, f.To)
			}
		}
		for _, c := range all {
			if next := s.flow(c, q); !ok || next.rank() < best.rank() {
				best, ok = next, true
			}
		}
	}
	return best, ok
}
