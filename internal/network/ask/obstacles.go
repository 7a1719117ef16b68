package ask

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"

	"muster/internal/network/facts"
	"muster/internal/network/guard"
	"muster/internal/network/paths"
	"muster/internal/network/space"
	"muster/internal/network/topology"
)

// obstacles are all filters that, each alone, leave nothing of what is asked,
// and the smallest change of each. Where no single filter does, the one at
// which nothing is left is named.
func (s *Asker) obstacles(legs []paths.Leg, t guard.Traffic, q Question) (out []Obstacle, changes []remedy) {
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
	// Groups see packets before the listener that they guard.
	slices.SortStableFunc(out, func(a, b Obstacle) int { return cmp.Compare(index(a.listener), index(b.listener)) })
	return out, changes
}

func (s *Asker) obstacle(l *paths.Leg, f *paths.Filter, t guard.Traffic, p paths.Sample) Obstacle {
	r := s.Decide(l, f, t, p)
	reason := r.Text
	if r.Allow {
		reason = "nothing is left of what is asked: what it allows (" + r.Text + ") and what others allow do not meet"
	}
	return Obstacle{Component: r.Component, Reason: reason, Reply: f.Reply, listener: f.Balancer != nil}
}

func index(b bool) int {
	if b {
		return 1
	}
	return 0
}

// opening is the smallest change to a filter that lets through what is left.
func (s *Asker) opening(l *paths.Leg, f *paths.Filter, t guard.Traffic, left space.Map, q Question) remedy {
	switch {
	case f.Balancer != nil && t.Ported() && !q.AnyPort:
		return remedy{text: "add to " + f.Balancer.Name + " a listener for " + guard.ProtocolName(t.Protocol) + " " + q.Ports.String()}
	case f.ACL == nil && f.Interface == nil:
		return remedy{} // What a NAT gateway or a load balancer is, no rule changes.
	}
	w := s.wants(l, f, t, left, q)
	what := guard.ProtocolName(w.number())
	switch {
	case w.ported() && w.anyPort:
		what += " (the port you need)"
	case w.ported():
		what += " " + w.ports.String()
	}
	looked := l.Near.String()
	if f.Far {
		looked = "the addresses you mean"
		if set := left.Addrs(); len(w.blocks) > 0 {
			looked = set.String()
		}
	}
	peer := guard.ToFrom(f.Egress) + looked
	if f.ACL != nil {
		return s.entry(f, t, left, l, &w, what+peer)
	}
	if len(f.Interface.Guards.Groups) == 0 {
		return remedy{
			fmt.Sprintf("attach a security group to %s that allows %s %s%s", f.Interface.ID, guard.Direction(f.Egress), what, peer),
			"aws ec2 modify-network-interface-attribute --network-interface-id " + string(f.Interface.ID) + " --groups GROUP" + inRegion(f.Interface.Region),
		}
	}
	g := f.Interface.Guards.Groups[0]
	command := w.authorizing(g, f.Egress)
	if node, ok := f.Interface.Home.Find(l.Near); ok && !f.Far && !f.Egress && node.Interface.Balances() != nil && len(node.Interface.Guards.Groups) > 0 {
		// All nodes of a load balancer, and not this one alone.
		group := node.Interface.Guards.Groups[0].ID
		peer = guard.ToFrom(false) + string(group) + ", the group of " + node.Interface.Balances().Name
		m := facts.Match{Protocol: w.protocol, From: int(w.ports.First), To: int(w.ports.Last)}
		command = groupVerb("authorize", false) + " --group-id " + string(g.ID) + " --ip-permissions " + permission(m, peerOf(&facts.Rule{Group: group})) + inRegion(g.Region)
	}
	return remedy{fmt.Sprintf("add to %s an %s rule: allow %s%s", g.ID, guard.Direction(f.Egress), what, peer), command}
}

// wants is what a filter would have to let through.
func (s *Asker) wants(l *paths.Leg, f *paths.Filter, t guard.Traffic, left space.Map, q Question) wanted {
	w := wanted{protocol: t.Protocol, ports: space.AllPorts(), v6: l.Near.Is6()}
	switch {
	case f.Reply:
		w.ports = paths.ClientPorts(t)
	case l.Port != 0:
		w.ports = space.PortRange{First: l.Port, Last: l.Port}
	case q.AnyPort:
		w.anyPort = true
	default:
		w.ports = q.Ports
	}
	if !f.Far {
		w.blocks = []netip.Prefix{topology.Single(l.Near)}
		return w
	}
	if l.Far.Equal(s.Internet.Intersect(s.Families(l.Near))) {
		return w
	}
	if set := left.Addrs(); len(set.Ranges()) == 1 {
		w.blocks = set.Prefixes()
	}
	return w
}

// entry is a new entry of an ACL, above the one that denies.
func (s *Asker) entry(f *paths.Filter, t guard.Traffic, left space.Map, l *paths.Leg, w *wanted, what string) remedy {
	below, bound := "", lastEntry+1
	port := left[0].First
	at := l.Near
	if f.Far {
		at = paths.Representative(left.Addrs())
	}
	for _, e := range f.ACL.Ordered(f.Egress) {
		ports, ok := guard.Traffic{Protocol: t.Protocol, Reply: f.Reply}.Ports(e.Match, at.Is6())
		if ok && !e.Allow && ports.First <= port && port <= ports.Last && e.CIDR.Contains(at) && e.Number <= lastEntry {
			below, bound = fmt.Sprintf(" with a number below %d", e.Number), e.Number
			break
		}
	}
	out := remedy{text: fmt.Sprintf("add to %s an %s rule%s: allow %s", f.ACL.ID, guard.Direction(f.Egress), below, what)}
	if n := free(f.ACL, f.Egress, bound); n > 0 {
		out.command = w.entering(f.ACL, n, f.Egress)
	}
	return out
}

// closing are the changes that close what is open.
func (s *Asker) closing(legs []paths.Leg, t guard.Traffic, q Question) []remedy {
	var out []remedy
	for _, r := range s.Opening(legs, t, q) {
		out = append(out, remedy{"remove or narrow in " + string(r.Component.ID) + " the " + r.Text, r.Revoke})
	}
	return out
}

// Opening are all rules of groups that let in some of what is open on legs,
// whichever decides about one packet: those at the destination, or where a
// load balancer has groups those at the balancer, or where no groups see what
// comes in those that let it out.
func (s *Asker) Opening(legs []paths.Leg, t guard.Traffic, q Question) []paths.Rule {
	if in := s.letting(legs, t, q, false); len(in) > 0 {
		return in
	}
	return s.letting(legs, t, q, true)
}

// letting are the rules of the first leg that has any in one direction.
func (s *Asker) letting(legs []paths.Leg, t guard.Traffic, q Question, egress bool) []paths.Rule {
	for i := range legs {
		var out []paths.Rule
		for k := range legs[i].Forward.Filters {
			f := &legs[i].Forward.Filters[k]
			if f.Interface == nil || f.Egress != egress {
				continue
			}
			for _, g := range f.Interface.Guards.Groups {
				for _, r := range s.opensAny(&legs[i], f, g, t, q) {
					out = append(out, paths.Rule{Component: paths.Hop{Type: "AWS::EC2::SecurityGroup", ID: g.ID}, Text: guard.RuleText(r, f.Egress), Allow: true, Egress: egress, Revoke: Revoking(g.Group, r, egress)})
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
