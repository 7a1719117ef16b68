// Package networktest makes networks for tests: small random ones that are full
// of corner cases, and large regular ones for measuring. Only tests import it.
package networktest

import (
	"fmt"
	"math/rand/v2"
	"net/netip"

	"muster/internal/network/facts"
)

// random makes the choices of one network.
type random struct {
	*rand.Rand
	f *facts.Facts
	// blocks are prefixes that rules and routes choose from.
	blocks []netip.Prefix
}

// Random is a small network in which everything meets everything: VPCs that
// are peered and on a transit gateway, overlapping rules, blackholes,
// middleboxes, both families. The same seed gives the same network.
func Random(seed uint64) *facts.Facts {
	r := &random{Rand: rand.New(rand.NewPCG(seed, 7)), f: &facts.Facts{}}
	for _, text := range []string{
		"0.0.0.0/0", "8.8.8.0/24", "8.8.8.8/32", "128.0.0.0/1", "10.0.0.0/8", "10.0.0.0/16", "10.1.0.0/16", "10.0.1.0/24",
		"10.1.0.0/24", "10.0.0.10/32", "192.168.0.0/16", "192.168.7.0/24", "172.16.0.0/12", "::/0", "2600:0:0:100::/64", "2600::/16", "2a00::/16",
	} {
		r.blocks = append(r.blocks, netip.MustParsePrefix(text))
	}
	r.f.PrefixLists = []facts.PrefixList{
		{ID: "pl-1", CIDRs: []netip.Prefix{r.block(), r.block()}, Known: true},
		{ID: "pl-2", CIDRs: []netip.Prefix{r.block()}, Known: true},
	}
	for v := range 1 + r.IntN(3) {
		r.vpc(v)
	}
	r.connections()
	r.transits()
	for i := range r.f.VPCs {
		r.groups(i)
		r.acls(i)
		r.interfaces(i)
	}
	for i := range r.f.VPCs {
		r.nats(i)
		r.tables(i)
		r.balancers(i)
	}
	return r.f
}

func (r *random) chance(percent int) bool { return r.IntN(100) < percent }

func pick[T any](r *random, list []T) T { return list[r.IntN(len(list))] }

func (r *random) block() netip.Prefix { return pick(r, r.blocks) }

func prefix(format string, args ...any) netip.Prefix {
	return netip.MustParsePrefix(fmt.Sprintf(format, args...))
}

func id(format string, args ...any) facts.ID { return facts.ID(fmt.Sprintf(format, args...)) }

func (r *random) vpc(v int) {
	vpc := id("vpc-%d", v)
	r.f.VPCs = append(r.f.VPCs, facts.VPC{ID: vpc, CIDRs: []netip.Prefix{prefix("10.%d.0.0/16", v), prefix("2600:0:0:%d00::/56", v+1)}})
	for k := range 1 + r.IntN(3) {
		r.f.Subnets = append(r.f.Subnets, facts.Subnet{
			ID: id("subnet-%d%d", v, k), VPC: vpc, Zone: pick(r, []string{"za", "za", "zb"}),
			CIDRs: []netip.Prefix{prefix("10.%d.%d.0/24", v, k), prefix("2600:0:0:%d0%d::/64", v+1, k)},
		})
	}
	if r.chance(85) {
		r.f.InternetGateways = append(r.f.InternetGateways, facts.Gateway{ID: id("igw-%d", v), VPCs: []facts.ID{vpc}})
	}
	if r.chance(30) {
		r.f.EgressOnlyGateways = append(r.f.EgressOnlyGateways, facts.Gateway{ID: id("eigw-%d", v), VPCs: []facts.ID{vpc}})
	}
	if r.chance(50) {
		r.f.VPNGateways = append(r.f.VPNGateways, facts.Gateway{ID: id("vgw-%d", v), VPCs: []facts.ID{vpc}})
		if r.chance(60) {
			r.f.VPNConnections = append(r.f.VPNConnections, facts.VPNConnection{ID: id("vpn-%d", v), Gateway: id("vgw-%d", v), Routes: []netip.Prefix{r.block(), prefix("192.168.0.0/16")}})
		}
	}
}

func (r *random) connections() {
	for a := range r.f.VPCs {
		for b := range a {
			if r.chance(70) {
				p := facts.Peering{ID: id("pcx-%d%d", b, a), Active: r.chance(90)}
				p.Requester = facts.PeerVPC{VPC: r.f.VPCs[b].ID, CIDRs: r.f.VPCs[b].CIDRs}
				p.Accepter = facts.PeerVPC{VPC: r.f.VPCs[a].ID, CIDRs: r.f.VPCs[a].CIDRs}
				if r.chance(20) {
					p.Accepter.Region = "eu-west-1"
				}
				r.f.Peerings = append(r.f.Peerings, p)
			}
		}
	}
}

