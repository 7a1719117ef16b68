package bench

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"muster/internal/inventory"
)

// BenchmarkChangedAdvisory is the time from a changed file at the publisher to
// the findings of the thousand hosts that it affects: in a fleet of 5,000 and
// in one of 10,000, each inventory on fifty hosts.
func BenchmarkChangedAdvisory(b *testing.B) {
	const members, affected, each = 100, 1000, 50
	for _, hosts := range []int{5_000, 10_000} {
		b.Run(fmt.Sprint(hosts), func(b *testing.B) {
			eachEngine(b, func(b *testing.B, w *world) {
				w.organize(members)
				inventories := make([]*inventory.Inventory, hosts/each)
				for i := range inventories {
					special := [2]string{"special", "9.0-1"}
					if i < affected/each {
						special[1] = "1.0-1"
					}
					inventories[i] = machine(fmt.Sprintf("1.%d-1", i), special)
				}
				w.republish(b, 0)
				w.install(b, members, hosts, func(host int) *inventory.Inventory { return inventories[host%len(inventories)] })
				n, settling, used := 0, time.Duration(0), time.Duration(0)
				for b.Loop() {
					n++
					idle := processor()
					began := time.Now()
					w.republish(b, n)
					imported := time.Since(began)
					w.settle(b)
					settling += time.Since(began) - imported
					used += processor() - idle
					b.StopTimer()
					w.verify(b, n)
					b.StartTimer()
				}
				b.ReportMetric(1000*b.Elapsed().Seconds()/float64(b.N), "ms")
				b.ReportMetric(1000*used.Seconds()/float64(b.N), "cpu-ms/op")
				b.ReportMetric(1000*settling.Seconds()/float64(b.N), "after-import-ms")
			})
		})
	}
}

// republish publishes and imports the advisories, of which the one about the
// special package names another fix each time.
func (w *world) republish(b *testing.B, n int) {
	b.Helper()
	w.publish(b, epoch.Add(time.Duration(n)*time.Hour), advisory{"special", fmt.Sprintf("2.%d-1", n)}, advisory{"package-7", "1.9-1"}, advisory{"package-8", "1.9-1"})
	w.sync(b)
}

// verify asks whether the findings name the new fix.
func (w *world) verify(b *testing.B, n int) {
	b.Helper()
	r := w.inspector(b, audit, "/findings/list", `{"filterCriteria":{"vulnerabilityId":[{"comparison":"EQUALS","value":"CVE-2026-00000"}]},"maxResults":100}`)
	answer, err := w.send(r)
	if err != nil {
		b.Fatal(err)
	}
	all := bytes.Count(answer, []byte(`"findingArn"`))
	if fixed := bytes.Count(answer, fmt.Appendf(nil, `"fixedInVersion":"0:2.%d-1"`, n)); all != 100 || fixed != all {
		b.Fatalf("%d of %d findings of a page name the new fix: %.600s", fixed, all, answer)
	}
}
