package network_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"

	"muster/internal/network"
	"muster/internal/network/facts"
	"muster/internal/network/networktest"
	"muster/internal/network/packettest"
	"muster/internal/network/space"
)

var (
	agreeSeed     = flag.Uint64("agree.seed", 1, "first seed of TestSimulatorAgrees")
	agreeNetworks = flag.Int("agree.networks", 25, "random networks of TestSimulatorAgrees")
	agreePackets  = flag.Int("agree.packets", 600, "packets in each network")
)

// TestSimulatorAgrees holds the analysis against the packet simulator: random
// networks, random packets with a liking for bounds. A long run is
// -agree.networks=20000 -agree.packets=1000.
func TestSimulatorAgrees(t *testing.T) {
	for name, made := range map[string]func(uint64) *facts.Facts{"random": networktest.Random, "estate": networktest.Estate} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			agree(t, name, made)
		})
	}
}

// agree compares in networks of one generator.
func agree(t *testing.T, name string, made func(uint64) *facts.Facts) {
	open, through, total := 0, 0, 0
	for i := range *agreeNetworks {
		seed := *agreeSeed + uint64(i)
		c := newComparison(made(seed), seed)
		for range *agreePackets {
			if problem := c.packet(); problem != "" {
				t.Fatalf("seed %d (-run SimulatorAgrees/%s -agree.seed=%d -agree.networks=1): %s", seed, name, seed, problem)
			}
		}
		open, through, total = open+c.open, through+c.through, total+*agreePackets
	}
	t.Logf("%d packets, %d of them get through, %d by load balancers", total, open, through)
	if *agreeNetworks >= 20 && (open*50 < total || through*2000 < total) {
		t.Errorf("only %d of %d packets get through; the networks prove little", open, total)
	}
}

type comparison struct {
	*rand.Rand
	f         *facts.Facts
	s         *network.Snapshot
	sim       *packettest.Sim
	exposures map[facts.ID][]network.Exposure
	addresses []netip.Addr
	edges     map[facts.ID][]facts.ID
	// open counts the packets that get through, through those by a balancer.
	open, through int
}

func newComparison(f *facts.Facts, seed uint64) *comparison {
	c := &comparison{
		Rand: rand.New(rand.NewPCG(seed, 99)), f: f, s: network.New(f), sim: &packettest.Sim{F: f},
		exposures: map[facts.ID][]network.Exposure{}, edges: map[facts.ID][]facts.ID{},
	}
	for _, x := range c.s.Exposures() {
		c.exposures[x.Interface] = append(c.exposures[x.Interface], x)
	}
	add := func(p netip.Prefix) {
		c.addresses = append(c.addresses, p.Addr(), p.Addr().Next())
		if prev := p.Addr().Prev(); prev.IsValid() {
			c.addresses = append(c.addresses, prev)
		}
		r := space.Of(p).Ranges()[0]
		c.addresses = append(c.addresses, r.To())
		if next := r.To().Next(); next.IsValid() {
			c.addresses = append(c.addresses, next)
		}
	}
	for _, g := range f.Groups {
		for _, r := range slices.Concat(g.Ingress, g.Egress) {
			if r.CIDR.IsValid() {
				add(r.CIDR)
			}
		}
	}
	for _, sub := range f.Subnets {
		for _, p := range sub.CIDRs {
			add(p)
		}
	}
	for _, text := range []string{"8.8.8.8", "1.1.1.1", "192.168.7.7", "172.16.3.3", "2a00::1", "54.0.0.10", "169.254.1.1", "64:ff9b::808:808", "64:ff9b::a01:a", "3.5.140.9", "172.20.1.1"} {
		c.addresses = append(c.addresses, netip.MustParseAddr(text))
	}
	for _, list := range [][]facts.Gateway{f.InternetGateways, f.VPNGateways} {
		for _, g := range list {
			c.edges[g.VPCs[0]] = append(c.edges[g.VPCs[0]], g.ID)
		}
	}
	for _, p := range f.Peerings {
		if p.Active {
			c.edges[p.Requester.VPC] = append(c.edges[p.Requester.VPC], p.ID)
			c.edges[p.Accepter.VPC] = append(c.edges[p.Accepter.VPC], p.ID)
		}
	}
	for _, a := range f.Attachments {
		if a.Kind == "vpc" {
			c.edges[a.Resource] = append(c.edges[a.Resource], a.Gateway)
		}
	}
	return c
}

