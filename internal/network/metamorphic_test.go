package network_test

import (
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"

	"muster/internal/network"
	"muster/internal/network/facts"
	"muster/internal/network/networktest"
	"muster/internal/network/space"
)

// surface is what is exposed, by interface, address, edge and protocol.
type surface map[string]space.Map

func surfaceOf(f *facts.Facts) surface {
	all := map[string][]space.Segment{}
	for _, x := range network.New(f).Exposures() {
		k := string(x.Interface) + " " + x.Address.String() + " " + string(x.Edge.ID) + " " + network.ProtocolName(x.Protocol)
		all[k] = append(all[k], space.Segment{PortRange: x.Ports, Addrs: x.Sources})
	}
	out := surface{}
	for k, segments := range all {
		out[k] = space.Overlay(segments)
	}
	return out
}

// within reports whether everything exposed in s is exposed in t.
func (s surface) within(t surface) bool {
	for k, m := range s {
		if !m.And(t[k]).Equal(m) {
			return false
		}
	}
	return true
}

// TestChangesAreMonotonous: allowing more never closes, denying more never
// opens, and the order in which facts tell of rules does not matter.
func TestChangesAreMonotonous(t *testing.T) {
	for seed := range uint64(60) {
		before := surfaceOf(networktest.Random(seed))
		r := rand.New(rand.NewPCG(seed, 3))
		all := netip.MustParsePrefix("0.0.0.0/0")

		allowed := networktest.Random(seed)
		g := &allowed.Groups[r.IntN(len(allowed.Groups))]
		g.Ingress = append(g.Ingress, facts.Rule{Match: facts.Match{Protocol: facts.TCP, From: 20, To: 30}, CIDR: all})
		if !before.within(surfaceOf(allowed)) {
			t.Errorf("seed %d: a rule more in %s closes something", seed, g.ID)
		}
		denied := networktest.Random(seed)
		a := &denied.ACLs[r.IntN(len(denied.ACLs))]
		a.Entries = append(a.Entries, facts.Entry{Number: 0, Egress: r.IntN(2) == 0, CIDR: all, Match: facts.Match{Protocol: facts.TCP, From: 22, To: 40000}})
		if !surfaceOf(denied).within(before) {
			t.Errorf("seed %d: a denial more in %s opens something", seed, a.ID)
		}
		turned := networktest.Random(seed)
		for i := range turned.Groups {
			slices.Reverse(turned.Groups[i].Ingress)
		}
		for i := range turned.ACLs {
			slices.Reverse(turned.ACLs[i].Entries)
		}
		slices.Reverse(turned.Interfaces)
		if got := surfaceOf(turned); !got.within(before) || !before.within(got) {
			t.Errorf("seed %d: the order of rules matters", seed)
		}
	}
}
