package network_test

import (
	"fmt"
	"runtime"
	"testing"

	"muster/internal/network"
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
