package scan_test

import (
	"context"
	"fmt"
	"testing"

	"muster/internal/fleet"
	"muster/internal/inventory"
	"muster/internal/store"
	"muster/internal/store/activation"
	"muster/internal/store/storetest"
)

// machine is an inventory of 500 packages, of which a few depend on n.
func machine(n int) *inventory.Inventory {
	inv := &inventory.Inventory{OS: inventory.OS{ID: "debian", VersionID: "12", Ecosystem: "Debian:12", Platform: "DEBIAN_12"}}
	for i := range 495 {
		inv.Items = append(inv.Items, item(fmt.Sprintf("package-%d@1.%d-1", i, i%7)))
	}
	for i := range 5 {
		inv.Items = append(inv.Items, item(fmt.Sprintf("special-%d@1.%d-1", i, n)))
	}
	inv.Sort()
	return inv
}

func (w *world) accept(host int, inv *inventory.Inventory, hash string) {
	w.t.Helper()
	w.update(func(ctx context.Context, tx *store.Tx) error {
		return w.desk.Accept(ctx, tx, fleet.Report{Account: w.account("A"), Region: region, HostID: fmt.Sprintf("i-%017x", host), Inventory: inv, Hash: hash, CollectedAt: w.now, ReceivedAt: w.now})
	})
}

func eachEngine(b *testing.B, fn func(b *testing.B, w *world)) {
	for _, engine := range []struct {
		name string
		url  func(testing.TB) string
	}{{"sqlite", storetest.SQLite}, {"postgres", storetest.Postgres}} {
		b.Run(engine.name, func(b *testing.B) {
			fn(b, newWorld(b, func(o store.Options) *store.Store { return storetest.Open(b, engine.url(b), o) }))
		})
	}
}

// BenchmarkReports accepts reports of 500 packages, durably, one at a time.
func BenchmarkReports(b *testing.B) {
	eachEngine(b, func(b *testing.B, w *world) {
		w.ec2("A", activation.Enabled)
		same := machine(0)
		w.accept(0, same, same.Hash())
		b.Run("unchanged", func(b *testing.B) {
			hash := same.Hash()
			for b.Loop() {
				w.accept(0, nil, hash)
			}
		})
		n := 1
		b.Run("changed", func(b *testing.B) {
			for b.Loop() {
				inv := machine(n)
				w.accept(n%100, inv, inv.Hash())
				n++
			}
		})
	})
}

// BenchmarkChangedAdvisory is the time from a changed advisory to the findings
// of the hosts it affects: 100 of 1,000 hosts, on one of 10 inventories.
func BenchmarkChangedAdvisory(b *testing.B) {
	eachEngine(b, func(b *testing.B, w *world) {
		w.ec2("A", activation.Enabled)
		w.settle()
		for host := range 1000 {
			inv := machine(host % 10)
			w.accept(host, inv, inv.Hash())
		}
		w.publish(fixedIn(0), false)
		w.settle()
		n := 0
		for b.Loop() {
			n++
			b.StopTimer()
			w.publish(fixedIn(n), false)
			b.StartTimer()
			w.settleOnce()
		}
	})
}

// fixedIn is an advisory about a package of one inventory, whose fix moves.
func fixedIn(n int) news {
	of := newNews()
	for i := range 400 {
		if err := of.read(fmt.Sprintf("DSA-%d Debian:12 package-%d fixed 1.0-0 about CVE-2026-%04d", i, i, 2000+i)); err != nil {
			panic(err)
		}
	}
	if err := of.read(fmt.Sprintf("DSA-1000 Debian:12 special-1 fixed 1.1-%d about CVE-2026-1001", n%2)); err != nil {
		panic(err)
	}
	return of
}
