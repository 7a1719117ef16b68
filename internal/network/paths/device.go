package paths

import (
	"net/netip"

	"muster/internal/network/facts"
	"muster/internal/network/guard"
	"muster/internal/network/space"
	"muster/internal/network/topology"
)

// ruled reports whether rules that people write decide at the filter, and not
// what a NAT gateway or a load balancer is.
func (f *Filter) ruled() bool { return f.ACL != nil || f.Interface != nil }

// takes is what a device without rules takes: a NAT gateway the protocols that
// it can translate, a load balancer what its listeners wait for.
func (f *Filter) takes(l *Leg, t guard.Traffic) space.Map {
	if f.Balancer == nil {
		if t.Ported() || t.Protocol == facts.ICMP {
			return space.Everywhere(l.Far)
		}
		return nil
	}
	if !t.Ported() {
		if t.Protocol == facts.ICMP && f.Balancer.Kind != "network" {
			return space.Everywhere(l.Far)
		}
		return nil
	}
	var out []space.Segment
	for _, r := range f.Balancer.Listens(t.Protocol) {
		out = append(out, space.Segment{PortRange: r, Addrs: l.Far})
	}
	return space.Overlay(out)
}

// device is the component without rules, and why it takes or refuses a sample.
func (f *Filter) device(l *Leg, t guard.Traffic, p Sample) Rule {
	allow := f.takes(l, t).At(p.Server).Contains(p.Far)
	if f.Balancer == nil {
		r := Rule{Component: Hop{Type: "AWS::EC2::NatGateway", ID: f.NAT}, Text: "translates tcp, udp and icmp", Allow: allow, Egress: f.Egress}
		if !allow {
			r.Text = "a NAT gateway translates tcp, udp and icmp only"
		}
		return r
	}
	r := Rule{Component: BalancerHop(f.Balancer), Text: "a listener takes it", Allow: allow}
	if !allow {
		r.Text = "no listener of " + f.Balancer.Name + " takes " + t.Text(p.Server)
	}
	return r
}

// listens adds the listeners of the load balancer whose interface it is, for
// packets that begin flows, unless nobody told the listeners.
func (w *walker) listens(t Trail, n *topology.Interface) Trail {
	b := n.Balances()
	if !w.initiating || b == nil {
		return t
	}
	if len(b.Listeners) == 0 {
		return t.assume("the listeners of the load balancer " + b.Name + " are not among the facts; it is assumed to have some")
	}
	t.Filters = clip(t.Filters, Filter{Balancer: b, Far: w.toNear, Hop: max(t.length()-1, 0)})
	return t
}

// nat64 is the well-known prefix under which NAT gateways take packets to IPv4
// addresses (RFC 6052).
func nat64() netip.Prefix { return netip.MustParsePrefix("64:ff9b::/96") }

// embedded is the IPv4 address in the last four bytes.
func embedded(six netip.Addr) netip.Addr {
	b := six.As16()
	return netip.AddrFrom4([4]byte(b[12:]))
}
