// Package fetch brings publishers' files into a feeds folder, in the layout of
// package layout, and keeps them current: by conditional requests, by the
// publishers' lists of changes where they have them, each source at its own
// pace. It parses no more than it needs to know what to fetch, and to refuse
// what cannot be the file: an error page, a cut archive, a feed that shrank.
//
// In the folder, .fetch/state.json remembers what each source said last,
// .fetch/*.part are downloads under way, .fetch/quarantine/ holds what was
// refused. A file of the folder is replaced by renaming, before the state
// says so: a process that dies in between fetches a little again.
package fetch

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"muster/internal/feed/fetch/web"
	"muster/internal/feed/layout"
)

// Config is what a Fetcher needs; Dir is enough.
type Config struct {
	// Dir is the feeds folder; it is made.
	Dir string
	// Sources are the names of those to fetch; none means all but those that
	// have to be asked for (see Names).
	Sources []string
	// Addresses replaces publishers' addresses by those of mirrors with the
	// same layout, by source name.
	Addresses map[string]string
	// Hosts are further hosts (host or host:port) that redirects and lists
	// may lead to.
	Hosts []string
	// Intervals replaces how often a source is asked.
	Intervals map[string]time.Duration
	// Ecosystems restricts the advisories of OSV; none means all that muster
	// can order.
	Ecosystems []string
	// NVDKey is a key of the NVD API; it raises the rate there.
	NVDKey string
	// Now is the clock; nil means time.Now. Wait pauses; nil means in real time.
	Now  func() time.Time
	Wait func(context.Context, time.Duration) error
	// Stall is how long a transfer may stand still; 0 means a minute. Longest
	// is how long the run of one source may take; 0 means three hours.
	Stall, Longest time.Duration
	// Transport does the requests; nil means one with timeouts.
	Transport http.RoundTripper
	// Log receives what happened; nil means silence.
	Log *slog.Logger
}

// Fetcher fills one feeds folder.
type Fetcher struct {
	Config
	sources []source

	// mu guards state.
	mu    sync.Mutex
	state state
}

// Options tune one Run.
type Options struct {
	// Sources restricts the run to these, due or not unless OnlyDue.
	Sources []string
	OnlyDue bool
	// All looks at every source, due or not.
	All bool
	// AcceptShrunken takes files that lost much: an operator's word.
	AcceptShrunken bool
	// Progress, if set, is told when a source is done, one call at a time.
	Progress func(Result)
}

// Result is what came of one source.
type Result struct {
	Source string
	// Changed are the files that were replaced, in the folder's form.
	Changed []string
	// Bytes came over the network.
	Bytes int64
	Err   error
}

// New makes a fetcher and its folder, and reads its state.
func New(config Config) (*Fetcher, error) {
	config.defaults()
	f := &Fetcher{Config: config}
	if err := os.MkdirAll(f.private("quarantine"), 0o755); err != nil {
		return nil, fmt.Errorf("feeds folder: %w", err)
	}
	if err := f.choose(); err != nil {
		return nil, err
	}
	return f, nil
}

func (c *Config) defaults() {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Wait == nil {
		c.Wait = pause
	}
	if c.Stall == 0 {
		c.Stall = time.Minute
	}
	if c.Longest == 0 {
		c.Longest = 3 * time.Hour
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Transport == nil {
		t := http.DefaultTransport.(*http.Transport).Clone()
		t.ResponseHeaderTimeout = time.Minute
		c.Transport = t
	}
}

// pause waits in real time.
func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-t.C:
		return nil
	}
}

// private is a name in the fetcher's own part of the folder.
func (f *Fetcher) private(name string) string { return filepath.Join(f.Dir, ".fetch", name) }

// choose takes the sources that configuration names, with its addresses.
func (f *Fetcher) choose() error {
	var all []string
	for _, s := range table() {
		all = append(all, s.name)
		if address, ok := f.Addresses[s.name]; ok {
			if u, err := url.Parse(address); err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
				return fmt.Errorf("address of source %s: %q is no http or https address", s.name, address)
			}
			s.base = strings.TrimRight(address, "/")
		}
		if every, ok := f.Intervals[s.name]; ok {
			s.every = every
		}
		if slices.Contains(f.Sources, s.name) || len(f.Sources) == 0 && !s.optional {
			f.sources = append(f.sources, s)
		}
	}
	for _, names := range [][]string{f.Sources, keys(f.Addresses), keys(f.Intervals)} {
		for _, n := range names {
			if !slices.Contains(all, n) {
				return fmt.Errorf("source %q: there are %s", n, strings.Join(all, ", "))
			}
		}
	}
	return nil
}

// Run looks at the sources that are due, two at a time. Faults of single
// sources are in the results and in the status; the error is about this
// machine, or the caller's context.
func (f *Fetcher) Run(ctx context.Context, opts Options) ([]Result, error) {
	unlock, err := layout.Lock(ctx, f.Dir)
	if err != nil {
		return nil, err
	}
	defer unlock()
	if err := f.load(); err != nil {
		return nil, err
	}
	var mu sync.Mutex
	var results []Result
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(2)
	for _, s := range f.due(opts) {
		g.Go(func() error {
			r, err := f.one(ctx, s, opts)
			if err != nil {
				return fmt.Errorf("%s: %w", s.name, err)
			}
			mu.Lock()
			defer mu.Unlock()
			results = append(results, r)
			if opts.Progress != nil {
				opts.Progress(r)
			}
			return nil
		})
	}
	err = g.Wait()
	slices.SortFunc(results, func(a, b Result) int { return strings.Compare(a.Source, b.Source) })
	return results, err
}

// Has reports whether any of the sources is fetched here.
func (f *Fetcher) Has(names []string) bool {
	return slices.ContainsFunc(f.sources, func(s source) bool { return slices.Contains(names, s.name) })
}

// due are the sources whose time has come, or that are asked for.
func (f *Fetcher) due(opts Options) []source {
	now := f.Now()
	return slices.DeleteFunc(slices.Clone(f.sources), func(s source) bool {
		if len(opts.Sources) > 0 && !slices.Contains(opts.Sources, s.name) {
			return true
		}
		asked := opts.All || len(opts.Sources) > 0 && !opts.OnlyDue
		return !asked && f.source(s.name).NextAt.After(now)
	})
}

// one runs a source and writes down what came of it.
func (f *Fetcher) one(ctx context.Context, s source, opts Options) (Result, error) {
	run, cancel := context.WithTimeoutCause(ctx, f.Longest, fmt.Errorf("not done after %s", f.Longest))
	defer cancel()
	session := &session{
		fetcher: f, source: s, shrunken: opts.AcceptShrunken, now: f.Now().UTC(), state: f.source(s.name),
		client: web.New(f.Transport, f.hosts(s), f.Now, f.Wait),
	}
	err := s.run(run, session)
	if ctx.Err() != nil {
		return Result{}, errors.Join(ctx.Err(), session.save())
	}
	var ours *os.PathError
	if errors.As(err, &ours) {
		return Result{}, errors.Join(err, session.save())
	}
	session.finish(err)
	f.Log.Debug("feed source fetched", "source", s.name, "changed", session.changed, "error", err)
	return Result{s.name, session.changed, session.bytes.Load(), err}, session.save()
}

// hosts are those that a source's requests may go to.
func (f *Fetcher) hosts(s source) []string {
	hosts := slices.Concat(s.hosts, f.Hosts)
	if u, err := url.Parse(s.base); err == nil {
		hosts = append(hosts, u.Host)
	}
	return hosts
}
