// Package packettest follows single packets through networks, step by step and
// with plain loops. It was written from the specification's table of semantics
// (network reachability, 6.4) and shares nothing with the analysis but the
// facts, so that the two can be held against each other. Only tests import it.
package packettest

import (
	"net/netip"
	"slices"

	"muster/internal/network/facts"
)

// Packet is one packet. ICMP packets are echoes, and replies to them when they
// go the other way.
type Packet struct {
	Src, Dst         netip.Addr
	Protocol         facts.Protocol
	SrcPort, DstPort uint16
}

func (p Packet) answer() Packet {
	return Packet{p.Dst, p.Src, p.Protocol, p.DstPort, p.SrcPort}
}

// Sim simulates the networks of some facts.
type Sim struct{ F *facts.Facts }

// End is where a packet got to: an interface, a gateway, or nowhere.
type End struct {
	Interface facts.ID
	// Gateway is the edge that it left by; Attachment the one behind a
	// transit gateway.
	Gateway, Attachment facts.ID
	// NAT is the gateway that translates it.
	NAT facts.ID
	// Boxes counts the middleboxes passed.
	Boxes int
}

// travel is a packet on its way.
type travel struct {
	s     *Sim
	p     Packet
	reply bool
	// origin is the sender when it is an interface.
	origin *facts.Interface
	// edges: the packet's way ends at peering and transit gateways.
	edges bool
	// plain is false when group references cannot match any more.
	plain bool
	steps int
	boxes int
	// via are the groups of a load balancer that shows its clients.
	via []facts.ID
	// from is the VPC in which the sender's address lies, for references.
	from facts.ID
}

func (s *Sim) iface(id facts.ID) *facts.Interface {
	for i := range s.F.Interfaces {
		if s.F.Interfaces[i].ID == id {
			return &s.F.Interfaces[i]
		}
	}
	return nil
}

func (s *Sim) subnet(id facts.ID) *facts.Subnet {
	for i := range s.F.Subnets {
		if s.F.Subnets[i].ID == id {
			return &s.F.Subnets[i]
		}
	}
	return nil
}

func (s *Sim) vpc(id facts.ID) *facts.VPC {
	for i := range s.F.VPCs {
		if s.F.VPCs[i].ID == id {
			return &s.F.VPCs[i]
		}
	}
	return nil
}

func holds(blocks []netip.Prefix, a netip.Addr) bool {
	for _, b := range blocks {
		if b.Contains(a) {
			return true
		}
	}
	return false
}

// holder is the interface with an address in a VPC.
func (s *Sim) holder(vpc facts.ID, a netip.Addr) *facts.Interface {
	for i := range s.F.Interfaces {
		n := &s.F.Interfaces[i]
		for _, own := range n.Addresses {
			if n.VPC == vpc && own.Private.Contains(a) {
				return n
			}
		}
	}
	return nil
}

// icmp says whether an ICMP rule speaks of the packet.
func (t *travel) icmp(m facts.Match) bool {
	number, kind := facts.ICMP, 8
	if t.reply {
		kind = 0
	}
	if t.p.Src.Is6() {
		number, kind = facts.ICMPv6, 128
		if t.reply {
			kind = 129
		}
	}
	if m.Protocol != number {
		return false
	}
	return m.From == -1 || m.From == kind && (m.To == -1 || m.To == 0)
}

// speaks says whether a rule speaks of the packet's protocol and port.
func (t *travel) speaks(m facts.Match) bool {
	switch {
	case m.Protocol == facts.Any:
		return true
	case t.p.Protocol == facts.ICMP:
		return t.icmp(m)
	case m.Protocol != t.p.Protocol:
		return false
	case m.Protocol == facts.TCP || m.Protocol == facts.UDP:
		return m.From <= int(t.p.DstPort) && int(t.p.DstPort) <= m.To
	}
	return true
}

// acl asks the ACL of a subnet: the lowest number that matches decides.
func (t *travel) acl(sub *facts.Subnet, egress bool) bool {
	var list *facts.ACL
	for i := range t.s.F.ACLs {
		a := &t.s.F.ACLs[i]
		if slices.Contains(a.Subnets, sub.ID) || list == nil && a.Default && a.VPC == sub.VPC {
			list = a
		}
	}
	if list == nil {
		return true
	}
	looked := t.p.Src
	if egress {
		looked = t.p.Dst
	}
	best := -1
	allowed := false
	for _, e := range list.Entries {
		if e.Egress == egress && e.CIDR.Contains(looked) && t.speaks(e.Match) && (best < 0 || e.Number < best) {
			best, allowed = e.Number, e.Allow
		}
	}
	return allowed
}

