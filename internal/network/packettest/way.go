package packettest

import (
	"net/netip"
	"slices"
	"strings"

	"muster/internal/network/facts"
)

// public address space and on-premises ranges, spelled out.
func internet(a netip.Addr) bool {
	if a.Is6() {
		return netip.MustParsePrefix("2000::/3").Contains(a) && !netip.MustParsePrefix("2001:db8::/32").Contains(a)
	}
	for _, no := range []string{
		"0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.2.0/24",
		"192.168.0.0/16", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
	} {
		if netip.MustParsePrefix(no).Contains(a) {
			return false
		}
	}
	return true
}

func reserved(a netip.Addr) bool {
	return netip.MustParsePrefix("169.254.0.0/16").Contains(a) || netip.MustParsePrefix("fd00:ec2::/32").Contains(a)
}

// onPremises says whether an address lies behind a virtual private gateway:
// known from VPN connections and propagated routes, else from static ones.
func (s *Sim) onPremises(gateway facts.ID, a netip.Addr) bool {
	if reserved(a) {
		return false
	}
	known, found := false, false
	for _, v := range s.F.VPNConnections {
		if v.Gateway == gateway {
			known = known || len(v.Routes) > 0
			found = found || holds(v.Routes, a)
		}
	}
	for _, t := range s.F.RouteTables {
		for _, r := range t.Routes {
			if r.Target == gateway && r.Propagated && r.CIDR.IsValid() {
				known, found = true, found || r.CIDR.Contains(a)
			}
		}
	}
	if known {
		return found
	}
	for _, t := range s.F.RouteTables {
		for _, r := range t.Routes {
			if r.Target == gateway && r.CIDR.IsValid() && r.CIDR.Contains(a) {
				return true
			}
			for _, l := range s.F.PrefixLists {
				if r.Target == gateway && r.PrefixList == l.ID && holds(l.CIDRs, a) {
					return true
				}
			}
		}
	}
	return false
}

func isOn(g facts.Gateway, vpc facts.ID) bool { return slices.Contains(g.VPCs, vpc) }

// routed follows a packet that is in a subnet.
func (t *travel) routed(sub *facts.Subnet) End {
	if t.steps++; t.steps > 30 {
		return End{}
	}
	if holds(sub.CIDRs, t.p.Dst) {
		return t.land(sub)
	}
	table := t.s.table(sub)
	target, blackhole, ok := t.s.lookup(table.Routes, table.Propagating, t.s.vpc(sub.VPC).CIDRs, t.p.Dst)
	if !ok || blackhole {
		return End{}
	}
	return t.to(sub, target)
}

// to follows a route's target.
func (t *travel) to(sub *facts.Subnet, target facts.ID) End {
	kind, _, _ := strings.Cut(string(target), "-")
	switch kind {
	case "local":
		if !t.passACL(sub, true) {
			return End{}
		}
		return t.inside(sub.VPC)
	case "igw", "eigw", "vgw":
		if !t.passACL(sub, true) {
			return End{}
		}
		return t.leave(sub, target, kind)
	case "pcx":
		if !t.passACL(sub, true) {
			return End{}
		}
		return t.peering(sub, target)
	case "nat":
		return t.nat(sub, target)
	case "tgw":
		return t.transit(sub, target)
	case "eni":
		return t.box(sub, target)
	case "vpce":
		return t.endpoint(sub, target)
	}
	return End{}
}

// endpoint leaves by a gateway endpoint, or passes that of a gateway load
// balancer; sub is nil for what comes from the internet gateway.
func (t *travel) endpoint(sub *facts.Subnet, id facts.ID) End {
	for _, e := range t.s.F.Endpoints {
		switch {
		case e.ID != id:
		case e.Kind == "Gateway":
			if sub == nil || !t.passACL(sub, true) {
				return End{}
			}
			return End{Gateway: id, Boxes: t.boxes}
		default:
			return t.box(sub, e.Interfaces[0])
		}
	}
	return End{}
}

// inside delivers within a VPC, past the ACL of the destination's subnet.
func (t *travel) inside(vpc facts.ID) End {
	for i := range t.s.F.Subnets {
		sub := &t.s.F.Subnets[i]
		if sub.VPC == vpc && holds(sub.CIDRs, t.p.Dst) {
			if !t.passACL(sub, false) {
				return End{}
			}
			return t.land(sub)
		}
	}
	return End{}
}

