package fault

import (
	"archive/zip"
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"muster/internal/agentwire"
	"muster/internal/arn"
	"muster/internal/awsmodel"
	"muster/internal/fleet"
	"muster/internal/inspector"
	"muster/internal/inspector/rules"
	"muster/internal/inventory"
	"muster/internal/organizations"
	"muster/internal/pagetoken"
	"muster/internal/refresh"
	"muster/internal/scan"
	"muster/internal/store"
	hosts "muster/internal/store/fleet"
	"muster/internal/store/storetest"
	"muster/internal/worker"
)

// errFault is the failure that is put in the place of a statement.
var errFault = errors.New("the statement failed")

// trigger makes the Nth statement from now fail, and no other.
type trigger struct {
	mu    sync.Mutex // guards the rest
	left  int
	fired bool
}

func (g *trigger) arm(n int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.left, g.fired = n, false
}

// disarm reports whether a statement failed.
func (g *trigger) disarm() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.left = 0
	return g.fired
}

// pull is asked before each statement.
func (g *trigger) pull() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.left == 0 {
		return nil
	}
	if g.left--; g.left > 0 {
		return nil
	}
	g.fired = true
	return errFault
}

const (
	region     = "us-east-1"
	transition = time.Second
)

// world is all desks on one store with a trigger.
type world struct {
	t       *testing.T
	store   *store.Store
	trigger trigger
	now     time.Time

	orgs      *organizations.Service
	inspector *inspector.Service
	rules     *rules.Service
	fleet     *fleet.Service
	refresh   *refresh.Service
	jobs      map[string]worker.Handler

	mirror   string
	accounts map[string]arn.AccountID
	host     hosts.Host
}

func newWorld(t *testing.T, url string) *world {
	t.Helper()
	w := &world{
		t: t, now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC), mirror: filepath.Join(t.TempDir(), "mirror"),
		accounts: map[string]arn.AccountID{}, jobs: map[string]worker.Handler{},
	}
	clock := func() time.Time { return w.now }
	w.store = storetest.Open(t, url, store.Options{Now: clock, Fault: w.trigger.pull})
	pages, err := pagetoken.New(pagetoken.NewKey())
	w.must(err)
	w.refresh, err = refresh.New(refresh.Config{Store: w.store, Dir: filepath.Join(t.TempDir(), "advisories"), Source: w.mirror, Now: clock})
	w.must(err)
	t.Cleanup(w.refresh.Close)
	scans := scan.New(scan.Config{Store: w.store, Advisories: w.refresh, Now: clock})
	w.inspector = inspector.New(inspector.Config{Store: w.store, Pages: pages, Now: clock, Transition: transition})
	w.rules = rules.New(rules.Config{Store: w.store, Pages: pages, Apply: scans.Resuppress, Now: clock})
	w.orgs = organizations.New(w.store, organizations.Options{
		Pages: pages, Observers: []organizations.Observer{w.inspector}, Transition: transition, Now: clock,
	})
	w.fleet = fleet.New(w.store, fleet.Options{Inventories: scans, Pages: pages})
	maps.Copy(w.jobs, w.orgs.Jobs())
	maps.Copy(w.jobs, w.inspector.Jobs())
	maps.Copy(w.jobs, scans.Jobs())
	maps.Copy(w.jobs, w.rules.Jobs())
	return w
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) update(fn func(ctx context.Context, tx *store.Tx) error) {
	w.t.Helper()
	w.must(w.store.Update(w.t.Context(), func(tx *store.Tx) error { return fn(w.t.Context(), tx) }))
}

// call is a call by the root of an account.
func (w *world) call(caller string) *awsmodel.Call {
	id := w.accounts[caller]
	return &awsmodel.Call{Principal: arn.Principal{Kind: arn.RootUser, Account: id, ARN: id.Root()}, Region: region, Time: w.now}
}

// signUp makes the first account.
func (w *world) signUp(name string) {
	w.t.Helper()
	w.update(func(ctx context.Context, tx *store.Tx) (err error) {
		w.accounts[name], err = organizations.RootAccount(ctx, tx, "", name+"@example.com", name, w.now)
		return err
	})
}

// enrol gives an account a host.
func (w *world) enrol(owner string) {
	w.t.Helper()
	key, _, err := ed25519.GenerateKey(nil)
	w.must(err)
	w.host = hosts.Host{Account: w.accounts[owner], Region: region, ID: "i-00000000000000001", Label: "host", PublicKey: key, Status: hosts.Active, EnrolledAt: w.now}
	w.update(func(ctx context.Context, tx *store.Tx) error { return hosts.PutHost(ctx, tx, w.host) })
}

var debian12 = inventory.OS{ID: "debian", VersionID: "12", Ecosystem: "Debian:12", Platform: "DEBIAN_12", Arch: "X86_64"}

// report is a report of the host: "name=version" of packages.
func (w *world) report(sequence int64, packages ...string) *agentwire.Report {
	inv := &inventory.Inventory{OS: debian12}
	for _, p := range packages {
		name, version, _ := strings.Cut(p, "=")
		inv.Items = append(inv.Items, inventory.Item{Component: inventory.Component{Ecosystem: debian12.Ecosystem,
			Name: name, Version: version, Arch: "amd64", Source: name, SourceVersion: version, Manager: inventory.ManagerOS}})
	}
	return &agentwire.Report{HostID: w.host.ID, Sequence: sequence, CollectedAt: w.now, InventoryHash: inv.Hash(), Inventory: inv}
}

// publish writes a mirror: "CVE name fixed-in" of Debian records.
func (w *world) publish(records ...string) {
	w.t.Helper()
	w.must(os.MkdirAll(filepath.Join(w.mirror, "osv"), 0o755))
	f, err := os.Create(filepath.Join(w.mirror, "osv", "Debian.zip"))
	w.must(err)
	z := zip.NewWriter(f)
	for _, r := range records {
		field := strings.Fields(r)
		out, err := z.Create(field[0] + ".json")
		w.must(err)
		_, err = fmt.Fprintf(out, `{"id":%q,"modified":"2024-01-01T00:00:00Z","affected":[{"package":{"ecosystem":"Debian:12","name":%q},
			"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":%q}]}]}]}`, field[0], field[1], field[2])
		w.must(err)
	}
	w.must(errors.Join(z.Close(), f.Close()))
}

// due claims every job that is due, of all kinds, in the order of their names.
func (w *world) due() []store.Job {
	w.t.Helper()
	var list []store.Job
	for _, kind := range slices.Sorted(maps.Keys(w.jobs)) {
		jobs, err := w.store.Claim(w.t.Context(), kind, 100, time.Minute)
		w.must(err)
		list = append(list, jobs...)
	}
	return list
}
