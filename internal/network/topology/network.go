// Package topology joins facts about networks to things that know each other:
// VPCs with their subnets, edges and route tables, interfaces with the groups
// that guard them, gateways, connections, load balancers with their targets.
// What facts lack and analysis needs is assumed, and says so. It is pure.
package topology

import (
	"net/netip"
	"slices"
	"strings"

	"muster/internal/network/facts"
	"muster/internal/network/guard"
	"muster/internal/network/routing"
	"muster/internal/network/space"

	"github.com/gaissmai/bart"
)

// Network is an index of facts. It may be read by several goroutines at once.
type Network struct {
	Facts      *facts.Facts
	VPCs       map[facts.ID]*VPC
	Subnets    map[facts.ID]*Subnet
	Interfaces map[facts.ID]*Interface
	Instances  map[facts.ID]*facts.Instance
	groups     map[facts.ID]*guard.Group
	// sets are the groups that interfaces carry together, by their ids.
	sets map[string]*guard.Set
	// Members are the interfaces that carry a group.
	Members map[facts.ID][]*Interface
	acls    map[facts.ID]*guard.ACL
	Tables  map[facts.ID]*routing.Table
	// Lists are the addresses of prefix lists, entries their prefixes.
	Lists    guard.Lists
	entries  map[facts.ID][]netip.Prefix
	known    map[facts.ID]bool
	NATs     map[facts.ID]*NATGateway
	Peerings map[facts.ID]*facts.Peering
	Transits map[facts.ID]*transit
	// Attachments by id; the peering of two transit gateways has two.
	Attachments map[facts.ID][]*Attachment
	// Joined finds the attachment of a transit gateway to a VPC.
	Joined     map[[2]facts.ID]*Attachment
	Endpoints  map[facts.ID]*facts.Endpoint
	OnPremises map[facts.ID]space.Set
	Gateways   map[facts.ID]Gateway
	Balancers  []*Balancer
	// Publics finds the interface behind a public address.
	Publics map[netip.Addr]Place
	// Order is the interfaces by id.
	Order []*Interface
	// Internet and reserved are ranges that are asked for often.
	Internet, Reserved space.Set
}

// VPC is a virtual network with its parts.
type VPC struct {
	*facts.VPC
	Space    space.Set
	Nets     []*Subnet
	main     *routing.Table
	byAddr   map[netip.Addr]Place
	prefixes *bart.Table[Place]
	Edges    []Edge
}

// Subnet is a part of a VPC with what guards and routes it.
type Subnet struct {
	*facts.Subnet
	Home  *VPC
	Space space.Set
	Table *routing.Table
	ACL   *guard.ACL
	// Holds are the interfaces in it.
	Holds []*Interface
}

// Interface is an interface with its groups.
type Interface struct {
	*facts.Interface
	Home   *VPC
	In     *Subnet
	Guards *guard.Set
	// Unfiltered interfaces have no groups by nature (NAT gateways, network
	// load balancers without groups); others without groups refuse all.
	Unfiltered bool
	// Balancer is set on the interfaces of load balancers; facing says that
	// the internet gateway maps some public address to each of its addresses.
	balancer *Balancer
	facing   bool
}

// Place is an address of an interface.
type Place struct {
	Interface *Interface
	Address   facts.Address
}

// Gateway is what an id of a gateway stands for.
type Gateway struct {
	Kind EdgeKind
	VPCs []facts.ID
	// Table is the gateway's own route table (edge association).
	Table *routing.Table
}

// NATGateway translates what passes it to an address of its own.
type NATGateway struct {
	*facts.NATGateway
	Interface *Interface
}

