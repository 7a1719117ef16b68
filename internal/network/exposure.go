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
// subnet have in common.
type collector struct {
	s *Snapshot
	// ways are those into a subnet, without the groups of an interface.
	ways map[sharing][]opening
	// shared are the openings of interfaces with the same groups.
	shared map[groupSharing][]opening
}

// sharing is all that decides a way into a subnet.
type sharing struct {
	subnet *subnet
	edge   Edge
	v6     bool
	mapped bool
}

type groupSharing struct {
	sharing
	groups string
}

// opening is what is open to an edge over one way.
type opening struct {
	leg leg
	// own is the filter of the interface's groups, if it has one.
	own  *filter
	maps [2]space.Map
}

func protocols() [2]facts.Protocol { return [2]facts.Protocol{facts.TCP, facts.UDP} }

func newCollector(s *Snapshot) *collector {
	return &collector{s: s, ways: map[sharing][]opening{}, shared: map[groupSharing][]opening{}}
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
			x.Certain = o.leg.certain()
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
func (l *leg) certain() bool {
	return len(l.forward.doubts)+len(l.back.doubts)+len(l.forward.assumed)+len(l.back.assumed) == 0
}

func certain(legs []leg) bool {
	return !slices.ContainsFunc(legs, func(l leg) bool { return !l.certain() })
}

// openings are what an address has open to an edge.
func (c *collector) openings(e Edge, to place) []opening {
	n := to.iface
	key := groupSharing{sharing: sharing{subnet: n.subnet, edge: e, v6: to.address.Private.Addr().Is6(), mapped: to.public(c.s)}}
	if e.Internet() && !key.mapped {
		return nil
	}
	ways, same := c.waysTo(key.sharing, to)
	if len(ways) == 0 {
		return nil
	}
	if same {
		key.groups = groupKey(n)
		if got, ok := c.shared[key]; ok {
			return got
		}
	}
	var out []opening
	for _, w := range ways {
		if o, ok := c.guarded(w, n); ok {
			out = append(out, o)
		}
	}
	if same {
		c.shared[key] = out
	}
	return out
}

// guarded is a way with the groups of the interface asked.
func (c *collector) guarded(w opening, n *iface) (opening, bool) {
	if w.own == nil {
		return w, true
	}
	own := *w.own
	own.iface = n
	o := opening{leg: w.leg, own: &own}
	for i, p := range protocols() {
		if len(w.maps[i]) > 0 {
			o.maps[i] = w.maps[i].And(c.s.permit(&o.leg, &own, traffic{protocol: p}))
		}
	}
	return o, len(o.maps[0])+len(o.maps[1]) > 0
}

// waysTo are the ways to an address that routes and ACLs leave, with those
// united that differ in nothing but the sources. same is true when they are
// those of all addresses of the subnet.
func (c *collector) waysTo(key sharing, to place) (ways []opening, same bool) {
	if got, ok := c.ways[key]; ok {
		return got, true
	}
	sources, same := c.s.sources(key.edge, to)
	// A gateway's own table may redirect single addresses.
	same = same && c.s.gateways[key.edge.ID].table == nil
	var legs []leg
	for _, j := range c.s.inward(key.edge, to, sources) {
		if j.block == nil {
			legs = append(legs, j.legs[0])
		}
	}
	for _, l := range uniteLegs(legs) {
		o := opening{leg: l}
		o.leg.forward.filters, o.own = l.forward.without(to.iface)
		for i, p := range protocols() {
			o.maps[i] = c.s.open(&o.leg, traffic{protocol: p})
		}
		ways = append(ways, o)
		same = same && c.alike(&l, to.iface)
	}
	if same {
		c.ways[key] = ways
	}
	return ways, same
}

// without takes the filter of an interface's own groups out of the last ones.
func (t *trail) without(n *iface) (rest []filter, own *filter) {
	for i := range t.filters {
		if f := t.filters[i]; f.iface == n && !f.egress && i == len(t.filters)-1 {
			own = &f
			continue
		}
		rest = append(rest, t.filters[i])
	}
	return rest, own
}

// uniteLegs unites the sources of legs whose filters are the same, as those
// behind the attachments of a transit gateway are.
func uniteLegs(legs []leg) []leg {
	var out []leg
	var sets [][]space.Set
next:
	for _, l := range legs {
		for i := range out {
			if slices.EqualFunc(out[i].forward.filters, l.forward.filters, sameFilter) && slices.EqualFunc(out[i].back.filters, l.back.filters, sameFilter) &&
				out[i].certain() == l.certain() {
				sets[i] = append(sets[i], l.far)
				continue next
			}
		}
		out, sets = append(out, l), append(sets, []space.Set{l.far})
	}
	for i := range out {
		out[i].far = space.Union(sets[i]...)
	}
	return out
}

func sameFilter(a, b filter) bool {
	a.hop, b.hop = 0, 0
	return a == b
}

// alike reports whether a way is the same for all addresses of the subnet: no
// rule on it tells them apart.
func (c *collector) alike(l *leg, n *iface) bool {
	for _, f := range slices.Concat(l.forward.filters, l.back.filters) {
		if f.far || f.iface == n {
			continue
		}
		for _, p := range protocols() {
			if f.acl == nil || !blind(f.acl.permits(f.egress, traffic{p, f.reply}), n.subnet.space) {
				return false
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
					legs, passed := c.s.through(b, from, &o.leg, f, p, clients)
					if passed.Empty() {
						continue
					}
					x := f.to.exposure(e)
					x.Protocol, x.Ports, x.Sources = p, space.PortRange{First: f.target.Port, Last: f.target.Port}, passed
					x.Through, x.balancer, x.route = b.ID, b, f
					x.Certain = o.leg.certain() && certain(legs) && b.assumed == ""
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
