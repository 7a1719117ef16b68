package network

import (
	"fmt"
	"net/netip"
	"strconv"

	"muster/internal/network/facts"
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
}

// sample is one flow of a leg: its far address and both ports.
type sample struct {
	far            netip.Addr
	server, client uint16
}

// decide says which rule of a filter decides about the sample.
func (s *Snapshot) decide(l *leg, f *filter, t traffic, p sample) Rule {
	t.reply = f.reply
	port := p.server
	if f.reply {
		port = p.client
	}
	looked := l.near
	if f.far {
		looked = p.far
	}
	if f.acl != nil {
		return f.acl.decide(f, t, looked, port)
	}
	return s.decideGroups(l, f, t, looked, port)
}

func (a *acl) decide(f *filter, t traffic, looked netip.Addr, port uint16) Rule {
	r := Rule{Component: Hop{Type: "AWS::EC2::NetworkAcl", ID: a.ID}, Egress: f.egress, Reply: f.reply}
	for _, e := range a.entries(f.egress) {
		ports, ok := t.ports(e.Match, looked.Is6())
		if ok && ports.First <= port && port <= ports.Last && e.CIDR.Contains(looked) {
			r.Allow, r.Text = e.Allow, entryText(e)
			return r
		}
	}
	r.Text = direction(f.egress) + " rule *: deny all that no rule allows"
	return r
}

func direction(egress bool) string {
	if egress {
		return "outbound"
	}
	return "inbound"
}

func toFrom(egress bool) string {
	if egress {
		return " to "
	}
	return " from "
}

func entryText(e facts.Entry) string {
	verb := "deny"
	if e.Allow {
		verb = "allow"
	}
	return fmt.Sprintf("%s rule %d: %s %s%s%s", direction(e.Egress), e.Number, verb, matchText(e.Match), toFrom(e.Egress), e.CIDR)
}

// ProtocolName is "tcp", "udp", "icmp" or the number.
func ProtocolName(p facts.Protocol) string {
	switch p {
	case facts.Any:
		return "all protocols"
	case facts.TCP:
		return "tcp"
	case facts.UDP:
		return "udp"
	case facts.ICMP:
		return "icmp"
	case facts.ICMPv6:
		return "icmpv6"
	}
	return "protocol " + strconv.Itoa(int(p))
}

func matchText(m facts.Match) string {
	name := ProtocolName(m.Protocol)
	switch {
	case m.Protocol == facts.TCP || m.Protocol == facts.UDP:
		r := space.PortRange{First: uint16(m.From), Last: uint16(m.To)}
		return name + " " + space.PortsText([]space.PortRange{r})
	case (m.Protocol == facts.ICMP || m.Protocol == facts.ICMPv6) && m.From != -1:
		return name + " type " + strconv.Itoa(m.From)
	}
	return name
}

func ruleText(r *facts.Rule, egress bool) string {
	peer := r.CIDR.String()
	switch {
	case r.Group != "":
		peer = string(r.Group)
	case r.PrefixList != "":
		peer = string(r.PrefixList)
	}
	return direction(egress) + " rule: " + matchText(r.Match) + toFrom(egress) + peer
}

func (s *Snapshot) decideGroups(l *leg, f *filter, t traffic, looked netip.Addr, port uint16) Rule {
	for _, g := range f.iface.groups {
		for _, r := range s.admitting(l, f, g, t, looked, port) {
			return Rule{Component: Hop{Type: "AWS::EC2::SecurityGroup", ID: g.ID}, Text: ruleText(r, f.egress), Allow: true, Egress: f.egress, Reply: f.reply}
		}
	}
	r := Rule{Component: Hop{Type: "AWS::EC2::SecurityGroup", ID: firstGroup(f.iface)}, Egress: f.egress, Reply: f.reply}
	r.Text = "no " + direction(f.egress) + " rule allows it"
	switch {
	case len(f.iface.groups) == 0:
		r.Text = string(f.iface.ID) + " carries no security group, so nothing is allowed"
	case f.iface.groups[0].missing:
		r.Text = string(r.Component.ID) + " is not among the facts"
	case len(f.iface.groups) > 1:
		r.Text = fmt.Sprintf("no %s rule of the %d groups of %s allows it", direction(f.egress), len(f.iface.groups), f.iface.ID)
	}
	return r
}

// admitting are the rules of a group that let the sample pass.
func (s *Snapshot) admitting(l *leg, f *filter, g *group, t traffic, looked netip.Addr, port uint16) []*facts.Rule {
	var out []*facts.Rule
	rules := g.rules(f.egress)
	for i := range rules {
		r := &rules[i]
		ports, ok := t.ports(r.Match, looked.Is6())
		if !ok || port < ports.First || port > ports.Last {
			continue
		}
		if r.Group != "" {
			refs := []reference{{ports, r, family(looked.Is6())}}
			if l.references(f) && s.named(l, f, refs).At(port).Contains(looked) {
				out = append(out, r)
			}
			continue
		}
		for _, segment := range s.admits(r, t) {
			if segment.Addrs.Contains(looked) {
				out = append(out, r)
			}
		}
	}
	return out
}

// take chooses a sample of an open leg: a source of the widest prefix, the
// lowest of the ports, and a client port as today's systems choose them.
func (s *Snapshot) take(l *leg, t traffic, m space.Map) (sample, bool) {
	if len(m) == 0 {
		return sample{}, false
	}
	p := sample{server: m[0].First, far: representative(m[0].Addrs)}
	if !t.ported() {
		p.server = 0
	}
	p.client = s.client(l, t, p.far)
	return p, true
}

// representative is an address of the set's widest prefix; not the first one,
// which looks like a network.
func representative(set space.Set) netip.Addr {
	w := set.Widest()
	if w.IsSingleIP() {
		return w.Addr()
	}
	return w.Addr().Next()
}

// client is a client port on which replies pass to an address: one that Linux
// and Windows both use, when possible.
func (s *Snapshot) client(l *leg, t traffic, far netip.Addr) uint16 {
	if !t.ported() {
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

// verdicts are the rules that decide about a sample on a leg, in the order in
// which they see it; hops get the rule that decided there.
func (s *Snapshot) verdicts(l *leg, t traffic, p sample) (rules []Rule, there, back []Hop) {
	there, back = clip(l.forward.hops), clip(l.back.hops)
	for i := range l.forward.filters {
		f := &l.forward.filters[i]
		r := s.decide(l, f, t, p)
		there[f.hop].ID, there[f.hop].Detail = r.Component.ID, r.Text
		rules = append(rules, r)
	}
	for i := range l.back.filters {
		f := &l.back.filters[i]
		r := s.decide(l, f, t, p)
		back[f.hop].ID, back[f.hop].Detail = r.Component.ID, r.Text
		rules = append(rules, r)
	}
	return rules, there, back
}
