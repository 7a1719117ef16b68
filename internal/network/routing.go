package network

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"

	"muster/internal/network/facts"
	"muster/internal/network/space"

	"github.com/gaissmai/bart"
	"go4.org/netipx"
)

// route is one way out of a table, a prefix list taken apart.
type route struct {
	prefix netip.Prefix
	target facts.ID
	// list is the prefix list that the prefix comes from.
	list       facts.ID
	blackhole  bool
	propagated bool
	// ambiguous: another list has the prefix with another target, and which
	// one EC2 takes is not documented.
	ambiguous bool
}

// localTarget is the target of routes inside the VPC.
const localTarget = "local"

// table is a route table, of a VPC or of a transit gateway, ready for look-ups.
type table struct {
	id facts.ID
	// assumed tables stand for what the facts lack.
	assumed string
	routes  *bart.Table[*route]
	// parts are the disjoint sets of addresses that each route decides; spans
	// are their ranges in order.
	parts []part
	spans []span
}

// span is a range of addresses that one part decides.
type span struct {
	netipx.IPRange
	part int
}

type part struct {
	set   space.Set
	route *route
}

// lookup is the route of one address; nil where there is none.
func (t *table) lookup(a netip.Addr) *route {
	r, _ := t.routes.Lookup(a)
	return r
}

// split divides a set by the routes that decide its members; what has no route
// comes with a nil route.
func (t *table) split(set space.Set) []part {
	if a, ok := set.Single(); ok {
		return []part{{set, t.lookup(a)}}
	}
	var out []part
	for _, i := range t.touched(set) {
		if got := set.Intersect(t.parts[i].set); !got.Empty() {
			out = append(out, part{got, t.parts[i].route})
			set = set.Minus(got)
		}
	}
	if !set.Empty() {
		out = append(out, part{set, nil})
	}
	return out
}

