package network

import (
	"flag"
	"math/rand/v2"
	"net/netip"
	"reflect"
	"slices"
	"testing"

	"muster/internal/network/facts"
	"muster/internal/network/networktest"
)

var watchSeeds = flag.Uint64("watch.seeds", 25, "random networks of TestWatchFollows")

// halves divides facts as two accounts would tell them: the second knows the
// last VPC and what is in it.
func halves(f *facts.Facts) map[string]*facts.Facts {
	last := f.VPCs[len(f.VPCs)-1].ID
	a, b := *f, facts.Facts{}
	a.Groups = slices.DeleteFunc(slices.Clone(f.Groups), func(g facts.Group) bool { return g.VPC == last })
	b.Groups = slices.DeleteFunc(slices.Clone(f.Groups), func(g facts.Group) bool { return g.VPC != last })
	a.ACLs = slices.DeleteFunc(slices.Clone(f.ACLs), func(x facts.ACL) bool { return x.VPC == last })
	b.ACLs = slices.DeleteFunc(slices.Clone(f.ACLs), func(x facts.ACL) bool { return x.VPC != last })
	a.Interfaces = slices.DeleteFunc(slices.Clone(f.Interfaces), func(n facts.Interface) bool { return n.VPC == last })
	b.Interfaces = slices.DeleteFunc(slices.Clone(f.Interfaces), func(n facts.Interface) bool { return n.VPC != last })
	b.Subnets = f.Subnets
	return map[string]*facts.Facts{"a": facts.Join(&a), "b": facts.Join(&b)}
}

// alter makes one random change to facts that nobody else holds.
func alter(r *rand.Rand, f *facts.Facts) {
	all := netip.MustParsePrefix("0.0.0.0/0")
	switch r.IntN(9) {
	case 0, 1:
		if len(f.Groups) > 0 {
			g := &f.Groups[r.IntN(len(f.Groups))]
			g.Ingress = append(slices.Clone(g.Ingress), facts.Rule{Match: facts.Match{Protocol: facts.TCP, From: 20 + r.IntN(5), To: 30}, CIDR: all})
		}
	case 2, 3:
		if len(f.Groups) > 0 {
			g := &f.Groups[r.IntN(len(f.Groups))]
			g.Egress, g.Ingress = nil, g.Ingress[:len(g.Ingress)/2]
		}
	case 4, 5:
		if len(f.ACLs) > 0 {
			a := &f.ACLs[r.IntN(len(f.ACLs))]
			a.Entries = append(slices.Clone(a.Entries), facts.Entry{Number: r.IntN(100), Egress: r.IntN(2) == 0, CIDR: all, Match: facts.Match{Protocol: facts.TCP, From: 22, To: 100}})
		}
	case 6:
		if len(f.Interfaces) > 0 {
			n := &f.Interfaces[r.IntN(len(f.Interfaces))]
			n.Groups = n.Groups[:len(n.Groups)/2]
		}
	case 7:
		if len(f.RouteTables) > 0 {
			t := &f.RouteTables[r.IntN(len(f.RouteTables))]
			t.Routes = t.Routes[:len(t.Routes)/2]
		}
	default:
		if len(f.Interfaces) > 1 {
			i := r.IntN(len(f.Interfaces))
			f.Interfaces = slices.Delete(f.Interfaces, i, i+1)
		}
	}
}

func private(f *facts.Facts) *facts.Facts {
	out := *f
	out.Groups, out.ACLs, out.Interfaces, out.RouteTables = slices.Clone(f.Groups), slices.Clone(f.ACLs), slices.Clone(f.Interfaces), slices.Clone(f.RouteTables)
	return &out
}

// sameDetails reports whether equal exposures are explained equally.
func sameDetails(s, t *Snapshot, x, y []Exposure) bool {
	for i := range x {
		if !reflect.DeepEqual(s.Details(&x[i]), t.Details(&y[i])) {
			return false
		}
	}
	return true
}

// TestWatchFollows: after any sequence of changes a watch knows what an
// analysis of everything finds, and names exactly the interfaces that differ.
func TestWatchFollows(t *testing.T) {
	for seed := range *watchSeeds {
		r := rand.New(rand.NewPCG(seed, 5))
		parts := halves(networktest.Random(seed))
		w := NewWatch(parts)
		for step := range 12 {
			old := NewWatch(parts)
			before := byInterface(old.Exposures())
			name := []string{"a", "b"}[r.IntN(2)]
			f := private(parts[name])
			alter(r, f)
			var affected []facts.ID
			if c := facts.Compare(parts[name], f); r.IntN(2) == 0 && !c.Structure {
				affected = w.Apply(name, c)
			} else {
				affected = w.Put(name, f)
			}
			parts[name] = f
			fresh := NewWatch(parts)
			want := byInterface(fresh.Exposures())
			if got := w.Exposures(); !slices.EqualFunc(got, fresh.Exposures(), sameExposure) {
				t.Fatalf("seed %d, step %d: the watch knows %d exposures, an analysis finds %d", seed, step, len(got), len(fresh.Exposures()))
			}
			for _, n := range networktest.Random(seed).Interfaces {
				if differs := !slices.EqualFunc(before[n.ID], want[n.ID], sameExposure); differs != slices.Contains(affected, n.ID) {
					t.Fatalf("seed %d, step %d: %s differs: %v, affected: %v", seed, step, n.ID, differs, affected)
				} else if !differs && !sameDetails(old.s, w.s, before[n.ID], w.known[n.ID]) {
					t.Fatalf("seed %d, step %d: %s is not affected, but its details differ", seed, step, n.ID)
				}
			}
		}
	}
}