func (r *random) transits() {
	if r.chance(30) {
		return
	}
	r.f.TransitGateways = []facts.TransitGateway{{ID: "tgw-0", GroupReferences: r.chance(50)}}
	var all []facts.ID
	for v := range r.f.VPCs {
		a := facts.Attachment{
			ID: id("tgw-attach-%d", v), Gateway: "tgw-0", Kind: "vpc", Resource: r.f.VPCs[v].ID, Table: id("tgw-rtb-%d", r.IntN(2)),
			GroupReferences: r.chance(80),
		}
		for _, sub := range r.f.Subnets {
			if sub.VPC == a.Resource && r.chance(70) {
				a.Subnets = append(a.Subnets, sub.ID)
			}
		}
		r.f.Attachments = append(r.f.Attachments, a)
		all = append(all, a.ID)
	}
	if r.chance(50) {
		r.f.Attachments = append(r.f.Attachments, facts.Attachment{ID: "tgw-attach-vpn", Gateway: "tgw-0", Kind: "vpn", Resource: "vpn-t", Table: "tgw-rtb-0", GroupReferences: true})
		r.f.VPNConnections = append(r.f.VPNConnections, facts.VPNConnection{ID: "vpn-t", Gateway: "tgw-0", Routes: []netip.Prefix{prefix("172.16.0.0/16")}})
		all = append(all, "tgw-attach-vpn")
	}
	for k := range 2 {
		t := facts.TransitTable{ID: id("tgw-rtb-%d", k), Gateway: "tgw-0"}
		for _, a := range all {
			if r.chance(70) {
				t.Propagating = append(t.Propagating, a)
			}
		}
		for range r.IntN(3) {
			t.Routes = append(t.Routes, facts.TransitRoute{CIDR: r.block(), Attachments: []facts.ID{pick(r, all)}, Blackhole: r.chance(20)})
		}
		r.f.TransitTables = append(r.f.TransitTables, t)
	}
}

// match chooses a protocol and ports around the bounds that matter.
func (r *random) match() facts.Match {
	bounds := []int{0, 21, 22, 23, 80, 443, 1023, 1024, 1025, 5000, 32768, 49151, 49152, 61000, 65535}
	m := facts.Match{Protocol: pick(r, []facts.Protocol{facts.Any, facts.TCP, facts.TCP, facts.TCP, facts.UDP, facts.ICMP, facts.ICMPv6, 50})}
	switch m.Protocol {
	case facts.TCP, facts.UDP:
		m.From, m.To = pick(r, bounds), pick(r, bounds)
		if m.From > m.To {
			m.From, m.To = m.To, m.From
		}
		if r.chance(40) {
			m.From, m.To = 0, 65535
		}
	case facts.ICMP, facts.ICMPv6:
		m.From, m.To = pick(r, []int{-1, -1, 8, 0, 128, 129, 3}), pick(r, []int{-1, 0, 1})
	default:
		m.From, m.To = 0, 65535
	}
	return m
}

func (r *random) groups(v int) {
	for k := range 3 {
		g := facts.Group{ID: id("sg-%d%d", v, k), VPC: r.f.VPCs[v].ID}
		for range r.IntN(5) {
			g.Ingress = append(g.Ingress, r.rule())
		}
		if r.chance(40) {
			all := facts.Match{Protocol: pick(r, []facts.Protocol{facts.Any, facts.TCP}), From: 0, To: 65535}
			g.Ingress = append(g.Ingress, facts.Rule{Match: all, CIDR: pick(r, []netip.Prefix{prefix("0.0.0.0/0"), prefix("::/0")})})
		}
		if r.chance(70) {
			g.Egress = append(g.Egress, facts.Rule{Match: facts.Match{Protocol: facts.Any}, CIDR: prefix("0.0.0.0/0")})
		}
		for range r.IntN(3) {
			g.Egress = append(g.Egress, r.rule())
		}
		r.f.Groups = append(r.f.Groups, g)
	}
}

func (r *random) rule() facts.Rule {
	rule := facts.Rule{Match: r.match()}
	switch {
	case r.chance(25):
		rule.Group, rule.Stale = id("sg-%d%d", r.IntN(len(r.f.VPCs)), r.IntN(3)), r.chance(10)
	case r.chance(15):
		rule.PrefixList = id("pl-%d", 1+r.IntN(2))
	default:
		rule.CIDR = r.block()
	}
	return rule
}

