package server

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"muster/internal/awsmodel"
	"muster/internal/config"
	"muster/internal/emulate"
	"muster/internal/store"
	"muster/internal/store/feeds"

	"golang.org/x/sync/errgroup"
)

// Emulator serves one world after the other at one address: each is a whole
// Server on an empty store of its own, so that nothing remembered anywhere
// outlives a reset.
type Emulator struct {
	config   config.Config
	options  emulate.Options
	log      *slog.Logger
	gate     *emulate.Gate
	listener net.Listener
	// running is the context of Run; failed gets what ends a world by itself.
	running context.Context
	failed  chan error
	world   *world
}

// world is a server between two resets.
type world struct {
	*Server
	stop context.CancelFunc
	done chan error
}

// NewEmulator claims the folder, which must be new, empty or an emulator's, and
// begins to listen, on loopback only.
func NewEmulator(ctx context.Context, c config.Config, o emulate.Options, log *slog.Logger) (*Emulator, error) {
	switch {
	case !c.Local():
		return nil, fmt.Errorf("listen: %s is not a loopback address: an emulator takes everybody for who they say they are, so it serves this machine only, whatever tls_cert or allow_plain_http say", c.Listen)
	case c.Store != "":
		return nil, errors.New("store: an emulator keeps an embedded store of its own, in the folder that --data names; leave store out")
	case c.KeyFile != "":
		return nil, errors.New("key_file: an emulator makes keys of its own; leave key_file out")
	}
	if err := emulate.Claim(c.Data); err != nil {
		return nil, err
	}
	m := &Emulator{config: c, options: o, log: log, failed: make(chan error, 1)}
	if err := m.makeBlank(ctx); err != nil {
		return nil, err
	}
	m.gate = &emulate.Gate{Renew: m.renew, Settle: m.settle, Log: log}
	if err := m.begin(ctx); err != nil {
		return nil, err
	}
	var err error
	if m.listener, err = listen(c.Listen); err != nil {
		return nil, errors.Join(err, m.world.Close())
	}
	return m, nil
}

// blank is the file name of a database with the schema and nothing else. Each
// world begins with a copy, which takes a tenth of the time of making it.
const blank = "blank.db"

// makeBlank makes it anew, as another program may have made the one there.
func (m *Emulator) makeBlank(ctx context.Context) error {
	path := filepath.Join(m.config.Data, blank)
	for _, name := range []string{path, path + ".lock"} {
		if err := os.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	st, err := store.Open(ctx, "sqlite:"+path, store.Options{Log: m.log})
	if err != nil {
		return err
	}
	return st.Close()
}

// copyBlank puts a blank database where the world's is to be.
func (m *Emulator) copyBlank() error {
	body, err := os.ReadFile(filepath.Join(m.config.Data, blank))
	if err != nil {
		return err
	}
	return os.WriteFile(strings.TrimPrefix(m.config.StoreURL(), "sqlite:"), body, 0o600)
}

// begin assembles a world.
func (m *Emulator) begin(ctx context.Context) error {
	w := &world{Server: &Server{config: m.config, log: m.log, emulation: &m.options}}
	if err := w.open(ctx); err != nil {
		return errors.Join(err, w.Close())
	}
	m.world = w
	return nil
}

// start lets the world do its jobs.
func (w *world) start(ctx context.Context, failed chan<- error) {
	ctx, w.stop = context.WithCancel(ctx)
	w.done = make(chan error, 1)
	go func() {
		err := w.work(ctx)
		if err != nil && ctx.Err() == nil {
			failed <- err
		}
		w.done <- err
	}()
}

// end stops the jobs and releases everything.
func (w *world) end() error {
	w.stop()
	return errors.Join(<-w.done, w.Close())
}

// Run serves until the context ends.
func (m *Emulator) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	m.running = ctx
	m.world.start(ctx, m.failed)
	m.gate.Open(m.world.handler)
	front := &Server{config: m.config, log: m.log, listener: m.listener}
	front.http = front.newHTTP(m.gate)
	g.Go(func() error { return front.serve(ctx) })
	g.Go(func() error {
		select {
		case err := <-m.failed:
			return err
		case <-ctx.Done():
			return nil
		}
	})
	err := g.Wait()
	m.gate.Close()
	if m.world != nil {
		err = errors.Join(err, m.world.end())
		m.world = nil
	}
	return err
}