// land hands the packet to the interface that has its address.
func (t *travel) land(sub *facts.Subnet) End {
	n := t.s.holder(sub.VPC, t.p.Dst)
	if n != nil && !t.reply && (n.Kind == "nat_gateway" || t.p.Protocol != -2 && !t.awaited(n)) {
		return End{}
	}
	if n == nil || t.p.Protocol != -2 && !t.groups(n, false) {
		return End{}
	}
	return End{Interface: n.ID, Boxes: t.boxes}
}

// leave goes out of a gateway of the VPC.
func (t *travel) leave(sub *facts.Subnet, id facts.ID, kind string) End {
	lists := map[string][]facts.Gateway{"igw": t.s.F.InternetGateways, "eigw": t.s.F.EgressOnlyGateways, "vgw": t.s.F.VPNGateways}
	for _, g := range lists[kind] {
		if g.ID != id || !isOn(g, sub.VPC) {
			continue
		}
		switch {
		case kind == "igw" && internet(t.p.Dst) && t.mapped():
			return End{Gateway: id, Boxes: t.boxes}
		case kind == "eigw" && internet(t.p.Dst) && t.p.Dst.Is6():
			return End{Gateway: id, Boxes: t.boxes}
		case kind == "vgw" && t.s.onPremises(id, t.p.Dst):
			return End{Gateway: id, Boxes: t.boxes}
		}
	}
	return End{}
}

// mapped: the sender has a public address, or a middlebox may lend it one.
func (t *travel) mapped() bool {
	if t.origin == nil || t.boxes > 0 || t.p.Src.Is6() && internet(t.p.Src) {
		return true
	}
	for _, a := range t.origin.Addresses {
		if a.Private.Contains(t.p.Src) && a.Public.IsValid() {
			return true
		}
	}
	return false
}

func (t *travel) peering(sub *facts.Subnet, id facts.ID) End {
	for _, p := range t.s.F.Peerings {
		if p.ID != id || !p.Active {
			continue
		}
		other := p.Accepter.VPC
		if other == sub.VPC {
			other = p.Requester.VPC
		}
		if !holds(t.s.vpc(other).CIDRs, t.p.Dst) {
			return End{}
		}
		if t.edges {
			return End{Gateway: id, Boxes: t.boxes}
		}
		if p.Requester.Region != p.Accepter.Region {
			t.plain = false
		}
		return t.inside(other)
	}
	return End{}
}

func (t *travel) nat(sub *facts.Subnet, id facts.ID) End {
	for _, n := range t.s.F.NATGateways {
		if n.ID != id {
			continue
		}
		if p := t.p.Protocol; p != -2 && p != facts.TCP && p != facts.UDP && p != facts.ICMP {
			return End{}
		}
		if t.p.Dst.Is6() && t.p.Protocol != -2 && !netip.MustParsePrefix("64:ff9b::/96").Contains(t.p.Dst) {
			return End{}
		}
		home := t.s.subnet(n.Subnet)
		if home.ID != sub.ID && (!t.passACL(sub, true) || !t.passACL(home, false)) || t.reply {
			return End{}
		}
		return End{NAT: id, Boxes: t.boxes}
	}
	return End{}
}

// box passes a middlebox: an interface whose source/destination check is off.
func (t *travel) box(sub *facts.Subnet, id facts.ID) End {
	n := t.s.iface(id)
	home := t.s.subnet(n.Subnet)
	if sub == nil || home.ID != sub.ID {
		if sub != nil && !t.passACL(sub, true) || !t.passACL(home, false) {
			return End{}
		}
	}
	for _, a := range n.Addresses {
		if a.Private.Contains(t.p.Dst) {
			return t.land(home)
		}
	}
	if t.p.Protocol != -2 && !t.groups(n, false) || !n.ForwardsForOthers && n.Kind != "gateway_load_balancer_endpoint" {
		return End{}
	}
	t.plain = false
	t.boxes++
	if t.p.Protocol != -2 && !t.groups(n, true) {
		return End{}
	}
	return t.routed(home)
}

