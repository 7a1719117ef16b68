package networktest

import (
	"math/rand/v2"
	"net/netip"

	"muster/internal/network/facts"
)

// estate is a network in the making that people could have planned: tiers of
// subnets in two zones, with what usually joins them, and then accidents.
type estate struct{ random }

// tier is a kind of subnets in a VPC.
type tier struct {
	name string
	// way is the target of the default route; none where empty.
	way string
}

// Estate is a network that was planned and then damaged: public, private,
// inspected and database subnets; NAT gateways in chains and for IPv6; blocks
// that overlap between VPCs on a transit gateway with several tables and
// blackholes; gateway endpoints, and gateway load balancer endpoints before the
// internet gateway; ACLs with the ranges of client ports that people write. The
// same seed gives the same network. It is built otherwise than Random on
// purpose: what one does not think of the other may.
func Estate(seed uint64) *facts.Facts {
	e := &estate{random{Rand: rand.New(rand.NewPCG(seed, 1234)), f: &facts.Facts{}}}
	e.f.PrefixLists = []facts.PrefixList{
		{ID: "pl-s3", CIDRs: []netip.Prefix{prefix("3.5.140.0/22"), prefix("52.218.0.0/17")}, Known: true},
		{ID: "pl-office", CIDRs: []netip.Prefix{prefix("198.18.7.0/24"), prefix("192.168.0.0/17"), prefix("2a00:1::/32")}, Known: true},
		{ID: "pl-estate", CIDRs: []netip.Prefix{prefix("10.0.0.0/8"), prefix("100.64.0.0/16")}, Known: true},
	}
	vpcs := 2 + e.IntN(3)
	for v := range vpcs {
		e.plan(v)
	}
	e.hub()
	for v := range vpcs {
		e.secure(v)
		e.populate(v)
		e.routes(v)
	}
	for range e.IntN(4) {
		e.accident()
	}
	return e.f
}

func (e *estate) tiers() []tier {
	return []tier{{"public", "igw"}, {"private", "nat"}, {"inspected", "gwlbe"}, {"db", ""}}
}

// octet is the second byte of a VPC's addresses; the last two VPCs may share
// it.
func (e *estate) octet(v int) int { return min(v, 2) }

func (e *estate) plan(v int) {
	vpc := id("vpc-%d", v)
	second := e.octet(v)
	blocks := []netip.Prefix{prefix("10.%d.0.0/16", second)}
	if e.chance(40) {
		blocks = append(blocks, prefix("100.64.%d.0/24", v*8))
	}
	six := e.chance(60)
	if six {
		blocks = append(blocks, prefix("2600:7:%d::/56", v))
	}
	e.f.VPCs = append(e.f.VPCs, facts.VPC{ID: vpc, CIDRs: blocks})
	for t, kind := range e.tiers() {
		for zone := range 2 {
			if zone == 1 && e.chance(40) {
				continue
			}
			own := []netip.Prefix{prefix("10.%d.%d.0/24", second, 10*t+zone)}
			if six {
				own = append(own, prefix("2600:7:%d:%x::/64", v, 16*t+zone))
			}
			e.f.Subnets = append(e.f.Subnets, facts.Subnet{ID: id("subnet-%d-%s-%d", v, kind.name, zone), VPC: vpc, Zone: []string{"za", "zb"}[zone], CIDRs: own})
		}
	}
	e.f.InternetGateways = append(e.f.InternetGateways, facts.Gateway{ID: id("igw-%d", v), VPCs: []facts.ID{vpc}})
	if six {
		e.f.EgressOnlyGateways = append(e.f.EgressOnlyGateways, facts.Gateway{ID: id("eigw-%d", v), VPCs: []facts.ID{vpc}})
	}
	if e.chance(40) {
		e.f.VPNGateways = append(e.f.VPNGateways, facts.Gateway{ID: id("vgw-%d", v), VPCs: []facts.ID{vpc}})
		e.f.VPNConnections = append(e.f.VPNConnections, facts.VPNConnection{ID: id("vpn-%d", v), Gateway: id("vgw-%d", v), Routes: []netip.Prefix{prefix("192.168.0.0/16")}})
	}
	e.f.Endpoints = append(e.f.Endpoints, facts.Endpoint{ID: id("vpce-s3-%d", v), VPC: vpc, Kind: "Gateway", Service: "s3"})
	e.translators(v, vpc)
}

// translators puts a NAT gateway into public subnets, a private one into
// database subnets, and a gateway load balancer's endpoint into inspected ones.
func (e *estate) translators(v int, vpc facts.ID) {
	for _, sub := range e.subnets(vpc, "public") {
		e.nat(sub, true)
	}
	if e.chance(40) {
		for _, sub := range e.subnets(vpc, "db") {
			e.nat(sub, false)
		}
	}
	for k, sub := range e.subnets(vpc, "inspected") {
		n := facts.Interface{
			ID: id("eni-gwlbe-%d-%d", v, k), VPC: vpc, Subnet: sub.ID, Kind: "gateway_load_balancer_endpoint",
			Addresses: []facts.Address{{Private: netip.PrefixFrom(at(sub.CIDRs[0], 4), 32)}},
		}
		e.f.Interfaces = append(e.f.Interfaces, n)
		e.f.Endpoints = append(e.f.Endpoints, facts.Endpoint{
			ID: id("vpce-gwlb-%d-%d", v, k), VPC: vpc, Kind: "GatewayLoadBalancer", Subnets: []facts.ID{sub.ID}, Interfaces: []facts.ID{n.ID},
		})
	}
}

