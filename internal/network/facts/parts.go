package facts

import (
	"cmp"
	"reflect"
	"slices"
)

// Join makes one of the facts of several accounts and Regions: resources that
// several of them tell of once, the first telling counting, transit gateways
// with what each account knows of their attachments. The parts stay as they
// are. Order them by something lasting, so that the same facts win each time.
func Join(parts ...*Facts) *Facts {
	var b builder
	for _, p := range parts {
		b.append(p)
	}
	b.assignSubnets()
	b.uniteTransit()
	b.unite()
	return &b.Facts
}

// append adds copies of all lists; VPCs that only parts of theirs told of are
// left out, because another part may know them.
func (b *builder) append(p *Facts) {
	f := &b.Facts
	for _, v := range p.VPCs {
		if !v.Implied {
			f.VPCs = append(f.VPCs, v)
		}
	}
	f.Subnets = append(f.Subnets, p.Subnets...)
	f.Instances = append(f.Instances, p.Instances...)
	f.Interfaces = append(f.Interfaces, p.Interfaces...)
	f.RouteTables = append(f.RouteTables, p.RouteTables...)
	f.ACLs = append(f.ACLs, p.ACLs...)
	f.Groups = append(f.Groups, p.Groups...)
	f.PrefixLists = append(f.PrefixLists, p.PrefixLists...)
	f.InternetGateways = append(f.InternetGateways, p.InternetGateways...)
	f.EgressOnlyGateways = append(f.EgressOnlyGateways, p.EgressOnlyGateways...)
	f.VPNGateways = append(f.VPNGateways, p.VPNGateways...)
	f.NATGateways = append(f.NATGateways, p.NATGateways...)
	f.VPNConnections = append(f.VPNConnections, p.VPNConnections...)
	f.DirectConnects = append(f.DirectConnects, p.DirectConnects...)
	f.Peerings = append(f.Peerings, p.Peerings...)
	f.TransitGateways = append(f.TransitGateways, p.TransitGateways...)
	f.Attachments = append(f.Attachments, p.Attachments...)
	f.TransitTables = append(f.TransitTables, p.TransitTables...)
	f.Endpoints = append(f.Endpoints, p.Endpoints...)
	f.LoadBalancers = append(f.LoadBalancers, p.LoadBalancers...)
	f.TargetGroups = append(f.TargetGroups, p.TargetGroups...)
	f.Collections = append(f.Collections, p.Collections...)
}

// Changes is what became different between two readings of the same facts, as
// far as it can be told in small pieces.
type Changes struct {
	// Groups have other rules than before, ACLs other entries, and nothing
	// else; they are complete.
	Groups []Group
	ACLs   []ACL
	// Structure: something else changed, too.
	Structure bool
}

// Empty reports whether nothing changed.
func (c *Changes) Empty() bool { return len(c.Groups)+len(c.ACLs) == 0 && !c.Structure }

// Compare tells what changed from one reading to the next.
func Compare(before, after *Facts) Changes {
	var c Changes
	pairs(before.Groups, after.Groups, groupID, func(x, y *Group) {
		switch {
		case x == nil || y == nil || x.Name != y.Name || x.VPC != y.VPC || x.Scope != y.Scope:
			c.Structure = true
		case !equal(x.Ingress, y.Ingress) || !equal(x.Egress, y.Egress):
			c.Groups = append(c.Groups, *y)
		}
	})
	pairs(before.ACLs, after.ACLs, aclID, func(x, y *ACL) {
		switch {
		case x == nil || y == nil || x.Name != y.Name || x.VPC != y.VPC || x.Scope != y.Scope || x.Default != y.Default || !equal(x.Subnets, y.Subnets):
			c.Structure = true
		case !equal(x.Entries, y.Entries):
			c.ACLs = append(c.ACLs, *y)
		}
	})
	c.Structure = c.Structure || !sameStructure(before, after)
	return c
}

// With is a copy of the facts with the changed groups and ACLs in place, and
// the changes as they are: of new groups and lists the structure changed.
func (f *Facts) With(c Changes) (*Facts, Changes) {
	out := *f
	out.Groups, out.ACLs = slices.Clone(f.Groups), slices.Clone(f.ACLs)
	for _, g := range c.Groups {
		if !put(&out.Groups, g, groupID) {
			c.Structure = true
		}
	}
	for _, a := range c.ACLs {
		if !put(&out.ACLs, a, aclID) {
			c.Structure = true
		}
	}
	return &out, c
}

// Tells reports whether the facts hold some of the changed groups or ACLs.
func (f *Facts) Tells(c Changes) bool {
	for i := range c.Groups {
		if _, ok := find(f.Groups, c.Groups[i].ID, groupID); ok {
			return true
		}
	}
	for i := range c.ACLs {
		if _, ok := find(f.ACLs, c.ACLs[i].ID, aclID); ok {
			return true
		}
	}
	return false
}

func groupID(g *Group) ID { return g.ID }

func aclID(a *ACL) ID { return a.ID }

// find looks an id up in a sorted list.
func find[T any](all []T, id ID, of func(*T) ID) (int, bool) {
	return slices.BinarySearchFunc(all, id, func(x T, id ID) int { return cmp.Compare(of(&x), id) })
}

