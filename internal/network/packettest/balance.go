package packettest

import (
	"net/netip"
	"slices"

	"muster/internal/network/facts"
)

// Through says whether a client behind an edge gets through a load balancer to
// a port of an interface's address: over some of the balancer's interfaces and
// listeners, and, where it shows clients to its targets, on one client port
// all the way.
func (s *Sim) Through(gateway facts.ID, lb *facts.LoadBalancer, client netip.Addr, n *facts.Interface, address netip.Addr, p facts.Protocol, port uint16) bool {
	for i := range s.F.Interfaces {
		node := &s.F.Interfaces[i]
		if node.Description != "ELB "+lb.Name {
			continue
		}
		for _, own := range node.Addresses {
			for _, l := range lb.Listeners {
				if speaks(l.Protocol, p) && s.forwards(gateway, lb, node, own.Private.Addr(), l, client, n, address, p, port) {
					return true
				}
			}
		}
	}
	return false
}

// awaited says whether an interface is no load balancer's, or a listener waits
// for the packet there.
func (t *travel) awaited(n *facts.Interface) bool {
	for _, lb := range t.s.F.LoadBalancers {
		if n.Description != "ELB "+lb.Name || lb.VPC != n.VPC {
			continue
		}
		switch t.p.Protocol {
		case facts.TCP, facts.UDP:
			return slices.ContainsFunc(lb.Listeners, func(l facts.Listener) bool { return l.Port == t.p.DstPort && speaks(l.Protocol, t.p.Protocol) })
		case facts.ICMP:
			return lb.Kind != "network"
		}
		return false
	}
	return true
}

func speaks(listener string, p facts.Protocol) bool {
	switch listener {
	case "UDP":
		return p == facts.UDP
	case "TCP_UDP":
		return p == facts.TCP || p == facts.UDP
	}
	return p == facts.TCP
}

func (s *Sim) forwards(gateway facts.ID, lb *facts.LoadBalancer, node *facts.Interface, own netip.Addr, l facts.Listener, client netip.Addr, n *facts.Interface, address netip.Addr, p facts.Protocol, port uint16) bool {
	first := Packet{Src: client, Dst: own, Protocol: p, DstPort: l.Port}
	if client.Is4() != own.Is4() {
		return false
	}
	origins := s.origins(gateway, node.VPC, first)
	for _, g := range s.F.TargetGroups {
		if !slices.Contains(l.TargetGroups, g.ID) || !s.targets(&g, n, address, port) || !s.crosses(lb, &g, node, n) {
			continue
		}
		kept := lb.Kind == "network" && own.Is4() == address.Is4() && shows(&g, l.Protocol)
		for _, c := range s.ClientPorts(p) {
			first.SrcPort = c
			if !s.onPort(gateway, node, first, origins) {
				continue
			}
			if kept && s.shown(lb, node, n, Packet{Src: client, Dst: address, Protocol: p, SrcPort: c, DstPort: port}) {
				return true
			}
			if !kept && s.proxied(node, n, Packet{Dst: address, Protocol: p, DstPort: port}) {
				return true
			}
		}
	}
	return false
}

// shows says whether targets of a network load balancer see the client.
func shows(g *facts.TargetGroup, listener string) bool {
	switch {
	case listener == "UDP" || listener == "TCP_UDP":
		return true
	case g.PreserveClient != nil:
		return *g.PreserveClient
	}
	return g.Kind == "instance"
}

// targets says whether a group has an interface's address and port.
func (s *Sim) targets(g *facts.TargetGroup, n *facts.Interface, address netip.Addr, port uint16) bool {
	for _, t := range g.Targets {
		switch {
		case t.Port != port:
		case g.Kind == "instance" && facts.ID(t.ID) == n.Instance && n.Addresses[0].Private.Addr() == address:
			return true
		case g.Kind == "ip" && t.ID == address.String():
			// Of several networks with the address, the group's own counts.
			own := s.holder(g.VPC, address)
			return own == nil || own.ID == n.ID
		}
	}
	return false
}

// crosses says whether a node may send to a target's zone.
func (s *Sim) crosses(lb *facts.LoadBalancer, g *facts.TargetGroup, node, n *facts.Interface) bool {
	if s.subnet(node.Subnet).Zone == s.subnet(n.Subnet).Zone {
		return true
	}
	switch {
	case g.CrossZone != nil:
		return *g.CrossZone
	case lb.CrossZone != nil:
		return *lb.CrossZone
	}
	return lb.Kind != "network"
}

// proxied is a flow that the node begins with its own address.
func (s *Sim) proxied(node, n *facts.Interface, p Packet) bool {
	for _, own := range node.Addresses {
		if own.Private.Addr().Is4() == p.Dst.Is4() {
			p.Src = own.Private.Addr()
			return s.FromInterface(node, p, n.ID)
		}
	}
	return false
}

// shown is a packet with the client's address from the node's subnet to the
// target's, and its reply on the same way back.
func (s *Sim) shown(lb *facts.LoadBalancer, node, n *facts.Interface, p Packet) bool {
	here, there := s.subnet(node.Subnet), s.subnet(n.Subnet)
	// Targets cannot name the clients' groups; they see addresses and the
	// balancer's groups.
	leaving, t := &travel{s: s, p: p, plain: true}, &travel{s: s, p: p, via: lb.Groups}
	r := &travel{s: s, p: p.answer(), reply: true}
	if !leaving.groups(node, true) || !t.groups(n, false) {
		return false
	}
	return here.ID == there.ID || t.acl(here, true) && t.acl(there, false) && r.acl(there, true) && r.acl(here, false)
}
