// Package network works out what can be reached over the networks that facts
// describe, exactly and without sending a packet: which ports of an interface
// are open to which sources, along which components, allowed by which rules,
// and what stands in the way of what is closed. The semantics are those of the
// network reachability specification, 6.4 and 6.5. It is pure.
package network

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"
	"sync"

	"muster/internal/network/facts"
	"muster/internal/network/space"

	"github.com/gaissmai/bart"
)

// Snapshot is an index of facts that answers questions. It may be used by
// several goroutines at once.
type Snapshot struct {
	facts      *facts.Facts
	vpcs       map[facts.ID]*vpc
	subnets    map[facts.ID]*subnet
	interfaces map[facts.ID]*iface
	instances  map[facts.ID]*facts.Instance
	groups     map[facts.ID]*group
	// members are the interfaces that carry a group.
	members map[facts.ID][]*iface
	acls    map[facts.ID]*acl
	tables  map[facts.ID]*table
	// lists are the addresses of prefix lists, entries their prefixes.
	lists    map[facts.ID]space.Set
	entries  map[facts.ID][]netip.Prefix
	nats     map[facts.ID]*natGateway
	peerings map[facts.ID]*facts.Peering
	transits map[facts.ID]*transit
	// attachments by id; the peering of two transit gateways has two.
	attachments map[facts.ID][]*attachment
	// joined finds the attachment of a transit gateway to a VPC.
	joined     map[[2]facts.ID]*attachment
	endpoints  map[facts.ID]*facts.Endpoint
	onPremises map[facts.ID]space.Set
	gateways   map[facts.ID]gateway
	balancers  []*balancer
	// publics finds the interface behind a public address.
	publics map[netip.Addr]place
	// order is the interfaces by id.
	order []*iface
	// internet and reserved are ranges that are asked for often.
	internet, reserved space.Set
	memo               sync.Map
}

// vpc is a virtual network with its parts.
type vpc struct {
	*facts.VPC
	space    space.Set
	subnets  []*subnet
	main     *table
	byAddr   map[netip.Addr]place
	prefixes *bart.Table[place]
	edges    []Edge
}

// subnet is a part of a VPC with what guards and routes it.
type subnet struct {
	*facts.Subnet
	vpc   *vpc
	space space.Set
	table *table
	acl   *acl
}

// iface is an interface with its groups.
type iface struct {
	*facts.Interface
	vpc    *vpc
	subnet *subnet
	groups []*group
	// unfiltered interfaces have no groups by nature (NAT gateways, network
	// load balancers without groups); others without groups refuse all.
	unfiltered bool
	// balancer is set on the interfaces of load balancers; facing says that
	// the internet gateway maps some public address to each of its addresses.
	balancer *balancer
	facing   bool
}

// place is an address of an interface.
type place struct {
	iface   *iface
	address facts.Address
}

// gateway is what an id of a gateway stands for.
type gateway struct {
	kind EdgeKind
	vpcs []facts.ID
	// table is the gateway's own route table (edge association).
	table *table
}

// natGateway translates what passes it to an address of its own.
type natGateway struct {
	*facts.NATGateway
	iface *iface
}

// New indexes the facts, which must not be changed afterwards.
func New(f *facts.Facts) *Snapshot {
	s := &Snapshot{
		facts: f, vpcs: map[facts.ID]*vpc{}, subnets: make(map[facts.ID]*subnet, len(f.Subnets)),
		interfaces: make(map[facts.ID]*iface, len(f.Interfaces)), instances: make(map[facts.ID]*facts.Instance, len(f.Instances)),
		groups: make(map[facts.ID]*group, len(f.Groups)), members: make(map[facts.ID][]*iface, len(f.Groups)),
		acls: map[facts.ID]*acl{}, tables: map[facts.ID]*table{}, lists: map[facts.ID]space.Set{}, entries: map[facts.ID][]netip.Prefix{},
		nats: map[facts.ID]*natGateway{}, peerings: map[facts.ID]*facts.Peering{}, transits: map[facts.ID]*transit{},
		attachments: map[facts.ID][]*attachment{}, joined: map[[2]facts.ID]*attachment{}, endpoints: map[facts.ID]*facts.Endpoint{},
		onPremises: map[facts.ID]space.Set{}, gateways: map[facts.ID]gateway{}, publics: map[netip.Addr]place{},
		internet: internetSources(), reserved: neverSources(),
	}
	for i := range f.PrefixLists {
		l := &f.PrefixLists[i]
		s.lists[l.ID], s.entries[l.ID] = space.Of(l.CIDRs...), l.CIDRs
	}
	s.indexVPCs()
	s.indexGroups()
	s.indexInterfaces()
	s.indexGateways()
	s.indexTables()
	s.indexTransits()
	s.indexBalancers()
	s.indexEdges()
	return s
}

