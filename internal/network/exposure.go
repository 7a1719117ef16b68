package network

import (
	"cmp"
	"net/netip"
	"runtime"
	"slices"
	"sync"

	"muster/internal/network/facts"
	"muster/internal/network/guard"
	"muster/internal/network/paths"
	"muster/internal/network/space"
	"muster/internal/network/topology"
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
	Edge            topology.Edge
	// Through is the load balancer that the flow comes by, empty for none.
	Through  facts.ID
	Protocol facts.Protocol
	Ports    space.PortRange
	// Sources are exactly the addresses that reach the ports.
	Sources space.Set
	// Certain is false where a middlebox decides, or facts were missing;
	// Details says why.
	Certain bool

	balancer *topology.Balancer
	route    *topology.Forwarding
	// mark differs where anything on the way differs.
	mark uint64
}

// Exposures lists what can be reached from the edges of VPCs, sorted by
// interface, address, edge, protocol, port and load balancer. Only TCP and UDP
// have ports to speak of.
func (s *Snapshot) Exposures() []Exposure {
	return s.exposuresOf(s.Order, nil)
}

// ExposuresOf is Exposures of one interface.
func (s *Snapshot) ExposuresOf(id facts.ID) []Exposure {
	n := s.Interfaces[id]
	if n == nil {
		return nil
	}
	return s.exposuresOf([]*topology.Interface{n}, nil)
}

// exposuresOf also notes what they depend on, unless used is nil.
func (s *Snapshot) exposuresOf(list []*topology.Interface, used *uses) []Exposure {
	wanted := make(map[*topology.Interface]bool, len(list))
	for _, n := range list {
		wanted[n] = true
	}
	workers := min(runtime.GOMAXPROCS(0), max(1, len(list)/64))
	parts, noted := make([][][]Exposure, workers), make([]*uses, workers)
	var wait sync.WaitGroup
	for w := range workers {
		wait.Go(func() {
			c := newCollector(s, used.empty())
			noted[w] = c.used
			for _, n := range list[len(list)*w/workers : len(list)*(w+1)/workers] {
				parts[w] = append(parts[w], c.direct(n))
			}
		})
	}
	wait.Wait()
	used.merge(noted)
	c := newCollector(s, used)
	behind := c.balanced(wanted)
	out := slices.Concat(append(slices.Concat(parts...), behind)...)
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
	// scratch is memory for the exposures of one interface.
	scratch []Exposure
	// used notes what exposures depend on; nil where nobody asks. members are
	// the marks of groups' members.
	used    *uses
	members map[facts.ID]uint64
}

// sharing is all that decides a way into a subnet.
type sharing struct {
	subnet *topology.Subnet
	edge   topology.Edge
	v6     bool
	mapped bool
	// unfiltered interfaces have no groups to ask.
	unfiltered bool
	// balancer is the one whose interface it is.
	balancer *topology.Balancer
}

type groupSharing struct {
	sharing
	guards *guard.Set
}

// opening is what is open to an edge over one way.
type opening struct {
	leg paths.Leg
	// own is the filter of the interface's groups, if it has one.
	own  *paths.Filter
	maps [2]space.Map
	mark uint64
}

func protocols() [2]facts.Protocol { return [2]facts.Protocol{facts.TCP, facts.UDP} }

func newCollector(s *Snapshot, used *uses) *collector {
	return &collector{s: s, used: used, members: map[facts.ID]uint64{}, ways: map[sharing][]opening{}, shared: map[groupSharing][]opening{}}
}

// direct are the exposures of an interface without load balancers.
func (c *collector) direct(n *topology.Interface) []Exposure {
	out := c.scratch[:0]
	for _, a := range n.Addresses {
		to := topology.Place{Interface: n, Address: facts.Address{Private: netip.PrefixFrom(a.Private.Addr(), a.Private.Addr().BitLen()), Public: a.Public}}
		for _, e := range n.Home.Edges {
			for _, o := range c.openings(e, to) {
				out = o.exposures(out, e, to)
			}
		}
	}
	c.scratch = out
	slices.SortStableFunc(out, compareExposures)
	return slices.Clone(out)
}

// exposures adds one exposure per run of ports with the same sources.
func (o *opening) exposures(out []Exposure, e topology.Edge, to topology.Place) []Exposure {
	for i, p := range protocols() {
		for _, segment := range o.maps[i] {
			x := exposureOf(to, e)
			x.Protocol, x.Ports, x.Sources = p, segment.PortRange, segment.Addrs
			x.Certain, x.mark = o.leg.Certain(), o.mark
			out = append(out, x)
		}
	}
	return out
}

func exposureOf(p topology.Place, e topology.Edge) Exposure {
	n := p.Interface
	return Exposure{
		Interface: n.ID, Instance: n.Instance, Subnet: n.In.ID, VPC: n.VPC, Scope: n.Scope,
		Address: p.Address.Private.Addr(), Public: p.Address.Public, Edge: e,
	}
}

