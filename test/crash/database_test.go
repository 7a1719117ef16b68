package crash

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"testing"
	"time"

	"muster/internal/store/pgtest"
	"muster/internal/store/storetest"

	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/organizations"
	"github.com/jackc/pgx/v5"
)

// disturbance is something that happens to the database, or to the way there.
type disturbance struct {
	name string
	// begin makes it happen; end, if there is one, puts it right.
	begin, end func() error
	// away says that nobody can write meanwhile.
	away bool
}

// database is a PostgreSQL of the test's own, reached by a wire.
type database struct {
	cluster *pgtest.Cluster
	wire    *wire
	url     string
}

func newDatabase(t *testing.T) *database {
	t.Helper()
	storetest.Postgres(t) // skips where there are no programs
	cluster, err := pgtest.Start(t.Context(), "synchronous_commit=on")
	must(t, err)
	t.Cleanup(func() { must(t, cluster.Stop()) })
	w, address := newWire(t, cluster.Socket())
	return &database{cluster, w, "postgres://muster@" + address + "/postgres?sslmode=disable"}
}

// sql runs statements beside the servers.
func (d *database) sql(ctx context.Context, statements ...string) error {
	conn, err := pgx.Connect(ctx, d.cluster.URL)
	if err != nil {
		return err
	}
	for _, s := range statements {
		if _, err := conn.Exec(ctx, s); err != nil {
			return errors.Join(err, conn.Close(ctx))
		}
	}
	return conn.Close(ctx)
}

const hangUp = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()`

func (d *database) disturbances(t *testing.T) []disturbance {
	ctx := t.Context()
	readOnly := func(is string) func() error {
		return func() error {
			return d.sql(ctx, `ALTER SYSTEM SET default_transaction_read_only = `+is, `SELECT pg_reload_conf()`, hangUp)
		}
	}
	return []disturbance{
		{"restarted at once", func() error { return d.cluster.Control(ctx, "restart", "-m", "immediate") }, nil, false},
		{"restarted fast", func() error { return d.cluster.Control(ctx, "restart", "-m", "fast") }, nil, false},
		{"stopped", func() error { return d.cluster.Control(ctx, "stop", "-m", "immediate") }, func() error { return d.cluster.Control(ctx, "start") }, true},
		{"every connection ended", func() error { return d.sql(ctx, hangUp) }, nil, false},
		{"read-only, as the old one after a failover", readOnly("on"), readOnly("off"), true},
		{"wire cut", func() error { d.wire.cut(); return nil }, nil, false},
		{"wire late", func() error { d.wire.is(30*time.Millisecond, false); return nil }, func() error { d.wire.is(0, false); return nil }, false},
		{"wire swallows", func() error { d.wire.is(0, true); return nil }, func() error { d.wire.is(0, false); d.wire.cut(); return nil }, true},
	}
}

// TestDisturbedDatabase does things to PostgreSQL, and to the way there, while
// two servers work on it. Callers are told to come back, load balancers that the
// servers are not ready, and everything goes on by itself: no server is started
// again.
func TestDisturbedDatabase(t *testing.T) {
	muster(t)
	t.Parallel()
	d := newDatabase(t)
	in := newInstallation(t, d.url, 2)
	in.startAll(t)
	c := in.signUp(t)
	if _, err := c.organizations.CreateOrganization(t.Context(), &organizations.CreateOrganizationInput{}); err != nil {
		t.Fatal(err)
	}
	rules, advisories := &rules{clients: c}, newAdvisories(t, in.process)
	aspects := []aspect{&accounts{clients: c}, &users{clients: c}, rules, newHost(t, c, rules, advisories), newHost(t, c, rules, advisories)}
	rnd := random(t)
	for _, what := range d.disturbances(t) {
		t.Run(what.name, func(t *testing.T) { in.disturb(t, c, aspects, rnd, what) })
	}
	for _, a := range aspects {
		t.Run(a.name(), func(t *testing.T) { eventually(t, rest, func() error { return a.settled(t.Context()) }) })
		t.Logf("%s: %d changes acknowledged", a.name(), a.acknowledged())
	}
	for _, s := range in.servers {
		s.kill()
	}
	checkCounts(t, in.process)
}

// disturb lets the actors work while something is done to the database.
func (in *installation) disturb(t *testing.T, c *clients, aspects []aspect, rnd *rand.Rand, what disturbance) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var working sync.WaitGroup
	for range actors {
		rnd := rand.New(rand.NewPCG(rnd.Uint64(), 1))
		working.Go(func() {
			for ctx.Err() == nil {
				aspects[rnd.IntN(len(aspects))].act(ctx, rnd)
			}
		})
	}
	<-time.After(200 * time.Millisecond)
	must(t, what.begin())
	if what.away {
		in.toldToComeBack(t, c)
	}
	<-time.After(200 * time.Millisecond)
	if what.end != nil {
		must(t, what.end())
	}
	begun := time.Now()
	eventually(t, rest, func() error {
		name := "after-" + fmt.Sprint(rnd.Uint64())
		_, err := c.iam.CreateUser(t.Context(), &iam.CreateUserInput{UserName: &name})
		if err == nil {
			_, err = c.iam.DeleteUser(t.Context(), &iam.DeleteUserInput{UserName: &name})
		}
		return err
	})
	eventually(t, rest, func() error { return in.ready(http.StatusOK) })
	t.Logf("changes are taken %v after it", time.Since(begun))
	cancel()
	working.Wait()
	// Connections that have been idle for a second are tried before they are
	// used. Before that a dead one costs its caller a 503, which says nothing
	// about what is kept.
	<-time.After(probed)
	for _, a := range aspects {
		t.Run(a.name(), a.check)
	}
}

// probed is how long connections must be idle to be tried first.
const probed = 1200 * time.Millisecond

// toldToComeBack: not ready but alive, and callers get 503 or, where nothing is
// heard of the database, no answer for as long as they wait.
func (in *installation) toldToComeBack(t *testing.T, c *clients) {
	t.Helper()
	eventually(t, rest, func() error { return in.ready(http.StatusServiceUnavailable) })
	for _, s := range in.servers {
		answer, err := http.Get("http://" + s.address + "/healthz")
		must(t, err)
		must(t, answer.Body.Close())
		if answer.StatusCode != http.StatusOK {
			t.Errorf("%s is not alive: %s", s.address, answer.Status)
		}
	}
	name := "while-away"
	_, err := c.iam.CreateUser(t.Context(), &iam.CreateUserInput{UserName: &name})
	if answerOf(err) != unknown {
		t.Errorf("a caller is answered with %v", err)
	}
}

// ready asks all servers whether they are.
func (in *installation) ready(want int) error {
	for _, s := range in.servers {
		answer, err := http.Get("http://" + s.address + "/readyz")
		if err != nil {
			return err
		}
		_ = answer.Body.Close()
		if answer.StatusCode != want {
			return fmt.Errorf("%s answers %s, want %d", s.address, answer.Status, want)
		}
		if want == http.StatusServiceUnavailable && answer.Header.Get("Retry-After") == "" {
			return fmt.Errorf("%s does not say when to come back", s.address)
		}
	}
	return nil
}
