package paths

import (
	"muster/internal/network/facts"
	"muster/internal/network/guard"
	"muster/internal/network/space"
	"muster/internal/network/topology"
)

// Through are the flows from a set of clients, who reach the balancer at a
// place over the first leg, on to one of its targets: the last leg, and the
// clients that pass.
func (s *Finder) Through(b *topology.Balancer, from topology.Place, first *Leg, f *topology.Forwarding, p facts.Protocol, clients space.Set) ([]Leg, space.Set) {
	return s.Passing(b, s.Onward(b, from, first, f, clients), f, p, clients)
}

// Onward are the ways from a balancer's place to one of its targets, whatever
// rules say.
func (s *Finder) Onward(b *topology.Balancer, from topology.Place, first *Leg, f *topology.Forwarding, clients space.Set) [][]Leg {
	if !b.Reaches(from, f) {
		return nil
	}
	if b.KeepsClient(f) {
		l := s.keptLeg(b, from, f, clients)
		for _, seen := range first.Back.Filters {
			if seen.Far {
				l.also = append(l.also, seen)
			}
		}
		return [][]Leg{{l}}
	}
	var out [][]Leg
	near := f.To.Address.Private.Addr()
	for _, j := range s.Outward(from.SameFamily(near), space.One(near)) {
		if j.Block == nil && j.To != nil && j.To.Interface == f.To.Interface {
			out = append(out, j.Legs)
		}
	}
	return out
}

// Passing is the first of several ways to a target that rules leave open, and
// the clients that pass.
func (s *Finder) Passing(b *topology.Balancer, ways [][]Leg, f *topology.Forwarding, p facts.Protocol, clients space.Set) ([]Leg, space.Set) {
	for _, legs := range ways {
		if b.KeepsClient(f) {
			return legs, s.Open(&legs[0], guard.Traffic{Protocol: p}).At(f.Target.Port)
		}
		if s.passes(legs, guard.Traffic{Protocol: p}, f.Target.Port) {
			return legs, clients
		}
	}
	return nil, space.Set{}
}

// passes reports whether a port is open on all legs to some far address.
func (s *Finder) passes(legs []Leg, t guard.Traffic, port uint16) bool {
	for i := range legs {
		if s.Open(&legs[i], t).At(port).Empty() {
			return false
		}
	}
	return true
}

// keptLeg is the flow from a network load balancer's subnet to a target that
// sees the client's own address; replies return by the balancer.
func (s *Finder) keptLeg(b *topology.Balancer, from topology.Place, f *topology.Forwarding, clients space.Set) Leg {
	forward := &walker{s: s, initiating: true, toNear: true}
	back := &walker{s: s}
	out, in := from.Interface.In, f.To.Interface.In
	var there, again Trail
	if out != in {
		there = forward.passACL(forward.passACL(there, out, true), in, false)
		again = back.passACL(back.passACL(again, in, true), out, false)
	}
	there = forward.passGroups(there, f.To.Interface, false)
	there = there.Hop("AWS::EC2::NetworkInterface", f.To.Interface.ID, f.To.Text())
	if f.To.Interface.Instance != "" {
		there = there.Hop("AWS::EC2::Instance", f.To.Interface.Instance, "")
	}
	return Leg{
		Forward: there, Back: again, Near: f.To.Address.Private.Addr(), Far: clients,
		nearVPC: f.To.Interface.VPC, viaGroups: b.Groups, initiator: true,
	}
}

// BalancerHop is what the model calls a load balancer.
func BalancerHop(b *topology.Balancer) Hop {
	if b.Kind == "classic" {
		return Hop{Type: "AWS::ElasticLoadBalancing::LoadBalancer", ID: b.ID}
	}
	return Hop{Type: "AWS::ElasticLoadBalancingV2::LoadBalancer", ID: b.ID}
}
