package paths

import (
	"fmt"
	"net/netip"

	"muster/internal/network/facts"
	"muster/internal/network/guard"
	"muster/internal/network/space"
)

// Packet is a concrete packet that begins a flow. Ports are zero for protocols
// without ports.
type Packet struct {
	Source          netip.Addr     `json:"source"`
	Destination     netip.Addr     `json:"destination"`
	Protocol        facts.Protocol `json:"protocol"`
	SourcePort      uint16         `json:"sourcePort,omitempty"`
	DestinationPort uint16         `json:"destinationPort,omitempty"`
}

// Rule is a rule that decided about a packet.
type Rule struct {
	// Component is the group or ACL; ID empty for an interface without groups.
	Component Hop `json:"component"`
	// Text is the rule in words; of an ACL it begins with its number.
	Text  string `json:"rule"`
	Allow bool   `json:"allow"`
	// Egress and Reply say which packets it saw.
	Egress bool `json:"egress"`
	Reply  bool `json:"reply"`
	// Revoke is the command that takes the rule out of its group, where
	// somebody asked what to change.
	Revoke string `json:"revoke,omitempty"`
}

// Sample is one flow of a leg: its far address and both ports.
type Sample struct {
	Far            netip.Addr
	Server, Client uint16
}

// Decide says which rule of a filter decides about the sample.
func (s *Finder) Decide(l *Leg, f *Filter, t guard.Traffic, p Sample) Rule {
	if !f.ruled() {
		return f.device(l, t, p)
	}
	t.Reply = f.Reply
	port := p.Server
	if f.Reply {
		port = p.Client
	}
	looked := l.Near
	if f.Far {
		looked = p.Far
	}
	if f.ACL != nil {
		return decideACL(f.ACL, f, t, looked, port)
	}
	return s.decideGroups(l, f, t, looked, port)
}

func decideACL(a *guard.ACL, f *Filter, t guard.Traffic, looked netip.Addr, port uint16) Rule {
	r := Rule{Component: Hop{Type: "AWS::EC2::NetworkAcl", ID: a.ID}, Egress: f.Egress, Reply: f.Reply}
	for _, e := range a.Ordered(f.Egress) {
		ports, ok := t.Ports(e.Match, looked.Is6())
		if ok && ports.First <= port && port <= ports.Last && e.CIDR.Contains(looked) {
			r.Allow, r.Text = e.Allow, guard.EntryText(e)
			return r
		}
	}
	r.Text = guard.Direction(f.Egress) + " rule *: deny all that no rule allows"
	return r
}

func (s *Finder) decideGroups(l *Leg, f *Filter, t guard.Traffic, looked netip.Addr, port uint16) Rule {
	for _, g := range f.Interface.Guards.Groups {
		for _, r := range s.admitting(l, f, g, t, looked, port) {
			return Rule{Component: Hop{Type: "AWS::EC2::SecurityGroup", ID: g.ID}, Text: guard.RuleText(r, f.Egress), Allow: true, Egress: f.Egress, Reply: f.Reply}
		}
	}
	r := Rule{Component: Hop{Type: "AWS::EC2::SecurityGroup", ID: firstGroup(f.Interface)}, Egress: f.Egress, Reply: f.Reply}
	r.Text = "no " + guard.Direction(f.Egress) + " rule allows it"
	switch {
	case len(f.Interface.Guards.Groups) == 0:
		r.Text = string(f.Interface.ID) + " carries no security group, so nothing is allowed"
	case f.Interface.Guards.Groups[0].Missing:
		r.Text = string(r.Component.ID) + " is not among the facts"
	case len(f.Interface.Guards.Groups) > 1:
		r.Text = fmt.Sprintf("no %s rule of the %d groups of %s allows it", guard.Direction(f.Egress), len(f.Interface.Guards.Groups), f.Interface.ID)
	}
	if list := s.lacking(f); list != "" {
		r.Text += "; the entries of " + string(list) + ", which a rule names, are not among the facts"
	}
	return r
}

// lacking is a prefix list that rules of a filter name and nobody told the
// entries of.
func (s *Finder) lacking(f *Filter) facts.ID {
	for _, g := range f.Interface.Guards.Groups {
		for _, r := range g.Rules(f.Egress) {
			if r.PrefixList != "" && !s.Knows(r.PrefixList) {
				return r.PrefixList
			}
		}
	}
	return ""
}

