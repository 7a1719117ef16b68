package topology

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"

	"muster/internal/network/facts"
	"muster/internal/network/routing"
	"muster/internal/network/space"
)

// indexTables compiles the tables of VPCs and gives them to subnets and
// gateways. A VPC without any gets the table that its gateways suggest.
func (s *Network) indexTables() {
	has := map[facts.ID]bool{}
	for i := range s.Facts.RouteTables {
		f := &s.Facts.RouteTables[i]
		v := s.VPCs[f.VPC]
		if v == nil {
			continue
		}
		has[f.VPC] = true
		t := routing.NewTable(f.ID, s.expand(f, v), v.Space)
		t.Assumed = s.lacking(f)
		s.Tables[f.ID] = t
		if f.Main {
			v.main = t
		}
		for _, id := range f.Gateways {
			if g, ok := s.Gateways[id]; ok {
				g.Table = t
				s.Gateways[id] = g
			}
		}
	}
	for i := range s.Facts.RouteTables {
		f := &s.Facts.RouteTables[i]
		for _, id := range f.Subnets {
			if sub := s.Subnets[id]; sub != nil {
				sub.Table = s.Tables[f.ID]
			}
		}
	}
	for _, v := range s.VPCs {
		for _, sub := range v.Nets {
			switch {
			case sub.Table != nil:
			case has[v.ID] && v.main != nil:
				sub.Table = v.main
			default:
				sub.Table = s.assumeTable(sub, has[v.ID])
			}
		}
	}
}

// lacking says which prefix lists a table routes by although nobody told their
// entries.
func (s *Network) lacking(f *facts.RouteTable) string {
	for _, r := range f.Routes {
		if r.PrefixList != "" && !s.Knows(r.PrefixList) {
			return "the entries of " + string(r.PrefixList) + " are not among the facts; the route of " + string(f.ID) + " that names it is left out"
		}
	}
	return ""
}

// Knows reports whether the entries of a prefix list are among the facts.
func (s *Network) Knows(list facts.ID) bool { return s.known[list] }

// expand takes a table's prefix lists apart and adds the local routes, which
// are always there unless replaced.
func (s *Network) expand(f *facts.RouteTable, v *VPC) []routing.Route {
	var out []routing.Route
	local := map[netip.Prefix]bool{}
	for _, c := range v.CIDRs {
		local[c] = true
	}
	for _, r := range f.Routes {
		target := s.resolve(r.Target)
		if r.PrefixList != "" {
			for _, p := range s.entries[r.PrefixList] {
				out = append(out, routing.Route{Prefix: p, Target: target, List: r.PrefixList, Blackhole: r.Blackhole || s.gone(target, v)})
			}
			continue
		}
		if !r.Propagated {
			delete(local, r.CIDR)
		}
		out = append(out, routing.Route{Prefix: r.CIDR, Target: target, Blackhole: r.Blackhole || s.gone(target, v), Propagated: r.Propagated})
	}
	for c := range local {
		out = append(out, routing.Route{Prefix: c, Target: routing.Local})
	}
	for _, id := range f.Propagating {
		for _, c := range s.propagated(id) {
			out = append(out, routing.Route{Prefix: c, Target: id, Propagated: true})
		}
	}
	return out
}

// propagated are the static routes of VPN connections that a gateway
// propagates; dynamic ones show in the tables themselves.
func (s *Network) propagated(id facts.ID) []netip.Prefix {
	var out []netip.Prefix
	for _, v := range s.Facts.VPNConnections {
		if v.Gateway == id {
			out = append(out, v.Routes...)
		}
	}
	return out
}

// resolve turns the instance that is a route's target into its interface,
// where it has one only.
func (s *Network) resolve(target facts.ID) facts.ID {
	if s.Instances[target] == nil {
		return target
	}
	found := facts.ID("")
	for _, n := range s.Order {
		if n.Instance == target {
			if found != "" {
				return target
			}
			found = n.ID
		}
	}
	return cmp.Or(found, target)
}

// gone reports whether a target is known not to lead anywhere: gateways that
// are detached, connections that ended.
func (s *Network) gone(target facts.ID, v *VPC) bool {
	if g, ok := s.Gateways[target]; ok {
		return !slices.Contains(g.VPCs, v.ID)
	}
	if p := s.Peerings[target]; p != nil {
		return !p.Active
	}
	return false
}

// assumeTable is the table of a subnet whose table is not among the facts:
// local routes and, where the subnet gives public addresses or holds them, a
// default route to the VPC's internet gateway.
func (s *Network) assumeTable(sub *Subnet, others bool) *routing.Table {
	var routes []routing.Route
	for _, c := range sub.Home.CIDRs {
		routes = append(routes, routing.Route{Prefix: c, Target: routing.Local})
	}
	public := sub.GivesPublic
	for _, here := range sub.Home.byAddr {
		public = public || here.Interface.In == sub && here.Address.Public.IsValid()
	}
	if igw := s.internetGatewayOf(sub.Home); public && igw != "" && !others {
		for _, all := range []string{"0.0.0.0/0", "::/0"} {
			routes = append(routes, routing.Route{Prefix: netip.MustParsePrefix(all), Target: igw})
		}
	}
	t := routing.NewTable("", routes, space.Set{})
	t.Assumed = "the route table of " + string(sub.ID) + " is not among the facts; local routes"
	if len(t.Parts) > len(sub.Home.CIDRs) {
		t.Assumed += " and a default route to the internet gateway"
	}
	t.Assumed += " are assumed"
	return t
}

// assumedGateway begins the id of an internet gateway that facts without any
// gateway must have had.
const assumedGateway = "internet-gateway-of-"

// internetGatewayOf is the VPC's internet gateway. Facts that have no such
// gateways at all, but public addresses, are given one.
func (s *Network) internetGatewayOf(v *VPC) facts.ID {
	for _, g := range s.Facts.InternetGateways {
		if slices.Contains(g.VPCs, v.ID) {
			return g.ID
		}
	}
	if len(s.Facts.InternetGateways) > 0 {
		return ""
	}
	id := facts.ID(assumedGateway + string(v.ID))
	s.Gateways[id] = Gateway{Kind: InternetGateway, VPCs: []facts.ID{v.ID}}
	return id
}

// Unmodelled are targets of routes whose far side no fact describes.
func Unmodelled(target facts.ID) bool {
	for _, start := range []string{"lgw-", "cagw-", "arn:"} {
		if strings.HasPrefix(string(target), start) {
			return true
		}
	}
	return false
}
