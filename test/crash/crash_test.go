// Package crash kills real processes again and again while clients work on
// them, and checks after each restart that everything acknowledged is still
// there and that what was started comes to its end.
package crash

import (
	"context"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"muster/internal/store"
	"muster/internal/store/catalog"
	"muster/internal/store/findings"
	"muster/internal/store/storetest"

	"github.com/aws/aws-sdk-go-v2/service/organizations"
)

const (
	// rounds is how often the server is killed.
	rounds = 12
	// actors is how many clients work at once.
	actors = 3
	// rest is how long everything may take to come to its end after the last
	// start: on PostgreSQL the leases of a killed server run out first.
	rest = 40 * time.Second
)

// aspect is a side of the server that clients work on, with the model of what
// it has acknowledged and so may never lose.
type aspect interface {
	name() string
	// act makes a random change. Several may act at once.
	act(ctx context.Context, rnd *rand.Rand)
	// check compares the server with the model after a restart.
	check(t *testing.T)
	// settled compares the two when no server is going to be killed any more,
	// and says what has not come to its end yet. It may rely on the aspects
	// before it.
	settled(ctx context.Context) error
	// acknowledged counts the changes that the server has acknowledged.
	acknowledged() int
}

func TestNothingAcknowledgedIsLost(t *testing.T) {
	muster(t)
	t.Parallel()
	for engine, url := range map[string]func(testing.TB) string{
		"sqlite": func(testing.TB) string { return "" }, "postgres": storetest.Postgres,
	} {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			p := newProcess(t, url(t))
			aspects := prepare(t, p)
			rnd := random(t)
			var starting time.Duration
			for range rounds {
				life := time.Duration(30+rnd.IntN(600)) * time.Millisecond
				live(p, aspects, rnd, life)
				starting += p.start(t)
				for _, a := range aspects {
					t.Run(a.name(), a.check)
				}
			}
			begun := time.Now()
			for _, a := range aspects {
				t.Run(a.name(), func(t *testing.T) { eventually(t, rest, func() error { return a.settled(t.Context()) }) })
				t.Logf("%s: %d changes acknowledged", a.name(), a.acknowledged())
				if a.acknowledged() == 0 {
					t.Errorf("%s: the server acknowledged nothing", a.name())
				}
			}
			t.Logf("ready %v after a kill, at rest %v after the last start", starting/rounds, time.Since(begun))
			checkCounts(t, p)
		})
	}
}

// prepare starts a server with an organization and returns all its sides.
func prepare(t *testing.T, p *process) []aspect {
	t.Helper()
	p.start(t)
	c := p.signUp(t)
	if _, err := c.organizations.CreateOrganization(t.Context(), &organizations.CreateOrganizationInput{}); err != nil {
		t.Fatal(err)
	}
	rules := &rules{clients: c}
	advisories := newAdvisories(t, p)
	return []aspect{&accounts{clients: c}, &users{clients: c}, rules, newAdministration(t, p, c), advisories, newHost(t, c, rules, advisories)}
}

// live lets the actors work until the server is killed.
func live(p *process, aspects []aspect, rnd *rand.Rand, life time.Duration) {
	ctx, cancel := context.WithCancel(context.Background())
	var working sync.WaitGroup
	for range actors {
		rnd := rand.New(rand.NewPCG(rnd.Uint64(), 1))
		working.Go(func() {
			for ctx.Err() == nil {
				aspects[rnd.IntN(len(aspects))].act(ctx, rnd)
			}
		})
	}
	<-time.After(life)
	p.kill()
	cancel()
	working.Wait()
}

// checkCounts looks into the store itself: what is counted as it changes must
// equal a count of everything.
func checkCounts(t *testing.T, p *process) {
	t.Helper()
	p.kill()
	url := p.store
	if url == "" {
		url = "sqlite:" + p.data + "/muster.db"
	}
	s := storetest.Open(t, url, store.Options{})
	err := s.View(t.Context(), func(tx *store.Tx) error {
		wrong, err := findings.VerifyCounts(t.Context(), tx)
		for _, w := range wrong {
			t.Errorf("count of findings: %s", w)
		}
		if err != nil {
			return err
		}
		wrong, err = catalog.VerifyCoverage(t.Context(), tx)
		for _, w := range wrong {
			t.Errorf("count of coverage: %s", w)
		}
		if err != nil {
			return err
		}
		jobs, err := tx.JobCounts(t.Context())
		for _, j := range jobs {
			if j.Parked > 0 {
				t.Errorf("%d jobs %s were given up", j.Parked, j.Kind)
			}
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}
