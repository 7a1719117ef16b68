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

// sender is subnets of a VPC that share a route table.
type sender struct {
	table *routing.Table
	set   space.Set
}

// senders are the subnets of a VPC by table; for a transit gateway those in
// the zones of its attachment only.
func (s *Finder) senders(v *topology.VPC, a *topology.Attachment) []sender {
	type key struct {
		vpc        *topology.VPC
		attachment *topology.Attachment
	}
	if got, ok := s.memo.Load(key{v, a}); ok {
		return got.([]sender)
	}
	sets := map[*routing.Table][]space.Set{}
	var order []*routing.Table
	for _, sub := range v.Nets {
		if a != nil && len(a.Nets) > 0 && !a.Covers(sub.Zone) {
			continue
		}
		if sets[sub.Table] == nil {
			order = append(order, sub.Table)
		}
		sets[sub.Table] = append(sets[sub.Table], sub.Space)
	}
	out := make([]sender, len(order))
	for i, t := range order {
		out[i] = sender{t, space.Union(sets[t]...)}
	}
	s.memo.Store(key{v, a}, out)
	return out
}

// sending are the subnets that send packets for an address to a target; whole
// says that they do so for all of home, the address's VPC and family.
func sending(list []sender, target facts.ID, near netip.Addr, home space.Set) (set space.Set, whole bool) {
	whole = true
	for _, x := range list {
		whole = whole && x.table.Uniform(home)
		if r := x.table.Lookup(near); r != nil && !r.Blackhole && r.Target == target {
			set = space.Union(set, x.set)
		}
	}
	return set, whole
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
		near := to.Address.Private.Addr()
		return sending(s.senders(v, nil), p.ID, near, to.Interface.Home.Space.Intersect(s.Families(near)))
	})
}

// neighbour is an attachment of a transit gateway with the senders behind it,
// where that is a VPC that facts describe.
type neighbour struct {
	*topology.Attachment
	known   bool
	senders []sender
}

// neighbours are all attachments of a transit gateway.
func (s *Finder) neighbours(gateway facts.ID) []neighbour {
	type key struct{ gateway facts.ID }
	if got, ok := s.memo.Load(key{gateway}); ok {
		return got.([]neighbour)
	}
	all := s.Transits[gateway].Attachments
	out := make([]neighbour, len(all))
	for i, a := range all {
		out[i].Attachment = a
		if v := s.VPCs[a.Resource]; v != nil && a.Kind == "vpc" {
			out[i].known, out[i].senders = true, s.senders(v, a)
		}
	}
	s.memo.Store(key{gateway}, out)
	return out
}

// transitSources unites what lies behind the gateway's other attachments.
func (s *Finder) transitSources(e topology.Edge, to topology.Place) (space.Set, bool) {
	return s.remembered(e, to, func() (space.Set, bool) {
		own := s.AttachmentOf(e.ID, to.Interface.VPC)
		if own == nil {
			return space.Set{}, true
		}
		tables, near := s.Transits[e.ID].Tables, to.Address.Private.Addr()
		back := tables[own.Table]
		same := true
		all := s.neighbours(e.ID)
		sets := make([]space.Set, 0, len(all))
		d := destination{own, near, to.Interface.Home.Space.Intersect(s.Families(near)), tables, map[facts.ID]decision{}}
		for i := range all {
			if all[i].Attachment == own {
				continue
			}
			set, whole := d.behind(&all[i])
			same = same && whole
			if back != nil && !set.Empty() {
				sets = append(sets, set.Intersect(back.Toward(all[i].ID)))
			}
		}
		return space.Union(sets...), same
	})
}

// destination is an address behind an attachment of a transit gateway, with
// the part of its VPC that is of its family.
type destination struct {
	own  *topology.Attachment
	near netip.Addr
	home space.Set
	// tables are the gateway's, decided what they do with the address.
	tables  map[facts.ID]*routing.Table
	decided map[facts.ID]decision
}

// decision says whether a table sends an address to where it belongs, and
// whether it does the same with all of its VPC.
type decision struct{ sent, whole bool }

func (d *destination) decide(id facts.ID) decision {
	got, ok := d.decided[id]
	if ok {
		return got
	}
	got.whole = true
	if table := d.tables[id]; table != nil {
		r := table.Lookup(d.near)
		got = decision{r != nil && !r.Blackhole && r.Target == d.own.ID, table.Uniform(d.home)}
	}
	d.decided[id] = got
	return got
}

// behind are the addresses behind another attachment whose packets the gateway
// sends to the destination.
func (d *destination) behind(n *neighbour) (set space.Set, whole bool) {
	got := d.decide(n.Table)
	switch {
	case !got.sent:
		return space.Set{}, got.whole
	case !n.known:
		return n.Behind, got.whole
	}
	set, whole = sending(n.senders, n.Gateway, d.near, d.home)
	return set, whole && got.whole
}
