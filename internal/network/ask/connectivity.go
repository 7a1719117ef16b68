package ask

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"muster/internal/network/facts"
	"muster/internal/network/guard"
	"muster/internal/network/paths"
	"muster/internal/network/space"
	"muster/internal/network/topology"
)

// Connection says what can flow from one thing to another.
type Connection struct {
	From string `json:"from"`
	To   string `json:"to"`
	Open []Open `json:"open"`
	// Certain is false where a middlebox decides, or facts were missing.
	Certain bool `json:"certain"`
}

// maxEndpoints bounds the interfaces that a map pairs with each other.
const maxEndpoints = 1500

// TooManyError says that a map would have too many pairs.
type TooManyError struct{ Interfaces int }

func (e *TooManyError) Error() string {
	return fmt.Sprintf("%d interfaces are too many to pair with each other (at most %d); name one VPC or subnet, or list exposures", e.Interfaces, maxEndpoints)
}

// Level is what connections are told between.
type Level string

// The levels: addresses of interfaces, or what they lie in.
const (
	ByInterface Level = "interface"
	BySubnet    Level = "subnet"
	ByVPC       Level = "vpc"
)

// of names a place on a level.
func (l Level) of(p topology.Place) string {
	switch l {
	case BySubnet:
		return string(p.Interface.In.ID)
	case ByVPC:
		return string(p.Interface.VPC)
	case ByInterface:
	}
	return p.Label()
}

// Connections lists who can begin flows to whom: interfaces of instances and
// other things, and the internet, in both directions. within limits it to the
// interfaces of one VPC or subnet; empty means all.
func (s *Asker) Connections(within facts.ID) ([]Connection, error) {
	return s.ConnectionsBy(ByInterface, within)
}

// ConnectionsBy is Connections between subnets or VPCs: what some interface of
// the one can send to some interface of the other, or of the same.
func (s *Asker) ConnectionsBy(level Level, within facts.ID) ([]Connection, error) {
	var places []topology.Place
	for _, n := range s.Order {
		if n.Kind != "nat_gateway" && (within == "" || n.VPC == within || n.Subnet == within) {
			places = append(places, n.Places()...)
		}
	}
	if len(places) > maxEndpoints {
		return nil, &TooManyError{len(places)}
	}
	var out []Connection
	outside := endpoint{label: "internet", set: s.Internet, internet: true}
	for _, x := range places {
		out = s.connect(out, outside.label, level.of(x), s.from(outside, endpoint{places: []topology.Place{x}}))
		out = s.connect(out, level.of(x), outside.label, s.towards(endpoint{places: []topology.Place{x}}, outside))
		for _, y := range places {
			if x.Interface != y.Interface && x.Address.Private.Addr().Is4() == y.Address.Private.Addr().Is4() {
				out = s.connect(out, level.of(x), level.of(y), s.pair(x, y))
			}
		}
	}
	slices.SortStableFunc(out, func(a, b Connection) int { return cmp.Or(cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To)) })
	return together(out), nil
}

// together makes one connection of those between the same two things.
func together(list []Connection) []Connection {
	var out []Connection
	for _, c := range list {
		if n := len(out); n > 0 && out[n-1].From == c.From && out[n-1].To == c.To {
			out[n-1].Open, out[n-1].Certain = append(out[n-1].Open, c.Open...), out[n-1].Certain && c.Certain
			continue
		}
		out = append(out, c)
	}
	for i := range out {
		out[i].Open = united(out[i].Open)
	}
	return out
}

// united joins what is open to the same addresses over the same protocol.
func united(list []Open) []Open {
	var out []Open
next:
	for _, o := range list {
		for i := range out {
			if out[i].Protocol == o.Protocol && slices.Equal(out[i].Addresses, o.Addresses) {
				out[i].Ports = space.Ports(out[i].Ports, o.Ports)
				continue next
			}
		}
		out = append(out, o)
	}
	return out
}

// connect adds what candidates between two things leave open.
func (s *Asker) connect(out []Connection, from, to string, all []candidate) []Connection {
	for i := range all {
		c := &all[i]
		if c.journey.Block != nil {
			continue
		}
		f := Flow{}
		q := Question{AnyPort: true}
		for _, p := range s.asked(q, &c.journey) {
			s.opens(&f, c, guard.Traffic{Protocol: p}, q)
		}
		if f.Open == nil {
			continue
		}
		certain := paths.Certain(c.journey.Legs) && c.assumed == ""
		out = append(out, Connection{From: from, To: to, Open: f.Open, Certain: certain})
	}
	return out
}

// Text says what is open: protocols, ports and, where they are not all,
// addresses.
func (c *Connection) Text() string {
	texts := make([]string, len(c.Open))
	for i, o := range c.Open {
		texts[i] = o.Text()
	}
	return strings.Join(texts, "; ")
}

// Text is one entry in words.
func (o *Open) Text() string {
	text := o.Protocol
	if len(o.Ports) > 0 {
		text += " " + space.PortsText(o.Ports)
	}
	const most = 8
	switch n := len(o.Addresses); {
	case o.Internet:
		text += " — the whole internet"
	case n > most:
		text += fmt.Sprintf(" — %s … (%d ranges)", strings.Join(o.Addresses[:most], ", "), n)
	case n > 0:
		text += " — " + strings.Join(o.Addresses, ", ")
	}
	return text
}

// Change is a difference between two snapshots: what flows from one thing to
// another, before and after; empty for nothing.
type Change struct {
	From   string `json:"from"`
	To     string `json:"to"`
	Before string `json:"before,omitempty"`
	After  string `json:"after,omitempty"`
}

// Compare lists what differs between two lists of connections, sorted.
func Compare(before, after []Connection) []Change {
	type pair struct{ from, to string }
	was := map[pair]string{}
	for i := range before {
		was[pair{before[i].From, before[i].To}] = before[i].Text()
	}
	var out []Change
	for i := range after {
		k := pair{after[i].From, after[i].To}
		if text := after[i].Text(); was[k] != text {
			out = append(out, Change{k.from, k.to, was[k], text})
		}
		delete(was, k)
	}
	for k, text := range was {
		out = append(out, Change{k.from, k.to, text, ""})
	}
	slices.SortFunc(out, func(a, b Change) int { return cmp.Or(cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To)) })
	return out
}