func (c *comparison) port() uint16 {
	if c.IntN(3) == 0 {
		return 22
	}
	bounds := []int{0, 1, 20, 21, 22, 23, 24, 79, 80, 81, 443, 1023, 1024, 1025, 5000, 5001, 32768, 49152, 61000, 61001, 65534, 65535}
	if c.IntN(4) == 0 {
		return uint16(c.IntN(65536))
	}
	return uint16(bounds[c.IntN(len(bounds))])
}

// packet compares one random packet; it returns what is wrong.
func (c *comparison) packet() string {
	n := &c.f.Interfaces[c.IntN(len(c.f.Interfaces))]
	own := n.Addresses[c.IntN(len(n.Addresses))].Private.Addr()
	if c.IntN(4) == 0 && len(c.f.LoadBalancers) > 0 {
		return c.balanced()
	}
	if edges := c.edges[n.VPC]; c.IntN(2) == 0 && len(edges) > 0 {
		return c.fromEdge(edges[c.IntN(len(edges))], n, own)
	}
	protocol := []facts.Protocol{facts.TCP, facts.TCP, facts.UDP, facts.ICMP, 50}[c.IntN(5)]
	p := packettest.Packet{Src: own, Protocol: protocol}
	if protocol == facts.TCP || protocol == facts.UDP {
		p.DstPort = c.port()
	}
	to := facts.ID("")
	if m := &c.f.Interfaces[c.IntN(len(c.f.Interfaces))]; c.IntN(3) > 0 {
		p.Dst, to = m.Addresses[c.IntN(len(m.Addresses))].Private.Addr(), m.ID
	} else {
		p.Dst = c.addresses[c.IntN(len(c.addresses))]
	}
	if p.Dst.Is4() != p.Src.Is4() || to == n.ID || to == "" && c.taken(p.Dst) {
		return ""
	}
	want := c.sim.FromInterface(n, p, to)
	a, err := c.s.Why(network.Question{
		Source: p.Src.String(), Destination: p.Dst.String(), Ports: space.PortRange{First: p.DstPort, Last: p.DstPort}, Protocols: []facts.Protocol{protocol},
	})
	if err != nil {
		return err.Error()
	}
	if want {
		c.open++
	}
	if got := c.reaches(a, n, p.Src, to, p.Dst); got != want {
		return fmt.Sprintf("%s (%s) → %s (%s) %v port %d: analysis %v, simulator %v\n%+v", p.Src, n.ID, p.Dst, to, protocol, p.DstPort, got, want, a.Flows)
	}
	return ""
}

// reaches says whether an answer has an open flow from one interface to another,
// or to what lies outside: several interfaces may have an address.
func (c *comparison) reaches(a *network.Answer, n *facts.Interface, src netip.Addr, to facts.ID, dst netip.Addr) bool {
	for _, f := range a.Flows {
		if f.Open == nil || f.From != c.label(n.ID, src) {
			continue
		}
		if to == "" || f.To == c.label(to, dst) {
			return true
		}
	}
	return false
}

// label is how answers call an interface's address.
func (c *comparison) label(id facts.ID, a netip.Addr) string {
	for _, n := range c.f.Interfaces {
		if n.ID == id && n.Instance != "" {
			id = n.Instance
			break
		}
	}
	return string(id) + "[" + a.String() + "]"
}

// taken: an address that is some interface's, or that EC2 answers itself.
func (c *comparison) taken(a netip.Addr) bool {
	for _, n := range c.f.Interfaces {
		for _, own := range n.Addresses {
			if own.Private.Contains(a) || own.Public == a {
				return true
			}
		}
	}
	for _, v := range c.f.VPCs {
		for _, p := range v.CIDRs {
			if a == p.Addr().Next().Next() {
				return true
			}
		}
	}
	return false
}

