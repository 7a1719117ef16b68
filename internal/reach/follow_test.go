package reach

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"reflect"
	"slices"
	"syscall"
	"testing"
	"time"

	"muster/internal/arn"
	"muster/internal/network/exposure"
	"muster/internal/network/facts"
	"muster/internal/network/networktest"
)

// twoAccounts divides a network between two accounts by its groups.
func twoAccounts(f *facts.Facts) []facts.Part {
	a, b := *f, facts.Facts{}
	odd := func(g facts.Group) bool { return g.ID[len(g.ID)-1]%2 == 1 }
	a.Groups = slices.DeleteFunc(slices.Clone(f.Groups), odd)
	b.Groups = slices.DeleteFunc(slices.Clone(f.Groups), func(g facts.Group) bool { return !odd(g) })
	b.VPCs, b.Subnets = f.VPCs, f.Subnets
	one, two := facts.Scope{Account: "111122223333", Region: "eu-west-1"}, facts.Scope{Account: "444455556666", Region: "eu-west-1"}
	return []facts.Part{{Scope: one, Facts: facts.Join(&a)}, {Scope: two, Facts: facts.Join(&b)}}
}

// changed is a part with one random change: mostly rules, which are followed,
// sometimes what an instance is called, sometimes more.
func changed(r *rand.Rand, p facts.Part) facts.Part {
	f := *p.Facts
	f.Groups, f.Instances, f.Interfaces = slices.Clone(f.Groups), slices.Clone(f.Instances), slices.Clone(f.Interfaces)
	switch {
	case r.IntN(5) == 0 && len(f.Instances) > 0:
		f.Instances[r.IntN(len(f.Instances))].Tags = map[string]string{"Name": "renamed"}
	case r.IntN(8) == 0 && len(f.Interfaces) > 0:
		n := &f.Interfaces[r.IntN(len(f.Interfaces))]
		n.Groups = n.Groups[:len(n.Groups)/2]
	case len(f.Groups) > 0 && r.IntN(2) == 0:
		g := &f.Groups[r.IntN(len(f.Groups))]
		open := facts.Rule{Match: facts.Match{Protocol: facts.TCP, From: 20 + r.IntN(5), To: 80}, CIDR: netip.MustParsePrefix("0.0.0.0/0")}
		g.Ingress = append(slices.Clone(g.Ingress), open)
	case len(f.Groups) > 0:
		g := &f.Groups[r.IntN(len(f.Groups))]
		g.Ingress = g.Ingress[:len(g.Ingress)/2]
	}
	p.Facts = &f
	return p
}

// TestFollowingIsAnalysing: after any changes a unit that is followed holds what
// working out everything anew finds, and the accounts in which anything differs
// are among those that it names.
func TestFollowingIsAnalysing(t *testing.T) {
	now := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	followedSteps := 0
	for seed := range uint64(4) {
		r := rand.New(rand.NewPCG(seed, 11))
		parts := twoAccounts(networktest.Random(seed))
		order := []facts.Scope{parts[0].Scope, parts[1].Scope}
		u := &followed{order: order}
		u.rebuild(parts, exposure.Options{}, now)
		for range 6 {
			before := &followed{order: order}
			before.rebuild(parts, exposure.Options{}, now)
			i := r.IntN(2)
			parts[i] = changed(r, parts[i])
			got := u.advance(parts[i:i+1], exposure.Options{}, now)
			fresh := &followed{order: order}
			fresh.rebuild(parts, exposure.Options{}, now)
			if !reflect.DeepEqual(u.all, fresh.all) || !reflect.DeepEqual(u.described, fresh.described) || !reflect.DeepEqual(u.count, fresh.count) {
				t.Fatalf("seed %d: followed is not what an analysis finds", seed)
			}
			if got.whole {
				continue
			}
			followedSteps++
			for p := range fresh.all {
				if !got.changed[p.Scope] && (!reflect.DeepEqual(before.all[p], fresh.all[p]) || !reflect.DeepEqual(before.described[p], fresh.described[p])) {
					t.Fatalf("seed %d: %s of %s differs, which is not said", seed, p.id, p.Account)
				}
			}
		}
	}
	if followedSteps < 6 {
		t.Errorf("only %d changes were followed", followedSteps)
	}
}

