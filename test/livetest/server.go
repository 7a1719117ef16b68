package livetest

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"muster/internal/arn"
	"muster/internal/config"
	"muster/internal/server"
)

// Server is a whole muster in this process, on an address of its own. It can be
// stopped and opened again on the same state.
type Server struct {
	*server.Server
	config config.Config
	stop   func() error
	models map[string]*Model
	log    *slog.Logger
}

// Option changes the configuration that servers start with.
type Option func(*config.Config)

// Start starts a server on a database (empty means the embedded one) for the
// length of the test. Its states change at once unless an option says otherwise.
func Start(t testing.TB, database string, options ...Option) *Server {
	t.Helper()
	c := config.Default()
	c.Data, c.Listen, c.Store = filepath.Join(t.TempDir(), "data"), "127.0.0.1:0", database
	c.FeedsInterval, c.Transition, c.AuditLog = 0, time.Millisecond, "off"
	for _, o := range options {
		o(&c)
	}
	s := &Server{config: c, models: Models(t), log: slog.New(slog.NewTextHandler(testWriter{t}, &slog.HandlerOptions{Level: slog.LevelError}))}
	if err := s.open(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.shut(); err != nil {
			t.Errorf("stop the server: %v", err)
		}
	})
	return s
}

// testWriter lets the server's errors appear with the test's.
type testWriter struct{ t testing.TB }

func (w testWriter) Write(b []byte) (int, error) {
	w.t.Logf("server: %s", b)
	return len(b), nil
}

func (s *Server) open() error {
	running, err := server.New(context.Background(), s.config, s.log)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- running.Run(ctx) }()
	s.Server = running
	s.stop = func() error {
		cancel()
		err := <-done
		if errors.Is(err, context.Canceled) {
			err = nil
		}
		return errors.Join(err, running.Close())
	}
	return nil
}

func (s *Server) shut() error {
	if s.stop == nil {
		return nil
	}
	stop := s.stop
	s.stop = nil
	return stop()
}

// Reopen stops the server and starts it anew on the same state.
func (s *Server) Reopen() error {
	if err := s.shut(); err != nil {
		return err
	}
	return s.open()
}

// Account signs up an account that stands alone, and returns its id and a
// client of its root user.
func (s *Server) Account(t testing.TB, name string) (arn.AccountID, *Client) {
	t.Helper()
	id, err := s.Operator().CreateAccount(t.Context(), name, name+"@example.com")
	if err != nil {
		t.Fatal(err)
	}
	return id, s.Root(t, id)
}

// Root returns a client of an account's root user.
func (s *Server) Root(t testing.TB, account arn.AccountID) *Client {
	t.Helper()
	key, err := s.Operator().IssueRootKey(t.Context(), account)
	if err != nil {
		t.Fatal(err)
	}
	return s.Client(Key{ID: key.ID, Secret: key.Secret})
}

// Client returns a client with a key. It survives Reopen.
func (s *Server) Client(key Key) *Client {
	return &Client{Key: key, Region: "us-east-1", Models: s.models, URL: func() string { return s.URL() }}
}