// admitting are the rules of a group that let the sample pass.
func (s *Finder) admitting(l *Leg, f *Filter, g *guard.Group, t guard.Traffic, looked netip.Addr, port uint16) []*facts.Rule {
	var out []*facts.Rule
	rules := g.Rules(f.Egress)
	for i := range rules {
		r := &rules[i]
		ports, ok := t.Ports(r.Match, looked.Is6())
		if !ok || port < ports.First || port > ports.Last {
			continue
		}
		if r.Group != "" {
			refs := []guard.Reference{{PortRange: ports, Rule: r, Family: guard.Family(looked.Is6())}}
			if l.References(f) && s.Named(l, f, refs).At(port).Contains(looked) {
				out = append(out, r)
			}
			continue
		}
		for _, segment := range s.Lists.Admits(r, t) {
			if segment.Addrs.Contains(looked) {
				out = append(out, r)
			}
		}
	}
	return out
}

// Take chooses a sample of an open leg: a source of the widest prefix, the
// lowest of the ports, and a client port as today's systems choose them.
func (s *Finder) Take(l *Leg, t guard.Traffic, m space.Map) (Sample, bool) {
	if len(m) == 0 {
		return Sample{}, false
	}
	p := Sample{Server: m[0].First, Far: Representative(m[0].Addrs)}
	if !t.Ported() {
		p.Server = 0
	}
	p.Client = s.Client(l, t, p.Far)
	return p, true
}

// Representative is an address of the set's widest prefix; not the first one,
// which looks like a network.
func Representative(set space.Set) netip.Addr {
	w := set.Widest()
	if w.IsSingleIP() {
		return w.Addr()
	}
	return w.Addr().Next()
}

// Client is a client port on which replies pass to an address: one that Linux
// and Windows both use, when possible.
func (s *Finder) Client(l *Leg, t guard.Traffic, far netip.Addr) uint16 {
	if !t.Ported() {
		return 0
	}
	const usual = 49152
	passing := s.clients(l, t).PortsOf(space.One(far))
	for _, r := range passing {
		if r.Last >= usual {
			return max(r.First, usual)
		}
	}
	if len(passing) > 0 {
		return passing[0].First
	}
	return usual
}

// Verdicts are the rules that decide about a sample on a leg, in the order in
// which they see it; hops get the rule that decided there.
func (s *Finder) Verdicts(l *Leg, t guard.Traffic, p Sample) (rules []Rule, there, back []Hop) {
	there, back = l.Forward.Hops(), l.Back.Hops()
	for i := range l.Forward.Filters {
		f := &l.Forward.Filters[i]
		r := s.Decide(l, f, t, p)
		if !f.ruled() {
			continue
		}
		there[f.Hop].ID, there[f.Hop].Detail = r.Component.ID, r.Text
		rules = append(rules, r)
	}
	for i := range l.Back.Filters {
		f := &l.Back.Filters[i]
		r := s.Decide(l, f, t, p)
		back[f.Hop].ID, back[f.Hop].Detail = r.Component.ID, r.Text
		rules = append(rules, r)
	}
	return rules, there, back
}

// inbound reports whether the far side began the flow.
func (l *Leg) inbound() bool { return l.initiator }

// publicTwin is the public address of the near side, where the flow came in
// by an internet gateway.
func (l *Leg) publicTwin() netip.Addr {
	if l.initiator && l.Forward.begins().Type == "AWS::EC2::InternetGateway" {
		return l.nearPublic
	}
	return netip.Addr{}
}

// Packet is the first packet of a sample: from the far side when the first
// hop is not the near interface.
func (l *Leg) Packet(t guard.Traffic, p Sample) *Packet {
	out := &Packet{Source: l.Near, Destination: p.Far, Protocol: t.Protocol, SourcePort: p.Client, DestinationPort: p.Server}
	if l.inbound() {
		out.Source, out.Destination = p.Far, l.Near
		if last := l.publicTwin(); last.IsValid() {
			out.Destination = last
		}
	}
	return out
}
