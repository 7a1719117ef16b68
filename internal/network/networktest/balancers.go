package networktest

import (
	"net/netip"

	"muster/internal/network/facts"
)

// balancers adds load balancers of all kinds to a VPC, each with an interface
// in some of the subnets and targets of both kinds.
func (r *random) balancers(v int) {
	r.balancersWith(v, func(int) facts.ID { return id("sg-%d%d", v, r.IntN(3)) })
}

// balancersWith is balancers with a choice of groups.
func (r *random) balancersWith(v int, group func(v int) facts.ID) {
	vpc := r.f.VPCs[v].ID
	for k := range r.IntN(3) {
		b := facts.LoadBalancer{
			ID: id("lb-%d%d", v, k), Name: string(id("lb-%d%d", v, k)), VPC: vpc, Kind: pick(r, []string{"application", "network", "network", "classic"}),
			InternetFacing: r.chance(60), CrossZone: r.maybe(),
		}
		if b.Kind != "network" || r.chance(50) {
			b.Groups = []facts.ID{group(v)}
		}
		for i, sub := range r.f.Subnets {
			if sub.VPC == vpc && r.chance(60) {
				b.Subnets = append(b.Subnets, sub.ID)
				r.f.Interfaces = append(r.f.Interfaces, r.node(&b, &r.f.Subnets[i], k))
			}
		}
		for i := range 1 + r.IntN(2) {
			b.Listeners = append(b.Listeners, r.listener(&b, v, i))
		}
		r.f.LoadBalancers = append(r.f.LoadBalancers, b)
	}
}

func (r *random) maybe() *bool {
	if r.chance(50) {
		return nil
	}
	return new(r.chance(50))
}

// node is the balancer's interface in a subnet.
func (r *random) node(b *facts.LoadBalancer, sub *facts.Subnet, k int) facts.Interface {
	base := sub.CIDRs[0].Addr().As4()
	a := facts.Address{Private: netip.PrefixFrom(netip.AddrFrom4([4]byte{base[0], base[1], base[2], byte(60 + k)}), 32)}
	if b.InternetFacing {
		a.Public = netip.AddrFrom4([4]byte{54, base[1], base[2], byte(60 + k)})
	}
	n := facts.Interface{
		ID: id("eni-%s-%s", b.ID, sub.ID), VPC: sub.VPC, Subnet: sub.ID, Kind: "interface", Description: "ELB " + b.Name, Groups: b.Groups, Addresses: []facts.Address{a},
	}
	if b.Kind == "network" {
		n.Kind = "network_load_balancer"
	}
	if r.chance(30) && len(sub.CIDRs) > 1 {
		six := sub.CIDRs[1].Addr().As16()
		six[15] = byte(60 + k)
		n.Addresses = append(n.Addresses, facts.Address{Private: netip.PrefixFrom(netip.AddrFrom16(six), 128)})
	}
	return n
}

func (r *random) listener(b *facts.LoadBalancer, v, i int) facts.Listener {
	l := facts.Listener{Protocol: "TCP", Port: pick(r, []uint16{22, 80, 443})}
	if b.Kind == "network" {
		l.Protocol = pick(r, []string{"TCP", "TCP", "UDP", "TCP_UDP"})
	}
	g := facts.TargetGroup{
		ID: id("tg-%s-%d", b.ID, i), VPC: b.VPC, Kind: pick(r, []string{"instance", "ip"}), Port: pick(r, []uint16{22, 80, 8080}),
		CrossZone: r.maybe(), PreserveClient: r.maybe(),
	}
	if b.Kind == "classic" {
		g.Kind, g.CrossZone, g.PreserveClient = "instance", nil, nil
	}
	for _, n := range r.f.Interfaces {
		if n.VPC != r.f.VPCs[v].ID || n.Instance == "" || !r.chance(50) {
			continue
		}
		t := facts.Target{ID: string(n.Instance), Port: g.Port}
		if g.Kind == "ip" {
			t.ID = pick(r, n.Addresses).Private.Addr().String()
		}
		g.Targets = append(g.Targets, t)
	}
	r.f.TargetGroups = append(r.f.TargetGroups, g)
	l.TargetGroups = []facts.ID{g.ID}
	return l
}
