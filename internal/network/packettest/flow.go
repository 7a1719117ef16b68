package packettest

import (
	"net/netip"
	"slices"

	"muster/internal/network/facts"
)

// ClientPorts are the ports worth trying as the client's: the ends of the
// range of clients and both sides of every bound that an ACL has in it.
func (s *Sim) ClientPorts(p facts.Protocol) []uint16 {
	if p != facts.TCP && p != facts.UDP {
		return []uint16{0}
	}
	seen := map[int]bool{1024: true, 65535: true}
	for _, a := range s.F.ACLs {
		for _, e := range a.Entries {
			for _, n := range []int{e.From - 1, e.From, e.To, e.To + 1} {
				if n >= 1024 && n <= 65535 {
					seen[n] = true
				}
			}
		}
	}
	var out []uint16
	for n := range seen {
		out = append(out, uint16(n))
	}
	return out
}

// FromInterface says whether a flow that an interface begins gets where it
// should and its replies come back, on some client port: to the interface with
// that id, or, when to is empty, out of the VPC.
func (s *Sim) FromInterface(n *facts.Interface, p Packet, to facts.ID) bool {
	for _, port := range s.ClientPorts(p.Protocol) {
		p.SrcPort = port
		if s.between(n, p, to, 0) {
			return true
		}
	}
	return false
}

func (s *Sim) send(n *facts.Interface, p Packet, reply bool) (End, *travel) {
	t := &travel{s: s, p: p, reply: reply, origin: n, plain: true, from: n.VPC}
	if !t.groups(n, true) {
		// References beyond a translation or a gateway cannot match; that
		// needs the whole way, so the groups are asked again at its end.
		return End{}, t
	}
	return t.routed(s.subnet(n.Subnet)), t
}

// plainEgress asks the sender's groups again when the way turned out to cross
// something that references do not survive.
func (t *travel) plainEgress(n *facts.Interface, end End) bool {
	if t.plain && end.NAT == "" && (end.Gateway == "" || end.Attachment != "") {
		return true
	}
	again := *t
	again.plain = false
	return again.groups(n, true)
}

func (s *Sim) between(n *facts.Interface, p Packet, to facts.ID, depth int) bool {
	end, t := s.send(n, p, false)
	if end == (End{}) || !t.plainEgress(n, end) {
		return false
	}
	switch {
	case end.NAT != "":
		return depth < 3 && s.translated(n, p, end.NAT, to, depth)
	case end.Interface != "":
		if end.Interface != to {
			return false
		}
		back, _ := s.send(s.iface(to), p.answer(), true)
		return back.Interface == n.ID
	case to != "" && (end.Gateway[:3] != "igw" || !p.Src.Is6()):
		return false
	}
	back := s.enter(end.Gateway, n.VPC, p.answer(), true, true)
	return back.Interface == n.ID && (to == "" || s.overInternet(s.iface(to), p))
}

// overInternet goes on to an IPv6 address that another internet gateway serves.
func (s *Sim) overInternet(n *facts.Interface, p Packet) bool {
	for _, g := range s.F.InternetGateways {
		if isOn(g, n.VPC) && s.enter(g.ID, n.VPC, p, false, false).Interface == n.ID {
			t := &travel{s: s, p: p.answer(), reply: true, origin: n, edges: true}
			if t.routed(s.subnet(n.Subnet)).Gateway == g.ID {
				return true
			}
		}
	}
	return false
}

// translated goes on behind a NAT gateway with its address.
func (s *Sim) translated(n *facts.Interface, p Packet, nat, to facts.ID, depth int) bool {
	for _, g := range s.F.NATGateways {
		if g.ID != nat {
			continue
		}
		back := &travel{s: s, p: p.answer(), reply: true, plain: true}
		if back.routed(s.subnet(g.Subnet)).Interface != n.ID {
			return false
		}
		own := s.holder(g.VPC, g.Addresses[0].Private.Addr())
		for _, port := range s.ClientPorts(p.Protocol) {
			q := p
			q.Src, q.SrcPort = g.Addresses[0].Private.Addr(), port
			if q.Dst.Is6() {
				six := q.Dst.As16()
				q.Dst = netip.AddrFrom4([4]byte{six[12], six[13], six[14], six[15]})
			}
			if s.behindNAT(own, q, to, depth, g.Private) {
				return true
			}
		}
	}
	return false
}

func (s *Sim) behindNAT(own *facts.Interface, p Packet, to facts.ID, depth int, private bool) bool {
	t := &travel{s: s, p: p, origin: own, from: own.VPC}
	end := t.routed(s.subnet(own.Subnet))
	switch {
	case end.NAT != "":
		return depth < 2 && s.translated(own, p, end.NAT, to, depth+1)
	case end == (End{}), private && len(end.Gateway) > 3 && end.Gateway[:4] == "igw-":
		return false
	case end.Interface != "":
		if end.Interface != to {
			return false
		}
		back, _ := s.send(s.iface(to), p.answer(), true)
		return back.Interface == own.ID
	case to != "":
		return false
	}
	return s.enter(end.Gateway, own.VPC, p.answer(), true, true).Interface == own.ID
}

