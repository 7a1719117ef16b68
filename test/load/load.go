// Package load puts a `muster server` under the load of a fleet: agents by
// their own protocol, all at once after an outage, beside signed calls of
// Inspector at a steady rate. Afterwards it holds the server to what it
// acknowledged: every report is in coverage and findings, no finding is there
// twice, and every finding was told of by an event.
package load

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// Config is the size of a load.
type Config struct {
	// Muster is the server's program.
	Muster string
	// Data is an empty folder for the server's data and for advisories.
	Data string
	// Store is the URL of an empty database; "" is SQLite in Data.
	Store string
	// Agents is how many there are, in how many Accounts.
	Agents, Accounts int
	// Inventories is how many different ones they have, with how many Packages
	// each.
	Inventories, Packages int
	// Rate is how many calls are made a second, Steady for how long at least.
	Rate   int
	Steady time.Duration
	// Patience is how long the server may take to work off what it took.
	Patience time.Duration
	// Say is told what happens.
	Say func(format string, args ...any)
}

// Usual is the load that the project's figures are for.
func Usual() Config {
	return Config{Agents: 10_000, Accounts: 10, Inventories: 200, Packages: 200, Rate: 500, Steady: 30 * time.Second, Patience: 15 * time.Minute}
}

// outing is a load under way.
type outing struct {
	Config
	server   *process
	accounts []*account
	hosts    []*host
	events   *receiver
}

// Run puts a server under load and returns what it did wrong, joined.
func Run(ctx context.Context, c Config) (err error) {
	o := &outing{Config: c, events: newReceiver()}
	defer o.events.close()
	feeds := filepath.Join(c.Data, "feeds")
	if err := errors.Join(os.MkdirAll(filepath.Join(feeds, "osv"), 0o755), publish(filepath.Join(feeds, "osv", "Debian.zip"))); err != nil {
		return err
	}
	if o.server, err = newProcess(c); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, o.server.stop()) }()
	if err := o.server.start(ctx); err != nil {
		return err
	}
	if _, err := o.server.command(ctx, "feeds", "sync", "--from", feeds); err != nil {
		return err
	}
	for _, chapter := range []func(context.Context) error{o.open, o.enrol, o.calm, o.outage, o.verify} {
		if err := chapter(ctx); err != nil {
			return err
		}
	}
	return nil
}

// open makes the accounts, each with a receiver of its events.
func (o *outing) open(ctx context.Context) error {
	for n := range o.Accounts {
		a, err := o.server.account(ctx, fmt.Sprintf("account-%d", n))
		if err != nil {
			return err
		}
		o.accounts = append(o.accounts, a)
		if err := a.post(ctx, "/enable", `{"resourceTypes":["EC2"]}`, nil); err != nil {
			return err
		}
		err = a.muster(ctx, "CreateSink", map[string]any{"name": "load", "kind": "WEBHOOK", "url": o.events.url(), "detailTypes": []string{"Inspector2 Finding"}}, nil)
		if err != nil {
			return err
		}
	}
	return nil
}

// enrol brings the hosts in, many at a time.
func (o *outing) enrol(ctx context.Context) error {
	for _, a := range o.accounts {
		var out struct{ ActivationCode string }
		if err := a.muster(ctx, "CreateActivation", map[string]any{"hostLimit": o.Agents}, &out); err != nil {
			return err
		}
		a.code = out.ActivationCode
	}
	for n := range o.Agents {
		a := o.accounts[n%len(o.accounts)]
		h := &host{account: a, number: n, kind: n / len(o.accounts) % o.Inventories, packages: o.Packages}
		a.hosts = append(a.hosts, h)
		o.hosts = append(o.hosts, h)
	}
	began, before := time.Now(), o.server.used()
	err := o.each(32, func(h *host) error { return h.enrol(ctx) })
	o.Say("%d agents enrolled: %.0f a second, %.2f ms of the server's processor time each", o.Agents,
		float64(o.Agents)/time.Since(began).Seconds(), o.per(before))
	return err
}

// each does something for every host, some at a time.
func (o *outing) each(together int, do func(*host) error) error {
	queue := make(chan *host)
	errs := make(chan error, together)
	var workers sync.WaitGroup
	for range together {
		workers.Go(func() {
			var failed error
			for h := range queue {
				if failed == nil {
					failed = do(h)
				}
			}
			errs <- failed
		})
	}
	for _, h := range o.hosts {
		queue <- h
	}
	close(queue)
	workers.Wait()
	close(errs)
	var all []error
	for err := range errs {
		all = append(all, err)
	}
	return errors.Join(all...)
}

// per is the server's processor time since a point, in ms per agent.
func (o *outing) per(before time.Duration) float64 {
	return float64((o.server.used() - before).Microseconds()) / 1000 / float64(o.Agents)
}

// calm is the first report of every host, and what follows from it.
func (o *outing) calm(ctx context.Context) error {
	var took latencies
	began, before := time.Now(), o.server.used()
	err := o.each(32, func(h *host) error { return h.deliver(ctx, &took) })
	o.Say("%d first reports: %.0f a second; %s", o.Agents, float64(o.Agents)/time.Since(began).Seconds(), took.String())
	if err != nil {
		return err
	}
	if err := o.settled(ctx); err != nil {
		return err
	}
	o.Say("scanned, listed and told of %.1f s after the first; %.2f ms of processor time each", time.Since(began).Seconds(), o.per(before))
	return nil
}

// outage: the server goes away; a third of the hosts change meanwhile; when it
// is back, all of them report at once, beside the calls.
func (o *outing) outage(ctx context.Context) error {
	if err := o.server.stop(); err != nil {
		return err
	}
	for _, h := range o.hosts {
		if h.number%3 == 0 {
			h.revision = 1
		}
	}
	if err := o.server.start(ctx); err != nil {
		return err
	}
	began, before := time.Now(), o.server.used()
	steady := newCaller(o.accounts, o.Rate)
	stop := make(chan struct{})
	var calling sync.WaitGroup
	calling.Go(func() { steady.run(ctx, stop) })
	var took, since latencies
	err := o.each(len(o.hosts), func(h *host) error {
		err := h.deliver(ctx, &took)
		since.add(time.Since(began))
		return err
	})
	o.Say("%d agents at once after an outage, a third of them changed: all taken after %.1f s (%s)", o.Agents, time.Since(began).Seconds(), since.String())
	o.Say("  a request of theirs: %s", took.String())
	if err == nil {
		err = o.settled(ctx)
	}
	o.Say("  scanned, listed and told of after %.1f s; %.2f ms of processor time each, calls included", time.Since(began).Seconds(), o.per(before))
	if left := o.Steady - time.Since(began); left > 0 && err == nil {
		select {
		case <-time.After(left):
		case <-ctx.Done():
		}
	}
	close(stop)
	calling.Wait()
	steady.tell(o.Say, time.Since(began))
	return errors.Join(err, steady.failure())
}

// verify has the operator's command count everything anew.
func (o *outing) verify(ctx context.Context) error {
	resident, peak := o.server.memory()
	o.Say("server: %.1f s of processor time, %.0f MiB now, %.0f MiB at the peak since the outage", o.server.used().Seconds(), resident, peak)
	if err := o.server.stop(); err != nil {
		return err
	}
	_, err := o.server.command(ctx, "admin", "verify")
	return err
}
