// Package server assembles all parts of muster into one value with Run and
// Close: what operators start is what tests start.
package server

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"syscall"
	"time"

	"muster/internal/config"
	"muster/internal/emulate"
	"muster/internal/event"
	"muster/internal/iam"
	"muster/internal/keyring"
	"muster/internal/refresh"
	"muster/internal/server/health"
	"muster/internal/server/trace"
	"muster/internal/store"
	"muster/internal/worker"

	"golang.org/x/sync/errgroup"
)

// Server is one muster process, assembled and listening.
type Server struct {
	config   config.Config
	log      *slog.Logger
	store    *store.Store
	disown   func() error
	keyring  *keyring.Keyring
	keys     *iam.Keys
	refresh  *refresh.Service
	worker   *worker.Worker
	audit    *auditLog
	events   *event.Service
	listener net.Listener
	http     *http.Server
	health   *health.Config
	metrics  *health.Metrics
	// traces is nil without a collector.
	traces *trace.Traces
	// openID signs people in with an identity provider; nil without one.
	openID *openID
	// handler answers all requests.
	handler http.Handler
	// transitions are the kinds of jobs that end asynchronous states.
	transitions []string
	// emulation is set in an emulator's world only.
	emulation *emulate.Options
}

// New opens the state, assembles the parts and begins to listen; requests are
// answered once Run runs.
func New(ctx context.Context, c config.Config, log *slog.Logger) (*Server, error) {
	s := &Server{config: c, log: log}
	err := s.open(ctx)
	if err == nil {
		s.http = s.newHTTP(s.handler)
		s.listener, err = listen(c.Listen)
	}
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// open opens the state and assembles the parts.
func (s *Server) open(ctx context.Context) (err error) {
	if err := os.MkdirAll(s.config.Data, 0o700); err != nil {
		return err
	}
	if s.emulation == nil {
		if err := emulate.RefuseStore(s.config.StoreURL()); err != nil {
			return err
		}
	}
	if s.store, s.keyring, err = openState(ctx, s.config, s.log); err != nil {
		return err
	}
	if s.disown, err = s.store.Own(ctx); err != nil {
		return err
	}
	if s.audit, err = openAudit(s.config, s.log); err != nil {
		return err
	}
	s.handler, err = s.parts(ctx)
	return err
}

func (s *Server) newHTTP(handler http.Handler) *http.Server {
	return &http.Server{
		Handler: handler, ErrorLog: slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
		ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 2 * time.Minute, WriteTimeout: 2 * time.Minute, IdleTimeout: 2 * time.Minute,
		MaxHeaderBytes: 64 << 10,
	}
}

func listen(address string) (net.Listener, error) {
	l, err := net.Listen("tcp", address)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("listen: another program listens at %s: stop it, or choose another address", address)
	}
	if err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	return l, nil
}

// OpenStore opens the store of a configuration for a command beside the server.
func OpenStore(ctx context.Context, c config.Config, log *slog.Logger) (*store.Store, error) {
	if err := os.MkdirAll(c.Data, 0o700); err != nil {
		return nil, err
	}
	return store.Open(ctx, c.StoreURL(), store.Options{Log: log})
}

// openState opens the store with the keyring that its secrets are sealed by.
func openState(ctx context.Context, c config.Config, log *slog.Logger) (*store.Store, *keyring.Keyring, error) {
	st, err := store.Open(ctx, c.StoreURL(), store.Options{Log: log})
	if err != nil {
		return nil, nil, err
	}
	ring, err := openKeyring(ctx, c, st)
	if err != nil {
		return nil, nil, errors.Join(err, st.Close())
	}
	return st, ring, nil
}

// openKeyring loads the keyring. A missing key file is made for a new database
// only: no other key opens what is sealed in one that is in use.
func openKeyring(ctx context.Context, c config.Config, st *store.Store) (*keyring.Keyring, error) {
	encoded := os.Getenv("MUSTER_KEY")
	if _, err := os.Stat(c.KeyPath()); encoded == "" && errors.Is(err, fs.ErrNotExist) {
		var used bool
		err := st.View(ctx, func(tx *store.Tx) (err error) { used, err = iam.HasKeyring(ctx, tx); return err })
		if err != nil {
			return nil, err
		}
		if used {
			return nil, fmt.Errorf("the key file %s is missing, and the database's secrets are sealed with it: give it back, or set MUSTER_KEY", c.KeyPath())
		}
	}
	ring, err := keyring.Load(encoded, c.KeyPath())
	if err != nil {
		return nil, err
	}
	err = st.Update(ctx, func(tx *store.Tx) error { return iam.BindKeyring(ctx, tx, ring, time.Now()) })
	return ring, err
}

// grace is how long requests in flight may take after the stop.
const grace = 10 * time.Second

// Run answers requests and does the jobs until the context ends.
func (s *Server) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return s.serve(ctx) })
	g.Go(func() error { return s.work(ctx) })
	return g.Wait()
}

// work does the jobs until the context ends.
func (s *Server) work(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return s.worker.Run(ctx) })
	g.Go(func() error { s.keys.Run(ctx, s.log); return nil })
	g.Go(func() error { s.events.Watch(ctx); return nil })
	g.Go(func() error { s.health.Watch(ctx, s.log); return nil })
	if s.config.FeedsInterval > 0 {
		g.Go(func() error { return s.schedule(ctx) })
	}
	return g.Wait()
}

// serve answers requests until the context ends.
func (s *Server) serve(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(s.accept)
	g.Go(func() error {
		<-ctx.Done()
		stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
		defer cancel()
		return s.http.Shutdown(stop)
	})
	return g.Wait()
}

func (s *Server) accept() error {
	l := s.listener
	if s.config.Secure() {
		cert, err := tls.LoadX509KeyPair(s.config.TLSCert, s.config.TLSKey)
		if err != nil {
			return fmt.Errorf("tls_cert and tls_key: %w", err)
		}
		l = tls.NewListener(l, &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12})
	}
	if err := s.http.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// schedule asks for the regular sync of advisories. An installation that has
// none yet gets them at once; after that the schedule decides.
func (s *Server) schedule(ctx context.Context) error {
	if err := s.refresh.Schedule(ctx); err != nil && ctx.Err() == nil {
		return err
	}
	return nil
}

// URL is the server's address as clients write it.
func (s *Server) URL() string { return address(s.config, s.listener) }

func address(c config.Config, l net.Listener) string {
	scheme := "http"
	if c.Secure() {
		scheme = "https"
	}
	return scheme + "://" + l.Addr().String()
}

// Operator is the operator's hand on this server's state.
func (s *Server) Operator() *Operator {
	return &Operator{store: s.store, keyring: s.keyring, now: s.store.Now}
}

// lastWords is how long a collector of traces may take for what is left when a
// server closes.
const lastWords = 2 * time.Second

// Close releases everything; Run must have ended.
func (s *Server) Close() error {
	var errs []error
	if s.listener != nil {
		// Serve closes it, too.
		_ = s.listener.Close()
	}
	ctx, cancel := context.WithTimeout(context.Background(), lastWords)
	defer cancel()
	if err := s.traces.Close(ctx); err != nil {
		errs = append(errs, err)
	}
	if s.metrics != nil {
		errs = append(errs, s.metrics.Close(ctx))
	}
	if s.refresh != nil {
		s.refresh.Close()
	}
	if s.store != nil {
		errs = append(errs, s.store.Close())
	}
	if s.disown != nil {
		errs = append(errs, s.disown())
	}
	if s.audit != nil {
		errs = append(errs, s.audit.close())
	}
	return errors.Join(errs...)
}