// touched are the parts that have ranges in common with a set, in order.
func (t *table) touched(set space.Set) []int {
	var out []int
	for _, r := range set.Ranges() {
		i, _ := slices.BinarySearchFunc(t.spans, r.From(), func(s span, a netip.Addr) int { return s.To().Compare(a) })
		for ; i < len(t.spans) && t.spans[i].From().Compare(r.To()) <= 0; i++ {
			out = append(out, t.spans[i].part)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// newTable compiles routes: the longest prefix decides; among equal prefixes
// a static route goes before one of a prefix list, and that before a
// propagated one (6.4, Routes). A propagated route inside the VPC's own blocks,
// the locals, never decides.
func newTable(id facts.ID, routes []route, locals space.Set) *table {
	t := &table{id: id, routes: new(bart.Table[*route])}
	routes = slices.DeleteFunc(slices.Clone(routes), func(r route) bool {
		return r.propagated && locals.Covers(space.Of(r.prefix))
	})
	slices.SortStableFunc(routes, func(a, b route) int {
		return cmp.Or(-cmp.Compare(a.prefix.Bits(), b.prefix.Bits()), a.prefix.Addr().Compare(b.prefix.Addr()),
			cmp.Compare(a.rank(), b.rank()), cmp.Compare(a.list, b.list), cmp.Compare(a.target, b.target))
	})
	taken := space.Set{}
	for i := range routes {
		r := &routes[i]
		if before, ok := t.routes.Get(r.prefix); ok {
			before.ambiguous = before.ambiguous || before.list != "" && r.list != "" && before.target != r.target
			continue
		}
		t.routes.Insert(r.prefix, r)
		whole := space.Of(r.prefix)
		t.parts = append(t.parts, part{whole.Minus(taken), r})
		taken = space.Union(taken, whole)
	}
	t.order()
	return t
}

// rank orders routes of one destination.
func (r *route) rank() int {
	switch {
	case r.propagated:
		return 2
	case r.list != "":
		return 1
	}
	return 0
}

// order drops the parts that longer prefixes cover wholly, and sorts the ranges
// of the others.
func (t *table) order() {
	t.parts = slices.DeleteFunc(t.parts, func(p part) bool { return p.set.Empty() })
	for i, p := range t.parts {
		for _, r := range p.set.Ranges() {
			t.spans = append(t.spans, span{r, i})
		}
	}
	slices.SortFunc(t.spans, func(a, b span) int { return a.From().Compare(b.From()) })
}

// text says a route in the way the console does.
func (r *route) text() string {
	if r == nil {
		return "no route"
	}
	text := r.prefix.String()
	if r.list != "" {
		text = string(r.list) + " (" + text + ")"
	}
	text += " → " + string(r.target)
	if r.blackhole {
		text += " (blackhole)"
	}
	return text
}

// indexTables compiles the tables of VPCs and gives them to subnets and
// gateways. A VPC without any gets the table that its gateways suggest.
func (s *Snapshot) indexTables() {
	has := map[facts.ID]bool{}
	for i := range s.facts.RouteTables {
		f := &s.facts.RouteTables[i]
		v := s.vpcs[f.VPC]
		if v == nil {
			continue
		}
		has[f.VPC] = true
		t := newTable(f.ID, s.expand(f, v), v.space)
		s.tables[f.ID] = t
		if f.Main {
			v.main = t
		}
		for _, id := range f.Gateways {
			if g, ok := s.gateways[id]; ok {
				g.table = t
				s.gateways[id] = g
			}
		}
	}
	for i := range s.facts.RouteTables {
		f := &s.facts.RouteTables[i]
		for _, id := range f.Subnets {
			if sub := s.subnets[id]; sub != nil {
				sub.table = s.tables[f.ID]
			}
		}
	}
	for _, v := range s.vpcs {
		for _, sub := range v.subnets {
			switch {
			case sub.table != nil:
			case has[v.ID] && v.main != nil:
				sub.table = v.main
			default:
				sub.table = s.assumeTable(sub, has[v.ID])
			}
		}
	}
}

// expand takes a table's prefix lists apart and adds the local routes, which
// are always there unless replaced.
func (s *Snapshot) expand(f *facts.RouteTable, v *vpc) []route {
	var out []route
	local := map[netip.Prefix]bool{}
	for _, c := range v.CIDRs {
		local[c] = true
	}
	for _, r := range f.Routes {
		if r.PrefixList != "" {
			for _, p := range s.entries[r.PrefixList] {
				out = append(out, route{prefix: p, target: r.Target, list: r.PrefixList, blackhole: r.Blackhole})
			}
			continue
		}
		if !r.Propagated {
			delete(local, r.CIDR)
		}
		target := s.resolve(r.Target)
		out = append(out, route{prefix: r.CIDR, target: target, blackhole: r.Blackhole || s.gone(target, v), propagated: r.Propagated})
	}
	for c := range local {
		out = append(out, route{prefix: c, target: localTarget})
	}
	for _, id := range f.Propagating {
		for _, c := range s.propagated(id) {
			out = append(out, route{prefix: c, target: id, propagated: true})
		}
	}
	return out
}

// propagated are the static routes of VPN connections that a gateway
// propagates; dynamic ones show in the tables themselves.
func (s *Snapshot) propagated(id facts.ID) []netip.Prefix {
	var out []netip.Prefix
	for _, v := range s.facts.VPNConnections {
		if v.Gateway == id {
			out = append(out, v.Routes...)
		}
	}
	return out
}

// resolve turns the instance that is a route's target into its interface,
// where it has one only.
func (s *Snapshot) resolve(target facts.ID) facts.ID {
	if s.instances[target] == nil {
		return target
	}
	found := facts.ID("")
	for _, n := range s.order {
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
func (s *Snapshot) gone(target facts.ID, v *vpc) bool {
	if g, ok := s.gateways[target]; ok {
		return !slices.Contains(g.vpcs, v.ID)
	}
	if p := s.peerings[target]; p != nil {
		return !p.Active
	}
	return false
}

// assumeTable is the table of a subnet whose table is not among the facts:
// local routes and, where the subnet gives public addresses or holds them, a
// default route to the VPC's internet gateway.
func (s *Snapshot) assumeTable(sub *subnet, others bool) *table {
	var routes []route
	for _, c := range sub.vpc.CIDRs {
		routes = append(routes, route{prefix: c, target: localTarget})
	}
	public := sub.GivesPublic
	for _, here := range sub.vpc.byAddr {
		public = public || here.iface.subnet == sub && here.address.Public.IsValid()
	}
	if igw := s.internetGatewayOf(sub.vpc); public && igw != "" && !others {
		for _, all := range []string{"0.0.0.0/0", "::/0"} {
			routes = append(routes, route{prefix: netip.MustParsePrefix(all), target: igw})
		}
	}
	t := newTable("", routes, space.Set{})
	t.assumed = "the route table of " + string(sub.ID) + " is not among the facts; local routes"
	if len(t.parts) > len(sub.vpc.CIDRs) {
		t.assumed += " and a default route to the internet gateway"
	}
	t.assumed += " are assumed"
	return t
}

// assumedGateway begins the id of an internet gateway that facts without any
// gateway must have had.
const assumedGateway = "internet-gateway-of-"

// internetGatewayOf is the VPC's internet gateway. Facts that have no such
// gateways at all, but public addresses, are given one.
func (s *Snapshot) internetGatewayOf(v *vpc) facts.ID {
	for _, g := range s.facts.InternetGateways {
		if slices.Contains(g.VPCs, v.ID) {
			return g.ID
		}
	}
	if len(s.facts.InternetGateways) > 0 {
		return ""
	}
	id := facts.ID(assumedGateway + string(v.ID))
	s.gateways[id] = gateway{kind: InternetGateway, vpcs: []facts.ID{v.ID}}
	return id
}

// transit is a transit gateway with its compiled tables.
type transit struct {
	*facts.TransitGateway
	tables map[facts.ID]*table
}

// attachment is one end of what a transit gateway joins.
type attachment struct {
	*facts.Attachment
	// behind are the addresses known to lie behind VPN and Direct Connect
	// attachments.
	behind space.Set
	// subnets are those of its interfaces, by id.
	subnets []*subnet
}

func (s *Snapshot) indexTransits() {
	for i := range s.facts.Attachments {
		a := &attachment{Attachment: &s.facts.Attachments[i]}
		for _, id := range a.Subnets {
			if sub := s.subnets[id]; sub != nil {
				a.subnets = append(a.subnets, sub)
			}
		}
		slices.SortFunc(a.subnets, func(x, y *subnet) int { return cmp.Compare(x.ID, y.ID) })
		s.attachments[a.ID] = append(s.attachments[a.ID], a)
		if a.Kind == "vpc" {
			s.joined[[2]facts.ID{a.Gateway, a.Resource}] = a
		}
		if s.transits[a.Gateway] == nil {
			s.transits[a.Gateway] = &transit{TransitGateway: &facts.TransitGateway{ID: a.Gateway}, tables: map[facts.ID]*table{}}
		}
	}
	for i := range s.facts.TransitGateways {
		f := &s.facts.TransitGateways[i]
		s.transits[f.ID] = &transit{TransitGateway: f, tables: map[facts.ID]*table{}}
	}
	for i := range s.facts.TransitTables {
		f := &s.facts.TransitTables[i]
		g := s.transits[f.Gateway]
		if g == nil {
			continue
		}
		routes := s.transitRoutes(f)
		g.tables[f.ID] = newTable(f.ID, routes, space.Set{})
		for _, r := range routes {
			for _, a := range s.attachments[r.target] {
				if a.Gateway == g.ID && a.Kind != "vpc" {
					a.behind = space.Union(a.behind, space.Of(r.prefix)).Minus(s.reserved)
				}
			}
		}
	}
}

// transitRoutes are the routes of a table and what its attachments propagate.
func (s *Snapshot) transitRoutes(f *facts.TransitTable) []route {
	var out []route
	for _, r := range f.Routes {
		target := facts.ID("")
		if len(r.Attachments) > 0 {
			target = slices.Min(r.Attachments)
		}
		out = append(out, route{prefix: r.CIDR, target: target, blackhole: r.Blackhole || target == "", propagated: r.Propagated})
	}
	for _, id := range f.Propagating {
		for _, a := range s.attachments[id] {
			if a.Gateway != f.Gateway {
				continue
			}
			for _, c := range s.announced(a) {
				out = append(out, route{prefix: c, target: id, propagated: true})
			}
		}
	}
	return out
}

// announced is what an attachment propagates: the VPC's blocks, or the static
// routes of its VPN connection.
func (s *Snapshot) announced(a *attachment) []netip.Prefix {
	if v := s.vpcs[a.Resource]; v != nil {
		return v.CIDRs
	}
	for _, v := range s.facts.VPNConnections {
		if v.ID == a.Resource {
			return v.Routes
		}
	}
	return nil
}

// unmodelled are targets of routes whose far side no fact describes.
func unmodelled(target facts.ID) bool {
	for _, start := range []string{"lgw-", "cagw-", "arn:"} {
		if strings.HasPrefix(string(target), start) {
			return true
		}
	}
	return false
}