func (s *Snapshot) indexVPCs() {
	for i := range s.facts.VPCs {
		f := &s.facts.VPCs[i]
		s.vpcs[f.ID] = &vpc{VPC: f, space: space.Of(f.CIDRs...), byAddr: map[netip.Addr]place{}, prefixes: new(bart.Table[place])}
	}
	for i := range s.facts.Subnets {
		f := &s.facts.Subnets[i]
		v := s.vpcs[f.VPC]
		if v == nil {
			continue
		}
		sub := &subnet{Subnet: f, vpc: v, space: space.Of(f.CIDRs...)}
		s.subnets[f.ID] = sub
		v.subnets = append(v.subnets, sub)
	}
	for i := range s.facts.ACLs {
		a := &acl{ACL: &s.facts.ACLs[i]}
		s.acls[a.ID] = a
		if v := s.vpcs[a.VPC]; v != nil && a.Default {
			for _, sub := range v.subnets {
				sub.acl = a
			}
		}
	}
	for _, a := range s.acls {
		for _, id := range a.Subnets {
			if sub := s.subnets[id]; sub != nil {
				sub.acl = a
			}
		}
	}
}

func (s *Snapshot) indexGroups() {
	for i := range s.facts.Groups {
		f := &s.facts.Groups[i]
		s.groups[f.ID] = &group{Group: f}
	}
}

// unfilteredKinds are the kinds of interfaces that security groups do not
// guard when they carry none.
func unfiltered(kind string) bool {
	switch kind {
	case "nat_gateway", "network_load_balancer", "gateway_load_balancer", "gateway_load_balancer_endpoint", "transit_gateway":
		return true
	}
	return false
}

func (s *Snapshot) indexInterfaces() {
	for i := range s.facts.Instances {
		s.instances[s.facts.Instances[i].ID] = &s.facts.Instances[i]
	}
	for i := range s.facts.Interfaces {
		f := &s.facts.Interfaces[i]
		sub := s.subnets[f.Subnet]
		if sub == nil {
			continue
		}
		s.addInterface(&iface{Interface: f, vpc: sub.vpc, subnet: sub, unfiltered: len(f.Groups) == 0 && unfiltered(f.Kind)})
	}
	for i := range s.facts.NATGateways {
		f := &s.facts.NATGateways[i]
		if sub := s.subnets[f.Subnet]; sub != nil {
			s.nats[f.ID] = &natGateway{NATGateway: f, iface: s.natInterface(f, sub)}
		}
	}
}

// addInterface puts an interface into all indexes.
func (s *Snapshot) addInterface(n *iface) {
	s.interfaces[n.ID] = n
	s.order = append(s.order, n)
	for _, id := range n.Groups {
		g := s.groups[id]
		if g == nil {
			g = &group{Group: &facts.Group{ID: id}, missing: true}
			s.groups[id] = g
		}
		n.groups = append(n.groups, g)
		s.members[id] = append(s.members[id], n)
	}
	slices.SortFunc(n.groups, func(a, b *group) int { return cmp.Compare(a.ID, b.ID) })
	for _, a := range n.Addresses {
		here := place{n, a}
		if a.Private.IsSingleIP() {
			n.vpc.byAddr[a.Private.Addr()] = here
		} else {
			n.vpc.prefixes.Insert(a.Private, here)
		}
		if a.Public.IsValid() {
			s.publics[a.Public] = here
		} else if a.Private.Addr().Is6() && a.Private.IsSingleIP() && s.internet.Contains(a.Private.Addr()) {
			s.publics[a.Private.Addr()] = here
		}
	}
}