func (r *random) acls(v int) {
	vpc := r.f.VPCs[v].ID
	open := func() []facts.Entry {
		var out []facts.Entry
		for _, egress := range []bool{false, true} {
			out = append(out, facts.Entry{Number: 100, Egress: egress, Allow: true, CIDR: prefix("0.0.0.0/0"), Match: facts.Match{Protocol: facts.Any, To: 65535}},
				facts.Entry{Number: 101, Egress: egress, Allow: true, CIDR: prefix("::/0"), Match: facts.Match{Protocol: facts.Any, To: 65535}})
		}
		return out
	}
	r.f.ACLs = append(r.f.ACLs, facts.ACL{ID: id("acl-%d", v), VPC: vpc, Default: true, Entries: open()})
	for _, sub := range r.f.Subnets {
		if sub.VPC != vpc || r.chance(60) {
			continue
		}
		a := facts.ACL{ID: id("acl-%s", sub.ID), VPC: vpc, Subnets: []facts.ID{sub.ID}}
		if r.chance(85) {
			a.Entries = open()
		}
		for _, n := range r.Perm(200)[:r.IntN(6)] {
			a.Entries = append(a.Entries, facts.Entry{Number: 200 - n, Egress: r.chance(50), Allow: r.chance(50), CIDR: r.block(), Match: r.match()})
		}
		a.Entries = distinctNumbers(a.Entries)
		r.f.ACLs = append(r.f.ACLs, a)
	}
}

// distinctNumbers keeps the last entry of each number and direction.
func distinctNumbers(all []facts.Entry) []facts.Entry {
	type key struct {
		number int
		egress bool
	}
	at := map[key]int{}
	var out []facts.Entry
	for _, e := range all {
		if i, ok := at[key{e.Number, e.Egress}]; ok {
			out[i] = e
			continue
		}
		at[key{e.Number, e.Egress}] = len(out)
		out = append(out, e)
	}
	return out
}

func (r *random) interfaces(v int) {
	for _, sub := range r.f.Subnets {
		if sub.VPC != r.f.VPCs[v].ID {
			continue
		}
		for k := range 1 + r.IntN(3) {
			n := facts.Interface{
				ID: id("eni-%s%d", sub.ID[len("subnet-"):], k), VPC: sub.VPC, Subnet: sub.ID, Kind: "interface", ForwardsForOthers: r.chance(30),
				Instance: id("i-%s%d", sub.ID[len("subnet-"):], k),
			}
			base := sub.CIDRs[0].Addr().As4()
			a := netip.AddrFrom4([4]byte{base[0], base[1], base[2], byte(10 + k)})
			address := facts.Address{Private: netip.PrefixFrom(a, 32)}
			if r.chance(60) {
				address.Public = netip.AddrFrom4([4]byte{54, base[1], base[2], byte(10 + k)})
			}
			n.Addresses = append(n.Addresses, address)
			if r.chance(50) {
				six := sub.CIDRs[1].Addr().As16()
				six[15] = byte(10 + k)
				n.Addresses = append(n.Addresses, facts.Address{Private: netip.PrefixFrom(netip.AddrFrom16(six), 128)})
			}
			for g := range 3 {
				if r.chance(55) {
					n.Groups = append(n.Groups, id("sg-%d%d", v, g))
				}
			}
			r.f.Interfaces = append(r.f.Interfaces, n)
			r.f.Instances = append(r.f.Instances, facts.Instance{ID: n.Instance, VPC: n.VPC, State: "running"})
		}
	}
}

func (r *random) nats(v int) {
	for _, sub := range r.f.Subnets {
		if sub.VPC != r.f.VPCs[v].ID || !r.chance(30) {
			continue
		}
		base := sub.CIDRs[0].Addr().As4()
		own := facts.Address{
			Private: netip.PrefixFrom(netip.AddrFrom4([4]byte{base[0], base[1], base[2], 5}), 32),
			Public:  netip.AddrFrom4([4]byte{54, base[1], base[2], 5}),
		}
		nat := facts.NATGateway{ID: id("nat-%s", sub.ID), VPC: sub.VPC, Subnet: sub.ID, Private: r.chance(30), Addresses: []facts.Address{own}}
		if nat.Private {
			nat.Addresses[0].Public = netip.Addr{}
		}
		r.f.NATGateways = append(r.f.NATGateways, nat)
		r.f.Interfaces = append(r.f.Interfaces, facts.Interface{
			ID: id("eni-nat-%s", sub.ID), VPC: sub.VPC, Subnet: sub.ID, Kind: "nat_gateway", Addresses: nat.Addresses, ForwardsForOthers: true,
		})
	}
}