func (e *estate) nat(sub facts.Subnet, public bool) {
	own := facts.Address{Private: netip.PrefixFrom(at(sub.CIDRs[0], 5), 32)}
	if public {
		b := own.Private.Addr().As4()
		own.Public = netip.AddrFrom4([4]byte{52, byte(len(e.f.NATGateways)), b[2], 5})
	}
	n := facts.NATGateway{ID: id("nat-%s", sub.ID), VPC: sub.VPC, Subnet: sub.ID, Private: !public, Addresses: []facts.Address{own}}
	e.f.NATGateways = append(e.f.NATGateways, n)
	e.f.Interfaces = append(e.f.Interfaces, facts.Interface{ID: id("eni-%s", n.ID), VPC: sub.VPC, Subnet: sub.ID, Kind: "nat_gateway", Addresses: n.Addresses, ForwardsForOthers: true})
}

// at is an address so many after the first one.
func at(p netip.Prefix, n int) netip.Addr {
	a := p.Addr()
	for range n {
		a = a.Next()
	}
	return a
}

func (e *estate) subnets(vpc facts.ID, kind string) []facts.Subnet {
	var out []facts.Subnet
	for _, sub := range e.f.Subnets {
		if sub.VPC == vpc && (kind == "" || kindOf(sub.ID) == kind) {
			out = append(out, sub)
		}
	}
	return out
}

// kindOf is the tier in a subnet's name.
func kindOf(sub facts.ID) string {
	text := string(sub)[len("subnet-0-"):]
	return text[:len(text)-2]
}

// hub joins the VPCs: neighbours without common blocks by peering, and all by a
// transit gateway whose tables keep some of them apart.
func (e *estate) hub() {
	for v := 1; v < len(e.f.VPCs); v++ {
		if e.octet(v) == e.octet(v-1) || !e.chance(60) {
			continue
		}
		p := facts.Peering{ID: id("pcx-%d", v), Active: e.chance(93)}
		p.Requester = facts.PeerVPC{VPC: e.f.VPCs[v-1].ID, CIDRs: e.f.VPCs[v-1].CIDRs}
		p.Accepter = facts.PeerVPC{VPC: e.f.VPCs[v].ID, CIDRs: e.f.VPCs[v].CIDRs}
		e.f.Peerings = append(e.f.Peerings, p)
	}
	e.f.TransitGateways = []facts.TransitGateway{{ID: "tgw-hub", GroupReferences: e.chance(60)}}
	spokes := facts.TransitTable{ID: "tgw-rtb-spokes", Gateway: "tgw-hub"}
	shared := facts.TransitTable{ID: "tgw-rtb-shared", Gateway: "tgw-hub"}
	for v, vpc := range e.f.VPCs {
		a := facts.Attachment{ID: id("tgw-attach-%d", v), Gateway: "tgw-hub", Kind: "vpc", Resource: vpc.ID, Table: spokes.ID, GroupReferences: e.chance(80)}
		if v == 0 {
			a.Table = shared.ID
			spokes.Propagating = append(spokes.Propagating, a.ID)
		} else if e.chance(40) {
			spokes.Propagating = append(spokes.Propagating, a.ID)
		}
		shared.Propagating = append(shared.Propagating, a.ID)
		for _, sub := range e.subnets(vpc.ID, "private") {
			a.Subnets = append(a.Subnets, sub.ID)
		}
		e.f.Attachments = append(e.f.Attachments, a)
	}
	if e.chance(50) {
		e.f.Attachments = append(e.f.Attachments, facts.Attachment{ID: "tgw-attach-vpn", Gateway: "tgw-hub", Kind: "vpn", Resource: "vpn-hub", Table: shared.ID, GroupReferences: true})
		e.f.VPNConnections = append(e.f.VPNConnections, facts.VPNConnection{ID: "vpn-hub", Gateway: "tgw-hub", Routes: []netip.Prefix{prefix("172.20.0.0/16")}})
		spokes.Propagating = append(spokes.Propagating, "tgw-attach-vpn")
		shared.Propagating = append(shared.Propagating, "tgw-attach-vpn")
	}
	spokes.Routes = []facts.TransitRoute{{CIDR: prefix("10.1.20.0/24"), Blackhole: true}}
	if e.chance(60) {
		spokes.Routes = append(spokes.Routes, facts.TransitRoute{CIDR: prefix("0.0.0.0/0"), Attachments: []facts.ID{"tgw-attach-0"}})
	}
	e.f.TransitTables = []facts.TransitTable{spokes, shared}
}
