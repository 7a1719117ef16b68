package topology

import (
	"net/netip"
	"slices"
	"strings"

	"muster/internal/network/facts"
	"muster/internal/network/space"
)

// Balancer is a load balancer with its interfaces and what is behind it.
type Balancer struct {
	*facts.LoadBalancer
	Places []Place
	// Assumed says that its interfaces are not among the facts.
	Assumed string
	Routes  []Forwarding
}

// Forwarding is one target of a listener.
type Forwarding struct {
	Listener facts.Listener
	group    *facts.TargetGroup
	Target   facts.Target
	To       Place
	// Via is the application load balancer between a network load balancer and
	// the target; nil for none.
	Via *Via
}

// Via is a load balancer that is the target of another one: Front leads to it,
// Back from it.
type Via struct {
	Balancer    *Balancer
	Front, Back *Forwarding
}

// indexBalancers finds the interfaces and the targets of load balancers.
func (s *Network) indexBalancers() {
	groups := map[facts.ID]*facts.TargetGroup{}
	for i := range s.Facts.TargetGroups {
		groups[s.Facts.TargetGroups[i].ID] = &s.Facts.TargetGroups[i]
	}
	if len(s.Facts.LoadBalancers) == 0 {
		return
	}
	described := map[string][]*Interface{}
	primary := map[facts.ID]*Interface{}
	for _, n := range s.Order {
		if name, ok := strings.CutPrefix(n.Description, "ELB "); ok {
			described[name] = append(described[name], n)
		}
		if p := primary[n.Instance]; p == nil || n.Device < p.Device {
			primary[n.Instance] = n
		}
	}
	byID := map[facts.ID]*Balancer{}
	for i := range s.Facts.LoadBalancers {
		b := &Balancer{LoadBalancer: &s.Facts.LoadBalancers[i]}
		if b.Kind == "gateway" {
			continue
		}
		s.placeBalancer(b, described[b.interfaceName()])
		for _, l := range b.Listeners {
			for _, id := range l.TargetGroups {
				b.addTargets(s, l, groups[id], primary)
			}
		}
		s.Balancers = append(s.Balancers, b)
		byID[b.ID] = b
	}
	for _, b := range s.Balancers {
		for _, l := range b.Listeners {
			for _, id := range l.TargetGroups {
				b.addBalancers(l, groups[id], byID)
			}
		}
	}
}

// addBalancers adds the targets of the load balancers that are targets.
func (b *Balancer) addBalancers(l facts.Listener, g *facts.TargetGroup, byID map[facts.ID]*Balancer) {
	if g == nil || g.Kind != "alb" {
		return
	}
	for _, t := range g.Targets {
		next := byID[facts.ID(t.ID)]
		if next == nil || next == b {
			continue
		}
		for _, place := range next.Places {
			front := &Forwarding{Listener: l, group: g, Target: t, To: place}
			for i := range next.Routes {
				if back := &next.Routes[i]; back.Listener.Port == t.Port && back.Via == nil {
					b.Routes = append(b.Routes, Forwarding{Listener: l, group: g, Target: back.Target, To: back.To, Via: &Via{next, front, back}})
				}
			}
		}
	}
}

// interfaceName is how the descriptions of its interfaces name it.
func (b *Balancer) interfaceName() string {
	if _, rest, ok := strings.Cut(string(b.ID), ":loadbalancer/"); ok {
		return rest
	}
	return b.Name
}

func (s *Network) placeBalancer(b *Balancer, found []*Interface) {
	for _, n := range found {
		if n.VPC != b.VPC {
			continue
		}
		n.balancer = b
		n.Unfiltered = n.Unfiltered || b.Kind == "network" && len(n.Groups) == 0
		for _, a := range n.Addresses {
			b.Places = append(b.Places, Place{n, a})
		}
	}
	if len(b.Places) > 0 {
		return
	}
	b.Assumed = "the interfaces of the load balancer " + b.Name + " are not among the facts; one in each of its subnets is assumed"
	for _, id := range b.Subnets {
		if sub := s.Subnets[id]; sub != nil {
			s.assumeBalancer(b, sub)
		}
	}
}