// renew ends the world and begins another on an empty store. Advisories belong
// to no account and stay. The gate lets nobody in meanwhile.
func (m *Emulator) renew(ctx context.Context) (http.Handler, error) {
	var kept *advisories
	if m.world != nil {
		var err error
		if kept, err = readAdvisories(ctx, m.world.store); err != nil {
			m.log.Warn("advisories are not kept", "error", err)
		}
		if err := m.world.end(); err != nil {
			m.log.Warn("the world before has not ended well", "error", err)
		}
		m.world = nil
	}
	if err := emulate.Clear(m.config.Data); err != nil {
		return nil, err
	}
	if err := errors.Join(m.copyBlank(), m.begin(ctx)); err != nil {
		return nil, err
	}
	if err := kept.write(ctx, m.world.store); err != nil {
		return nil, err
	}
	m.world.start(m.running, m.failed)
	return m.world.handler, nil
}

// settle waits until the world has settled.
func (m *Emulator) settle(ctx context.Context) { m.world.settle(ctx) }

// settle waits, within reason, until the transitions that are due have taken
// place.
func (s *Server) settle(ctx context.Context) {
	limit := time.Now().Add(settleLimit)
	for {
		busy, err := s.store.Busy(ctx, s.transitions)
		if !busy || err != nil || time.Now().After(limit) {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(settlePause):
		}
	}
}

// emulated changes, in an emulator only, the operations that behave otherwise
// there.
func (s *Server) emulated(services []awsmodel.Service) []awsmodel.Service {
	if s.emulation == nil {
		return services
	}
	a := emulate.Adapter{Store: s.store, Now: s.store.Now, Permissions: s.emulation.Permissions}
	if s.config.Transition == 0 {
		a.Settle = s.settle
	}
	a.Adapt(services)
	return services
}

// settleLimit is how long a request waits for transitions that are due,
// settlePause how often it looks.
const (
	settleLimit = 5 * time.Second
	settlePause = time.Millisecond
)

// URL is the emulator's address as clients write it.
func (m *Emulator) URL() string { return address(m.config, m.listener) }

// Close releases what Run has not; Run must have ended.
func (m *Emulator) Close() error {
	// Serve closes it, too.
	_ = m.listener.Close()
	if m.world == nil {
		return nil
	}
	return m.world.Close()
}

// advisories are what a store says of the advisory files beside it.
type advisories struct {
	generation feeds.Generation
	sources    []feeds.Source
}

// readAdvisories returns nil when there are none.
func readAdvisories(ctx context.Context, st *store.Store) (*advisories, error) {
	var a advisories
	err := st.View(ctx, func(tx *store.Tx) error {
		current, err := feeds.Current(ctx, tx)
		if err != nil || current == 0 {
			return err
		}
		newest, err := feeds.Generations(ctx, tx, 1)
		if err != nil || len(newest) == 0 {
			return err
		}
		a.generation = newest[0]
		a.sources, err = feeds.Sources(ctx, tx)
		return err
	})
	if err != nil || a.generation.Number == 0 {
		return nil, err
	}
	return &a, nil
}

func (a *advisories) write(ctx context.Context, st *store.Store) error {
	if a == nil {
		return nil
	}
	return st.Update(ctx, func(tx *store.Tx) error {
		if err := feeds.Advance(ctx, tx, 0, a.generation); err != nil {
			return err
		}
		for _, s := range a.sources {
			if err := feeds.PutSource(ctx, tx, s); err != nil {
				return err
			}
		}
		return nil
	})
}
