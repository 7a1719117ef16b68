package bench

import (
	"context"
	"flag"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"muster/test/fleetgen"
)

// sizes are the fleets that BenchmarkScale measures.
var sizes = flag.String("bench.resources", "2000,20000", "how many machines the fleets of BenchmarkScale have")

// BenchmarkScale is how cost grows with a fleet of realistic shape (package
// fleetgen), some ten findings on each machine: from a changed advisory to the
// findings of the thousand machines that it affects, the first pages of lists
// and aggregations, and the start of a process. -bench.resources takes other
// sizes, up to a million.
func BenchmarkScale(b *testing.B) {
	for size := range strings.SplitSeq(*sizes, ",") {
		n, err := strconv.Atoi(size)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(size, func(b *testing.B) { eachEngine(b, func(b *testing.B, w *world) { w.scale(b, fleetgen.Usual(n)) }) })
	}
}

func (w *world) scale(b *testing.B, s fleetgen.Shape) {
	if err := s.Organize(b.Context(), w.store); err != nil {
		b.Fatal(err)
	}
	version := 0
	publish := func() {
		if err := s.Publish(w.config.Feeds, fmt.Sprintf("2.0.%d", version), epoch.Add(time.Duration(version)*time.Hour)); err != nil {
			b.Fatal(err)
		}
		version++
		w.sync(b)
	}
	publish()
	began := time.Now()
	settle := func(context.Context) error { w.settle(b); return nil }
	target := fleetgen.Target{Store: w.store, URL: w.config.Store, Settle: settle, Progress: b.Logf}
	if err := s.Load(b.Context(), target); err != nil {
		b.Fatal(err)
	}
	b.Logf("loaded in %.0f s", time.Since(began).Seconds())
	b.Run("changed-advisory", func(b *testing.B) {
		imported, settling := time.Duration(0), time.Duration(0)
		for b.Loop() {
			began := time.Now()
			publish()
			imported += time.Since(began)
			began = time.Now()
			w.settle(b)
			settling += time.Since(began)
		}
		b.ReportMetric(1000*imported.Seconds()/float64(b.N), "import-ms")
		b.ReportMetric(1000*settling.Seconds()/float64(b.N), "after-import-ms")
	})
	for _, q := range questions {
		// The fleet's vulnerabilities have numbers of their own.
		q.members = strings.ReplaceAll(q.members, "CVE-2026-00007", "CVE-2026-00027")
		b.Run("list/"+q.name, func(b *testing.B) { w.list(b, q) })
	}
	for _, g := range groupings {
		b.Run("by-"+g, func(b *testing.B) { w.aggregate(b, g) })
	}
	b.Run("start", w.restart)
}
