package ask

import (
	"fmt"
	"slices"
	"strconv"

	"muster/internal/network/facts"
	"muster/internal/network/guard"
	"muster/internal/network/paths"
	"muster/internal/network/space"
)

// obstacles are all filters that, each alone, leave nothing of what is asked,
// and the smallest change of each. Where no single filter does, the one at
// which nothing is left is named.
func (s *Asker) obstacles(legs []paths.Leg, t guard.Traffic, q Question) (out []Obstacle, changes []string) {
	for i := range legs {
		l := &legs[i]
		left := q.of(l, space.Everywhere(l.Far), t)
		for k := range l.Forward.Filters {
			f := &l.Forward.Filters[k]
			next := left.And(s.Permit(l, f, t))
			if len(next) > 0 {
				left = next
				continue
			}
			p := paths.Sample{Far: paths.Representative(left.Addrs()), Server: left[0].First}
			p.Client = 49152
			out = append(out, s.obstacle(l, f, t, p))
			changes = append(changes, s.opening(l, f, t, left, q))
		}
		answers := space.Over(paths.ClientPorts(t), left.Addrs())
		for k := range l.Back.Filters {
			f := &l.Back.Filters[k]
			next := answers.And(s.Permit(l, f, guard.Traffic{Protocol: t.Protocol, Reply: true}))
			if len(next) > 0 {
				answers = next
				continue
			}
			p := paths.Sample{Far: paths.Representative(answers.Addrs()), Server: left[0].First, Client: answers[0].Last}
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

func (s *Asker) obstacle(l *paths.Leg, f *paths.Filter, t guard.Traffic, p paths.Sample) Obstacle {
	r := s.Decide(l, f, t, p)
	reason := r.Text
	if r.Allow {
		reason = "nothing is left of what is asked: what it allows (" + r.Text + ") and what others allow do not meet"
	}
	return Obstacle{Component: r.Component, Reason: reason, Reply: f.Reply}
}

// opening is the smallest change to a filter that lets through what is left.
func (s *Asker) opening(l *paths.Leg, f *paths.Filter, t guard.Traffic, left space.Map, q Question) string {
	looked := l.Near.String()
	if f.Far {
		looked = addressText(left.Addrs(), f.Far && l.Far.Equal(s.Internet.Intersect(s.Families(l.Near))))
	}
	what := guard.ProtocolName(t.Protocol)
	switch {
	case f.Reply && t.Ported():
		what += " 1024-65535"
	case t.Ported() && l.Port != 0:
		what += " " + strconv.Itoa(int(l.Port))
	case t.Ported() && !q.AnyPort:
		what += " " + q.Ports.String()
	case t.Ported():
		what += " (the port you need)"
	}
	peer := guard.ToFrom(f.Egress) + looked
	if f.ACL == nil {
		if len(f.Interface.Guards) == 0 {
			return fmt.Sprintf("attach a security group to %s that allows %s %s%s", f.Interface.ID, guard.Direction(f.Egress), what, peer)
		}
		return fmt.Sprintf("add to %s an %s rule: allow %s%s", f.Interface.Guards[0].ID, guard.Direction(f.Egress), what, peer)
	}
	below := ""
	port := left[0].First
	at := l.Near
	if f.Far {
		at = paths.Representative(left.Addrs())
	}
	for _, e := range f.ACL.Ordered(f.Egress) {
		ports, ok := guard.Traffic{Protocol: t.Protocol, Reply: f.Reply}.Ports(e.Match, at.Is6())
		if ok && !e.Allow && ports.First <= port && port <= ports.Last && e.CIDR.Contains(at) && e.Number < 32767 {
			below = fmt.Sprintf(" with a number below %d", e.Number)
			break
		}
	}
	return fmt.Sprintf("add to %s an %s rule%s: allow %s%s", f.ACL.ID, guard.Direction(f.Egress), below, what, peer)
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

// closing are the changes that close what is open.
func (s *Asker) closing(legs []paths.Leg, t guard.Traffic, q Question) []string {
	var out []string
	for _, r := range s.Opening(legs, t, q) {
		out = append(out, "remove or narrow in "+string(r.Component.ID)+" the "+r.Text)
	}
	return distinctOrder(out)
}

// Opening are all rules of groups that let in some of what is open on legs,
// whichever decides about one packet: those at the destination, or where a
// load balancer has groups those at the balancer.
func (s *Asker) Opening(legs []paths.Leg, t guard.Traffic, q Question) []paths.Rule {
	for i := range legs {
		var out []paths.Rule
		for k := range legs[i].Forward.Filters {
			f := &legs[i].Forward.Filters[k]
			if f.Interface == nil || f.Egress {
				continue
			}
			for _, g := range f.Interface.Guards {
				for _, r := range s.opensAny(&legs[i], f, g, t, q) {
					out = append(out, paths.Rule{Component: paths.Hop{Type: "AWS::EC2::SecurityGroup", ID: g.ID}, Text: guard.RuleText(r, f.Egress), Allow: true})
				}
			}
		}
		if len(out) > 0 {
			return out
		}
	}
	return nil
}

// opensAny are the rules of a group that admit any of what is asked.
func (s *Asker) opensAny(l *paths.Leg, f *paths.Filter, g *guard.Group, t guard.Traffic, q Question) []*facts.Rule {
	var out []*facts.Rule
	rules := g.Rules(f.Egress)
	for i := range rules {
		r := &rules[i]
		var segments []space.Segment
		if r.Group != "" {
			if ports, ok := t.Ports(r.Match, l.Near.Is6()); ok && l.References(f) {
				segments = s.Named(l, f, []guard.Reference{{PortRange: ports, Rule: r, Family: guard.Family(l.Near.Is6())}})
			}
		} else {
			segments = s.Lists.Admits(r, t)
		}
		m := space.Overlay(segments)
		if !f.Far {
			m = paths.AtNear(m, l)
		}
		if len(q.of(l, m.Within(l.Far), t)) > 0 {
			out = append(out, r)
		}
	}
	return out
}
