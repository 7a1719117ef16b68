package network

import (
	"fmt"
	"net/netip"
	"slices"

	"muster/internal/network/facts"
	"muster/internal/network/space"
)

// inbound reports whether the far side began the flow.
func (l *leg) inbound() bool { return l.initiator }

// publicTwin is the public address of the near side, where the flow came in
// by an internet gateway.
func (l *leg) publicTwin() netip.Addr {
	if l.initiator && len(l.forward.hops) > 0 && l.forward.hops[0].Type == "AWS::EC2::InternetGateway" {
		return l.nearPublic
	}
	return netip.Addr{}
}

// obstacles are all filters that, each alone, leave nothing of what is asked,
// and the smallest change of each. Where no single filter does, the one at
// which nothing is left is named.
func (s *Snapshot) obstacles(legs []leg, t traffic, q Question) (out []Obstacle, changes []string) {
	for i := range legs {
		l := &legs[i]
		left := q.clip(space.Everywhere(l.far), t)
		for k := range l.forward.filters {
			f := &l.forward.filters[k]
			next := left.And(s.permit(l, f, t))
			if len(next) > 0 {
				left = next
				continue
			}
			p := sample{far: representative(left.Addrs()), server: left[0].First}
			p.client = 49152
			out = append(out, s.obstacle(l, f, t, p))
			changes = append(changes, s.opening(l, f, t, left, q))
		}
		answers := space.Over(clientPorts(t), left.Addrs())
		for k := range l.back.filters {
			f := &l.back.filters[k]
			next := answers.And(s.permit(l, f, traffic{t.protocol, true}))
			if len(next) > 0 {
				answers = next
				continue
			}
			p := sample{far: representative(answers.Addrs()), server: left[0].First, client: answers[0].Last}
			out = append(out, s.obstacle(l, f, t, p))
			changes = append(changes, s.opening(l, f, t, answers, q))
		}
	}
	return out, distinctOrder(changes)
}

func distinctOrder(list []string) []string {
	var out []string
	for _, text := range list {
		if !slices.Contains(out, text) {
			out = append(out, text)
		}
	}
	return out
}

func (s *Snapshot) obstacle(l *leg, f *filter, t traffic, p sample) Obstacle {
	r := s.decide(l, f, t, p)
	reason := r.Text
	if r.Allow {
		reason = "nothing is left of what is asked: what it allows (" + r.Text + ") and what others allow do not meet"
	}
	return Obstacle{Component: r.Component, Reason: reason, Reply: f.reply}
}

// opening is the smallest change to a filter that lets through what is left.
func (s *Snapshot) opening(l *leg, f *filter, t traffic, left space.Map, q Question) string {
	looked := l.near.String()
	if f.far {
		looked = addressText(left.Addrs(), f.far && l.far.Equal(s.internet.Intersect(s.families(l.near))))
	}
	what := ProtocolName(t.protocol)
	switch {
	case f.reply && t.ported():
		what += " 1024-65535"
	case t.ported() && !q.AnyPort:
		what += " " + q.Ports.String()
	case t.ported():
		what += " (the port you need)"
	}
	peer := toFrom(f.egress) + looked
	if f.acl == nil {
		if len(f.iface.groups) == 0 {
			return fmt.Sprintf("attach a security group to %s that allows %s %s%s", f.iface.ID, direction(f.egress), what, peer)
		}
		return fmt.Sprintf("add to %s an %s rule: allow %s%s", f.iface.groups[0].ID, direction(f.egress), what, peer)
	}
	below := ""
	port := left[0].First
	at := l.near
	if f.far {
		at = representative(left.Addrs())
	}
	for _, e := range f.acl.entries(f.egress) {
		ports, ok := traffic{t.protocol, f.reply}.ports(e.Match, at.Is6())
		if ok && !e.Allow && ports.First <= port && port <= ports.Last && e.CIDR.Contains(at) && e.Number < 32767 {
			below = fmt.Sprintf(" with a number below %d", e.Number)
			break
		}
	}
	return fmt.Sprintf("add to %s an %s rule%s: allow %s%s", f.acl.ID, direction(f.egress), below, what, peer)
}

// addressText keeps suggestions short: the internet by its name, a set by its
// widest prefix.
func addressText(set space.Set, internet bool) string {
	if internet {
		return "the addresses you mean"
	}
	if len(set.Ranges()) == 1 {
		return set.String()
	}
	return set.Widest().String()
}

// closing are the changes that close what is open: of the groups at the
// destination every rule that lets some of it in.
func (s *Snapshot) closing(legs []leg, t traffic, q Question) []string {
	last := &legs[len(legs)-1]
	var out []string
	for k := range last.forward.filters {
		f := &last.forward.filters[k]
		if f.iface == nil || f.egress {
			continue
		}
		for _, g := range f.iface.groups {
			for _, r := range s.opensAny(last, f, g, t, q) {
				out = append(out, "remove or narrow in "+string(g.ID)+" the "+ruleText(r, f.egress))
			}
		}
	}
	return distinctOrder(out)
}

// opensAny are the rules of a group that admit any of what is asked.
func (s *Snapshot) opensAny(l *leg, f *filter, g *group, t traffic, q Question) []*facts.Rule {
	var out []*facts.Rule
	rules := g.rules(f.egress)
	for i := range rules {
		r := &rules[i]
		var segments []space.Segment
		if r.Group != "" {
			if ports, ok := t.ports(r.Match, l.near.Is6()); ok && l.references(f) {
				segments = s.named(l, f, []reference{{ports, r, family(l.near.Is6())}})
			}
		} else {
			segments = s.admits(r, t)
		}
		m := space.Overlay(segments)
		if !f.far {
			m = atNear(m, l)
		}
		if len(q.clip(m.Within(l.far), t)) > 0 {
			out = append(out, r)
		}
	}
	return out
}
