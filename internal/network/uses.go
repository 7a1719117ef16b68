package network

import (
	"cmp"
	"maps"
	"slices"

	"muster/internal/network/guard"
	"muster/internal/network/paths"
	"muster/internal/network/topology"
)

// uses says which exposures depend on the rules of which groups and ACLs, apart
// from those of interfaces' own groups. Routes are not among it: where they
// lead is worked out before any rule is asked.
type uses struct {
	// subnets and balancers by component: a *guard.Group or a *guard.ACL.
	subnets   map[any]map[*topology.Subnet]bool
	balancers map[any]map[*topology.Balancer]bool
}

func newUses() *uses {
	return &uses{map[any]map[*topology.Subnet]bool{}, map[any]map[*topology.Balancer]bool{}}
}

// empty is a fresh one; nil stays nil.
func (u *uses) empty() *uses {
	if u == nil {
		return nil
	}
	return newUses()
}

// merge takes over what others noted.
func (u *uses) merge(others []*uses) {
	if u == nil {
		return
	}
	for _, o := range others {
		for what, set := range o.subnets {
			for sub := range set {
				add(u.subnets, what, sub)
			}
		}
	}
}

func add[K comparable](m map[any]map[K]bool, what any, k K) {
	if m[what] == nil {
		m[what] = map[K]bool{}
	}
	m[what][k] = true
}

// way notes that a way into a subnet meets the filters of a leg.
func (u *uses) way(sub *topology.Subnet, l *paths.Leg) {
	each(l, func(what any) { add(u.subnets, what, sub) })
}

// balancer notes the filters on the ways from a balancer to a target.
func (u *uses) balancer(b *topology.Balancer, ways [][]paths.Leg) {
	for _, legs := range ways {
		for i := range legs {
			each(&legs[i], func(what any) { add(u.balancers, what, b) })
		}
	}
}

// each calls for every group and ACL that filters on a leg.
func each(l *paths.Leg, do func(what any)) {
	for _, filters := range [][]paths.Filter{l.Forward.Filters, l.Back.Filters} {
		for i := range filters {
			if f := &filters[i]; f.ACL != nil {
				do(f.ACL)
			} else if f.Interface != nil {
				for _, g := range f.Interface.Guards.Groups {
					do(g)
				}
			}
		}
	}
}

// touched are the interfaces whose exposures may depend on changed components.
func (u *uses) touched(s *Snapshot, changed []any) []*topology.Interface {
	subnets, balancers := map[*topology.Subnet]bool{}, map[*topology.Balancer]bool{}
	found := map[*topology.Interface]bool{}
	for _, what := range changed {
		for sub := range u.subnets[what] {
			subnets[sub] = true
		}
		for b := range u.balancers[what] {
			balancers[b] = true
		}
		if g, ok := what.(*guard.Group); ok {
			for _, n := range s.Members[g.ID] {
				found[n] = true
			}
		}
	}
	for sub := range subnets {
		for _, n := range sub.Holds {
			found[n] = true
		}
	}
	for _, b := range s.Balancers {
		hit := balancers[b]
		for _, p := range b.Places {
			hit = hit || found[p.Interface]
		}
		for i := range b.Routes {
			if hit {
				found[b.Routes[i].To.Interface] = true
			}
		}
	}
	return slices.SortedFunc(maps.Keys(found), func(a, b *topology.Interface) int { return cmp.Compare(a.ID, b.ID) })
}
