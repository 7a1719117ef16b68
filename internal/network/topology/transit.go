package topology

import (
	"cmp"
	"net/netip"
	"slices"

	"muster/internal/network/facts"
	"muster/internal/network/routing"
	"muster/internal/network/space"
)

// transit is a transit gateway with its compiled tables.
type transit struct {
	*facts.TransitGateway
	Tables      map[facts.ID]*routing.Table
	Attachments []*Attachment
}

// Attachment is one end of what a transit gateway joins.
type Attachment struct {
	*facts.Attachment
	// Behind are the addresses known to lie behind VPN and Direct Connect
	// attachments.
	Behind space.Set
	// Nets are those of its interfaces, by id.
	Nets []*Subnet
}

func (s *Network) indexTransits() {
	for i := range s.Facts.TransitGateways {
		f := &s.Facts.TransitGateways[i]
		s.Transits[f.ID] = &transit{TransitGateway: f, Tables: map[facts.ID]*routing.Table{}}
	}
	for i := range s.Facts.Attachments {
		a := &Attachment{Attachment: &s.Facts.Attachments[i]}
		for _, id := range a.Subnets {
			if sub := s.Subnets[id]; sub != nil {
				a.Nets = append(a.Nets, sub)
			}
		}
		slices.SortFunc(a.Nets, func(x, y *Subnet) int { return cmp.Compare(x.ID, y.ID) })
		s.Attachments[a.ID] = append(s.Attachments[a.ID], a)
		if a.Kind == "vpc" {
			s.Joined[[2]facts.ID{a.Gateway, a.Resource}] = a
		}
		g := s.Transits[a.Gateway]
		if g == nil {
			g = &transit{TransitGateway: &facts.TransitGateway{ID: a.Gateway}, Tables: map[facts.ID]*routing.Table{}}
			s.Transits[a.Gateway] = g
		}
		g.Attachments = append(g.Attachments, a)
	}
	for i := range s.Facts.TransitTables {
		f := &s.Facts.TransitTables[i]
		g := s.Transits[f.Gateway]
		if g == nil {
			continue
		}
		routes := s.transitRoutes(f)
		g.Tables[f.ID] = routing.NewTable(f.ID, routes, space.Set{})
		g.Tables[f.ID].Assumed = s.untold(f)
		for _, r := range routes {
			for _, a := range s.Attachments[r.Target] {
				if a.Gateway == g.ID && a.Kind != "vpc" {
					a.Behind = space.Union(a.Behind, space.Of(r.Prefix)).Minus(s.Reserved)
				}
			}
		}
	}
}

// transitRoutes are the routes of a table and what its attachments propagate.
func (s *Network) transitRoutes(f *facts.TransitTable) []routing.Route {
	var out []routing.Route
	for _, r := range f.Routes {
		target := facts.ID("")
		if len(r.Attachments) > 0 {
			target = slices.Min(r.Attachments)
		}
		out = append(out, routing.Route{Prefix: r.CIDR, Target: target, Blackhole: r.Blackhole || target == "", Propagated: r.Propagated})
	}
	for _, id := range f.Propagating {
		for _, a := range s.Attachments[id] {
			if a.Gateway != f.Gateway {
				continue
			}
			for _, c := range s.announced(a) {
				out = append(out, routing.Route{Prefix: c, Target: id, Propagated: true})
			}
		}
	}
	return out
}

// untold says which attachments propagate routes into a table that nobody told:
// those of gateways and connections to other networks, where no propagated
// route is among the facts at all.
func (s *Network) untold(f *facts.TransitTable) string {
	if slices.ContainsFunc(f.Routes, func(r facts.TransitRoute) bool { return r.Propagated }) {
		return ""
	}
	for _, id := range f.Propagating {
		for _, a := range s.Attachments[id] {
			if a.Gateway == f.Gateway && a.Kind != "vpc" && a.Kind != "peering" && len(s.announced(a)) == 0 {
				return "the routes that " + string(id) + " (" + a.Kind + ") propagates into " + string(f.ID) + " are not among the facts"
			}
		}
	}
	return ""
}

// announced is what an attachment propagates: the VPC's blocks, or the static
// routes of its VPN connection.
func (s *Network) announced(a *Attachment) []netip.Prefix {
	if v := s.VPCs[a.Resource]; v != nil {
		return v.CIDRs
	}
	for _, v := range s.Facts.VPNConnections {
		if v.ID == a.Resource {
			return v.Routes
		}
	}
	return nil
}

// Covers reports whether the attachment has an interface in the zone, as far
// as zones are known.
func (a *Attachment) Covers(zone string) bool {
	return zone == "" || slices.ContainsFunc(a.Nets, func(s *Subnet) bool { return s.Zone == zone || s.Zone == "" })
}

// Pick is the attachment's subnet in the zone, or the first.
func (a *Attachment) Pick(zone string) *Subnet {
	for _, s := range a.Nets {
		if s.Zone == zone {
			return s
		}
	}
	if len(a.Nets) == 0 {
		return nil
	}
	return a.Nets[0]
}
