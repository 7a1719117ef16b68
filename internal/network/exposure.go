package network

import (
	"cmp"
	"net/netip"
	"runtime"
	"slices"
	"sync"

	"muster/internal/network/facts"
	"muster/internal/network/space"
)

// Exposure is one way in which ports of an interface can be reached from
// outside its VPC: the same sources for all ports of the range.
type Exposure struct {
	// Interface, Instance, VPC and Subnet say what is exposed; Instance is
	// empty for interfaces of other things.
	Interface, Instance, Subnet, VPC facts.ID
	facts.Scope
	// Address is the private address; Public its twin, invalid where none.
	Address, Public netip.Addr
	Edge            Edge
	// Through is the load balancer that the flow comes by, empty for none.
	Through  facts.ID
	Protocol facts.Protocol
	Ports    space.PortRange
	// Sources are exactly the addresses that reach the ports.
	Sources space.Set
	// Certain is false where a middlebox decides, or facts were missing;
	// Details says why.
	Certain bool

	balancer *balancer
	route    *forwarding
}

// Exposures lists what can be reached from the edges of VPCs, sorted by
// interface, address, edge, protocol, port and load balancer. Only TCP and UDP
// have ports to speak of.
func (s *Snapshot) Exposures() []Exposure {
	return s.exposuresOf(s.order)
}

// ExposuresOf is Exposures of one interface.
func (s *Snapshot) ExposuresOf(id facts.ID) []Exposure {
	n := s.interfaces[id]
	if n == nil {
		return nil
	}
	return s.exposuresOf([]*iface{n})
}

func (s *Snapshot) exposuresOf(list []*iface) []Exposure {
	wanted := make(map[*iface]bool, len(list))
	for _, n := range list {
		wanted[n] = true
	}
	workers := min(runtime.GOMAXPROCS(0), max(1, len(list)/64))
	parts := make([][]Exposure, workers)
	var wait sync.WaitGroup
	for w := range workers {
		wait.Go(func() {
			c := newCollector(s)
			for _, n := range list[len(list)*w/workers : len(list)*(w+1)/workers] {
				parts[w] = append(parts[w], c.direct(n)...)
			}
		})
	}
	wait.Wait()
	c := newCollector(s)
	behind := c.balanced(wanted)
	out := slices.Concat(append(parts, behind)...)
	if len(behind) > 0 {
		slices.SortStableFunc(out, compareExposures)
	}
	return out
}

func compareExposures(a, b Exposure) int {
	return cmp.Or(cmp.Compare(a.Interface, b.Interface), a.Address.Compare(b.Address), cmp.Compare(a.Edge.Kind, b.Edge.Kind),
		cmp.Compare(a.Edge.ID, b.Edge.ID), cmp.Compare(a.Protocol, b.Protocol), cmp.Compare(a.Ports.First, b.Ports.First), cmp.Compare(a.Through, b.Through))
}

// collector gathers exposures and remembers what interfaces of the same
// subnet, groups and edge have in common.
type collector struct {
	s      *Snapshot
	shared map[sharing][]opening
}

// sharing is all that decides an opening except the address itself.
type sharing struct {
	subnet  *subnet
	groups  string
	edge    Edge
	v6      bool
	mapped  bool
	special *route
}

// opening is what is open to an edge over one way.
type opening struct {
	legs []leg
	maps [2]space.Map
}

func protocols() [2]facts.Protocol { return [2]facts.Protocol{facts.TCP, facts.UDP} }

func newCollector(s *Snapshot) *collector {
	return &collector{s: s, shared: map[sharing][]opening{}}
}

// direct are the exposures of an interface without load balancers.
func (c *collector) direct(n *iface) []Exposure {
	var out []Exposure
	for _, a := range n.Addresses {
		to := place{n, facts.Address{Private: netip.PrefixFrom(a.Private.Addr(), a.Private.Addr().BitLen()), Public: a.Public}}
		for _, e := range n.vpc.edges {
			for _, o := range c.openings(e, to) {
				out = append(out, o.exposures(e, to)...)
			}
		}
	}
	slices.SortStableFunc(out, compareExposures)
	return out
}

// exposures makes one exposure per run of ports with the same sources.
func (o *opening) exposures(e Edge, to place) []Exposure {
	var out []Exposure
	for i, p := range protocols() {
		for _, segment := range o.maps[i] {
			x := to.exposure(e)
			x.Protocol, x.Ports, x.Sources = p, segment.PortRange, segment.Addrs
			x.Certain = certain(o.legs)
			out = append(out, x)
		}
	}
	return out
}