// groups asks the groups of an interface, only for packets that begin flows.
func (t *travel) groups(n *facts.Interface, egress bool) bool {
	if t.reply || len(n.Groups) == 0 && (n.Kind == "nat_gateway" || n.Kind == "network_load_balancer" || n.Kind == "gateway_load_balancer_endpoint") {
		return true
	}
	looked, home := t.p.Src, t.from
	if egress {
		looked = t.p.Dst
	}
	for _, g := range t.s.F.Groups {
		if !slices.Contains(n.Groups, g.ID) {
			continue
		}
		rules := g.Ingress
		if egress {
			rules = g.Egress
		}
		for _, r := range rules {
			if t.speaks(r.Match) && t.admits(r, n, looked, home, egress) {
				return true
			}
		}
	}
	return false
}

func (t *travel) admits(r facts.Rule, n *facts.Interface, looked netip.Addr, home facts.ID, egress bool) bool {
	if r.PrefixList != "" {
		for _, l := range t.s.F.PrefixLists {
			if l.ID == r.PrefixList && holds(l.CIDRs, looked) {
				return true
			}
		}
		return false
	}
	if r.Group == "" {
		return r.CIDR.Contains(looked)
	}
	if slices.Contains(t.via, r.Group) && !egress && !r.Stale {
		return true
	}
	if !t.plain || r.Stale {
		return false
	}
	for _, m := range t.s.F.Interfaces {
		if !slices.Contains(m.Groups, r.Group) {
			continue
		}
		for _, a := range m.Addresses {
			if !a.Private.Contains(looked) {
				continue
			}
			// Of several networks with the address, the one it is in counts.
			switch {
			case egress:
				if t.destinationVPC(n) == m.VPC {
					return true
				}
			case home != "":
				if m.VPC == home {
					return true
				}
			case m.VPC != n.VPC:
				return true
			}
		}
	}
	return false
}

// destinationVPC is where a packet for its destination ends up, leaving out
// all rules.
func (t *travel) destinationVPC(n *facts.Interface) facts.ID {
	free := &travel{s: t.s, p: t.p, reply: true, origin: n}
	free.p.Protocol = -2
	sub := t.s.subnet(n.Subnet)
	end := free.routed(sub)
	if d := t.s.iface(end.Interface); d != nil {
		return d.VPC
	}
	return ""
}

// blocks: a travel with the protocol -2 follows routes only.
func (t *travel) passACL(sub *facts.Subnet, egress bool) bool {
	return t.p.Protocol == -2 || t.acl(sub, egress)
}

// lookup finds the route of the destination.
func (s *Sim) lookup(routes []facts.Route, propagated []facts.ID, local []netip.Prefix, dst netip.Addr) (target facts.ID, blackhole, ok bool) {
	type option struct {
		prefix    netip.Prefix
		rank      int
		list      facts.ID
		target    facts.ID
		blackhole bool
	}
	var all []option
	replaced := map[netip.Prefix]bool{}
	for _, r := range routes {
		if r.PrefixList != "" {
			for _, l := range s.F.PrefixLists {
				for _, c := range l.CIDRs {
					if l.ID == r.PrefixList {
						all = append(all, option{c, 1, r.PrefixList, r.Target, r.Blackhole})
					}
				}
			}
			continue
		}
		rank := 0
		if r.Propagated {
			rank = 2
		} else {
			replaced[r.CIDR] = true
		}
		all = append(all, option{r.CIDR, rank, "", r.Target, r.Blackhole})
	}
	for _, c := range local {
		if !replaced[c] {
			all = append(all, option{c, 0, "", "local", false})
		}
	}
	for _, g := range propagated {
		for _, v := range s.F.VPNConnections {
			for _, c := range v.Routes {
				if v.Gateway == g {
					all = append(all, option{c, 2, "", g, false})
				}
			}
		}
	}
	var best *option
	for i := range all {
		o := &all[i]
		if !o.prefix.Contains(dst) || o.rank == 2 && insideLocal(o.prefix, local) {
			continue
		}
		if best == nil || o.prefix.Bits() > best.prefix.Bits() || o.prefix.Bits() == best.prefix.Bits() && before(o.rank, o.list, o.target, best.rank, best.list, best.target) {
			best = o
		}
	}
	if best == nil {
		return "", false, false
	}
	return best.target, best.blackhole, true
}

func before(rank int, list, target facts.ID, otherRank int, otherList, otherTarget facts.ID) bool {
	if rank != otherRank {
		return rank < otherRank
	}
	if list != otherList {
		return list < otherList
	}
	return target < otherTarget
}

func insideLocal(p netip.Prefix, local []netip.Prefix) bool {
	for _, c := range local {
		if c.Bits() <= p.Bits() && c.Contains(p.Addr()) {
			return true
		}
	}
	return false
}

// table is the route table of a subnet: its own, or the main one.
func (s *Sim) table(sub *facts.Subnet) *facts.RouteTable {
	var main *facts.RouteTable
	for i := range s.F.RouteTables {
		t := &s.F.RouteTables[i]
		if slices.Contains(t.Subnets, sub.ID) {
			return t
		}
		if t.Main && t.VPC == sub.VPC {
			main = t
		}
	}
	return main
}
