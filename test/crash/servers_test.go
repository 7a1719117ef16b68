package crash

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"muster/internal/store/storetest"

	"github.com/aws/aws-sdk-go-v2/service/organizations"
)

// troubles is how often something happens to the servers of an installation.
var troubles = flag.Int("crash.troubles", 6, "how often something happens to servers that work side by side")

const (
	// lease is how long jobs of such servers wait after a death.
	lease = time.Second
	// impatience is how long their clients wait for an answer, which a frozen
	// server does not give.
	impatience = 3 * time.Second
)

// installation is several servers on one PostgreSQL. The process that it embeds
// never runs: it stands for all of them before clients and commands.
type installation struct {
	*process
	servers []*process
}

func newInstallation(t *testing.T, url string, n int) *installation {
	t.Helper()
	p := newProcess(t, url)
	must(t, os.MkdirAll(p.data, 0o700))
	p.settings = []string{"MUSTER_KEY=" + freshKey(), "MUSTER_LEASE=" + lease.String(), "MUSTER_SINK_NETWORKS=127.0.0.0/8", "MUSTER_AUDIT_LOG=off"}
	p.failures.unavailable = true
	in := &installation{process: p}
	for range n {
		s := &process{binary: p.binary, data: p.data, address: freeAddress(t), store: p.store, transition: p.transition, settings: p.settings}
		in.servers = append(in.servers, s)
		t.Cleanup(func() {
			s.kill()
			if t.Failed() {
				t.Logf("log of %s:\n%s", s.address, tail(s.log.String()))
			}
		})
	}
	in.via = &http.Client{Timeout: impatience, Transport: &http.Transport{DisableKeepAlives: true, DialContext: in.dial}}
	return in
}

// tail is the end of a text.
func tail(text string) string { return text[max(0, len(text)-20_000):] }

// dial leads to any of the servers, like a balancer that knows nothing.
func (in *installation) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	return (&net.Dialer{}).DialContext(ctx, "tcp", in.servers[rand.IntN(len(in.servers))].address)
}

func (in *installation) startAll(t *testing.T) {
	t.Helper()
	for _, s := range in.servers {
		if s.cmd == nil {
			s.start(t)
		}
	}
}

// trouble is something that happens to some servers at once; it returns what
// puts it right again.
func (in *installation) trouble(t *testing.T, rnd *rand.Rand) (what string, mend func()) {
	picked := rnd.Perm(len(in.servers))[:1+rnd.IntN(len(in.servers))]
	switch rnd.IntN(5) {
	case 0, 1:
		for _, i := range picked {
			in.servers[i].kill()
		}
		return fmt.Sprintf("%d killed", len(picked)), func() { in.startAll(t) }
	case 2:
		s := in.servers[picked[0]]
		must(t, s.cmd.Process.Signal(syscall.SIGTERM))
		must(t, s.cmd.Wait())
		s.cmd = nil
		return "one stopped", func() { in.startAll(t) }
	}
	// Never all: the others are to take over meanwhile.
	picked = picked[:min(len(picked), len(in.servers)-1)]
	for _, i := range picked {
		must(t, in.servers[i].cmd.Process.Signal(syscall.SIGSTOP))
	}
	pause := lease + time.Duration(rnd.IntN(int(2*lease)))
	return fmt.Sprintf("%d frozen for %v", len(picked), pause), func() {
		<-time.After(pause)
		for _, i := range picked {
			must(t, in.servers[i].cmd.Process.Signal(syscall.SIGCONT))
		}
	}
}

// rounder is an aspect that wants to know when nothing is frozen any more.
type rounder interface{ round() }

// endure lets the actors work while something happens, and until it is over.
func (in *installation) endure(t *testing.T, aspects []aspect, rnd *rand.Rand) {
	t.Helper()
	for _, a := range aspects {
		if r, ok := a.(rounder); ok {
			r.round()
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var working sync.WaitGroup
	for range 2 * actors {
		rnd := rand.New(rand.NewPCG(rnd.Uint64(), 1))
		working.Go(func() {
			for ctx.Err() == nil {
				aspects[rnd.IntN(len(aspects))].act(ctx, rnd)
			}
		})
	}
	<-time.After(time.Duration(50+rnd.IntN(400)) * time.Millisecond)
	what, mend := in.trouble(t, rnd)
	<-time.After(time.Duration(50+rnd.IntN(400)) * time.Millisecond)
	mend()
	<-time.After(time.Duration(50+rnd.IntN(200)) * time.Millisecond)
	t.Log(what)
	cancel()
	working.Wait()
}

// TestServersSideBySide has three servers on one PostgreSQL, to any of which
// agents, callers and commands come, and kills, stops and freezes them, for
// longer than their leases, again and again.
func TestServersSideBySide(t *testing.T) {
	muster(t)
	t.Parallel()
	url := storetest.Postgres(t)
	// Transactions of frozen servers end with their leases.
	url += map[bool]string{true: "&", false: "?"}[strings.Contains(url, "?")] + "idle_in_transaction_session_timeout=1000"
	in := newInstallation(t, url, 3)
	in.startAll(t)
	c := in.signUp(t)
	if _, err := c.organizations.CreateOrganization(t.Context(), &organizations.CreateOrganizationInput{}); err != nil {
		t.Fatal(err)
	}
	rules, advisories, administration := &rules{clients: c}, newAdvisories(t, in.process), newAdministration(t, in.process, c)
	administration.late = true
	receiver := newReceiver(t, c)
	aspects := []aspect{&accounts{clients: c}, &users{clients: c}, rules, administration, advisories,
		newHost(t, c, rules, advisories), newHost(t, c, rules, advisories), newHost(t, c, rules, advisories)}
	rnd := random(t)
	for range *troubles {
		in.endure(t, aspects, rnd)
		for _, a := range aspects {
			t.Run(a.name(), a.check)
		}
	}
	begun := time.Now()
	for _, a := range aspects {
		t.Run(a.name(), func(t *testing.T) { eventually(t, rest, func() error { return a.settled(t.Context()) }) })
		t.Logf("%s: %d changes acknowledged", a.name(), a.acknowledged())
		if a.acknowledged() == 0 {
			t.Errorf("%s: the servers acknowledged nothing", a.name())
		}
	}
	t.Run("events", func(t *testing.T) { receiver.check(t, in.store) })
	t.Logf("at rest %v after the last trouble", time.Since(begun))
	for _, s := range in.servers {
		s.kill()
	}
	checkCounts(t, in.process)
	out, err := in.run(t.Context(), "admin", "verify")
	if err != nil {
		t.Errorf("%v: %s", err, out)
	}
}
