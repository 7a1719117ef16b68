// Package bench measures the server as a whole: signed requests over loopback,
// agents' reports, changed advisories, a first start. docs/performance.md says
// what the figures mean. Timing never decides: a benchmark fails only when the
// server gives a wrong answer.
package bench

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"muster/internal/arn"
	"muster/internal/config"
	"muster/internal/organizations"
	"muster/internal/server"
	"muster/internal/store"
	"muster/internal/store/activation"
	"muster/internal/store/directory"
	"muster/internal/store/storetest"
)

// The accounts of every world.
const (
	region     arn.Region    = "us-east-1"
	management arn.AccountID = "100000000001"
	audit      arn.AccountID = "100000000002"
)

// member is the id of the nth member account.
func member(n int) arn.AccountID { return arn.AccountID(fmt.Sprintf("%012d", 200_000_000_000+n)) }

// world is a running server, with a hand of our own on its store to fill it.
type world struct {
	b      *testing.B
	config config.Config
	store  *store.Store
	server *server.Server
	stop   func()
	keys   map[arn.AccountID]server.RootKey
	client *http.Client
	// hosts and findings count what has been stored.
	hosts, findings int
}

// eachEngine runs the benchmark on both stores.
func eachEngine(b *testing.B, fn func(b *testing.B, w *world)) {
	for _, engine := range []struct {
		name string
		url  func(testing.TB) string
	}{{"sqlite", storetest.SQLite}, {"postgres", storetest.Postgres}} {
		b.Run(engine.name, func(b *testing.B) { fn(b, newWorld(b, engine.url(b))) })
	}
}

// newWorld starts a server with the usual settings on an empty store.
func newWorld(b *testing.B, url string) *world {
	b.Helper()
	w := &world{b: b, config: config.Default(), keys: map[arn.AccountID]server.RootKey{}}
	w.config.Data, w.config.Store = filepath.Join(b.TempDir(), "data"), url
	w.config.Listen, w.config.FeedsInterval, w.config.Transition = "127.0.0.1:0", 0, 0
	w.config.Feeds = b.TempDir()
	w.client = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}
	b.Cleanup(w.client.CloseIdleConnections)
	w.store = storetest.Open(b, url, store.Options{})
	w.start()
	b.Cleanup(func() { w.stop() })
	return w
}

// start runs the server until stop is called.
func (w *world) start() {
	w.b.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	srv, err := server.New(ctx, w.config, slog.New(slog.NewTextHandler(io.Discard, nil)))
	if err != nil {
		cancel()
		w.b.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- srv.Run(ctx) }()
	w.server = srv
	w.stop = func() {
		cancel()
		if err := <-done; err != nil {
			w.b.Error(err)
		}
		if err := srv.Close(); err != nil {
			w.b.Error(err)
		}
		w.stop = func() {}
	}
}

func (w *world) update(fn func(ctx context.Context, tx *store.Tx) error) {
	w.b.Helper()
	if err := w.store.Update(w.b.Context(), func(tx *store.Tx) error { return fn(w.b.Context(), tx) }); err != nil {
		w.b.Fatal(err)
	}
}

// organize makes an organization with a delegated administrator and the number
// of members, all associated and scanning.
func (w *world) organize(members int) {
	w.b.Helper()
	const org directory.OrganizationID = "o-benchmark1"
	now := time.Now()
	w.update(func(ctx context.Context, tx *store.Tx) error {
		err := directory.InsertOrganization(ctx, tx, directory.Organization{ID: org, Management: management, FeatureSet: "ALL", Root: "r-root", CreatedAt: now})
		if err != nil {
			return err
		}
		return activation.InsertDesignation(ctx, tx, activation.Designation{Org: org, Region: region, Account: audit, Status: activation.Designated, DesignatedAt: now})
	})
	accounts := []arn.AccountID{management, audit}
	for n := range members {
		accounts = append(accounts, member(n))
	}
	w.update(func(ctx context.Context, tx *store.Tx) error {
		for _, a := range accounts {
			if err := join(ctx, tx, org, a, now); err != nil {
				return err
			}
		}
		return nil
	})
}

// join signs an account up, in the organization, switched on; all but the
// first two are members of the administrator.
func join(ctx context.Context, tx *store.Tx, org directory.OrganizationID, a arn.AccountID, now time.Time) error {
	if _, err := organizations.RootAccount(ctx, tx, a, string(a)+"@example.com", "account", now); err != nil {
		return err
	}
	if err := directory.AddMember(ctx, tx, org, a, "r-root", directory.Created, now); err != nil {
		return err
	}
	scan := activation.Scan{Account: a, Region: region, Type: activation.EC2, Status: activation.Enabled, ChangedAt: now, FirstEnabledAt: now}
	if err := activation.PutScans(ctx, tx, []activation.Scan{scan}); err != nil || a == management || a == audit {
		return err
	}
	return activation.PutMember(ctx, tx, activation.Member{Administrator: audit, Region: region, Account: a, Relationship: activation.Associated, UpdatedAt: now})
}

// settle waits until no scan is due or under way.
func (w *world) settle(b *testing.B) {
	b.Helper()
	for {
		settled, err := w.server.ScansSettled(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		if settled {
			return
		}
		time.Sleep(time.Millisecond)
	}
}

// processor is the processor time that this process has used: server, clients
// and the embedded store, but not PostgreSQL. Other work on the machine moves
// it less than the time of the clock.
func processor() time.Duration {
	var use syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &use); err != nil {
		return 0
	}
	return time.Duration(use.Utime.Nano() + use.Stime.Nano())
}