// natInterface finds the interface of a NAT gateway, or makes one from what
// the gateway tells of its addresses.
func (s *Snapshot) natInterface(f *facts.NATGateway, sub *subnet) *iface {
	for _, a := range f.Addresses {
		if here, ok := sub.vpc.byAddr[a.Private.Addr()]; ok {
			return here.iface
		}
	}
	n := &iface{
		Interface: &facts.Interface{ID: f.ID, VPC: sub.VPC, Subnet: sub.ID, Kind: "nat_gateway", Addresses: f.Addresses, ForwardsForOthers: true},
		vpc:       sub.vpc, subnet: sub, unfiltered: true,
	}
	for _, a := range f.Addresses {
		sub.vpc.byAddr[a.Private.Addr()] = place{n, a}
	}
	return n
}

// find is the interface that has a private address in the VPC.
func (v *vpc) find(a netip.Addr) (place, bool) {
	if here, ok := v.byAddr[a]; ok {
		return here, true
	}
	return v.prefixes.Lookup(a)
}

// subnetOf is the subnet that an address of the VPC lies in.
func (v *vpc) subnetOf(a netip.Addr) *subnet {
	for _, sub := range v.subnets {
		if sub.space.Contains(a) {
			return sub
		}
	}
	return nil
}

func (s *Snapshot) indexGateways() {
	for _, g := range s.facts.InternetGateways {
		s.gateways[g.ID] = gateway{kind: InternetGateway, vpcs: g.VPCs}
	}
	for _, g := range s.facts.EgressOnlyGateways {
		s.gateways[g.ID] = gateway{kind: EgressOnlyGateway, vpcs: g.VPCs}
	}
	for _, g := range s.facts.VPNGateways {
		s.gateways[g.ID] = gateway{kind: s.privateKind(g.ID), vpcs: g.VPCs}
	}
	for i := range s.facts.Peerings {
		s.peerings[s.facts.Peerings[i].ID] = &s.facts.Peerings[i]
	}
	for i := range s.facts.Endpoints {
		s.endpoints[s.facts.Endpoints[i].ID] = &s.facts.Endpoints[i]
	}
	s.implyGateways()
	s.indexOnPremises()
}

// implyGateways adds the gateways that only routes tell of, where the facts
// hold no answer about gateways of that kind.
func (s *Snapshot) implyGateways() {
	kinds := []struct {
		start  string
		kind   EdgeKind
		answer int
	}{
		{"igw-", InternetGateway, len(s.facts.InternetGateways)},
		{"eigw-", EgressOnlyGateway, len(s.facts.EgressOnlyGateways)},
		{"vgw-", VirtualPrivateGateway, len(s.facts.VPNGateways)},
	}
	for _, t := range s.facts.RouteTables {
		for _, r := range t.Routes {
			for _, k := range kinds {
				if k.answer == 0 && strings.HasPrefix(string(r.Target), k.start) && !r.Blackhole && !slices.Contains(s.gateways[r.Target].vpcs, t.VPC) {
					s.gateways[r.Target] = gateway{kind: k.kind, vpcs: append(s.gateways[r.Target].vpcs, t.VPC)}
				}
			}
		}
	}
}

// privateKind says what stands behind a virtual private gateway: Direct
// Connect when nothing else does.
func (s *Snapshot) privateKind(id facts.ID) EdgeKind {
	for _, v := range s.facts.VPNConnections {
		if v.Gateway == id {
			return VirtualPrivateGateway
		}
	}
	for _, d := range s.facts.DirectConnects {
		if d.Gateway == id {
			return DirectConnect
		}
	}
	return VirtualPrivateGateway
}

// indexOnPremises gathers what is known to lie behind virtual private
// gateways: static routes of VPN connections, and what they propagated into
// route tables. Where nothing is known, the destinations that tables send to
// them are taken for it.
func (s *Snapshot) indexOnPremises() {
	static := map[facts.ID][]netip.Prefix{}
	known := map[facts.ID][]netip.Prefix{}
	for _, v := range s.facts.VPNConnections {
		known[v.Gateway] = append(known[v.Gateway], v.Routes...)
	}
	for _, t := range s.facts.RouteTables {
		for _, r := range t.Routes {
			switch {
			case !r.CIDR.IsValid() || r.Target == "":
			case r.Propagated:
				known[r.Target] = append(known[r.Target], r.CIDR)
			default:
				static[r.Target] = append(static[r.Target], r.CIDR)
			}
		}
	}
	for id, g := range s.gateways {
		prefixes := known[id]
		if len(prefixes) == 0 {
			prefixes = static[id]
		}
		if g.kind == VirtualPrivateGateway || g.kind == DirectConnect {
			s.onPremises[id] = space.Of(prefixes...).Minus(s.reserved)
		}
	}
}
