// Package routing holds route tables, of VPCs and of transit gateways, compiled
// so that the route of an address, or of each part of a set of them, is known
// at once. It is pure.
package routing

import (
	"cmp"
	"net/netip"
	"slices"

	"muster/internal/network/facts"
	"muster/internal/network/space"

	"github.com/gaissmai/bart"
)

// Route is one way out of a table, a prefix list taken apart.
type Route struct {
	Prefix netip.Prefix
	Target facts.ID
	// List is the prefix list that the prefix comes from.
	List       facts.ID
	Blackhole  bool
	Propagated bool
	// ambiguous: another list has the prefix with another target, and which
	// one EC2 takes is not documented.
	Ambiguous bool
	// text is the route in words, once it is in a table.
	text string
}

// Local is the target of routes inside the VPC.
const Local = "local"

// Table is a route table, of a VPC or of a transit gateway, ready for look-ups.
type Table struct {
	ID facts.ID
	// Assumed tables stand for what the facts lack.
	Assumed string
	routes  *bart.Table[*Route]
	// Parts are the disjoint sets of addresses that each route decides.
	Parts    []Part
	division space.Partition
	// toward are the addresses by where they are sent.
	toward map[facts.ID]space.Set
}

// Part is what one route decides.
type Part struct {
	Set   space.Set
	Route *Route
}

// Lookup is the route of one address; nil where there is none.
func (t *Table) Lookup(a netip.Addr) *Route {
	r, _ := t.routes.Lookup(a)
	return r
}

// Split divides a set by the routes that decide its members; what has no route
// comes with a nil route.
func (t *Table) Split(set space.Set) []Part {
	if a, ok := set.Single(); ok {
		return []Part{{set, t.Lookup(a)}}
	}
	shares := t.division.Split(set)
	out := make([]Part, len(shares))
	for i, s := range shares {
		out[i].Set = s.Set
		if s.Part >= 0 {
			out[i].Route = t.Parts[s.Part].Route
		}
	}
	return out
}

// Uniform reports whether one route decides a whole set, or none any of it.
func (t *Table) Uniform(set space.Set) bool { return t.division.Uniform(set) }

// Toward are all addresses that the table sends to a target.
func (t *Table) Toward(target facts.ID) space.Set { return t.toward[target] }

// NewTable compiles routes: the longest prefix decides; among equal prefixes
// a static route goes before one of a prefix list, and that before a
// propagated one (6.4, Routes). A propagated route inside the VPC's own blocks,
// the locals, never decides.
func NewTable(id facts.ID, routes []Route, locals space.Set) *Table {
	t := &Table{ID: id, routes: new(bart.Table[*Route])}
	routes = slices.DeleteFunc(slices.Clone(routes), func(r Route) bool {
		return r.Propagated && locals.Covers(space.Of(r.Prefix))
	})
	slices.SortStableFunc(routes, func(a, b Route) int {
		return cmp.Or(-cmp.Compare(a.Prefix.Bits(), b.Prefix.Bits()), a.Prefix.Addr().Compare(b.Prefix.Addr()),
			cmp.Compare(a.rank(), b.rank()), cmp.Compare(a.List, b.List), cmp.Compare(a.Target, b.Target))
	})
	taken := space.Set{}
	for i := range routes {
		r := &routes[i]
		r.text = r.words()
		if before, ok := t.routes.Get(r.Prefix); ok {
			before.Ambiguous = before.Ambiguous || before.List != "" && r.List != "" && before.Target != r.Target
			continue
		}
		t.routes.Insert(r.Prefix, r)
		whole := space.Of(r.Prefix)
		t.Parts = append(t.Parts, Part{whole.Minus(taken), r})
		taken = space.Union(taken, whole)
	}
	t.order()
	return t
}

// rank orders routes of one destination.
func (r *Route) rank() int {
	switch {
	case r.Propagated:
		return 2
	case r.List != "":
		return 1
	}
	return 0
}

// order drops the parts that longer prefixes cover wholly, and indexes the
// others.
func (t *Table) order() {
	t.Parts = slices.DeleteFunc(t.Parts, func(p Part) bool { return p.Set.Empty() })
	sets := make([]space.Set, len(t.Parts))
	towards := map[facts.ID][]space.Set{}
	for i, p := range t.Parts {
		sets[i] = p.Set
		if !p.Route.Blackhole {
			towards[p.Route.Target] = append(towards[p.Route.Target], p.Set)
		}
	}
	t.division = space.Divide(sets)
	t.toward = make(map[facts.ID]space.Set, len(towards))
	for target, list := range towards {
		t.toward[target] = space.Union(list...)
	}
}

// Text says a route in the way the console does.
func (r *Route) Text() string {
	if r == nil {
		return "no route"
	}
	return r.text
}

func (r *Route) words() string {
	text := r.Prefix.String()
	if r.List != "" {
		text = string(r.List) + " (" + text + ")"
	}
	text += " → " + string(r.Target)
	if r.Blackhole {
		text += " (blackhole)"
	}
	return text
}