// New indexes the facts, which must not be changed afterwards.
func New(f *facts.Facts) *Network {
	s := &Network{
		Facts: f, VPCs: map[facts.ID]*VPC{}, Subnets: make(map[facts.ID]*Subnet, len(f.Subnets)),
		Interfaces: make(map[facts.ID]*Interface, len(f.Interfaces)), Instances: make(map[facts.ID]*facts.Instance, len(f.Instances)),
		groups: make(map[facts.ID]*guard.Group, len(f.Groups)), Members: make(map[facts.ID][]*Interface, len(f.Groups)), sets: map[string]*guard.Set{},
		acls: map[facts.ID]*guard.ACL{}, Tables: map[facts.ID]*routing.Table{}, Lists: guard.Lists{}, entries: map[facts.ID][]netip.Prefix{}, known: map[facts.ID]bool{},
		NATs: map[facts.ID]*NATGateway{}, Peerings: map[facts.ID]*facts.Peering{}, Transits: map[facts.ID]*transit{},
		Attachments: map[facts.ID][]*Attachment{}, Joined: map[[2]facts.ID]*Attachment{}, Endpoints: map[facts.ID]*facts.Endpoint{},
		OnPremises: map[facts.ID]space.Set{}, Gateways: map[facts.ID]Gateway{}, Publics: map[netip.Addr]Place{},
		Internet: internetSources(), Reserved: neverSources(),
	}
	for i := range f.PrefixLists {
		l := &f.PrefixLists[i]
		s.Lists[l.ID], s.entries[l.ID], s.known[l.ID] = space.Of(l.CIDRs...), l.CIDRs, l.Known
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

func (s *Network) indexVPCs() {
	for i := range s.Facts.VPCs {
		f := &s.Facts.VPCs[i]
		s.VPCs[f.ID] = &VPC{VPC: f, Space: space.Of(f.CIDRs...), byAddr: map[netip.Addr]Place{}, prefixes: new(bart.Table[Place])}
	}
	for i := range s.Facts.Subnets {
		f := &s.Facts.Subnets[i]
		v := s.VPCs[f.VPC]
		if v == nil {
			continue
		}
		sub := &Subnet{Subnet: f, Home: v, Space: space.Of(f.CIDRs...)}
		s.Subnets[f.ID] = sub
		v.Nets = append(v.Nets, sub)
	}
	for i := range s.Facts.ACLs {
		a := &guard.ACL{ACL: &s.Facts.ACLs[i]}
		s.acls[a.ID] = a
		if v := s.VPCs[a.VPC]; v != nil && a.Default {
			for _, sub := range v.Nets {
				sub.ACL = a
			}
		}
	}
	for _, a := range s.acls {
		for _, id := range a.Subnets {
			if sub := s.Subnets[id]; sub != nil {
				sub.ACL = a
			}
		}
	}
}

func (s *Network) indexGroups() {
	for i := range s.Facts.Groups {
		f := &s.Facts.Groups[i]
		s.groups[f.ID] = &guard.Group{Group: f}
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

// Forwards reports whether an interface takes packets that are for others. Of
// things that exist to pass packets on nobody needs to tell it.
func (n *Interface) Forwards() bool {
	return n.ForwardsForOthers || n.Kind != "network_load_balancer" && unfiltered(n.Kind)
}

func (s *Network) indexInterfaces() {
	for i := range s.Facts.Instances {
		s.Instances[s.Facts.Instances[i].ID] = &s.Facts.Instances[i]
	}
	for i := range s.Facts.Interfaces {
		f := &s.Facts.Interfaces[i]
		sub := s.Subnets[f.Subnet]
		if sub == nil {
			continue
		}
		s.addInterface(&Interface{Interface: f, Home: sub.Home, In: sub, Unfiltered: len(f.Groups) == 0 && unfiltered(f.Kind)})
	}
	for i := range s.Facts.NATGateways {
		f := &s.Facts.NATGateways[i]
		if sub := s.Subnets[f.Subnet]; sub != nil {
			s.NATs[f.ID] = &NATGateway{NATGateway: f, Interface: s.natInterface(f, sub)}
		}
	}
}

// addInterface puts an interface into all indexes.
func (s *Network) addInterface(n *Interface) {
	s.Interfaces[n.ID] = n
	s.Order = append(s.Order, n)
	n.In.Holds = append(n.In.Holds, n)
	for _, id := range n.Groups {
		s.Members[id] = append(s.Members[id], n)
	}
	n.Guards = s.guards(n.Groups)
	for _, a := range n.Addresses {
		here := Place{n, a}
		if a.Private.IsSingleIP() {
			n.Home.byAddr[a.Private.Addr()] = here
		} else {
			n.Home.prefixes.Insert(a.Private, here)
		}
		if a.Public.IsValid() {
			s.Publics[a.Public] = here
		} else if a.Private.Addr().Is6() && a.Private.IsSingleIP() && s.Internet.Contains(a.Private.Addr()) {
			s.Publics[a.Private.Addr()] = here
		}
	}
}

// guards are the groups of some ids, those that are not among the facts made up.
func (s *Network) guards(ids []facts.ID) *guard.Set {
	ids = slices.Sorted(slices.Values(ids))
	var key []byte
	for _, id := range ids {
		key = append(append(key, id...), ' ')
	}
	if got := s.sets[string(key)]; got != nil {
		return got
	}
	set := &guard.Set{Groups: make([]*guard.Group, len(ids))}
	for i, id := range ids {
		if s.groups[id] == nil {
			s.groups[id] = &guard.Group{Group: &facts.Group{ID: id}, Missing: true}
		}
		set.Groups[i] = s.groups[id]
	}
	s.sets[string(key)] = set
	return set
}

// natInterface finds the interface of a NAT gateway, or makes one from what
// the gateway tells of its addresses.
func (s *Network) natInterface(f *facts.NATGateway, sub *Subnet) *Interface {
	for _, a := range f.Addresses {
		if here, ok := sub.Home.byAddr[a.Private.Addr()]; ok {
			return here.Interface
		}
	}
	n := &Interface{
		Interface: &facts.Interface{ID: f.ID, VPC: sub.VPC, Subnet: sub.ID, Kind: "nat_gateway", Addresses: f.Addresses, ForwardsForOthers: true},
		Home:      sub.Home, In: sub, Unfiltered: true,
	}
	for _, a := range f.Addresses {
		here := Place{n, a}
		sub.Home.byAddr[a.Private.Addr()] = here
		if a.Public.IsValid() {
			s.Publics[a.Public] = here
		}
	}
	return n
}

// Find is the interface that has a private address in the VPC.
func (v *VPC) Find(a netip.Addr) (Place, bool) {
	if here, ok := v.byAddr[a]; ok {
		return here, true
	}
	return v.prefixes.Lookup(a)
}

// SubnetOf is the subnet that an address of the VPC lies in.
func (v *VPC) SubnetOf(a netip.Addr) *Subnet {
	for _, sub := range v.Nets {
		if sub.Space.Contains(a) {
			return sub
		}
	}
	return nil
}

func (s *Network) indexGateways() {
	for _, g := range s.Facts.InternetGateways {
		s.Gateways[g.ID] = Gateway{Kind: InternetGateway, VPCs: g.VPCs}
	}
	for _, g := range s.Facts.EgressOnlyGateways {
		s.Gateways[g.ID] = Gateway{Kind: EgressOnlyGateway, VPCs: g.VPCs}
	}
	for _, g := range s.Facts.VPNGateways {
		s.Gateways[g.ID] = Gateway{Kind: s.privateKind(g.ID), VPCs: g.VPCs}
	}
	for i := range s.Facts.Peerings {
		s.Peerings[s.Facts.Peerings[i].ID] = &s.Facts.Peerings[i]
	}
	for i := range s.Facts.Endpoints {
		s.Endpoints[s.Facts.Endpoints[i].ID] = &s.Facts.Endpoints[i]
	}
	s.implyGateways()
	s.indexOnPremises()
}

// implyGateways adds the gateways that only routes tell of, where the facts
// hold no answer about gateways of that kind.
func (s *Network) implyGateways() {
	kinds := []struct {
		start  string
		kind   EdgeKind
		answer int
	}{
		{"igw-", InternetGateway, len(s.Facts.InternetGateways)},
		{"eigw-", EgressOnlyGateway, len(s.Facts.EgressOnlyGateways)},
		{"vgw-", VirtualPrivateGateway, len(s.Facts.VPNGateways)},
	}
	for _, t := range s.Facts.RouteTables {
		for _, r := range t.Routes {
			for _, k := range kinds {
				if k.answer == 0 && strings.HasPrefix(string(r.Target), k.start) && !r.Blackhole && !slices.Contains(s.Gateways[r.Target].VPCs, t.VPC) {
					s.Gateways[r.Target] = Gateway{Kind: k.kind, VPCs: append(s.Gateways[r.Target].VPCs, t.VPC)}
				}
			}
		}
	}
}

// privateKind says what stands behind a virtual private gateway: Direct
// Connect when nothing else does.
func (s *Network) privateKind(id facts.ID) EdgeKind {
	for _, v := range s.Facts.VPNConnections {
		if v.Gateway == id {
			return VirtualPrivateGateway
		}
	}
	for _, d := range s.Facts.DirectConnects {
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
func (s *Network) indexOnPremises() {
	static := map[facts.ID][]netip.Prefix{}
	known := map[facts.ID][]netip.Prefix{}
	for _, v := range s.Facts.VPNConnections {
		known[v.Gateway] = append(known[v.Gateway], v.Routes...)
	}
	for _, t := range s.Facts.RouteTables {
		for _, r := range t.Routes {
			switch {
			case r.Target == "":
			case r.PrefixList != "":
				static[r.Target] = append(static[r.Target], s.entries[r.PrefixList]...)
			case r.Propagated:
				known[r.Target] = append(known[r.Target], r.CIDR)
			default:
				static[r.Target] = append(static[r.Target], r.CIDR)
			}
		}
	}
	for id, g := range s.Gateways {
		prefixes := known[id]
		if len(prefixes) == 0 {
			prefixes = static[id]
		}
		if g.Kind == VirtualPrivateGateway || g.Kind == DirectConnect {
			s.OnPremises[id] = space.Of(prefixes...).Minus(s.Reserved)
		}
	}
}
