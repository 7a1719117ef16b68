package network

import (
	"cmp"

	"muster/internal/network/ask"
	"muster/internal/network/guard"
	"muster/internal/network/space"
)

// ExposureConnections tells exposures as connections, for networks too large
// to pair.
func ExposureConnections(all []Exposure) []ask.Connection {
	var out []ask.Connection
	for _, x := range all {
		o := ask.Open{Protocol: guard.ProtocolName(x.Protocol), Ports: []space.PortRange{x.Ports}}
		for _, p := range x.Sources.Prefixes() {
			o.Addresses = append(o.Addresses, p.String())
		}
		from, to := string(x.Edge.ID), exposedName(&x)
		if n := len(out); n > 0 && out[n-1].From == from && out[n-1].To == to {
			out[n-1].Open, out[n-1].Certain = append(out[n-1].Open, o), out[n-1].Certain && x.Certain
			continue
		}
		out = append(out, ask.Connection{From: from, To: to, Open: []ask.Open{o}, Certain: x.Certain})
	}
	return out
}

func exposedName(x *Exposure) string {
	return cmp.Or(string(x.Instance), string(x.Interface)) + "[" + x.Address.String() + "]"
}
