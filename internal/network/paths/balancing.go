package paths

import (
	"slices"

	"muster/internal/network/facts"
	"muster/internal/network/guard"
	"muster/internal/network/space"
	"muster/internal/network/topology"
)

// Onward are the ways from a balancer's place, which clients reach over a first
// leg, to one of its targets, whatever rules say.
func (s *Finder) Onward(b *topology.Balancer, from topology.Place, first *Leg, f *topology.Forwarding, clients space.Set) [][]Leg {
	if f.Via == nil {
		return s.toTarget(b, from, first, f, clients)
	}
	var out [][]Leg
	for _, ahead := range s.toTarget(b, from, first, f.Via.Front, clients) {
		last := &ahead[len(ahead)-1]
		for _, behind := range s.toTarget(f.Via.Balancer, f.Via.Front.To, last, f.Via.Back, clients) {
			out = append(out, slices.Concat(ahead, behind))
		}
	}
	return out
}

// toTarget is Onward for a target that the balancer itself sends to.
func (s *Finder) toTarget(b *topology.Balancer, from topology.Place, first *Leg, f *topology.Forwarding, clients space.Set) [][]Leg {
	if !b.Reaches(from, f) {
		return nil
	}
	if b.KeepsClient(from, f) {
		l := s.keptLeg(b, from, f, clients)
		l.also = first
		return [][]Leg{{l}}
	}
	var out [][]Leg
	near := f.To.Address.Private.Addr()
	own := from.SameFamily(near)
	if own.Address.Private.Addr().Is4() != near.Is4() {
		return nil
	}
	for _, j := range s.Outward(own, space.One(near)) {
		if j.Block != nil || j.To == nil || j.To.Interface != f.To.Interface {
			continue
		}
		for i := range j.Legs {
			j.Legs[i].Port = f.Target.Port
		}
		out = append(out, j.Legs)
	}
	return out
}

// Passing is the first of several ways to a target that rules leave open, and
// the clients that pass.
func (s *Finder) Passing(ways [][]Leg, p facts.Protocol, clients space.Set) ([]Leg, space.Set) {
	for _, legs := range ways {
		if passed := s.passing(legs, guard.Traffic{Protocol: p}, clients); !passed.Empty() {
			return legs, passed
		}
	}
	return nil, space.Set{}
}

// passing are the clients that pass all legs: those that a leg sees itself are
// asked for, on others it is enough that the balancer passes.
func (s *Finder) passing(legs []Leg, t guard.Traffic, clients space.Set) space.Set {
	for i := range legs {
		open := s.Open(&legs[i], t).At(legs[i].Port)
		switch {
		case legs[i].kept:
			clients = clients.Intersect(open)
		case open.Empty():
			return space.Set{}
		}
	}
	return clients
}

// keptLeg is the flow from a network load balancer to a target that sees the
// client's own address; replies return by the balancer.
func (s *Finder) keptLeg(b *topology.Balancer, from topology.Place, f *topology.Forwarding, clients space.Set) Leg {
	forward := &walker{s: s, initiating: true, toNear: true}
	back := &walker{s: s}
	out, in := from.Interface.In, f.To.Interface.In
	there := forward.passGroups(Trail{}, from.Interface, true)
	var again Trail
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
		Forward: there, Back: again, Near: f.To.Address.Private.Addr(), Far: clients, Port: f.Target.Port, kept: true,
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