// enter follows a packet from a gateway of the VPC inwards.
func (s *Sim) enter(gateway, vpc facts.ID, p Packet, reply, plain bool) End {
	t := &travel{s: s, p: p, reply: reply, plain: plain}
	switch {
	case gateway[:3] == "tgw":
		a := s.attached(gateway, vpc)
		t.plain = t.plain && s.references(gateway) && a.GroupReferences
		return t.fromTransit(a, "")
	case gateway[:3] == "pcx":
		for _, c := range s.F.Peerings {
			if c.ID == gateway {
				t.plain = t.plain && c.Requester.Region == c.Accepter.Region
				t.from = c.Requester.VPC
				if t.from == vpc {
					t.from = c.Accepter.VPC
				}
			}
		}
		return t.inside(vpc)
	}
	t.plain = false
	for i := range s.F.RouteTables {
		table := &s.F.RouteTables[i]
		for _, g := range table.Gateways {
			if g != gateway {
				continue
			}
			target, blackhole, ok := s.lookup(table.Routes, table.Propagating, s.vpc(vpc).CIDRs, p.Dst)
			switch {
			case blackhole:
				return End{}
			case ok && target != "local":
				return t.to(nil, target)
			}
		}
	}
	return t.inside(vpc)
}

// FromEdge says whether a flow from an address behind an edge gets to an
// address of an interface and its replies leave by the same edge, on some
// client port.
func (s *Sim) FromEdge(gateway facts.ID, n *facts.Interface, p Packet) bool {
	origins := s.origins(gateway, n.VPC, p)
	if len(origins) == 0 {
		return false
	}
	for _, port := range s.ClientPorts(p.Protocol) {
		p.SrcPort = port
		if s.onPort(gateway, n, p, origins) {
			return true
		}
	}
	return false
}

// onPort is FromEdge for one client port.
func (s *Sim) onPort(gateway facts.ID, n *facts.Interface, p Packet, origins []facts.ID) bool {
	if s.enter(gateway, n.VPC, p, false, true).Interface != n.ID {
		return false
	}
	if gateway[:3] == "igw" && !(&travel{origin: n, p: p.answer()}).mapped() {
		return false
	}
	t := &travel{s: s, p: p.answer(), reply: true, origin: n, edges: true}
	end := t.routed(s.subnet(n.Subnet))
	return end.Gateway == gateway && slices.Contains(origins, end.Attachment)
}

// origins are the attachments behind a transit gateway from which a packet
// may come to the VPC; for other edges one empty id, if it may come.
func (s *Sim) origins(gateway, vpc facts.ID, p Packet) []facts.ID {
	if reserved(p.Src) || p.Src.Is4() != p.Dst.Is4() {
		return nil
	}
	may := false
	switch gateway[:3] {
	case "igw":
		may = internet(p.Src)
	case "vgw":
		may = s.onPremises(gateway, p.Src)
	case "pcx":
		for _, c := range s.F.Peerings {
			other := c.Accepter.VPC
			if other == vpc {
				other = c.Requester.VPC
			}
			may = may || c.ID == gateway && s.sends(other, gateway, p, nil)
		}
	case "tgw":
		return s.transitOrigins(gateway, vpc, p)
	}
	if !may {
		return nil
	}
	return []facts.ID{""}
}

// sends says whether a subnet of the VPC that holds the source routes the
// destination to the target.
func (s *Sim) sends(vpc, target facts.ID, p Packet, a *facts.Attachment) bool {
	for i := range s.F.Subnets {
		sub := &s.F.Subnets[i]
		if sub.VPC != vpc || !holds(sub.CIDRs, p.Src) || a != nil && len(a.Subnets) > 0 && !s.inZone(a, sub.Zone) {
			continue
		}
		table := s.table(sub)
		got, blackhole, ok := s.lookup(table.Routes, table.Propagating, s.vpc(vpc).CIDRs, p.Dst)
		if ok && !blackhole && got == target {
			return true
		}
	}
	return false
}

func (s *Sim) transitOrigins(gateway, vpc facts.ID, p Packet) []facts.ID {
	own := s.attached(gateway, vpc)
	var out []facts.ID
	for i := range s.F.Attachments {
		a := &s.F.Attachments[i]
		if a.Gateway != gateway || a == own {
			continue
		}
		if next := s.transitRoute(a, p.Dst); next == nil || next.ID != own.ID {
			continue
		}
		if a.Kind == "vpc" && s.sends(a.Resource, gateway, p, a) || a.Kind != "vpc" && s.behind(a, p.Src) {
			out = append(out, a.ID)
		}
	}
	return out
}

// behind says whether an address is known to lie behind an attachment that is
// no VPC: tables of the gateway route it there.
func (s *Sim) behind(a *facts.Attachment, src netip.Addr) bool {
	for _, t := range s.F.TransitTables {
		if t.Gateway != a.Gateway {
			continue
		}
		for _, r := range t.Routes {
			if len(r.Attachments) > 0 && r.Attachments[0] == a.ID && !r.Blackhole && r.CIDR.Contains(src) {
				return true
			}
		}
		for _, id := range t.Propagating {
			for _, v := range s.F.VPNConnections {
				if id == a.ID && v.ID == a.Resource && holds(v.Routes, src) {
					return true
				}
			}
		}
	}
	return false
}
