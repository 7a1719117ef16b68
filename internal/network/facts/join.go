package facts

import (
	"cmp"
	"errors"
	"net/netip"
	"slices"
	"strings"
)

// ErrNone says that there is nothing to analyse; the facts are returned with it.
var ErrNone = errors.New("facts: no VPC found; give a folder of EC2's describe answers (JSON), or one file of them")

// Facts joins what was read: each resource once, interfaces with the
// instances and public addresses that other answers tell of, attachments,
// route tables, prefix lists and load balancers with their parts. It is called
// once, at the end.
func (r *Reader) Facts() (*Facts, error) {
	b := &r.b
	b.joinRules()
	b.joinInterfaces()
	b.assignSubnets()
	b.joinElastics()
	b.uniteTransit()
	b.joinBalancers()
	b.unite()
	if len(b.VPCs) == 0 {
		return &b.Facts, ErrNone
	}
	return &b.Facts, nil
}

// unite keeps each resource once, sorted by id.
func (b *builder) unite() {
	f := &b.Facts
	f.VPCs = once(f.VPCs, func(v *VPC) *ID { return &v.ID }, nil)
	f.Subnets = once(f.Subnets, func(s *Subnet) *ID { return &s.ID }, nil)
	f.Instances = once(f.Instances, func(i *Instance) *ID { return &i.ID }, nil)
	f.Interfaces = once(f.Interfaces, func(n *Interface) *ID { return &n.ID }, nil)
	f.RouteTables = once(f.RouteTables, func(t *RouteTable) *ID { return &t.ID }, nil)
	f.ACLs = once(f.ACLs, func(a *ACL) *ID { return &a.ID }, nil)
	f.Groups = once(f.Groups, func(g *Group) *ID { return &g.ID }, nil)
	f.PrefixLists = once(f.PrefixLists, func(l *PrefixList) *ID { return &l.ID }, mergeList)
	f.InternetGateways = once(f.InternetGateways, gatewayID, nil)
	f.EgressOnlyGateways = once(f.EgressOnlyGateways, gatewayID, nil)
	f.VPNGateways = once(f.VPNGateways, gatewayID, nil)
	f.NATGateways = once(f.NATGateways, func(n *NATGateway) *ID { return &n.ID }, nil)
	f.VPNConnections = once(f.VPNConnections, func(v *VPNConnection) *ID { return &v.ID }, nil)
	f.Peerings = once(f.Peerings, func(p *Peering) *ID { return &p.ID }, nil)
	f.TransitGateways = once(f.TransitGateways, func(t *TransitGateway) *ID { return &t.ID }, nil)
	f.Endpoints = once(f.Endpoints, func(e *Endpoint) *ID { return &e.ID }, nil)
	f.LoadBalancers = once(f.LoadBalancers, func(l *LoadBalancer) *ID { return &l.ID }, nil)
	f.TargetGroups = once(f.TargetGroups, func(t *TargetGroup) *ID { return &t.ID }, nil)
	f.fillVPCs()
}

func gatewayID(g *Gateway) *ID { return &g.ID }

// once sorts by id and keeps the first of each, into which merge, when given,
// puts what the others say.
func once[T any](all []T, id func(*T) *ID, merge func(into, from *T)) []T {
	slices.SortStableFunc(all, func(a, b T) int { return cmp.Compare(*id(&a), *id(&b)) })
	out := all[:0]
	for i := range all {
		if n := len(out); n > 0 && *id(&out[n-1]) == *id(&all[i]) {
			if merge != nil {
				merge(&out[n-1], &all[i])
			}
			continue
		}
		out = append(out, all[i])
	}
	return out
}

func mergeList(into, from *PrefixList) {
	into.Known = into.Known || from.Known
	if !slices.Equal(into.CIDRs, from.CIDRs) { // Of AWS's own lists everybody tells the same.
		into.CIDRs = slices.Concat(into.CIDRs, from.CIDRs)
	}
	into.Name = cmp.Or(into.Name, from.Name)
}

// madeUp is the kind of interfaces that stand for the address of an instance
// that tells of no interface; they count where no other answer tells of one.
const madeUp = "made-up"

// joinInterfaces adds the interfaces that only instances tell of. Some facts
// give one made-up id to interfaces of several instances; they are told apart.
func (b *builder) joinInterfaces() {
	at, attached := map[ID]int{}, map[ID]bool{}
	for i, n := range b.Interfaces {
		at[n.ID], attached[n.Instance] = i, true
	}
	for _, n := range b.embedded {
		if n.Kind == madeUp && attached[n.Instance] {
			continue
		}
		i, ok := at[n.ID]
		if ok && b.Interfaces[i].Instance != n.Instance && b.Interfaces[i].Instance != "" {
			n.ID += "/" + n.Instance
			_, ok = at[n.ID]
		}
		if ok {
			full := &b.Interfaces[i]
			full.Instance = cmp.Or(full.Instance, n.Instance)
			continue
		}
		if n.Kind == madeUp {
			n.Kind = ""
		}
		at[n.ID] = len(b.Interfaces)
		b.Interfaces = append(b.Interfaces, n)
	}
}

// assignSubnets takes over what subnets tell of the interfaces in them.
func (b *builder) assignSubnets() {
	zone := map[ID]*Subnet{}
	for i := range b.Subnets {
		zone[b.Subnets[i].ID] = &b.Subnets[i]
	}
	for i := range b.Interfaces {
		n := &b.Interfaces[i]
		if s := zone[n.Subnet]; s != nil {
			n.VPC = s.VPC
			n.Region = cmp.Or(n.Region, s.Region)
			n.Account = cmp.Or(n.Account, s.Account)
		}
	}
}