// assumeBalancer makes an interface with a free address of the subnet.
func (s *Network) assumeBalancer(b *Balancer, sub *Subnet) {
	for _, c := range sub.CIDRs {
		if !c.Addr().Is4() {
			continue
		}
		a := c.Addr()
		for range 4 {
			a = a.Next()
		}
		for ; c.Contains(a); a = a.Next() {
			if _, taken := sub.Home.Find(a); !taken {
				break
			}
		}
		n := &Interface{
			Interface: &facts.Interface{
				ID: b.ID + "@" + sub.ID, Scope: b.Scope, VPC: sub.VPC, Subnet: sub.ID, Kind: b.Kind + "_load_balancer", Groups: b.Groups,
				Addresses: []facts.Address{{Private: netip.PrefixFrom(a, a.BitLen())}},
			},
			Home: sub.Home, In: sub, balancer: b, facing: b.InternetFacing, Unfiltered: b.Kind == "network" && len(b.Groups) == 0,
		}
		s.addInterface(n)
		b.Places = append(b.Places, Place{n, n.Addresses[0]})
		return
	}
}

func (b *Balancer) addTargets(s *Network, l facts.Listener, g *facts.TargetGroup, primary map[facts.ID]*Interface) {
	if g == nil {
		return
	}
	for _, t := range g.Targets {
		var to Place
		switch g.Kind {
		case "instance":
			if n := primary[facts.ID(t.ID)]; n != nil && len(n.Addresses) > 0 {
				to = Place{n, n.Addresses[0]}
			}
		case "ip":
			if a, err := netip.ParseAddr(t.ID); err == nil {
				to = s.targetPlace(b, g, a)
			}
		}
		if to.Interface != nil {
			b.Routes = append(b.Routes, Forwarding{Listener: l, group: g, Target: t, To: to})
		}
	}
}

// targetPlace finds an address in the group's VPC, or in any other.
func (s *Network) targetPlace(b *Balancer, g *facts.TargetGroup, a netip.Addr) Place {
	for _, id := range []facts.ID{g.VPC, b.VPC} {
		if v := s.VPCs[id]; v != nil {
			if here, ok := v.Find(a); ok {
				return here
			}
		}
	}
	for i := range s.Facts.VPCs {
		if here, ok := s.VPCs[s.Facts.VPCs[i].ID].Find(a); ok {
			return here
		}
	}
	return Place{}
}

// Balances is the load balancer whose interface it is; nil for none.
func (n *Interface) Balances() *Balancer { return n.balancer }

// Listens are the ports at which listeners wait for a protocol.
func (b *Balancer) Listens(p facts.Protocol) []space.PortRange {
	var out []space.PortRange
	for i := range b.Listeners {
		if l := &b.Listeners[i]; slices.Contains(listened(l), p) {
			out = append(out, space.PortRange{First: l.Port, Last: l.Port})
		}
	}
	return out
}

// Protocols are those of a listener.
func (f *Forwarding) Protocols() []facts.Protocol { return listened(&f.Listener) }

func listened(l *facts.Listener) []facts.Protocol {
	switch l.Protocol {
	case "UDP", "QUIC":
		return []facts.Protocol{facts.UDP}
	case "TCP_UDP", "TCP_QUIC":
		return []facts.Protocol{facts.TCP, facts.UDP}
	}
	return []facts.Protocol{facts.TCP}
}

// KeepsClient reports whether targets see the address of a client that came to
// a place: those of a network load balancer do, but for TCP to addresses by
// default, and never where it translates between the families.
func (b *Balancer) KeepsClient(from Place, f *Forwarding) bool {
	switch {
	case b.Kind != "network" || from.Address.Private.Addr().Is4() != f.To.Address.Private.Addr().Is4():
		return false
	case slices.Contains(f.Protocols(), facts.UDP):
		return true
	case f.group.PreserveClient != nil:
		return *f.group.PreserveClient
	}
	return f.group.Kind != "ip"
}

// Reaches reports whether the balancer's node at a place sends to the target:
// by default only network load balancers keep to their zone.
func (b *Balancer) Reaches(from Place, f *Forwarding) bool {
	cross := b.Kind != "network"
	if b.CrossZone != nil {
		cross = *b.CrossZone
	}
	if f.group.CrossZone != nil {
		cross = *f.group.CrossZone
	}
	zone := from.Interface.In.Zone
	return cross || zone == "" || zone == f.To.Interface.In.Zone
}
