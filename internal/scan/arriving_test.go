package scan_test

import (
	"context"
	"testing"

	"muster/internal/finding"
	"muster/internal/inventory"
	"muster/internal/store"
	"muster/internal/store/activation"
	"muster/internal/store/catalog"
	"muster/internal/store/findings"
	"muster/internal/store/storetest"
)

// TestWhatArrivesDuringAScanIsMatched: an inventory that comes after the look
// for unmatched components is not taken for clean, neither by that scan nor by
// those that share what it has worked out.
func TestWhatArrivesDuringAScanIsMatched(t *testing.T) {
	storetest.EachURL(t, func(t *testing.T, url string) {
		w := newWorld(t, func(o store.Options) *store.Store { return storetest.Open(t, url, o) })
		w.ec2("A", activation.Enabled)
		of := newNews()
		for _, line := range []string{"feed Debian", "DSA-1 Debian:12 openssl fixed 3.0.2-1 about CVE-2026-1001"} {
			if err := of.read(line); err != nil {
				t.Fatal(err)
			}
		}
		w.publish(of, false)
		w.settle()
		w.packages["web"] = []inventory.Item{item("openssl@3.0.1-1")}
		w.report("web", "A", false)
		place := catalog.Place{Account: w.account("A"), Region: region, Type: finding.Instance, ID: w.host("web")}
		if err := w.desk.ScanArriving(t.Context(), []catalog.Place{place}); err != nil {
			t.Fatal(err)
		}
		w.packages["other"] = w.packages["web"]
		w.report("other", "A", false)
		w.settle()
		w.update(func(ctx context.Context, tx *store.Tx) error {
			list, _, err := findings.List(ctx, tx, findings.Query{Scope: findings.Place{Account: w.account("A"), Region: region}, Single: w.account("A"), Region: region, Limit: 10})
			if len(list) != 2 {
				t.Errorf("%d findings, want one of each machine", len(list))
			}
			return err
		})
	})
}
