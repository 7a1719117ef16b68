package scan_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"muster/internal/extract"
	"muster/internal/finding"
	"muster/internal/fleet"
	"muster/internal/match"
	"muster/internal/refresh"
	"muster/internal/scan"
	"muster/internal/store"
	"muster/internal/store/activation"
	"muster/internal/store/findings"
	"muster/internal/store/storetest"
	"muster/internal/testshared"
)

// TestRealHost takes a real machine's packages and real advisories all the way
// to findings, and holds them against matching every package by itself.
func TestRealHost(t *testing.T) {
	shared := testshared.Dir(t)
	storetest.EachURL(t, func(t *testing.T, url string) {
		w := newWorld(t, func(o store.Options) *store.Store { return storetest.Open(t, url, o) })
		feeds, err := refresh.New(refresh.Config{Store: w.store, Dir: t.TempDir(), Source: filepath.Join(shared, "advisories", "small"), Now: func() time.Time { return w.now }})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(feeds.Close)
		w.desk = scan.New(scan.Config{Store: w.store, Advisories: feeds, Now: func() time.Time { return w.now }})
		w.ec2("A", activation.Enabled)
		inv, err := extract.Root(t.Context(), os.DirFS(filepath.Join(shared, "targets", "os", "debian-stable-20240130-dpkg")), extract.ForInstance("", "x86_64"))
		if err != nil {
			t.Fatal(err)
		}
		w.update(func(ctx context.Context, tx *store.Tx) error {
			return w.desk.Accept(ctx, tx, fleet.Report{Account: w.account("A"), Region: region, HostID: w.host("web"), Inventory: &inv, Hash: inv.Hash(), CollectedAt: w.now, ReceivedAt: w.now})
		})
		w.settle()
		if n := len(w.all("A")); n != 0 {
			t.Fatalf("%d findings before the first import", n)
		}
		if _, err := feeds.Sync(t.Context(), refresh.SyncOptions{}); err != nil {
			t.Fatal(err)
		}
		w.settle()

		set, err := feeds.Current(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer set.Close()
		want := map[string]map[string]bool{}
		for _, it := range inv.Items {
			matches, err := match.Component(it.Component, set)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range matches {
				if it.Role.Judged() {
					if want[m.VulnerabilityID] == nil {
						want[m.VulnerabilityID] = map[string]bool{}
					}
					want[m.VulnerabilityID][it.Name] = true
				}
			}
		}
		got := w.all("A")
		t.Logf("%d packages, %d findings", len(inv.Items), len(got))
		if len(got) != len(want) || len(got) < 50 {
			t.Errorf("%d findings for %d vulnerabilities", len(got), len(want))
		}
		for _, f := range got {
			checkReal(t, &f.Finding, want[f.Package.VulnerabilityID])
		}
	})
}

func checkReal(t *testing.T, f *finding.Finding, packages map[string]bool) {
	t.Helper()
	shown := map[string]bool{}
	for _, p := range f.Package.Packages {
		shown[p.Name] = true
		if !packages[p.Name] || len(p.Evidence) == 0 || p.Version == "" || p.Arch == "" {
			t.Errorf("%s: package %+v", f.Title, p)
		}
	}
	if len(shown) != len(packages) || f.Status != finding.Active || f.Description == "" || f.Package.Source != "DEBIAN_CVE" {
		t.Errorf("%s of %d packages: %+v", f.Title, len(packages), f)
	}
}

// all returns every finding of an account.
func (w *world) all(account string) []findings.Stored {
	w.t.Helper()
	var list []findings.Stored
	err := w.store.View(w.t.Context(), func(tx *store.Tx) (err error) {
		list, _, err = findings.List(w.t.Context(), tx, findings.Query{Scope: accounts{w.account(account)}, Single: w.account(account), Region: region, Limit: 100_000})
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return list
}

var _ scan.Advisories = (*refresh.Service)(nil)
var _ fleet.Inventories = (*scan.Service)(nil)