// openings are what an address has open to an edge.
func (c *collector) openings(e topology.Edge, to topology.Place) []opening {
	n := to.Interface
	key := groupSharing{sharing: sharing{subnet: n.In, edge: e, v6: to.Address.Private.Addr().Is6(), mapped: to.Public(c.s.Internet), unfiltered: n.Unfiltered, balancer: n.Balances()}}
	if e.Internet() && !key.mapped || n.Kind == "nat_gateway" {
		return nil
	}
	ways, same := c.waysTo(key.sharing, to)
	if len(ways) == 0 {
		return nil
	}
	if same {
		key.guards = n.Guards
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
func (c *collector) guarded(w opening, n *topology.Interface) (opening, bool) {
	if w.own == nil {
		return w, true
	}
	own := *w.own
	own.Interface = n
	o := opening{leg: w.leg, own: &own}
	if c.used != nil {
		o.mark = w.mark*31 + own.Mark() + c.named(&own)
	}
	for i, p := range protocols() {
		if len(w.maps[i]) > 0 {
			o.maps[i] = w.maps[i].And(c.s.Permit(&o.leg, &own, guard.Traffic{Protocol: p}))
		}
	}
	return o, len(o.maps[0])+len(o.maps[1]) > 0
}

// waysTo are the ways to an address that routes and ACLs leave, with those
// united that differ in nothing but the sources. same is true when they are
// those of all addresses of the subnet.
func (c *collector) waysTo(key sharing, to topology.Place) (ways []opening, same bool) {
	if got, ok := c.ways[key]; ok {
		return got, true
	}
	sources, same := c.s.Sources(key.edge, to)
	// A gateway's own table may redirect single addresses.
	same = same && c.s.Gateways[key.edge.ID].Table == nil
	var legs []paths.Leg
	for _, j := range c.s.Inward(key.edge, to, sources) {
		if j.Block == nil {
			legs = append(legs, j.Legs[0])
		}
	}
	for _, l := range uniteLegs(legs) {
		o := opening{leg: l}
		o.leg.Forward.Filters, o.own = without(&l.Forward, to.Interface)
		if c.used != nil {
			c.used.way(to.Interface.In, &o.leg)
			o.mark = c.marks(1, []paths.Leg{o.leg})
		}
		for i, p := range protocols() {
			o.maps[i] = c.s.Open(&o.leg, guard.Traffic{Protocol: p})
		}
		ways = append(ways, o)
		same = same && c.alike(&l, to.Interface)
	}
	if same {
		c.ways[key] = ways
	}
	return ways, same
}

// without takes the filter of an interface's own groups out of the last ones.
func without(t *paths.Trail, n *topology.Interface) (rest []paths.Filter, own *paths.Filter) {
	for i := range t.Filters {
		if f := t.Filters[i]; f.Interface == n && !f.Egress && i == len(t.Filters)-1 {
			own = &f
			continue
		}
		rest = append(rest, t.Filters[i])
	}
	return rest, own
}

// uniteLegs unites the sources of legs whose filters are the same, as those
// behind the attachments of a transit gateway are.
func uniteLegs(legs []paths.Leg) []paths.Leg {
	var out []paths.Leg
	var sets [][]space.Set
next:
	for _, l := range legs {
		for i := range out {
			if slices.EqualFunc(out[i].Forward.Filters, l.Forward.Filters, sameFilter) && slices.EqualFunc(out[i].Back.Filters, l.Back.Filters, sameFilter) &&
				out[i].Certain() == l.Certain() {
				sets[i] = append(sets[i], l.Far)
				continue next
			}
		}
		out, sets = append(out, l), append(sets, []space.Set{l.Far})
	}
	for i := range out {
		out[i].Far = space.Union(sets[i]...)
	}
	return out
}

func sameFilter(a, b paths.Filter) bool {
	a.Hop, b.Hop = 0, 0
	return a == b
}

// alike reports whether a way is the same for all addresses of the subnet: no
// rule on it tells them apart.
func (c *collector) alike(l *paths.Leg, n *topology.Interface) bool {
	for _, f := range slices.Concat(l.Forward.Filters, l.Back.Filters) {
		if f.Far || f.Interface == n || f.Balancer != nil {
			continue
		}
		for _, p := range protocols() {
			if f.ACL == nil || !blind(f.ACL.Permits(f.Egress, guard.Traffic{Protocol: p, Reply: f.Reply}), n.In.Space) {
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

// balanced are the exposures of targets behind load balancers.
func (c *collector) balanced(wanted map[*topology.Interface]bool) []Exposure {
	var out []Exposure
	for _, b := range c.s.Balancers {
		for i := range b.Routes {
			if f := &b.Routes[i]; wanted[f.To.Interface] {
				out = append(out, c.target(b, f)...)
			}
		}
	}
	return out
}

// target are the exposures of one target: from each edge over each of the
// balancer's interfaces. Their sources are united per edge and protocol.
func (c *collector) target(b *topology.Balancer, f *topology.Forwarding) []Exposure {
	var out []Exposure
	for _, from := range b.Places {
		for _, e := range from.Interface.Home.Edges {
			for _, o := range c.openings(e, from) {
				for i, p := range protocols() {
					clients := o.maps[i].At(f.Listener.Port)
					if clients.Empty() || !slices.Contains(f.Protocols(), p) {
						continue
					}
					ways := c.s.Onward(b, from, &o.leg, f, clients)
					if c.used != nil {
						c.used.balancer(b, ways)
					}
					legs, passed := c.s.Passing(ways, p, clients)
					if passed.Empty() {
						continue
					}
					x := exposureOf(f.To, e)
					x.Protocol, x.Ports, x.Sources = p, space.PortRange{First: f.Target.Port, Last: f.Target.Port}, passed
					x.Through, x.balancer, x.route = b.ID, b, f
					x.Certain = o.leg.Certain() && paths.Certain(legs) && b.Assumed == ""
					x.mark = c.marks(o.mark, legs)
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
				o.Sources, o.mark = space.Union(o.Sources, x.Sources), o.mark*31+x.mark
				continue next
			}
		}
		out = append(out, x)
	}
	return out
}
