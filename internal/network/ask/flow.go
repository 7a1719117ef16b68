package ask

import (
	"cmp"
	"net/netip"
	"slices"

	"muster/internal/arn"
	"muster/internal/network/facts"
	"muster/internal/network/guard"
	"muster/internal/network/paths"
	"muster/internal/network/space"
)

// flow works a candidate out for what was asked.
func (s *Asker) flow(c candidate, q Question) Flow {
	f := Flow{From: c.from, To: c.to, Through: c.through}
	j := &c.journey
	for i := range j.Legs {
		f.Path = append(f.Path, j.Legs[i].Forward.Hops()...)
		f.Doubts = append(f.Doubts, slices.Concat(j.Legs[i].Forward.Doubts, j.Legs[i].Back.Doubts)...)
		f.Assumed = append(f.Assumed, slices.Concat(j.Legs[i].Forward.Assumed, j.Legs[i].Back.Assumed)...)
	}
	if c.assumed != "" {
		f.Assumed = append(f.Assumed, c.assumed)
	}
	if j.Block != nil {
		f.Doubts, f.Assumed = append(f.Doubts, j.Block.Doubts...), append(f.Assumed, j.Block.Assumed...)
	}
	f.Doubts, f.Assumed = paths.Distinct(f.Doubts), paths.Distinct(f.Assumed)
	if j.Block != nil && (!j.Block.Reply || len(j.Legs) == 0) {
		s.noRoute(&f, &c)
		return f
	}
	asked := s.asked(q, j)
	if c.protocol != 0 {
		asked = []facts.Protocol{c.protocol}
	}
	if j.Block != nil {
		s.noReplies(&f, &c, asked, q)
		return f
	}
	for _, p := range asked {
		s.opens(&f, &c, guard.Traffic{Protocol: p}, q)
	}
	if f.Open == nil {
		s.denied(&f, &c, asked, q)
		return f
	}
	f.Outcome = "exits"
	if j.To != nil || j.Edge != nil && j.Legs[0].Forward.Hops()[0].ID == j.Edge.ID {
		f.Outcome = "delivered"
	}
	s.witness(&f, &c, q)
	return f
}

// asked are the protocols to look at: those of the question, else the usual
// ones and whatever else the rules on the way name.
func (s *Asker) asked(q Question, j *paths.Journey) []facts.Protocol {
	if len(q.Protocols) > 0 {
		return q.Protocols
	}
	out := []facts.Protocol{facts.TCP, facts.UDP, facts.ICMP}
	for _, l := range j.Legs {
		for _, f := range l.Forward.Filters {
			if f.Interface == nil {
				continue
			}
			for _, g := range f.Interface.Guards.Groups {
				for _, r := range g.Rules(f.Egress) {
					if r.Protocol != facts.Any && r.Protocol != facts.ICMPv6 && !slices.Contains(out, r.Protocol) {
						out = append(out, r.Protocol)
					}
				}
			}
		}
	}
	return out
}

// of limits a map to the ports asked for, on a leg to the one that a load
// balancer chose.
func (q *Question) of(l *paths.Leg, m space.Map, t guard.Traffic) space.Map {
	if l.Port != 0 {
		return m.Clip(space.PortRange{First: l.Port, Last: l.Port})
	}
	return q.clip(m, t)
}

// clip limits a map to the ports asked for.
func (q *Question) clip(m space.Map, t guard.Traffic) space.Map {
	if q.AnyPort || !t.Ported() {
		return m
	}
	return m.Clip(q.Ports)
}

// result is what a candidate leaves open.
func (s *Asker) result(c *candidate, t guard.Traffic, q Question) space.Map {
	if c.listener == nil {
		return q.clip(s.OpenAll(c.journey.Legs, t), t)
	}
	if c.protocol != t.Protocol {
		return nil
	}
	port := c.listener.Target.Port
	return q.clip(space.Over(space.PortRange{First: port, Last: port}, c.journey.Set), t)
}

// opens notes what is open for one protocol, one entry per set of addresses.
func (s *Asker) opens(f *Flow, c *candidate, t guard.Traffic, q Question) {
	m := s.result(c, t, q)
	for _, segment := range m {
		o := Open{Protocol: guard.ProtocolName(t.Protocol), protocol: t.Protocol}
		if t.Ported() {
			o.Ports = []space.PortRange{segment.PortRange}
		}
		if c.variable {
			o.Internet = segment.Addrs.Equal(s.Internet.Intersect(s.Families(c.journey.Legs[0].Near)))
			for _, p := range segment.Addrs.Ranges() {
				text := p.From().String() + "-" + p.To().String()
				if prefix, ok := p.Prefix(); ok {
					text = prefix.String()
				}
				o.Addresses = append(o.Addresses, text)
			}
		}
		if n := len(f.Open); n > 0 && f.Open[n-1].Protocol == o.Protocol && slices.Equal(f.Open[n-1].Addresses, o.Addresses) {
			f.Open[n-1].Ports = append(f.Open[n-1].Ports, o.Ports...)
			continue
		}
		f.Open = append(f.Open, o)
	}
}

