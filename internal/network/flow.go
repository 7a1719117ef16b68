package network

import (
	"cmp"
	"slices"

	"muster/internal/network/facts"
	"muster/internal/network/space"
)

// flow works a candidate out for what was asked.
func (s *Snapshot) flow(c candidate, q Question) Flow {
	f := Flow{From: c.from, To: c.to, Through: c.through}
	j := &c.journey
	for i := range j.legs {
		f.Path = append(f.Path, j.legs[i].forward.hops...)
		f.Doubts = append(f.Doubts, slices.Concat(j.legs[i].forward.doubts, j.legs[i].back.doubts)...)
		f.Assumed = append(f.Assumed, slices.Concat(j.legs[i].forward.assumed, j.legs[i].back.assumed)...)
	}
	if c.assumed != "" {
		f.Assumed = append(f.Assumed, c.assumed)
	}
	f.Doubts, f.Assumed = distinct(f.Doubts), distinct(f.Assumed)
	if j.block != nil && (!j.block.reply || len(j.legs) == 0) {
		s.noRoute(&f, &c)
		return f
	}
	asked := s.asked(q, j)
	if j.block != nil {
		s.noReplies(&f, &c, asked, q)
		return f
	}
	for _, p := range asked {
		s.opens(&f, &c, traffic{protocol: p}, q)
	}
	if f.Open == nil {
		s.denied(&f, &c, asked, q)
		return f
	}
	f.Outcome = "exits"
	if j.to != nil || j.edge != nil && j.legs[0].forward.hops[0].ID == j.edge.ID {
		f.Outcome = "delivered"
	}
	s.witness(&f, &c, q)
	return f
}

// asked are the protocols to look at: those of the question, else the usual
// ones and whatever else the rules on the way name.
func (s *Snapshot) asked(q Question, j *journey) []facts.Protocol {
	if len(q.Protocols) > 0 {
		return q.Protocols
	}
	out := []facts.Protocol{facts.TCP, facts.UDP, facts.ICMP}
	for _, l := range j.legs {
		for _, f := range l.forward.filters {
			if f.iface == nil {
				continue
			}
			for _, g := range f.iface.groups {
				for _, r := range g.rules(f.egress) {
					if r.Protocol != facts.Any && r.Protocol != facts.ICMPv6 && !slices.Contains(out, r.Protocol) {
						out = append(out, r.Protocol)
					}
				}
			}
		}
	}
	return out
}

// clip limits a map to the ports asked for.
func (q *Question) clip(m space.Map, t traffic) space.Map {
	if q.AnyPort || !t.ported() {
		return m
	}
	return m.Clip(q.Ports)
}

// result is what a candidate leaves open.
func (s *Snapshot) result(c *candidate, t traffic, q Question) space.Map {
	if c.listener == nil {
		return q.clip(s.openAll(c.journey.legs, t), t)
	}
	if !slices.Contains(c.listener.protocols(), t.protocol) {
		return nil
	}
	port := c.listener.target.Port
	return q.clip(space.Over(space.PortRange{First: port, Last: port}, c.journey.set), t)
}