// put replaces the element with the same id, or inserts it; it reports whether
// there was one.
func put[T any](all *[]T, x T, of func(*T) ID) bool {
	i, ok := find(*all, of(&x), of)
	if ok {
		(*all)[i] = x
		return true
	}
	*all = slices.Insert(*all, i, x)
	return false
}

// pairs calls for each id of two sorted lists with its elements, nil where one
// list lacks it.
func pairs[T any](before, after []T, id func(*T) ID, each func(x, y *T)) {
	i, j := 0, 0
	for i < len(before) || j < len(after) {
		switch {
		case j == len(after) || i < len(before) && id(&before[i]) < id(&after[j]):
			each(&before[i], nil)
			i++
		case i == len(before) || id(&before[i]) > id(&after[j]):
			each(nil, &after[j])
			j++
		default:
			each(&before[i], &after[j])
			i, j = i+1, j+1
		}
	}
}

// equal compares lists, at once where they share their memory.
func equal[T comparable](x, y []T) bool {
	return len(x) == len(y) && (len(x) == 0 || &x[0] == &y[0] || slices.Equal(x, y))
}

// equalFunc is equal for elements that hold lists themselves.
func equalFunc[T any](x, y []T, same func(a, b *T) bool) bool {
	if len(x) != len(y) || len(x) > 0 && &x[0] == &y[0] {
		return len(x) == len(y)
	}
	for i := range x {
		if !same(&x[i], &y[i]) {
			return false
		}
	}
	return true
}

// same compares lists of few and deep elements.
func same[T any](x, y []T) bool {
	return equalFunc(x, y, func(a, b *T) bool { return reflect.DeepEqual(a, b) })
}

// sameStructure reports whether all but groups and ACLs is the same.
func sameStructure(x, y *Facts) bool {
	gateway := func(a, b *Gateway) bool {
		return a.ID == b.ID && a.Scope == b.Scope && a.Name == b.Name && equal(a.VPCs, b.VPCs)
	}
	return equalFunc(x.Interfaces, y.Interfaces, sameInterface) && equalFunc(x.Instances, y.Instances, sameInstance) &&
		equalFunc(x.VPCs, y.VPCs, sameVPC) && equalFunc(x.Subnets, y.Subnets, sameSubnet) &&
		equalFunc(x.RouteTables, y.RouteTables, sameTable) &&
		equalFunc(x.InternetGateways, y.InternetGateways, gateway) && equalFunc(x.EgressOnlyGateways, y.EgressOnlyGateways, gateway) &&
		equalFunc(x.VPNGateways, y.VPNGateways, gateway) && equal(x.DirectConnects, y.DirectConnects) &&
		equal(x.TransitGateways, y.TransitGateways) &&
		same(x.PrefixLists, y.PrefixLists) && same(x.NATGateways, y.NATGateways) && same(x.VPNConnections, y.VPNConnections) && same(x.Peerings, y.Peerings) &&
		same(x.Attachments, y.Attachments) && same(x.TransitTables, y.TransitTables) && same(x.Endpoints, y.Endpoints) &&
		same(x.LoadBalancers, y.LoadBalancers) && equalFunc(x.TargetGroups, y.TargetGroups, sameTargetGroup)
}

func sameInterface(a, b *Interface) bool {
	return a.ID == b.ID && a.Scope == b.Scope && a.Name == b.Name && a.VPC == b.VPC && a.Subnet == b.Subnet && a.Instance == b.Instance &&
		a.Kind == b.Kind && a.Description == b.Description && a.Device == b.Device && a.ForwardsForOthers == b.ForwardsForOthers &&
		equal(a.Groups, b.Groups) && equal(a.Addresses, b.Addresses)
}

// sameInstance leaves out what reachability does not depend on.
func sameInstance(a, b *Instance) bool {
	return a.ID == b.ID && a.Scope == b.Scope && a.Name == b.Name && a.VPC == b.VPC && a.State == b.State
}

// sameTargetGroup leaves out the health of targets.
func sameTargetGroup(a, b *TargetGroup) bool {
	x, y := *a, *b
	x.Targets, y.Targets = nil, nil
	return reflect.DeepEqual(x, y) && equalFunc(a.Targets, b.Targets, func(s, t *Target) bool {
		return s.ID == t.ID && s.Port == t.Port && s.Zone == t.Zone
	})
}

func sameVPC(a, b *VPC) bool {
	return a.ID == b.ID && a.Scope == b.Scope && a.Name == b.Name && a.Implied == b.Implied && equal(a.CIDRs, b.CIDRs)
}

func sameSubnet(a, b *Subnet) bool {
	return a.ID == b.ID && a.Scope == b.Scope && a.Name == b.Name && a.VPC == b.VPC && a.Zone == b.Zone && a.GivesPublic == b.GivesPublic && equal(a.CIDRs, b.CIDRs)
}

func sameTable(a, b *RouteTable) bool {
	return a.ID == b.ID && a.Scope == b.Scope && a.Name == b.Name && a.VPC == b.VPC && a.Main == b.Main && equal(a.Subnets, b.Subnets) &&
		equal(a.Gateways, b.Gateways) && equal(a.Routes, b.Routes) && equal(a.Propagating, b.Propagating)
}
