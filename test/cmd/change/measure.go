package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
	"time"

	"muster/internal/arn"
	"muster/internal/store"
	"muster/test/fleetgen"
)

// measurement changes an advisory and watches what comes of it.
type measurement struct {
	options
	shape   fleetgen.Shape
	feeds   string
	running *fleetgen.Running
	store   *store.Store
	// cve is the vulnerability of the package that is changed.
	cve string
	// other is the version that mends it for a while; expected is how many
	// machines' findings open or close, told of how many something is said.
	other, expected, told int
}

func (m *measurement) all(ctx context.Context) error {
	if err := m.running.Settle(ctx); err != nil {
		return err
	}
	m.plan()
	fmt.Printf("%s on %d machines that change; load %s\n", m.cve, m.expected, load())
	calm := m.callFor(ctx, m.calm)
	fmt.Printf("ordinary calls before: %s\n", calm)
	for n := range m.rounds {
		at := fleetgen.Epoch.Add(time.Duration(time.Now().Unix()-fleetgen.Epoch.Unix()+int64(n)) * time.Second)
		there, back := func() error { return m.shape.Republish(m.feeds, m.pkg, m.other, at) }, func() error { return m.shape.Republish(m.feeds, m.pkg, 0, at) }
		if m.special {
			there = func() error { return m.shape.Publish(m.feeds, "1.0.0", at) }
			back = func() error { return m.shape.Publish(m.feeds, "2.0.0", at) }
		}
		for i, publish := range []func() error{there, back} {
			if err := publish(); err != nil {
				return err
			}
			// A special package that is mended from the start has no findings.
			if err := m.change(ctx, (i == 0) != m.special); err != nil {
				return err
			}
		}
	}
	return nil
}

// plan decides what is changed: the version that mends a package becomes the
// next one, or a package without a flaw gets an advisory about its first version.
func (m *measurement) plan() {
	if m.special {
		m.cve, m.expected = fleetgen.SpecialCVE, m.shape.Special()
		m.told = m.expected
		return
	}
	fixed := 0
	if m.pkg%m.shape.OneIn == 0 {
		fixed = m.shape.FixedBy(m.pkg)
	}
	m.other = fixed + 1
	m.cve, m.expected = fmt.Sprintf("CVE-2026-%05d", m.pkg), m.shape.Between(m.pkg, fixed, m.other)
	m.told = m.shape.Between(m.pkg, 0, m.other)
}

// change takes what was published and waits for all findings.
func (m *measurement) change(ctx context.Context, opens bool) error {
	before, err := m.active(ctx)
	if err != nil {
		return err
	}
	sampling, stop := context.WithCancel(ctx)
	sampled := make(chan latencies, 1)
	go func() { sampled <- m.callFor(sampling, time.Hour) }()
	began, own, machine := time.Now(), processor(), machineTime()
	first := make(chan time.Duration, 1)
	go func() { first <- m.first(sampling, opens, began) }()
	_, err = m.running.Server.SyncFeeds(ctx, nil)
	imported := time.Since(began)
	if err == nil {
		err = m.running.Settle(ctx)
	}
	took := time.Since(began)
	own, machine = processor()-own, machineTime()-machine
	calls := load()
	stop()
	meanwhile := <-sampled
	if err != nil {
		return err
	}
	what := "closing"
	if opens {
		what = "opening"
	}
	fmt.Printf("%s: imported after %.2f s, first finding %.2f s, last %.2f s; processor: server and client %.1f s, machine %.1f s; peak memory %d MiB; load %s\n",
		what, imported.Seconds(), (<-first).Seconds(), took.Seconds(), own.Seconds(), machine.Seconds(), peak(), calls)
	fmt.Printf("  ordinary calls meanwhile: %s\n", meanwhile)
	return m.check(ctx, began, before, opens)
}