// opens notes what is open for one protocol, one entry per set of addresses.
func (s *Snapshot) opens(f *Flow, c *candidate, t traffic, q Question) {
	m := s.result(c, t, q)
	for _, segment := range m {
		o := Open{Protocol: ProtocolName(t.protocol), protocol: t.protocol}
		if t.ported() {
			o.Ports = []space.PortRange{segment.PortRange}
		}
		if c.variable {
			o.Internet = segment.Addrs.Equal(s.internet.Intersect(s.families(c.journey.legs[0].near)))
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
func (s *Snapshot) witness(f *Flow, c *candidate, q Question) {
	t := traffic{protocol: f.Open[0].protocol}
	m := s.result(c, t, q)
	legs := c.journey.legs
	f.Path, f.Return, f.Rules = nil, nil, nil
	for i := range legs {
		l := &legs[i]
		p, ok := s.take(l, t, m)
		if c.listener != nil {
			p.server = c.listener.target.Port
			if i == 0 {
				p.server = c.listener.listener.Port
			}
		}
		if a, single := l.far.Single(); single {
			p.far = a
		}
		p.client = s.client(l, t, p.far)
		if !ok {
			continue
		}
		rules, there, back := s.verdicts(l, t, p)
		f.Path, f.Return, f.Rules = append(f.Path, there...), append(back, f.Return...), append(f.Rules, rules...)
		if f.Witness == nil {
			f.Witness = l.packet(t, p)
			f.Witness.DestinationPort = p.server
		}
		if c.listener != nil && i == 0 {
			f.Path = append(f.Path, Hop{Type: "load balancer", ID: facts.ID(c.through)})
		}
	}
	f.Changes = s.closing(legs, t, q)
}

// packet is the first packet of a sample: from the far side when the first
// hop is not the near interface.
func (l *leg) packet(t traffic, p sample) *Packet {
	out := &Packet{Source: l.near, Destination: p.far, Protocol: t.protocol, SourcePort: p.client, DestinationPort: p.server}
	if l.inbound() {
		out.Source, out.Destination = p.far, l.near
		if last := l.publicTwin(); last.IsValid() {
			out.Destination = last
		}
	}
	return out
}

// denied explains a flow that rules stop.
func (s *Snapshot) denied(f *Flow, c *candidate, asked []facts.Protocol, q Question) {
	f.Outcome = "denied"
	var best []Obstacle
	var changes []string
	for i, p := range asked {
		got, todo := s.obstacles(c.journey.legs, traffic{protocol: p}, q)
		if i == 0 || len(got) < len(best) && len(got) > 0 {
			best, changes = got, todo
		}
	}
	f.Obstacles, f.Changes = best, changes
	f.Path = upTo(f.Path, best)
}

// noReplies explains a flow whose replies find no way: what rules stop on the
// way there comes first.
func (s *Snapshot) noReplies(f *Flow, c *candidate, asked []facts.Protocol, q Question) {
	there := *f
	s.denied(&there, c, asked, q)
	s.noRoute(f, c)
	if len(there.Obstacles) > 0 {
		f.Outcome, f.Path = there.Outcome, there.Path
		f.Obstacles, f.Changes = append(there.Obstacles, f.Obstacles...), append(there.Changes, f.Changes...)
	}
}

// upTo cuts a path behind the first obstacle that lies on it.
func upTo(path []Hop, obstacles []Obstacle) []Hop {
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
func (s *Snapshot) noRoute(f *Flow, c *candidate) {
	b := c.journey.block
	f.Outcome = "no route"
	component := Hop{}
	if n := len(b.hops); n > 0 {
		component = b.hops[n-1]
	}
	for i := len(b.hops) - 1; i >= 0 && (component.ID == "" || b.elsewhere != "" && component.Type != "AWS::EC2::RouteTable"); i-- {
		component = b.hops[i]
	}
	f.Obstacles = []Obstacle{{Component: component, Reason: b.reason, Reply: b.reply, Route: true}}
	if b.reply {
		f.Return = b.hops
	} else {
		f.Path = append(f.Path, b.hops...)
	}
	if change := s.routeChange(component, c, b); change != "" {
		f.Changes = []string{change}
	}
}

// routeChange is the smallest change that opens a missing way.
func (s *Snapshot) routeChange(component Hop, c *candidate, b *block) string {
	table := string(cmp.Or(component.ID, "the subnet's route table"))
	switch {
	case b.unmapped != "":
		return "associate a public address with " + string(b.unmapped)
	case b.elsewhere != "":
		return "add to " + table + " a route for " + b.set.String() + " to " + string(b.elsewhere)
	case component.Type == "AWS::EC2::RouteTable" || component.Type == "AWS::EC2::TransitGatewayRouteTable":
		return "add to " + table + " a route for " + b.set.String() + " that leads to " + c.to
	}
	return ""
}
