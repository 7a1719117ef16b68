package network

import (
	"net/netip"
	"slices"
	"strings"

	"muster/internal/network/facts"
	"muster/internal/network/space"
)

// balancer is a load balancer with its interfaces and what is behind it.
type balancer struct {
	*facts.LoadBalancer
	places []place
	// assumed says that its interfaces are not among the facts.
	assumed string
	routes  []forwarding
}

// forwarding is one target of a listener.
type forwarding struct {
	listener facts.Listener
	group    *facts.TargetGroup
	target   facts.Target
	to       place
}

// indexBalancers finds the interfaces and the targets of load balancers.
func (s *Snapshot) indexBalancers() {
	groups := map[facts.ID]*facts.TargetGroup{}
	for i := range s.facts.TargetGroups {
		groups[s.facts.TargetGroups[i].ID] = &s.facts.TargetGroups[i]
	}
	if len(s.facts.LoadBalancers) == 0 {
		return
	}
	described := map[string][]*iface{}
	primary := map[facts.ID]*iface{}
	for _, n := range s.order {
		if name, ok := strings.CutPrefix(n.Description, "ELB "); ok {
			described[name] = append(described[name], n)
		}
		if p := primary[n.Instance]; p == nil || n.Device < p.Device {
			primary[n.Instance] = n
		}
	}
	for i := range s.facts.LoadBalancers {
		b := &balancer{LoadBalancer: &s.facts.LoadBalancers[i]}
		if b.Kind == "gateway" {
			continue
		}
		s.placeBalancer(b, described[b.interfaceName()])
		for _, l := range b.Listeners {
			for _, id := range l.TargetGroups {
				b.addTargets(s, l, groups[id], primary)
			}
		}
		s.balancers = append(s.balancers, b)
	}
}

// interfaceName is how the descriptions of its interfaces name it.
func (b *balancer) interfaceName() string {
	if _, rest, ok := strings.Cut(string(b.ID), ":loadbalancer/"); ok {
		return rest
	}
	return b.Name
}

func (s *Snapshot) placeBalancer(b *balancer, found []*iface) {
	for _, n := range found {
		if n.VPC != b.VPC {
			continue
		}
		n.balancer = b
		n.unfiltered = n.unfiltered || b.Kind == "network" && len(n.Groups) == 0
		for _, a := range n.Addresses {
			b.places = append(b.places, place{n, a})
		}
	}
	if len(b.places) > 0 {
		return
	}
	b.assumed = "the interfaces of the load balancer " + b.Name + " are not among the facts; one in each of its subnets is assumed"
	for _, id := range b.Subnets {
		if sub := s.subnets[id]; sub != nil {
			s.assumeBalancer(b, sub)
		}
	}
}

// assumeBalancer makes an interface with a free address of the subnet.
func (s *Snapshot) assumeBalancer(b *balancer, sub *subnet) {
	for _, c := range sub.CIDRs {
		if !c.Addr().Is4() {
			continue
		}
		a := c.Addr()
		for range 4 {
			a = a.Next()
		}
		for ; c.Contains(a); a = a.Next() {
			if _, taken := sub.vpc.find(a); !taken {
				break
			}
		}
		n := &iface{
			Interface: &facts.Interface{
				ID: b.ID + "@" + sub.ID, Scope: b.Scope, VPC: sub.VPC, Subnet: sub.ID, Kind: b.Kind + "_load_balancer", Groups: b.Groups,
				Addresses: []facts.Address{{Private: netip.PrefixFrom(a, a.BitLen())}},
			},
			vpc: sub.vpc, subnet: sub, balancer: b, facing: b.InternetFacing, unfiltered: b.Kind == "network" && len(b.Groups) == 0,
		}
		s.addInterface(n)
		b.places = append(b.places, place{n, n.Addresses[0]})
		return
	}
}

func (b *balancer) addTargets(s *Snapshot, l facts.Listener, g *facts.TargetGroup, primary map[facts.ID]*iface) {
	if g == nil {
		return
	}
	for _, t := range g.Targets {
		var to place
		switch g.Kind {
		case "instance":
			if n := primary[facts.ID(t.ID)]; n != nil && len(n.Addresses) > 0 {
				to = place{n, n.Addresses[0]}
			}
		case "ip":
			if a, err := netip.ParseAddr(t.ID); err == nil {
				to = s.targetPlace(b, g, a)
			}
		}
		if to.iface != nil {
			b.routes = append(b.routes, forwarding{l, g, t, to})
		}
	}
}