// BenchmarkFollow is one changed rule in an organization of a hundred accounts:
// from the facts that an account tells to what differs.
func BenchmarkFollow(b *testing.B) {
	for _, size := range []int{10_000, 30_000, 100_000} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			parts := accounts(networktest.Organization(size), 100)
			u := &followed{}
			for _, p := range parts {
				u.order = append(u.order, p.Scope)
			}
			u.rebuild(parts, exposure.Options{}, time.Time{})
			before := processorTime(b)
			for b.Loop() {
				p := parts[7]
				f := *p.Facts
				f.Groups = slices.Clone(f.Groups)
				g := &f.Groups[len(f.Groups)-1]
				port := 1 + len(g.Ingress)
				g.Ingress = append(slices.Clone(g.Ingress), facts.Rule{Match: facts.Match{Protocol: facts.TCP, From: port, To: port}, CIDR: netip.MustParsePrefix("0.0.0.0/0")})
				p.Facts = &f
				if step := u.advance([]facts.Part{p}, exposure.Options{}, time.Time{}); step.whole {
					b.Fatal("the rule was not followed")
				}
				parts[7] = p
			}
			b.ReportMetric((processorTime(b)-before).Seconds()*1000/float64(b.N), "cpu-ms/op")
		})
	}
}

// processorTime is what the process has used: unlike time, it says the same on a
// machine that others use, too.
func processorTime(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// accounts divides VPCs and what is in them between accounts.
func accounts(f *facts.Facts, n int) []facts.Part {
	at := map[facts.ID]int{}
	parts := make([]facts.Part, n)
	for i := range parts {
		parts[i] = facts.Part{Scope: facts.Scope{Account: arn.AccountID(fmt.Sprintf("%012d", i+1)), Region: "eu-west-1"}, Facts: &facts.Facts{}}
	}
	for i, v := range f.VPCs {
		at[v.ID] = i % n
		parts[i%n].VPCs = append(parts[i%n].VPCs, v)
	}
	for _, x := range f.Subnets {
		parts[at[x.VPC]].Subnets = append(parts[at[x.VPC]].Subnets, x)
	}
	for _, x := range f.Interfaces {
		parts[at[x.VPC]].Interfaces = append(parts[at[x.VPC]].Interfaces, x)
		if x.Instance != "" {
			parts[at[x.VPC]].Instances = append(parts[at[x.VPC]].Instances, facts.Instance{ID: x.Instance, VPC: x.VPC, State: "running"})
		}
	}
	for _, x := range f.Groups {
		parts[at[x.VPC]].Groups = append(parts[at[x.VPC]].Groups, x)
	}
	for _, x := range f.ACLs {
		parts[at[x.VPC]].ACLs = append(parts[at[x.VPC]].ACLs, x)
	}
	for _, x := range f.RouteTables {
		parts[at[x.VPC]].RouteTables = append(parts[at[x.VPC]].RouteTables, x)
	}
	for _, x := range f.InternetGateways {
		parts[at[x.VPCs[0]]].InternetGateways = append(parts[at[x.VPCs[0]]].InternetGateways, x)
	}
	first := parts[0].Facts
	first.Peerings, first.TransitGateways, first.Attachments, first.TransitTables = f.Peerings, f.TransitGateways, f.Attachments, f.TransitTables
	first.LoadBalancers, first.TargetGroups, first.PrefixLists = f.LoadBalancers, f.TargetGroups, f.PrefixLists
	for i := range parts {
		parts[i].Facts = facts.Join(parts[i].Facts)
	}
	return parts
}