// witness adds a packet that gets through and the rules that let it.
func (s *Asker) witness(f *Flow, c *candidate, q Question) {
	t := guard.Traffic{Protocol: f.Open[0].protocol}
	m := s.result(c, t, q)
	legs := c.journey.Legs
	f.Path, f.Return, f.Rules = nil, nil, nil
	for i := range legs {
		l := &legs[i]
		p, ok := s.Take(l, t, m)
		if l.Port != 0 {
			p.Server = l.Port
		}
		if a, single := l.Far.Single(); single {
			p.Far = a
		}
		p.Client = s.Client(l, t, p.Far)
		if !ok {
			continue
		}
		rules, there, back := s.Verdicts(l, t, p)
		f.Path, f.Return, f.Rules = append(f.Path, there...), append(back, f.Return...), append(f.Rules, rules...)
		if f.Witness == nil {
			f.Witness = l.Packet(t, p)
			f.Witness.DestinationPort = p.Server
		}
		if c.listener != nil && i == 0 {
			f.Path = append(f.Path, paths.BalancerHop(c.balancer))
		} else if c.listener != nil && i == 1 && c.listener.Via != nil {
			f.Path = append(f.Path, paths.BalancerHop(c.listener.Via.Balancer))
		}
	}
	f.Changes, f.Commands = remedies(s.closing(legs, t, q))
}

// denied explains a flow that rules stop.
func (s *Asker) denied(f *Flow, c *candidate, asked []facts.Protocol, q Question) {
	f.Outcome = "denied"
	var best []Obstacle
	var changes []remedy
	for i, p := range asked {
		got, todo := s.obstacles(c.journey.Legs, guard.Traffic{Protocol: p}, q)
		if i == 0 || len(got) < len(best) && len(got) > 0 {
			best, changes = got, todo
		}
	}
	f.Obstacles = best
	f.Changes, f.Commands = remedies(changes)
	f.Path = upTo(f.Path, best)
}

// noReplies explains a flow whose replies find no way: what rules stop on the
// way there comes first.
func (s *Asker) noReplies(f *Flow, c *candidate, asked []facts.Protocol, q Question) {
	there := *f
	s.denied(&there, c, asked, q)
	s.noRoute(f, c)
	if len(there.Obstacles) > 0 {
		f.Outcome, f.Path = there.Outcome, there.Path
		f.Obstacles, f.Changes = append(there.Obstacles, f.Obstacles...), append(there.Changes, f.Changes...)
		f.Commands = append(there.Commands, f.Commands...)
	}
}

// upTo cuts a path behind the first obstacle that lies on it.
func upTo(path []paths.Hop, obstacles []Obstacle) []paths.Hop {
	if len(obstacles) == 0 || obstacles[0].Reply {
		return path
	}
	for i, h := range path {
		if h.Type == obstacles[0].Component.Type && h.ID == obstacles[0].Component.ID {
			return path[:i+1]
		}
	}
	return path
}

// noRoute explains a flow that finds no way, whatever the rules say.
func (s *Asker) noRoute(f *Flow, c *candidate) {
	b := c.journey.Block
	f.Outcome = "no route"
	component := paths.Hop{}
	if n := len(b.Hops); n > 0 {
		component = b.Hops[n-1]
	}
	for i := len(b.Hops) - 1; i >= 0 && (component.ID == "" || b.Elsewhere != "" && component.Type != "AWS::EC2::RouteTable"); i-- {
		component = b.Hops[i]
	}
	f.Obstacles = []Obstacle{{Component: component, Reason: b.Reason, Reply: b.Reply, Route: true}}
	if b.Reply {
		f.Return = b.Hops
	} else {
		f.Path = append(f.Path, b.Hops...)
	}
	f.Changes, f.Commands = remedies([]remedy{s.routeChange(component, c, b)})
}

// routeChange is the smallest change that opens a missing way.
func (s *Asker) routeChange(component paths.Hop, c *candidate, b *paths.Block) remedy {
	if b.Unmapped != "" {
		n := s.Interfaces[b.Unmapped]
		return remedy{"associate a public address with " + string(b.Unmapped), "aws ec2 associate-address --allocation-id ALLOCATION --network-interface-id " + string(b.Unmapped) + inRegion(n.Region)}
	}
	table := s.Tables[component.ID]
	name := "the subnet's route table"
	if table != nil {
		name = string(component.ID)
	}
	switch {
	case b.Elsewhere != "":
		out := remedy{text: "add to " + name + " a route for " + s.blockText(b.Set) + " to " + string(b.Elsewhere)}
		if table != nil {
			out.command = routing(component.ID, b.Elsewhere, s.block(b.Set), s.regionOf(component.ID))
		}
		return out
	case component.Type == "AWS::EC2::RouteTable" && component.ID != "" || component.Type == "AWS::EC2::TransitGatewayRouteTable":
		return remedy{text: "add to " + string(component.ID) + " a route for " + s.blockText(b.Set) + " that leads to " + cmp.Or(b.Toward, c.to)}
	case component.Type == "AWS::EC2::RouteTable":
		return remedy{text: "add to " + name + " a route for " + s.blockText(b.Set) + " that leads to " + cmp.Or(b.Toward, c.to)}
	}
	return remedy{}
}

// regionOf is where a route table is.
func (s *Asker) regionOf(table facts.ID) arn.Region {
	for i := range s.Facts.RouteTables {
		if s.Facts.RouteTables[i].ID == table {
			return s.Facts.RouteTables[i].Region
		}
	}
	return ""
}

// block is what a route for a set names: of the internet everything, as its
// parts are many.
func (s *Asker) block(set space.Set) netip.Prefix {
	widest := set.Widest()
	if set.Covers(s.Internet.Intersect(s.Families(widest.Addr()))) {
		return netip.PrefixFrom(widest.Addr(), 0).Masked()
	}
	return widest
}

func (s *Asker) blockText(set space.Set) string {
	if p := s.block(set); p.Bits() == 0 {
		return p.String()
	}
	return set.String()
}