func (s *Sim) attached(gateway, vpc facts.ID) *facts.Attachment {
	for i := range s.F.Attachments {
		a := &s.F.Attachments[i]
		if a.Gateway == gateway && a.Kind == "vpc" && a.Resource == vpc {
			return a
		}
	}
	return nil
}

// entry is the subnet of an attachment that serves a zone, or its first.
func (s *Sim) entry(a *facts.Attachment, zone string) *facts.Subnet {
	ids := slices.Sorted(slices.Values(a.Subnets))
	for _, id := range ids {
		if sub := s.subnet(id); sub.Zone == zone {
			return sub
		}
	}
	if len(ids) == 0 {
		return nil
	}
	return s.subnet(ids[0])
}

func (s *Sim) inZone(a *facts.Attachment, zone string) bool {
	for _, id := range a.Subnets {
		if s.subnet(id).Zone == zone {
			return true
		}
	}
	return false
}

func (t *travel) transit(sub *facts.Subnet, id facts.ID) End {
	a := t.s.attached(id, sub.VPC)
	if a == nil || len(a.Subnets) > 0 && !t.s.inZone(a, sub.Zone) {
		return End{}
	}
	if !t.passACL(sub, true) {
		return End{}
	}
	if e := t.s.entry(a, sub.Zone); e != nil && !t.passACL(e, false) {
		return End{}
	}
	next := t.s.transitRoute(a, t.p.Dst)
	if next == nil {
		return End{}
	}
	if next.Kind != "vpc" || t.edges {
		return End{Gateway: id, Attachment: next.ID, Boxes: t.boxes}
	}
	t.plain = t.plain && t.s.references(id) && a.GroupReferences && next.GroupReferences
	return t.fromTransit(next, sub.Zone)
}

func (s *Sim) references(gateway facts.ID) bool {
	for _, g := range s.F.TransitGateways {
		if g.ID == gateway {
			return g.GroupReferences
		}
	}
	return false
}

// transitRoute is the attachment to which the table associated with another
// sends a destination.
func (s *Sim) transitRoute(a *facts.Attachment, dst netip.Addr) *facts.Attachment {
	for _, table := range s.F.TransitTables {
		if table.ID != a.Table {
			continue
		}
		bits, static, target, hole := -1, false, facts.ID(""), false
		consider := func(p netip.Prefix, isStatic bool, id facts.ID, blackhole bool) {
			if !p.Contains(dst) || p.Bits() < bits || p.Bits() == bits && (static && !isStatic || static == isStatic && id >= target) {
				return
			}
			bits, static, target, hole = p.Bits(), isStatic, id, blackhole
		}
		for _, r := range table.Routes {
			if r.Blackhole {
				consider(r.CIDR, !r.Propagated, "", true)
			} else {
				consider(r.CIDR, !r.Propagated, slices.Min(r.Attachments), false)
			}
		}
		for _, id := range table.Propagating {
			for _, b := range s.F.Attachments {
				if b.ID != id || b.Gateway != a.Gateway {
					continue
				}
				if v := s.vpc(b.Resource); v != nil {
					for _, c := range v.CIDRs {
						consider(c, false, id, false)
					}
				}
				for _, v := range s.F.VPNConnections {
					for _, c := range v.Routes {
						if v.ID == b.Resource {
							consider(c, false, id, false)
						}
					}
				}
			}
		}
		if bits < 0 || hole {
			return nil
		}
		for i := range s.F.Attachments {
			if s.F.Attachments[i].ID == target {
				return &s.F.Attachments[i]
			}
		}
	}
	return nil
}

// fromTransit enters a VPC by an attachment's subnet, in the sender's zone
// where it has one, else in the destination's.
func (t *travel) fromTransit(a *facts.Attachment, zone string) End {
	if !t.s.inZone(a, zone) {
		for _, sub := range t.s.F.Subnets {
			if sub.VPC == a.Resource && holds(sub.CIDRs, t.p.Dst) {
				zone = sub.Zone
				break
			}
		}
	}
	e := t.s.entry(a, zone)
	if e == nil {
		return t.inside(a.Resource)
	}
	return t.routed(e)
}
