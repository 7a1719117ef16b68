package network

import (
	"net/netip"

	"muster/internal/network/facts"
	"muster/internal/network/space"
)

// sources are the addresses behind an edge whose packets for an address enter
// the VPC there (6.4: both sides of a peering need routes; the association
// tables of a transit gateway decide). same is true when they are the same for
// every address of the VPC.
func (s *Snapshot) sources(e Edge, to place) (set space.Set, same bool) {
	near := to.address.Private.Addr()
	switch e.Kind {
	case InternetGateway:
		return s.internet.Intersect(s.families(near)), true
	case VirtualPrivateGateway, DirectConnect:
		return s.onPremises[e.ID].Intersect(s.families(near)), true
	case PeeringConnection:
		return s.peerSources(e, to)
	case TransitGateway:
		return s.transitSources(e, to)
	case EgressOnlyGateway, GatewayEndpoint:
	}
	return space.Set{}, true
}

// families is the family of an address; flows do not change it.
func (s *Snapshot) families(a netip.Addr) space.Set { return family(a.Is6()) }

// behindVPC are the subnets of a VPC that send packets for an address to a
// target; whole says that they do so for all addresses of the other VPC.
func (s *Snapshot) behindVPC(v *vpc, target facts.ID, near netip.Addr, other *vpc, fits func(*subnet) bool) (set space.Set, whole bool) {
	whole = true
	var sets []space.Set
	leads := map[*table]bool{}
	for _, sub := range v.subnets {
		ok, seen := leads[sub.table]
		if !seen {
			r := sub.table.lookup(near)
			ok = r != nil && !r.blackhole && r.target == target
			leads[sub.table] = ok
			whole = whole && s.uniform(sub.table, other)
		}
		if ok && fits(sub) {
			sets = append(sets, sub.space)
		}
	}
	return space.Union(sets...), whole
}

// uniform reports whether a table treats all addresses of a VPC alike.
func (s *Snapshot) uniform(t *table, v *vpc) bool {
	key := [2]any{t, v}
	if got, ok := s.memo.Load(key); ok {
		return got.(bool)
	}
	parts := 0
	for _, fam := range []space.Set{family(false), family(true)} {
		if part := v.space.Intersect(fam); !part.Empty() && len(t.split(part)) > 1 {
			parts++
		}
	}
	s.memo.Store(key, parts == 0)
	return parts == 0
}

// sourceKey remembers the sources of an edge for one family of a VPC.
type sourceKey struct {
	edge Edge
	vpc  facts.ID
	v6   bool
}

type sourceSet struct {
	set  space.Set
	same bool
}

func (s *Snapshot) remembered(e Edge, to place, compute func() (space.Set, bool)) (space.Set, bool) {
	key := sourceKey{e, to.iface.VPC, to.address.Private.Addr().Is6()}
	if got, ok := s.memo.Load(key); ok {
		if known := got.(sourceSet); known.same {
			return known.set, true
		}
	}
	set, same := compute()
	set = set.Intersect(family(key.v6)).Minus(s.reserved)
	s.memo.Store(key, sourceSet{set, same})
	return set, same
}

func (s *Snapshot) peerSources(e Edge, to place) (space.Set, bool) {
	return s.remembered(e, to, func() (space.Set, bool) {
		p := s.peerings[e.ID]
		other := p.Accepter
		if other.VPC == to.iface.VPC {
			other = p.Requester
		}
		v := s.vpcs[other.VPC]
		if v == nil {
			return space.Of(other.CIDRs...), true
		}
		return s.behindVPC(v, p.ID, to.address.Private.Addr(), to.iface.vpc, func(*subnet) bool { return true })
	})
}

// transitSources unites what lies behind the gateway's other attachments.
func (s *Snapshot) transitSources(e Edge, to place) (space.Set, bool) {
	return s.remembered(e, to, func() (space.Set, bool) {
		near, same := to.address.Private.Addr(), true
		own := s.attachmentOf(e.ID, to.iface.VPC)
		if own == nil {
			return space.Set{}, true
		}
		back := s.transits[e.ID].tables[own.Table]
		var sets []space.Set
		for i := range s.facts.Attachments {
			for _, a := range s.attachments[s.facts.Attachments[i].ID] {
				if a.Gateway != e.ID || a == own {
					continue
				}
				set, whole := s.behindAttachment(a, own, near, to.iface.vpc)
				same = same && whole
				if back != nil {
					sets = append(sets, returning(back, a.ID, set))
				}
			}
		}
		return space.Union(sets...), same
	})
}

// behindAttachment are the addresses behind one attachment whose packets for
// an address the gateway sends to another.
func (s *Snapshot) behindAttachment(a, own *attachment, near netip.Addr, home *vpc) (space.Set, bool) {
	table := s.transits[a.Gateway].tables[a.Table]
	if table == nil {
		return space.Set{}, true
	}
	r := table.lookup(near)
	whole := s.uniform(table, home)
	if r == nil || r.blackhole || r.target != own.ID {
		return space.Set{}, whole
	}
	v := s.vpcs[a.Resource]
	if v == nil || a.Kind != "vpc" {
		return a.behind, whole
	}
	set, all := s.behindVPC(v, a.Gateway, near, home, func(sub *subnet) bool { return len(a.subnets) == 0 || a.covers(sub.Zone) })
	return set, whole && all
}

// returning are the addresses of a set that a table sends to an attachment.
func returning(t *table, id facts.ID, set space.Set) space.Set {
	var sets []space.Set
	for _, p := range t.split(set) {
		if p.route != nil && !p.route.blackhole && p.route.target == id {
			sets = append(sets, p.set)
		}
	}
	return space.Union(sets...)
}
