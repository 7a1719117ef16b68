package network

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"muster/internal/network/facts"
	"muster/internal/network/space"
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

// Connections lists who can begin flows to whom: interfaces of instances and
// other things, and the internet, in both directions. within limits it to the
// interfaces of one VPC or subnet; empty means all.
func (s *Snapshot) Connections(within facts.ID) ([]Connection, error) {
	var places []place
	for _, n := range s.order {
		if n.Kind != "nat_gateway" && (within == "" || n.VPC == within || n.Subnet == within) {
			places = append(places, n.places()...)
		}
	}
	if len(places) > maxEndpoints {
		return nil, &TooManyError{len(places)}
	}
	var out []Connection
	outside := endpoint{label: "internet", set: s.internet, internet: true}
	for _, x := range places {
		out = s.connect(out, s.from(outside, endpoint{places: []place{x}}))
		out = s.connect(out, s.towards(endpoint{places: []place{x}}, outside))
		for _, y := range places {
			if x.iface != y.iface && x.address.Private.Addr().Is4() == y.address.Private.Addr().Is4() {
				out = s.connect(out, s.pair(x, y))
			}
		}
	}
	slices.SortStableFunc(out, func(a, b Connection) int { return cmp.Or(cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To)) })
	return out, nil
}

// connect adds what candidates leave open.
func (s *Snapshot) connect(out []Connection, all []candidate) []Connection {
	for i := range all {
		c := &all[i]
		if c.journey.block != nil {
			continue
		}
		f := Flow{}
		q := Question{AnyPort: true}
		for _, p := range s.asked(q, &c.journey) {
			s.opens(&f, c, traffic{protocol: p}, q)
		}
		if f.Open == nil {
			continue
		}
		certain := certain(c.journey.legs) && c.assumed == ""
		if n := len(out); n > 0 && out[n-1].From == c.from && out[n-1].To == c.to {
			out[n-1].Open, out[n-1].Certain = append(out[n-1].Open, f.Open...), out[n-1].Certain && certain
			continue
		}
		out = append(out, Connection{From: c.from, To: c.to, Open: f.Open, Certain: certain})
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

// ExposureConnections tells exposures as connections, for networks too large
// to pair.
func ExposureConnections(all []Exposure) []Connection {
	var out []Connection
	for _, x := range all {
		o := Open{Protocol: ProtocolName(x.Protocol), Ports: []space.PortRange{x.Ports}}
		for _, p := range x.Sources.Prefixes() {
			o.Addresses = append(o.Addresses, p.String())
		}
		from, to := string(x.Edge.ID), exposedName(&x)
		if n := len(out); n > 0 && out[n-1].From == from && out[n-1].To == to {
			out[n-1].Open, out[n-1].Certain = append(out[n-1].Open, o), out[n-1].Certain && x.Certain
			continue
		}
		out = append(out, Connection{From: from, To: to, Open: []Open{o}, Certain: x.Certain})
	}
	return out
}

func exposedName(x *Exposure) string {
	return cmp.Or(string(x.Instance), string(x.Interface)) + "[" + x.Address.String() + "]"
}
