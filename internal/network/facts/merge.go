package facts

import "muster/internal/arn"

// Part is what one account tells of its networks in one Region.
type Part struct {
	Scope
	// As is how the facts call the account where they call it otherwise.
	As arn.AccountID
	*Facts
}

// Merge joins what several accounts and Regions tell to the facts of all of
// them; the parts stay as they are. Accounts may see each other's resources:
// of a shared subnet the participants tell, too. Whoever owns a resource is
// believed first. Others' word for it counts while the owner tells nothing,
// and never for instances: nobody gets findings by what a neighbour says. Where
// two claim to own the same, the part that comes first is believed.
func Merge(parts []Part) *Facts {
	var told []Scope
	for _, p := range parts {
		told = append(told, p.Scope)
	}
	own, others := Divide(parts, told)
	return Join(append(own, others...)...)
}

// Divide is what each part says of its own resources, and what of those of
// others that are not among the accounts and Regions that tell of themselves.
// Merge joins the first lists before the second ones.
func Divide(parts []Part, telling []Scope) (own, others []*Facts) {
	told := map[Scope]bool{}
	for _, at := range telling {
		told[at] = true
	}
	for i := range parts {
		mine, theirs := parts[i].divide(told)
		own, others = append(own, mine), append(others, theirs)
	}
	return own, others
}

// own reports whether a resource is the part's own.
func (p *Part) own(s Scope) bool {
	return (s.Account == "" || s.Account == p.Account || s.Account == p.As) && (s.Region == "" || s.Region == p.Region)
}

// divide parts what is an account's own from what it knows of accounts that do
// not tell of themselves. What joins two sides, both tell of.
func (p *Part) divide(told map[Scope]bool) (own, others *Facts) {
	own, others = &Facts{
		DirectConnects: p.DirectConnects, Peerings: p.Peerings, TransitGateways: p.TransitGateways,
		Attachments: p.Attachments, TransitTables: p.TransitTables, Collections: p.Collections,
	}, &Facts{}
	own.Instances, _ = divide(p, p.Instances, told, func(i *Instance) *Scope { return &i.Scope })
	own.VPCs, others.VPCs = divide(p, p.VPCs, told, func(v *VPC) *Scope { return &v.Scope })
	own.Subnets, others.Subnets = divide(p, p.Subnets, told, func(s *Subnet) *Scope { return &s.Scope })
	own.Interfaces, others.Interfaces = divide(p, p.Interfaces, told, func(n *Interface) *Scope { return &n.Scope })
	own.RouteTables, others.RouteTables = divide(p, p.RouteTables, told, func(t *RouteTable) *Scope { return &t.Scope })
	own.ACLs, others.ACLs = divide(p, p.ACLs, told, func(a *ACL) *Scope { return &a.Scope })
	own.Groups, others.Groups = divide(p, p.Groups, told, func(g *Group) *Scope { return &g.Scope })
	own.PrefixLists, others.PrefixLists = divide(p, p.PrefixLists, told, func(l *PrefixList) *Scope { return &l.Scope })
	gateway := func(g *Gateway) *Scope { return &g.Scope }
	own.InternetGateways, others.InternetGateways = divide(p, p.InternetGateways, told, gateway)
	own.EgressOnlyGateways, others.EgressOnlyGateways = divide(p, p.EgressOnlyGateways, told, gateway)
	own.VPNGateways, others.VPNGateways = divide(p, p.VPNGateways, told, gateway)
	own.NATGateways, others.NATGateways = divide(p, p.NATGateways, told, func(n *NATGateway) *Scope { return &n.Scope })
	own.VPNConnections, others.VPNConnections = divide(p, p.VPNConnections, told, func(v *VPNConnection) *Scope { return &v.Scope })
	own.Endpoints, others.Endpoints = divide(p, p.Endpoints, told, func(e *Endpoint) *Scope { return &e.Scope })
	own.LoadBalancers, others.LoadBalancers = divide(p, p.LoadBalancers, told, func(l *LoadBalancer) *Scope { return &l.Scope })
	own.TargetGroups, others.TargetGroups = divide(p, p.TargetGroups, told, func(t *TargetGroup) *Scope { return &t.Scope })
	return own, others
}

// divide parts one list. Its own elements get the part's scope.
func divide[T any](p *Part, all []T, told map[Scope]bool, scope func(*T) *Scope) (own, others []T) {
	for i := range all {
		e := all[i]
		s := scope(&e)
		if p.own(*s) {
			*s = p.Scope
			own = append(own, e)
		} else if !p.speaks(*s, told) {
			others = append(others, e)
		}
	}
	return own, others
}

// speaks reports whether the owner of a resource tells of it itself. One whose
// Region is not known is in that of the part.
func (p *Part) speaks(s Scope, told map[Scope]bool) bool {
	if s.Region == "" {
		s.Region = p.Region
	}
	if s.Account == "" {
		s.Account = p.Account
	}
	return told[s]
}

// PlaceOf reads the account and the Region that a file's name tells of, as in
// 111122223333/eu-west-1/Subnets.json.
func PlaceOf(name string) Scope { return placeOf(name).Scope }
