package networktest

import (
	"net/netip"
	"slices"

	"muster/internal/network/facts"
)

// clientRanges are the client ports that people let replies through to.
func clientRanges() [][2]int {
	return [][2]int{{1024, 65535}, {32768, 60999}, {32768, 61000}, {49152, 65535}, {1025, 5000}, {1024, 1024}, {65535, 65535}, {443, 1030}}
}

// secure writes an ACL per tier, and groups that name each other.
func (e *estate) secure(v int) {
	vpc := e.f.VPCs[v]
	whole := facts.Match{Protocol: facts.Any, To: 65535}
	e.f.ACLs = append(e.f.ACLs, facts.ACL{ID: id("acl-%d", v), VPC: vpc.ID, Default: true, Entries: []facts.Entry{
		{Number: 100, Allow: true, CIDR: prefix("0.0.0.0/0"), Match: whole}, {Number: 101, Allow: true, CIDR: prefix("::/0"), Match: whole},
		{Number: 100, Egress: true, Allow: true, CIDR: prefix("0.0.0.0/0"), Match: whole}, {Number: 101, Egress: true, Allow: true, CIDR: prefix("::/0"), Match: whole},
	}})
	for _, kind := range e.tiers() {
		if !e.chance(30) {
			continue
		}
		a := facts.ACL{ID: id("acl-%d-%s", v, kind.name), VPC: vpc.ID}
		for _, sub := range e.subnets(vpc.ID, kind.name) {
			a.Subnets = append(a.Subnets, sub.ID)
		}
		number := 0
		add := func(egress, allow bool, m facts.Match, p netip.Prefix) {
			number += 1 + e.IntN(20)
			a.Entries = append(a.Entries, facts.Entry{Number: number, Egress: egress, Allow: allow, CIDR: p, Match: m})
		}
		for _, all := range []netip.Prefix{prefix("0.0.0.0/0"), prefix("::/0")} {
			if e.chance(30) {
				add(false, false, facts.Match{Protocol: facts.TCP, From: 22, To: 22}, pick(&e.random, e.blocksFor(all)))
			}
			add(false, true, facts.Match{Protocol: facts.TCP, From: 22, To: 443}, pick(&e.random, e.blocksFor(all)))
			in, out := pick(&e.random, clientRanges()), pick(&e.random, clientRanges())
			add(false, true, facts.Match{Protocol: pick(&e.random, []facts.Protocol{facts.TCP, facts.Any}), From: in[0], To: in[1]}, all)
			add(true, e.chance(85), facts.Match{Protocol: facts.TCP, From: out[0], To: out[1]}, all)
			add(true, true, facts.Match{Protocol: pick(&e.random, []facts.Protocol{facts.TCP, facts.Any, facts.UDP}), From: 22, To: 443}, pick(&e.random, e.blocksFor(all)))
			icmp := facts.ICMP
			if all.Addr().Is6() {
				icmp = facts.ICMPv6
			}
			add(e.chance(50), e.chance(70), facts.Match{Protocol: icmp, From: pick(&e.random, []int{-1, 0, 8, 128, 129, 3}), To: -1}, all)
		}
		e.f.ACLs = append(e.f.ACLs, a)
	}
	e.groupsOf(v)
}

// blocksFor are the blocks of a family that rules speak of.
func (e *estate) blocksFor(all netip.Prefix) []netip.Prefix {
	if all.Addr().Is6() {
		return []netip.Prefix{all, all, prefix("2600:7::/32"), prefix("2600:7:1::/56"), prefix("64:ff9b::/96")}
	}
	return []netip.Prefix{all, all, prefix("10.0.0.0/8"), prefix("10.1.0.0/16"), prefix("100.64.0.0/10"), prefix("192.168.0.0/16"), prefix("198.18.7.0/24"), prefix("10.2.10.0/23")}
}

