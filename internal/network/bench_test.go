package network_test

import (
	"fmt"
	"net/netip"
	"runtime"
	"slices"
	"testing"

	"muster/internal/network"
	"muster/internal/network/facts"
	"muster/internal/network/networktest"
)

// BenchmarkOrganization is the full analysis, from facts in memory to all
// exposures; run it with -benchtime=1x.
func BenchmarkOrganization(b *testing.B) {
	for _, size := range []int{1_000, 10_000, 30_000, 100_000} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			f := networktest.Organization(size)
			b.ReportAllocs()
			for b.Loop() {
				s := network.New(f)
				x := s.Exposures()
				var m runtime.MemStats
				runtime.ReadMemStats(&m)
				b.ReportMetric(float64(len(x)), "exposures")
				b.ReportMetric(float64(m.HeapSys>>20), "MiB-heap")
				runtime.KeepAlive(s)
			}
		})
	}
}

// BenchmarkChangedRule is one rule more in a group that guards two interfaces of
// each VPC's hundred, and one entry more in an ACL, in a watched organization;
// told singly, and found by comparing two readings of everything.
func BenchmarkChangedRule(b *testing.B) {
	for _, size := range []int{1_000, 10_000, 100_000} {
		w := network.NewWatch(map[string]*facts.Facts{"all": networktest.Organization(size)})
		f := networktest.Organization(size)
		w.Put("all", f)
		group, acl := f.Groups[len(f.Groups)/2], f.ACLs[len(f.ACLs)/2]
		n := 0
		change := func() (facts.Group, facts.ACL) {
			n++
			g, a := group, acl
			g.Ingress = append(slices.Clip(g.Ingress), facts.Rule{Match: facts.Match{Protocol: facts.TCP, From: 1 + n%20000, To: 20000}, CIDR: netip.MustParsePrefix("0.0.0.0/0")})
			a.Entries = append(slices.Clip(a.Entries), facts.Entry{Number: 10, CIDR: netip.MustParsePrefix("9.0.0.0/8"), Match: facts.Match{Protocol: facts.TCP, From: n % 20000, To: 20000}})
			return g, a
		}
		b.Run(fmt.Sprintf("%d/group", size), func(b *testing.B) {
			for b.Loop() {
				g, _ := change()
				if got := w.Apply("all", facts.Changes{Groups: []facts.Group{g}}); len(got) == 0 {
					b.Fatal("nothing is affected")
				}
			}
		})
		b.Run(fmt.Sprintf("%d/acl", size), func(b *testing.B) {
			for b.Loop() {
				_, a := change()
				if got := w.Apply("all", facts.Changes{ACLs: []facts.ACL{a}}); len(got) == 0 {
					b.Fatal("nothing is affected")
				}
			}
		})
		b.Run(fmt.Sprintf("%d/reading", size), func(b *testing.B) {
			for b.Loop() {
				b.StopTimer()
				again := networktest.Organization(size)
				again.Groups[len(again.Groups)/2], _ = change()
				b.StartTimer()
				if got := w.Put("all", again); len(got) == 0 {
					b.Fatal("nothing is affected")
				}
			}
		})
	}
}