// joinElastics gives interfaces the public addresses that only the list of
// elastic addresses knows.
func (b *builder) joinElastics() {
	byID, byInstance := map[ID]int{}, map[ID]int{}
	for i, n := range b.Interfaces {
		byID[n.ID] = i
		if _, ok := byInstance[n.Instance]; !ok {
			byInstance[n.Instance] = i
		}
	}
	for _, e := range b.elastics {
		i, ok := byID[ID(e.NetworkInterfaceID)]
		if !ok && e.InstanceID != "" {
			i, ok = byInstance[ID(e.InstanceID)]
		}
		public, err := address(e.PublicIP)
		if !ok || err != nil || !public.IsValid() {
			continue
		}
		for j := range b.Interfaces[i].Addresses {
			a := &b.Interfaces[i].Addresses[j]
			if !a.Public.IsValid() && a.Private.IsSingleIP() && a.Private.Addr().String() == e.PrivateIPAddress {
				a.Public = public
			}
		}
	}
}

// uniteTransit unites the answers about an attachment, and those about a table.
func (b *builder) uniteTransit() {
	for i := range b.Attachments {
		if a := &b.Attachments[i]; a.Kind == "peering" {
			a.PeerGateway = cmp.Or(a.PeerGateway, a.Resource)
		}
	}
	// A peering between transit gateways has one id and two ends.
	key := func(a *Attachment) *ID { id := a.ID + "/" + a.Gateway; return &id }
	b.Attachments = once(b.Attachments, key, func(into, from *Attachment) {
		into.Kind, into.Resource = cmp.Or(into.Kind, from.Kind), cmp.Or(into.Resource, from.Resource)
		into.Table, into.Gateway = cmp.Or(into.Table, from.Table), cmp.Or(into.Gateway, from.Gateway)
		into.PeerGateway = cmp.Or(into.PeerGateway, from.PeerGateway)
		into.Appliance = into.Appliance || from.Appliance
		into.GroupReferences = into.GroupReferences && from.GroupReferences
		if len(into.Subnets) == 0 {
			into.Subnets = from.Subnets
		}
	})
	b.TransitTables = once(b.TransitTables, func(t *TransitTable) *ID { return &t.ID }, func(into, from *TransitTable) {
		into.Gateway = cmp.Or(into.Gateway, from.Gateway)
		into.Routes = slices.Concat(into.Routes, from.Routes)
		into.Propagating = slices.Concat(into.Propagating, from.Propagating)
	})
}

// joinBalancers gives load balancers their listeners and attributes, and
// target groups their targets.
func (b *builder) joinBalancers() {
	balancers, groups := map[ID]*LoadBalancer{}, map[ID]*TargetGroup{}
	for i := range b.LoadBalancers {
		balancers[b.LoadBalancers[i].ID] = &b.LoadBalancers[i]
	}
	for i := range b.TargetGroups {
		groups[b.TargetGroups[i].ID] = &b.TargetGroups[i]
	}
	b.joinListeners(balancers)
	for _, h := range b.healths {
		g := groups[ID(h.TargetGroupArn)]
		for _, d := range h.TargetHealthDescriptions {
			if g != nil {
				port := cmp.Or(d.Target.Port, g.Port)
				g.Targets = append(g.Targets, Target{ID: d.Target.ID, Port: port, Zone: d.Target.AvailabilityZone, Health: d.TargetHealth.State})
			}
		}
	}
	for _, set := range b.attributeSets {
		for _, a := range set.Attributes {
			on := a.Value == "true"
			l, g := balancers[ID(set.LoadBalancerArn)], groups[ID(set.TargetGroupArn)]
			switch {
			case a.Key == "load_balancing.cross_zone.enabled" && l != nil && a.Value != "use_load_balancer_configuration":
				l.CrossZone = &on
			case a.Key == "load_balancing.cross_zone.enabled" && g != nil && a.Value != "use_load_balancer_configuration":
				g.CrossZone = &on
			case a.Key == "preserve_client_ip.enabled" && g != nil:
				g.PreserveClient = &on
			}
		}
	}
}

func (b *builder) joinListeners(balancers map[ID]*LoadBalancer) {
	more := map[string][]ID{}
	for i := range b.listeners {
		w := &b.listeners[i]
		if of := listenerOfRule(w.RuleArn); of != "" {
			more[of] = append(more[of], w.groups()...)
		}
	}
	for i := range b.listeners {
		w := &b.listeners[i]
		l := balancers[ID(w.LoadBalancerArn)]
		if l == nil || w.RuleArn != "" {
			continue
		}
		groups := append(w.groups(), more[w.ListenerArn]...)
		slices.Sort(groups)
		l.Listeners = append(l.Listeners, Listener{Protocol: strings.ToUpper(w.Protocol), Port: w.Port, TargetGroups: slices.Compact(groups)})
	}
}

// fillVPCs adds the VPCs that only their parts tell of, with the blocks of
// their subnets, so that partial facts can be analysed.
func (f *Facts) fillVPCs() {
	known := map[ID]bool{}
	for _, v := range f.VPCs {
		known[v.ID] = true
	}
	missing := map[ID][]netip.Prefix{}
	scope := map[ID]Scope{}
	for _, s := range f.Subnets {
		if s.VPC != "" && !known[s.VPC] {
			missing[s.VPC] = append(missing[s.VPC], s.CIDRs...)
			scope[s.VPC] = s.Scope
		}
	}
	for id, cidrs := range missing {
		f.VPCs = append(f.VPCs, VPC{ID: id, Scope: scope[id], CIDRs: cidrs, Implied: true})
	}
	slices.SortFunc(f.VPCs, func(a, b VPC) int { return cmp.Compare(a.ID, b.ID) })
}