// source is an address that often lies behind the edge.
func (c *comparison) source(edge facts.ID) netip.Addr {
	m := &c.f.Interfaces[c.IntN(len(c.f.Interfaces))]
	inside := m.Addresses[c.IntN(len(m.Addresses))].Private.Addr()
	switch any := c.addresses[c.IntN(len(c.addresses))]; {
	case c.IntN(3) == 0:
		return any
	case edge[:3] == "igw":
		return netip.MustParseAddr([]string{"8.8.8.8", "1.1.1.1", "2a00::1", "200.1.1.1"}[c.IntN(4)])
	case edge[:3] == "vgw":
		return netip.MustParseAddr([]string{"192.168.7.7", "192.168.0.0", "172.16.3.3"}[c.IntN(3)])
	}
	return inside
}

func (c *comparison) fromEdge(edge facts.ID, n *facts.Interface, own netip.Addr) string {
	p := packettest.Packet{Src: c.source(edge), Dst: own, Protocol: facts.TCP, DstPort: c.port()}
	if c.IntN(3) == 0 {
		p.Protocol = facts.UDP
	}
	if p.Src.Is4() != p.Dst.Is4() {
		return ""
	}
	want := c.sim.FromEdge(edge, n, p)
	got := false
	for _, x := range c.exposures[n.ID] {
		got = got || x.Through == "" && x.Address == own && x.Edge.ID == edge && x.Protocol == p.Protocol && x.Ports.First <= p.DstPort && p.DstPort <= x.Ports.Last && x.Sources.Contains(p.Src)
	}
	if want {
		c.open++
	}
	if got != want {
		return fmt.Sprintf("%s from %s → %s (%s) %v port %d: analysis %v, simulator %v\n%+v", p.Src, edge, own, n.ID, p.Protocol, p.DstPort, got, want, c.exposures[n.ID])
	}
	return ""
}

// balanced compares a client's way through a load balancer to one of its
// targets, or to what is not a target.
func (c *comparison) balanced() string {
	lb := &c.f.LoadBalancers[c.IntN(len(c.f.LoadBalancers))]
	edges := c.edges[lb.VPC]
	if len(edges) == 0 {
		return ""
	}
	n, port := c.target(lb)
	edge, own := edges[c.IntN(len(edges))], n.Addresses[c.IntN(len(n.Addresses))].Private.Addr()
	client, protocol := c.source(edge), facts.TCP
	if c.IntN(3) == 0 {
		protocol = facts.UDP
	}
	want, got := c.sim.Through(edge, lb, client, n, own, protocol, port), false
	for _, x := range c.exposures[n.ID] {
		got = got || x.Through == lb.ID && x.Address == own && x.Edge.ID == edge && x.Protocol == protocol && x.Ports.First <= port && port <= x.Ports.Last && x.Sources.Contains(client)
	}
	if want {
		c.open, c.through = c.open+1, c.through+1
	}
	if got != want {
		return fmt.Sprintf("%s from %s through %s → %s (%s) %v port %d: analysis %v, simulator %v\n%+v", client, edge, lb.ID, own, n.ID, protocol, port, got, want, c.exposures[n.ID])
	}
	return ""
}

// target is mostly one of the balancer's own.
func (c *comparison) target(lb *facts.LoadBalancer) (*facts.Interface, uint16) {
	groups := lb.Listeners[c.IntN(len(lb.Listeners))].TargetGroups
	for _, g := range c.f.TargetGroups {
		if g.ID != groups[0] || len(g.Targets) == 0 || c.IntN(8) == 0 {
			continue
		}
		want := g.Targets[c.IntN(len(g.Targets))].ID
		for i := range c.f.Interfaces {
			n := &c.f.Interfaces[i]
			if string(n.Instance) == want || slices.ContainsFunc(n.Addresses, func(a facts.Address) bool { return a.Private.Addr().String() == want }) {
				return n, g.Port
			}
		}
	}
	return &c.f.Interfaces[c.IntN(len(c.f.Interfaces))], []uint16{22, 80, 8080}[c.IntN(3)]
}