// groupsOf are one group for each tier, which admits the tier before it.
func (e *estate) groupsOf(v int) {
	before := facts.Rule{CIDR: pick(&e.random, e.blocksFor(prefix("0.0.0.0/0")))}
	for _, kind := range e.tiers() {
		g := facts.Group{ID: id("sg-%d-%s", v, kind.name), VPC: e.f.VPCs[v].ID}
		for _, m := range []facts.Match{{Protocol: facts.TCP, From: 22, To: 22}, {Protocol: facts.TCP, From: 443, To: 443}, {Protocol: facts.UDP, From: 53, To: 53}, {Protocol: facts.ICMP, From: -1, To: -1}} {
			if e.chance(90) {
				r := before
				r.Match = m
				g.Ingress = append(g.Ingress, r)
			}
		}
		if e.chance(50) {
			g.Ingress = append(g.Ingress, facts.Rule{Match: pick(&e.random, []facts.Match{{Protocol: facts.Any}, {Protocol: facts.TCP, To: 65535}}), CIDR: pick(&e.random, e.blocksFor(prefix("0.0.0.0/0")))})
		}
		switch e.IntN(4) {
		case 0:
			g.Ingress = append(g.Ingress, facts.Rule{Match: facts.Match{Protocol: facts.TCP, From: 0, To: 65535}, PrefixList: pick(&e.random, []facts.ID{"pl-office", "pl-estate"})})
		case 1:
			g.Ingress = append(g.Ingress, facts.Rule{Match: facts.Match{Protocol: facts.Any}, CIDR: pick(&e.random, e.blocksFor(prefix("::/0")))})
		case 2:
			other := e.IntN(len(e.f.VPCs))
			g.Ingress = append(g.Ingress, facts.Rule{Match: facts.Match{Protocol: facts.TCP, From: 22, To: 443}, Group: id("sg-%d-private", other)})
		}
		switch e.IntN(5) {
		case 0:
			g.Egress = append(g.Egress, facts.Rule{Match: facts.Match{Protocol: facts.TCP, From: 443, To: 443}, PrefixList: "pl-s3"}, facts.Rule{Match: facts.Match{Protocol: facts.TCP, From: 22, To: 22}, Group: g.ID})
		case 1:
			g.Egress = append(g.Egress, facts.Rule{Match: facts.Match{Protocol: facts.TCP, From: 0, To: 65535}, CIDR: prefix("0.0.0.0/0")})
		default:
			g.Egress = append(g.Egress, facts.Rule{Match: facts.Match{Protocol: facts.Any}, CIDR: prefix("0.0.0.0/0")}, facts.Rule{Match: facts.Match{Protocol: facts.Any}, CIDR: prefix("::/0")})
		}
		e.f.Groups = append(e.f.Groups, g)
		before = facts.Rule{Group: g.ID}
	}
}

// populate puts instances into the subnets, and load balancers before them.
func (e *estate) populate(v int) {
	vpc := e.f.VPCs[v].ID
	for _, sub := range e.subnets(vpc, "") {
		for k := range 1 + e.IntN(2) {
			n := facts.Interface{
				ID: id("eni-%s-%d", sub.ID, k), VPC: vpc, Subnet: sub.ID, Kind: "interface", Instance: id("i-%s-%d", sub.ID, k),
				Groups: []facts.ID{id("sg-%d-%s", v, kindOf(sub.ID))}, Addresses: []facts.Address{{Private: netip.PrefixFrom(at(sub.CIDRs[0], 20+k), 32)}},
			}
			if kindOf(sub.ID) == "public" && e.chance(80) {
				b := n.Addresses[0].Private.Addr().As4()
				n.Addresses[0].Public = netip.AddrFrom4([4]byte{54, byte(v), b[2], b[3]})
			}
			if len(sub.CIDRs) > 1 && e.chance(60) {
				n.Addresses = append(n.Addresses, facts.Address{Private: netip.PrefixFrom(at(sub.CIDRs[1], 20+k), 128)})
			}
			if e.chance(15) {
				n.Groups = append(n.Groups, id("sg-%d-public", v))
			}
			if e.chance(15) {
				n.Addresses = append(n.Addresses, facts.Address{Private: prefix("%s/28", at(sub.CIDRs[0], 64+16*k))})
			}
			n.Groups = slices.Compact(n.Groups)
			e.f.Interfaces = append(e.f.Interfaces, n)
			e.f.Instances = append(e.f.Instances, facts.Instance{ID: n.Instance, VPC: vpc, State: "running"})
		}
	}
	if e.chance(60) {
		e.random.balancersWith(v, func(int) facts.ID { return id("sg-%d-%s", v, pick(&e.random, e.tiers()).name) })
	}
}