// targetPlace finds an address in the group's VPC, or in any other.
func (s *Snapshot) targetPlace(b *balancer, g *facts.TargetGroup, a netip.Addr) place {
	for _, id := range []facts.ID{g.VPC, b.VPC} {
		if v := s.vpcs[id]; v != nil {
			if here, ok := v.find(a); ok {
				return here
			}
		}
	}
	for i := range s.facts.VPCs {
		if here, ok := s.vpcs[s.facts.VPCs[i].ID].find(a); ok {
			return here
		}
	}
	return place{}
}

// protocols are those of a listener.
func (f *forwarding) protocols() []facts.Protocol {
	switch f.listener.Protocol {
	case "UDP", "QUIC":
		return []facts.Protocol{facts.UDP}
	case "TCP_UDP", "TCP_QUIC":
		return []facts.Protocol{facts.TCP, facts.UDP}
	}
	return []facts.Protocol{facts.TCP}
}

// keepsClient reports whether targets see the client's address: those of a
// network load balancer do, but for TCP to addresses by default.
func (b *balancer) keepsClient(f *forwarding) bool {
	switch {
	case b.Kind != "network":
		return false
	case f.group.PreserveClient != nil:
		return *f.group.PreserveClient
	}
	return f.group.Kind == "instance" || slices.Contains(f.protocols(), facts.UDP)
}

// reaches reports whether the balancer's node at a place sends to the target:
// by default only network load balancers keep to their zone.
func (b *balancer) reaches(from place, f *forwarding) bool {
	cross := b.Kind != "network"
	if b.CrossZone != nil {
		cross = *b.CrossZone
	}
	if f.group.CrossZone != nil {
		cross = *f.group.CrossZone
	}
	zone := from.iface.subnet.Zone
	return cross || zone == "" || zone == f.to.iface.subnet.Zone
}

// through are the flows from a set of clients, who reach the balancer at a
// place over the first leg, on to one of its targets: the last leg, and the clients that pass.
func (s *Snapshot) through(b *balancer, from place, first *leg, f *forwarding, p facts.Protocol, clients space.Set) ([]leg, space.Set) {
	if !b.reaches(from, f) {
		return nil, space.Set{}
	}
	if b.keepsClient(f) {
		l := s.keptLeg(b, from, f, clients)
		for _, guard := range first.back.filters {
			if guard.far {
				l.also = append(l.also, guard)
			}
		}
		return []leg{l}, s.open(&l, traffic{protocol: p}).At(f.target.Port)
	}
	near := f.to.address.Private.Addr()
	for _, j := range s.outward(from.sameFamily(near), space.One(near)) {
		if j.block != nil || j.to == nil || j.to.iface != f.to.iface {
			continue
		}
		if s.passes(j.legs, traffic{protocol: p}, f.target.Port) {
			return j.legs, clients
		}
	}
	return nil, space.Set{}
}

// sameFamily is the interface's first address of the family of another.
func (p place) sameFamily(a netip.Addr) place {
	for _, own := range p.iface.Addresses {
		if own.Private.Addr().Is4() == a.Is4() {
			return place{p.iface, own}
		}
	}
	return p
}

// passes reports whether a port is open on all legs to some far address.
func (s *Snapshot) passes(legs []leg, t traffic, port uint16) bool {
	for i := range legs {
		if s.open(&legs[i], t).At(port).Empty() {
			return false
		}
	}
	return true
}

// keptLeg is the flow from a network load balancer's subnet to a target that
// sees the client's own address; replies return by the balancer.
func (s *Snapshot) keptLeg(b *balancer, from place, f *forwarding, clients space.Set) leg {
	forward := &walker{s: s, initiating: true, toNear: true}
	back := &walker{s: s}
	out, in := from.iface.subnet, f.to.iface.subnet
	var there, again trail
	if out != in {
		there = forward.passACL(forward.passACL(there, out, true), in, false)
		again = back.passACL(back.passACL(again, in, true), out, false)
	}
	there = forward.passGroups(there, f.to.iface, false)
	there = there.hop("AWS::EC2::NetworkInterface", f.to.iface.ID, f.to.text())
	if f.to.iface.Instance != "" {
		there = there.hop("AWS::EC2::Instance", f.to.iface.Instance, "")
	}
	return leg{
		forward: there, back: again, near: f.to.address.Private.Addr(), far: clients,
		nearVPC: f.to.iface.VPC, viaGroups: b.Groups, initiator: true,
	}
}

// component is what the model calls the balancer.
func (b *balancer) component() Hop {
	if b.Kind == "classic" {
		return Hop{Type: "AWS::ElasticLoadBalancing::LoadBalancer", ID: b.ID}
	}
	return Hop{Type: "AWS::ElasticLoadBalancingV2::LoadBalancer", ID: b.ID}
}
