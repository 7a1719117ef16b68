package paths

import (
	"net/netip"

	"muster/internal/network/facts"
	"muster/internal/network/guard"
	"muster/internal/network/routing"
	"muster/internal/network/space"
	"muster/internal/network/topology"
)

// Sources are the addresses behind an edge whose packets for an address enter
// the VPC there (6.4: both sides of a peering need routes; the association
// tables of a transit gateway decide). same is true when they are the same for
// every address of the VPC.
func (s *Finder) Sources(e topology.Edge, to topology.Place) (set space.Set, same bool) {
	near := to.Address.Private.Addr()
	switch e.Kind {
	case topology.InternetGateway:
		return s.Internet.Intersect(s.Families(near)), true
	case topology.VirtualPrivateGateway, topology.DirectConnect:
		return s.OnPremises[e.ID].Intersect(s.Families(near)), true
	case topology.PeeringConnection:
		return s.peerSources(e, to)
	case topology.TransitGateway:
		return s.transitSources(e, to)
	case topology.EgressOnlyGateway, topology.GatewayEndpoint:
	}
	return space.Set{}, true
}

// Families is the family of an address; flows do not change it.
func (s *Finder) Families(a netip.Addr) space.Set { return guard.Family(a.Is6()) }

// behindVPC are the subnets of a VPC that send packets for an address to a
// target; whole says that they do so for all addresses of the other VPC.
func (s *Finder) behindVPC(v *topology.VPC, target facts.ID, near netip.Addr, other *topology.VPC, fits func(*topology.Subnet) bool) (set space.Set, whole bool) {
	whole = true
	var sets []space.Set
	leads := map[*routing.Table]bool{}
	for _, sub := range v.Nets {
		ok, seen := leads[sub.Table]
		if !seen {
			r := sub.Table.Lookup(near)
			ok = r != nil && !r.Blackhole && r.Target == target
			leads[sub.Table] = ok
			whole = whole && s.uniform(sub.Table, other)
		}
		if ok && fits(sub) {
			sets = append(sets, sub.Space)
		}
	}
	return space.Union(sets...), whole
}

// uniform reports whether a table treats all addresses of a VPC alike.
func (s *Finder) uniform(t *routing.Table, v *topology.VPC) bool {
	key := [2]any{t, v}
	if got, ok := s.memo.Load(key); ok {
		return got.(bool)
	}
	parts := 0
	for _, fam := range []space.Set{guard.Family(false), guard.Family(true)} {
		if part := v.Space.Intersect(fam); !part.Empty() && len(t.Split(part)) > 1 {
			parts++
		}
	}
	s.memo.Store(key, parts == 0)
	return parts == 0
}

// sourceKey remembers the sources of an edge for one family of a VPC.
type sourceKey struct {
	edge topology.Edge
	vpc  facts.ID
	v6   bool
}

type sourceSet struct {
	set  space.Set
	same bool
}

func (s *Finder) remembered(e topology.Edge, to topology.Place, compute func() (space.Set, bool)) (space.Set, bool) {
	key := sourceKey{e, to.Interface.VPC, to.Address.Private.Addr().Is6()}
	if got, ok := s.memo.Load(key); ok {
		if known := got.(sourceSet); known.same {
			return known.set, true
		}
	}
	set, same := compute()
	set = set.Intersect(guard.Family(key.v6)).Minus(s.Reserved)
	s.memo.Store(key, sourceSet{set, same})
	return set, same
}

func (s *Finder) peerSources(e topology.Edge, to topology.Place) (space.Set, bool) {
	return s.remembered(e, to, func() (space.Set, bool) {
		p := s.Peerings[e.ID]
		other := p.Accepter
		if other.VPC == to.Interface.VPC {
			other = p.Requester
		}
		v := s.VPCs[other.VPC]
		if v == nil {
			return space.Of(other.CIDRs...), true
		}
		return s.behindVPC(v, p.ID, to.Address.Private.Addr(), to.Interface.Home, func(*topology.Subnet) bool { return true })
	})
}

// transitSources unites what lies behind the gateway's other attachments.
func (s *Finder) transitSources(e topology.Edge, to topology.Place) (space.Set, bool) {
	return s.remembered(e, to, func() (space.Set, bool) {
		near, same := to.Address.Private.Addr(), true
		own := s.AttachmentOf(e.ID, to.Interface.VPC)
		if own == nil {
			return space.Set{}, true
		}
		back := s.Transits[e.ID].Tables[own.Table]
		var sets []space.Set
		for i := range s.Facts.Attachments {
			for _, a := range s.Attachments[s.Facts.Attachments[i].ID] {
				if a.Gateway != e.ID || a == own {
					continue
				}
				set, whole := s.behindAttachment(a, own, near, to.Interface.Home)
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
func (s *Finder) behindAttachment(a, own *topology.Attachment, near netip.Addr, home *topology.VPC) (space.Set, bool) {
	table := s.Transits[a.Gateway].Tables[a.Table]
	if table == nil {
		return space.Set{}, true
	}
	r := table.Lookup(near)
	whole := s.uniform(table, home)
	if r == nil || r.Blackhole || r.Target != own.ID {
		return space.Set{}, whole
	}
	v := s.VPCs[a.Resource]
	if v == nil || a.Kind != "vpc" {
		return a.Behind, whole
	}
	set, all := s.behindVPC(v, a.Gateway, near, home, func(sub *topology.Subnet) bool { return len(a.Nets) == 0 || a.Covers(sub.Zone) })
	return set, whole && all
}

// returning are the addresses of a set that a table sends to an attachment.
func returning(t *routing.Table, id facts.ID, set space.Set) space.Set {
	var sets []space.Set
	for _, p := range t.Split(set) {
		if p.Route != nil && !p.Route.Blackhole && p.Route.Target == id {
			sets = append(sets, p.Set)
		}
	}
	return space.Union(sets...)
}