// routes gives every tier a table with the routes that its kind needs.
func (e *estate) routes(v int) {
	vpc := e.f.VPCs[v]
	e.f.RouteTables = append(e.f.RouteTables, facts.RouteTable{ID: id("rtb-%d", v), VPC: vpc.ID, Main: true})
	for _, kind := range e.tiers() {
		t := facts.RouteTable{ID: id("rtb-%d-%s", v, kind.name), VPC: vpc.ID}
		for _, sub := range e.subnets(vpc.ID, kind.name) {
			t.Subnets = append(t.Subnets, sub.ID)
		}
		add := func(p netip.Prefix, target facts.ID) { addRoute(&t, p, target) }
		public := e.subnets(vpc.ID, "public")
		switch kind.way {
		case "igw":
			add(prefix("0.0.0.0/0"), id("igw-%d", v))
			add(prefix("::/0"), id("igw-%d", v))
		case "nat":
			add(prefix("0.0.0.0/0"), id("nat-%s", public[e.IntN(len(public))].ID))
			add(prefix("::/0"), id("eigw-%d", v))
			add(prefix("64:ff9b::/96"), id("nat-%s", public[0].ID))
			t.Routes = append(t.Routes, facts.Route{PrefixList: "pl-s3", Target: id("vpce-s3-%d", v)})
		case "gwlbe":
			add(prefix("0.0.0.0/0"), id("igw-%d", v))
		}
		for _, p := range e.f.Peerings {
			for _, side := range [][2]facts.PeerVPC{{p.Requester, p.Accepter}, {p.Accepter, p.Requester}} {
				if side[0].VPC == vpc.ID {
					add(side[1].CIDRs[0], p.ID)
				}
			}
		}
		if kind.way != "igw" && e.chance(80) {
			add(prefix("10.0.0.0/8"), "tgw-hub")
			add(prefix("172.16.0.0/12"), "tgw-hub")
		}
		if slices.ContainsFunc(e.f.VPNGateways, func(g facts.Gateway) bool { return g.VPCs[0] == vpc.ID }) {
			t.Propagating = []facts.ID{id("vgw-%d", v)}
		}
		for _, n := range e.f.NATGateways {
			if n.VPC == vpc.ID && n.Private && kind.name == "private" && e.chance(60) {
				add(prefix("10.2.0.0/16"), n.ID) // What has the same addresses is reached by others.
				break
			}
		}
		e.f.RouteTables = append(e.f.RouteTables, t)
	}
	e.inspect(v)
}

// addRoute adds a route unless the table has one for the block.
func addRoute(t *facts.RouteTable, p netip.Prefix, target facts.ID) {
	if !slices.ContainsFunc(t.Routes, func(r facts.Route) bool { return r.CIDR == p }) {
		t.Routes = append(t.Routes, facts.Route{CIDR: p, Target: target})
	}
}

// inspect leads public subnets through the endpoint of a gateway load balancer,
// there and back.
func (e *estate) inspect(v int) {
	vpc := e.f.VPCs[v].ID
	if !e.chance(35) {
		return
	}
	edge := facts.RouteTable{ID: id("rtb-%d-edge", v), VPC: vpc, Gateways: []facts.ID{id("igw-%d", v)}}
	box := id("vpce-gwlb-%d-0", v)
	for _, sub := range e.subnets(vpc, "public") {
		edge.Routes = append(edge.Routes, facts.Route{CIDR: sub.CIDRs[0], Target: box})
	}
	e.f.RouteTables = append(e.f.RouteTables, edge)
	for i := range e.f.RouteTables {
		if t := &e.f.RouteTables[i]; t.ID == id("rtb-%d-public", v) && e.chance(80) {
			t.Routes[0].Target = box
		}
	}
}

// accident breaks one thing as people and time do.
func (e *estate) accident() {
	switch e.IntN(6) {
	case 0:
		t := pick(&e.random, e.f.RouteTables)
		if len(t.Routes) > 0 {
			t.Routes[e.IntN(len(t.Routes))].Blackhole = true
		}
	case 1:
		a := &e.f.ACLs[e.IntN(len(e.f.ACLs))]
		if len(a.Entries) > 0 {
			a.Entries[e.IntN(len(a.Entries))].Number = 1000 + e.IntN(50)
		}
	case 2:
		n := &e.f.Interfaces[e.IntN(len(e.f.Interfaces))]
		n.ForwardsForOthers = !n.ForwardsForOthers
	case 3:
		t := &e.f.RouteTables[e.IntN(len(e.f.RouteTables))]
		addRoute(t, prefix("10.%d.%d.0/24", e.IntN(3), 10*e.IntN(4)), pick(&e.random, e.f.Interfaces).ID)
	case 4:
		g := &e.f.Groups[e.IntN(len(e.f.Groups))]
		if len(g.Ingress) > 0 {
			g.Ingress[e.IntN(len(g.Ingress))].Stale = true
		}
	case 5:
		t := &e.f.RouteTables[e.IntN(len(e.f.RouteTables))]
		t.Routes = append(t.Routes, facts.Route{PrefixList: "pl-office", Target: "tgw-hub"})
	}
}
