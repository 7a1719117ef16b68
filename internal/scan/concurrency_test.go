package scan_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"muster/internal/finding"
	"muster/internal/fleet"
	"muster/internal/scan"
	"muster/internal/store"
	"muster/internal/store/activation"
	"muster/internal/store/catalog"
	"muster/internal/store/findings"
	"muster/internal/store/storetest"
	"muster/internal/worker"
)

// TestWorkersTogether lets many hosts of one account report at once while
// several workers scan and rules come and go: nothing may be lost, parked or
// counted wrongly.
func TestWorkersTogether(t *testing.T) {
	storetest.EachURL(t, func(t *testing.T, url string) {
		w := newWorld(t, func(store.Options) *store.Store { return storetest.Open(t, url, store.Options{Connections: 24}) })
		w.desk = scan.New(scan.Config{Store: w.store, Advisories: w.publisher})
		w.ec2("A", activation.Enabled)
		of := newNews()
		for i := range 50 {
			if err := of.read(fmt.Sprintf("DSA-%d Debian:12 package-%d fixed 9-1 about CVE-2026-%04d", i, i, 2000+i)); err != nil {
				t.Fatal(err)
			}
		}
		w.publish(of, false)
		ctx, stop := context.WithCancel(t.Context())
		work := worker.New(w.store, w.desk.Jobs(), worker.Options{Concurrency: 6, Backoff: func(int) time.Duration { return 10 * time.Millisecond }, Attempts: 20})
		var running sync.WaitGroup
		running.Go(func() { _ = work.Run(ctx) })
		const hosts = 40
		var reports sync.WaitGroup
		for part := range 4 {
			reports.Go(func() { reportMany(t, w, part*hosts/4, hosts/4) })
		}
		reports.Wait()
		w.rule("rule", "A", []string{"vulnerabilityId=CVE-2026-2001"}, []string{"A"})
		w.waitIdle()
		stop()
		running.Wait()
		w.checkFleet(hosts)
	})
}

func reportMany(t *testing.T, w *world, first, n int) {
	for host := first; host < first+n; host++ {
		inv := machine(host % 5)
		err := w.store.Update(t.Context(), func(tx *store.Tx) error {
			return w.desk.Accept(t.Context(), tx, fleet.Report{Account: "100000000001", Region: region, HostID: fmt.Sprintf("i-%017x", host), Inventory: inv, Hash: inv.Hash(), CollectedAt: time.Now(), ReceivedAt: time.Now()})
		})
		if err != nil {
			t.Error(err)
		}
	}
}

// waitIdle waits until no job is due or running, on the slowest of machines.
func (w *world) waitIdle() {
	w.t.Helper()
	for deadline := time.Now().Add(10 * time.Minute); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		busy := false
		for kind := range w.desk.Jobs() {
			in, ok, err := w.store.NextDue(w.t.Context(), kind)
			if err != nil {
				w.t.Fatal(err)
			}
			busy = busy || ok && in < time.Hour
		}
		if !busy {
			return
		}
	}
	w.t.Fatal("the jobs never end")
}

func (w *world) checkFleet(hosts int) {
	w.t.Helper()
	err := w.store.View(w.t.Context(), func(tx *store.Tx) error {
		parked, err := tx.ParkedJobs(w.t.Context(), "", 10)
		for _, j := range parked {
			w.t.Errorf("parked: %s %s: %s", j.Kind, j.Key, j.Error)
		}
		if err != nil {
			return err
		}
		wrong, err := findings.VerifyCounts(w.t.Context(), tx)
		if len(wrong) > 0 {
			w.t.Errorf("counts: %v", wrong)
		}
		if err != nil {
			return err
		}
		if wrong, err = catalog.VerifyCoverage(w.t.Context(), tx); len(wrong) > 0 {
			w.t.Errorf("coverage: %v", wrong)
		}
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
	perCVE := map[string]int{}
	for _, f := range w.all("A") {
		perCVE[f.Package.VulnerabilityID]++
		want := finding.Active
		if f.Package.VulnerabilityID == "CVE-2026-2001" {
			want = finding.Suppressed
		}
		if f.Status != want {
			w.t.Errorf("%s is %s", f.Title, f.Status)
		}
	}
	if len(perCVE) != 50 {
		w.t.Errorf("%d vulnerabilities", len(perCVE))
	}
	for cve, n := range perCVE {
		if n != hosts {
			w.t.Errorf("%s on %d of %d hosts", cve, n, hosts)
		}
	}
}
