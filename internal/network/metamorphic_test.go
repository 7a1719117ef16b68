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

// TestRemovedRulesNeverOpen: a group's rule less, in either direction, or an
// ACL's allowing entry less, opens nothing anywhere.
func TestRemovedRulesNeverOpen(t *testing.T) {
	for seed := range uint64(60) {
		before := surfaceOf(networktest.Random(seed))
		r := rand.New(rand.NewPCG(seed, 11))
		for range 3 {
			f := networktest.Random(seed)
			g := &f.Groups[r.IntN(len(f.Groups))]
			rules := &g.Ingress
			if r.IntN(3) == 0 {
				rules = &g.Egress
			}
			if len(*rules) > 0 {
				i := r.IntN(len(*rules))
				*rules = slices.Delete(*rules, i, i+1)
			}
			a := &f.ACLs[r.IntN(len(f.ACLs))]
			for i, e := range a.Entries {
				if e.Allow {
					a.Entries = slices.Delete(a.Entries, i, i+1)
					break
				}
			}
			if !surfaceOf(f).within(before) {
				t.Errorf("seed %d: rules less in %s and %s open something", seed, g.ID, a.ID)
			}
		}
	}
}

// TestNamesDoNotMatter: other ids for groups, ACLs and tables, and other names
// for zones, change nothing.
func TestNamesDoNotMatter(t *testing.T) {
	for seed := range uint64(60) {
		f := networktest.Random(seed)
		before := surfaceOf(f)
		group := func(id facts.ID) facts.ID {
			if id == "" {
				return ""
			}
			return "sg-other-" + id[3:]
		}
		for i := range f.Groups {
			g := &f.Groups[i]
			g.ID = group(g.ID)
			for _, rules := range [][]facts.Rule{g.Ingress, g.Egress} {
				for k := range rules {
					rules[k].Group = group(rules[k].Group)
				}
			}
		}
		for i := range f.Interfaces {
			// Slices are shared between balancers and their interfaces.
			own := make([]facts.ID, len(f.Interfaces[i].Groups))
			for k, id := range f.Interfaces[i].Groups {
				own[k] = group(id)
			}
			f.Interfaces[i].Groups = own
		}
		for i := range f.LoadBalancers {
			own := make([]facts.ID, len(f.LoadBalancers[i].Groups))
			for k, id := range f.LoadBalancers[i].Groups {
				own[k] = group(id)
			}
			f.LoadBalancers[i].Groups = own
		}
		for i := range f.ACLs {
			f.ACLs[i].ID = "other-" + f.ACLs[i].ID
		}
		for i := range f.RouteTables {
			f.RouteTables[i].ID = "other-" + f.RouteTables[i].ID
		}
		for i := range f.Subnets {
			f.Subnets[i].Zone = "other-" + f.Subnets[i].Zone
		}
		if got := surfaceOf(f); !got.within(before) || !before.within(got) {
			t.Errorf("seed %d: names matter", seed)
		}
	}
}

// TestNumbersDecide: entries of an ACL trade numbers. Where they speak of
// different ports that changes nothing; a denial that comes to stand before an
// allowance of the same ports closes.
func TestNumbersDecide(t *testing.T) {
	all := netip.MustParsePrefix("0.0.0.0/0")
	tcp := func(from, to int) facts.Match { return facts.Match{Protocol: facts.TCP, From: from, To: to} }
	entries := func(numbers [3]int) []facts.Entry {
		return []facts.Entry{
			{Number: numbers[0], Allow: true, CIDR: all, Match: tcp(22, 22)}, {Number: numbers[1], CIDR: all, Match: tcp(80, 80)},
			{Number: numbers[2], CIDR: all, Match: tcp(20, 30)}, {Number: 9, Egress: true, Allow: true, CIDR: all, Match: tcp(1024, 65535)},
		}
	}
	closed := 0
	for seed := range uint64(60) {
		surface := func(numbers [3]int) surface {
			f := networktest.Random(seed)
			for i := range f.ACLs {
				f.ACLs[i].Entries = entries(numbers)
			}
			return surfaceOf(f)
		}
		first, traded, turned := surface([3]int{1, 2, 3}), surface([3]int{2, 1, 3}), surface([3]int{3, 2, 1})
		if !first.within(traded) || !traded.within(first) {
			t.Errorf("seed %d: numbers of entries about different ports matter", seed)
		}
		if !turned.within(first) {
			t.Errorf("seed %d: a denial that comes first opens", seed)
		}
		if !first.within(turned) {
			closed++
		}
	}
	if closed == 0 {
		t.Error("a denial that comes first closes nothing")
	}
}