func (p place) exposure(e Edge) Exposure {
	n := p.iface
	return Exposure{
		Interface: n.ID, Instance: n.Instance, Subnet: n.subnet.ID, VPC: n.VPC, Scope: n.Scope,
		Address: p.address.Private.Addr(), Public: p.address.Public, Edge: e,
	}
}

// certain reports whether nothing on the way is unknown.
func certain(legs []leg) bool {
	for _, l := range legs {
		if len(l.forward.doubts)+len(l.back.doubts)+len(l.forward.assumed)+len(l.back.assumed) > 0 {
			return false
		}
	}
	return true
}

// openings are what an address has open to an edge. What depends on the
// address alone, a redirecting gateway table, is part of the key.
func (c *collector) openings(e Edge, to place) []opening {
	n := to.iface
	key := sharing{subnet: n.subnet, groups: groupKey(n), edge: e, v6: to.address.Private.Addr().Is6(), mapped: to.public(c.s)}
	if e.Internet() && !key.mapped {
		return nil
	}
	if t := c.s.gateways[e.ID].table; t != nil {
		key.special = t.lookup(to.address.Private.Addr())
	}
	sources, same := c.s.sources(e, to)
	if got, ok := c.shared[key]; ok && same {
		return got
	}
	var out []opening
	for _, j := range c.s.inward(e, to, sources) {
		if j.block != nil {
			continue
		}
		o := opening{legs: j.legs}
		for i, p := range protocols() {
			o.maps[i] = c.s.open(&j.legs[0], traffic{protocol: p})
		}
		if len(o.maps[0])+len(o.maps[1]) > 0 {
			out = append(out, o)
		}
	}
	if same && c.alike(out, n.subnet) {
		c.shared[key] = out
	}
	return out
}

// alike reports whether openings are the same for all addresses of a subnet:
// no rule on the way tells its addresses apart.
func (c *collector) alike(all []opening, sub *subnet) bool {
	for _, o := range all {
		for _, f := range slices.Concat(o.legs[0].forward.filters, o.legs[0].back.filters) {
			if f.far {
				continue
			}
			for _, p := range protocols() {
				if f.acl == nil || !blind(f.acl.permits(f.egress, traffic{p, f.reply}), sub.space) {
					return false
				}
			}
		}
	}
	return true
}

// blind reports whether every port's set holds all or none of the addresses.
func blind(m space.Map, set space.Set) bool {
	for _, segment := range m {
		if got := segment.Addrs.Intersect(set); !got.Empty() && !got.Equal(set) {
			return false
		}
	}
	return true
}

func groupKey(n *iface) string {
	size := 0
	for _, g := range n.groups {
		size += len(g.ID) + 1
	}
	b := make([]byte, 0, size)
	for _, g := range n.groups {
		b = append(append(b, g.ID...), ' ')
	}
	return string(b)
}

// balanced are the exposures of targets behind load balancers.
func (c *collector) balanced(wanted map[*iface]bool) []Exposure {
	var out []Exposure
	for _, b := range c.s.balancers {
		for i := range b.routes {
			if f := &b.routes[i]; wanted[f.to.iface] {
				out = append(out, c.target(b, f)...)
			}
		}
	}
	return out
}

// target are the exposures of one target: from each edge over each of the
// balancer's interfaces. Their sources are united per edge and protocol.
func (c *collector) target(b *balancer, f *forwarding) []Exposure {
	var out []Exposure
	for _, from := range b.places {
		for _, e := range from.iface.vpc.edges {
			for _, o := range c.openings(e, from) {
				for i, p := range protocols() {
					clients := o.maps[i].At(f.listener.Port)
					if clients.Empty() || !slices.Contains(f.protocols(), p) {
						continue
					}
					legs, passed := c.s.through(b, from, f, p, clients)
					if passed.Empty() {
						continue
					}
					x := f.to.exposure(e)
					x.Protocol, x.Ports, x.Sources = p, space.PortRange{First: f.target.Port, Last: f.target.Port}, passed
					x.Through, x.balancer, x.route = b.ID, b, f
					x.Certain = certain(o.legs) && certain(legs) && b.assumed == ""
					out = append(out, x)
				}
			}
		}
	}
	return unite(out)
}

// unite joins exposures that differ in the balancer's interface only.
func unite(all []Exposure) []Exposure {
	var out []Exposure
next:
	for _, x := range all {
		for i := range out {
			if o := &out[i]; o.Edge == x.Edge && o.Protocol == x.Protocol && o.Ports == x.Ports {
				o.Sources = space.Union(o.Sources, x.Sources)
				continue next
			}
		}
		out = append(out, x)
	}
	return out
}