// first is when the first finding had changed.
func (m *measurement) first(ctx context.Context, opens bool, began time.Time) time.Duration {
	query := `SELECT 1 FROM findings WHERE region = $1 AND status = 'CLOSED' LIMIT 1`
	args := []any{fleetgen.Region}
	if opens {
		query = `SELECT 1 FROM findings WHERE region = $1 AND last_observed_at >= $2 ORDER BY last_observed_at DESC LIMIT 1`
		args = append(args, store.Micros(began))
	}
	for ctx.Err() == nil {
		err := m.store.View(ctx, func(tx *store.Tx) error {
			var one int
			return store.One(tx.QueryRow(ctx, query, args...), &one)
		})
		if err == nil {
			return time.Since(began)
		}
		time.Sleep(5 * time.Millisecond)
	}
	return 0
}

// active counts the ACTIVE findings of the vulnerability.
func (m *measurement) active(ctx context.Context) (n int, err error) {
	err = m.store.View(ctx, func(tx *store.Tx) error {
		return store.One(tx.QueryRow(ctx, `SELECT COUNT(*) FROM findings WHERE region = $1 AND vulnerability_id = $2 AND status = 'ACTIVE'`,
			fleetgen.Region, m.cve), &n)
	})
	return n, err
}

// check compares findings and events with the fleet's shape.
func (m *measurement) check(ctx context.Context, began time.Time, before int, opens bool) error {
	after, err := m.active(ctx)
	if err != nil {
		return err
	}
	expected := m.expected
	if !opens {
		expected = -expected
	}
	var events, machines int
	err = m.store.View(ctx, func(tx *store.Tx) error {
		return store.One(tx.QueryRow(ctx, `SELECT COUNT(*), COUNT(DISTINCT resources) FROM events WHERE id >= $1 AND source = 'aws.inspector2'
			AND detail_type = 'Inspector2 Finding'`, store.FirstID(began)), &events, &machines)
	})
	fmt.Printf("  findings ACTIVE %d -> %d; events %d of %d machines\n", before, after, events, machines)
	if err == nil && (after-before != expected || events != m.told || machines != m.told) {
		err = errors.New("that is not what the fleet's shape says")
	}
	return err
}

// callFor makes ordinary calls one after another for some time.
func (m *measurement) callFor(ctx context.Context, d time.Duration) latencies {
	l := latencies{}
	caller := fleetgen.NewCaller(m.running.Server)
	for n, end := 0, time.Now().Add(d); ctx.Err() == nil && time.Now().Before(end); n++ {
		c := ordinary[n%len(ordinary)]
		began := time.Now()
		if _, err := caller.Call(ctx, c.account, c.path, c.target, []byte(c.body)); err != nil {
			if ctx.Err() == nil {
				l.failed++
			}
			continue
		}
		if n >= len(ordinary) {
			l.took = append(l.took, time.Since(began))
		}
		time.Sleep(20 * time.Millisecond)
	}
	return l
}

// ordinary are the calls that are made all along.
var ordinary = []struct {
	account            arn.AccountID
	path, target, body string
}{
	{fleetgen.Audit, "/findings/list", "", `{"maxResults":50,"sortCriteria":{"field":"SEVERITY","sortOrder":"DESC"}}`},
	{fleetgen.Audit, "/findings/aggregation/list", "", `{"aggregationType":"AWS_EC2_INSTANCE","maxResults":25}`},
	{fleetgen.Audit, "/coverage/list", "", `{"maxResults":50}`},
	{fleetgen.Audit, "/status/batch/get", "", `{}`},
	{fleetgen.Member(3), "/findings/list", "", `{"maxResults":50}`},
	{fleetgen.Audit, "/", "GetSummary", `{}`},
	{fleetgen.Audit, "/members/list", "", `{"maxResults":50}`},
}

func load() string {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown"
	}
	return strings.Fields(string(text))[0]
}

// processor is the processor time that this process has used, peak the most
// memory that it has had, in MiB.
func processor() time.Duration {
	u := usage()
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func peak() int64 { return usage().Maxrss >> 10 }

func usage() (u syscall.Rusage) {
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return syscall.Rusage{}
	}
	return u
}

// machineTime is the processor time that the machine has used, all of it.
func machineTime() time.Duration {
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0
	}
	var user, nice, system int64
	if _, err := fmt.Sscanf(string(text), "cpu %d %d %d", &user, &nice, &system); err != nil {
		return 0
	}
	return time.Duration(user+nice+system) * 10 * time.Millisecond
}