// tables makes a main table, one per some subnets, and gateways' own.
func (r *random) tables(v int) {
	vpc := r.f.VPCs[v]
	targets := r.targets(v)
	n := 0
	table := func() facts.RouteTable {
		t := facts.RouteTable{ID: id("rtb-%d%d", v, n), VPC: vpc.ID}
		n++
		seen := map[netip.Prefix]bool{}
		add := func(p netip.Prefix, target facts.ID, propagated bool) {
			if !seen[p] {
				seen[p] = true
				t.Routes = append(t.Routes, facts.Route{CIDR: p, Target: target, Blackhole: r.chance(8), Propagated: propagated})
			}
		}
		for _, target := range targets {
			if r.chance(80) {
				add(r.natural(target, v), target, false)
			}
		}
		for range r.IntN(2) {
			add(r.block(), pick(r, targets), false)
		}
		for _, g := range r.f.VPNGateways {
			if g.VPCs[0] == vpc.ID && r.chance(50) {
				t.Propagating = []facts.ID{g.ID}
				add(r.block(), g.ID, true)
			}
		}
		if r.chance(25) {
			t.Routes = append(t.Routes, facts.Route{PrefixList: "pl-1", Target: pick(r, targets)})
		}
		return t
	}
	main := table()
	main.Main = true
	r.f.RouteTables = append(r.f.RouteTables, main)
	for _, sub := range r.f.Subnets {
		if sub.VPC == vpc.ID && r.chance(60) {
			t := table()
			t.Subnets = []facts.ID{sub.ID}
			r.f.RouteTables = append(r.f.RouteTables, t)
		}
	}
	r.gatewayTable(v, n)
}

func (r *random) gatewayTable(v, n int) {
	vpc := r.f.VPCs[v]
	if !r.chance(20) {
		return
	}
	t := facts.RouteTable{ID: id("rtb-%d%d", v, n), VPC: vpc.ID, Gateways: []facts.ID{id("igw-%d", v)}}
	for _, sub := range r.f.Subnets {
		if sub.VPC == vpc.ID && r.chance(50) {
			t.Routes = append(t.Routes, facts.Route{CIDR: sub.CIDRs[0], Target: r.someInterface(v)})
		}
	}
	r.f.RouteTables = append(r.f.RouteTables, t)
}

func (r *random) someInterface(v int) facts.ID {
	var own []facts.ID
	for _, n := range r.f.Interfaces {
		if n.VPC == r.f.VPCs[v].ID && n.Kind == "interface" {
			own = append(own, n.ID)
		}
	}
	return pick(r, own)
}

// targets are what routes of a VPC may lead to.
func (r *random) targets(v int) []facts.ID {
	vpc := r.f.VPCs[v].ID
	out := []facts.ID{r.someInterface(v)}
	for _, list := range [][]facts.Gateway{r.f.InternetGateways, r.f.EgressOnlyGateways, r.f.VPNGateways} {
		for _, g := range list {
			if g.VPCs[0] == vpc {
				out = append(out, g.ID)
			}
		}
	}
	for _, p := range r.f.Peerings {
		if p.Requester.VPC == vpc || p.Accepter.VPC == vpc {
			out = append(out, p.ID, p.ID)
		}
	}
	for _, n := range r.f.NATGateways {
		if n.VPC == vpc {
			out = append(out, n.ID)
		}
	}
	if len(r.f.TransitGateways) > 0 {
		out = append(out, "tgw-0")
	}
	return out
}

// natural is a destination that makes sense for a target.
func (r *random) natural(target facts.ID, v int) netip.Prefix {
	switch target[:3] {
	case "igw":
		return pick(r, []netip.Prefix{prefix("0.0.0.0/0"), prefix("0.0.0.0/0"), prefix("::/0"), prefix("8.8.8.0/24")})
	case "eig":
		return prefix("::/0")
	case "vgw":
		return prefix("192.168.0.0/16")
	case "pcx", "tgw":
		other := r.f.VPCs[r.IntN(len(r.f.VPCs))]
		if other.ID != r.f.VPCs[v].ID {
			return pick(r, other.CIDRs)
		}
		return prefix("172.16.0.0/16")
	case "nat":
		return pick(r, []netip.Prefix{prefix("0.0.0.0/0"), prefix("0.0.0.0/0"), prefix("64:ff9b::/96")})
	}
	return r.block()
}
