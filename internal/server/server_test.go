package server

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"muster/internal/arn"
	"muster/internal/config"
	"muster/internal/console"
	"muster/internal/keyring"
)

// running starts a server of its own on the embedded store.
func running(t *testing.T) *Server {
	t.Helper()
	c := config.Default()
	c.Data, c.Listen, c.FeedsInterval = filepath.Join(t.TempDir(), "data"), "127.0.0.1:0", 0
	return runningWith(t, c)
}

// runningWith starts a server with a configuration.
func runningWith(t *testing.T, c config.Config) *Server {
	t.Helper()
	s, err := New(t.Context(), c, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil && !errors.Is(err, context.Canceled) {
			t.Errorf("run: %v", err)
		}
		if err := s.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return s
}

func TestEachRequestFindsItsDoor(t *testing.T) {
	s := running(t)
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	for _, c := range []struct {
		path, accept, want string
		status             int
	}{
		{"/healthz", "", "ok", http.StatusOK},
		{"/readyz", "", "ready\nwarning: no advisories", http.StatusOK},
		{"/metrics", "", "muster_ready 1", http.StatusOK},
		{"/", "text/html", "", http.StatusSeeOther},
		{"/", "*/*", "Missing Authentication Token", http.StatusForbidden},
		{"/agent/v1/report", "", "MethodNotAllowed", http.StatusMethodNotAllowed},
		{"/console/nothing", "", "", http.StatusNotFound},
		{"/?Action=GetCallerIdentity&Version=2011-06-15", "", "MissingAuthenticationToken", http.StatusForbidden},
	} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL()+c.path, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Accept", c.accept)
		resp, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || resp.StatusCode != c.status || !strings.Contains(string(body), c.want) {
			t.Errorf("%s: %d %s %v, want %d %s", c.path, resp.StatusCode, body, err, c.status, c.want)
		}
	}
}

func TestATicketWorksOnceAndInTime(t *testing.T) {
	s := running(t)
	op := s.Operator()
	id, err := op.CreateAccount(t.Context(), "first", "first@example.com")
	if err != nil {
		t.Fatal(err)
	}
	ticket, err := op.SignInTicket(t.Context(), id, "", "us-east-1")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.signIn(t.Context(), ticket, time.Now().Add(2*ticketLife)); !errors.Is(err, console.ErrTicket) {
		t.Errorf("a ticket that is too old: %v", err)
	}
	ticket, err = op.SignInTicket(t.Context(), id, "", "us-east-1")
	if err != nil {
		t.Fatal(err)
	}
	session, err := s.signIn(t.Context(), ticket, time.Now())
	if err != nil || session.AccountID != string(id) || session.SecretAccessKey == "" {
		t.Errorf("session %v: %v", session.AccountID, err)
	}
	if _, err := s.signIn(t.Context(), ticket, time.Now()); !errors.Is(err, console.ErrTicket) {
		t.Errorf("a ticket used twice: %v", err)
	}
	if _, err := op.SignInTicket(t.Context(), "999999999999", "", "us-east-1"); err == nil {
		t.Error("a ticket for nobody")
	}
}

func TestTheOperatorSignsUpAndIssuesKeys(t *testing.T) {
	op := running(t).Operator()
	id, err := op.EnsureAccount(t.Context(), "first", "first@example.com")
	if err != nil {
		t.Fatal(err)
	}
	if again, err := op.EnsureAccount(t.Context(), "first", "first@example.com"); err != nil || again != id {
		t.Errorf("the same address gave %s, %v, want %s", again, err, id)
	}
	if _, err := op.CreateAccount(t.Context(), "twin", "first@example.com"); err == nil || !strings.Contains(err.Error(), "exists already") {
		t.Errorf("a taken address: %v", err)
	}
	if _, err := op.IssueRootKey(t.Context(), arn.AccountID("999999999999")); err == nil {
		t.Error("a key for nobody")
	}
	for range 2 {
		if _, err := op.IssueRootKey(t.Context(), id); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := op.IssueRootKey(t.Context(), id); err == nil {
		t.Error("a third root key")
	}
	if err := op.RetireRootKeys(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	if _, err := op.IssueRootKey(t.Context(), id); err != nil {
		t.Errorf("a key after the others were retired: %v", err)
	}
}

func TestAnotherKeyIsRefused(t *testing.T) {
	c := config.Default()
	c.Data, c.Listen = filepath.Join(t.TempDir(), "data"), "127.0.0.1:0"
	op, err := OpenOperator(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	if err := op.Close(); err != nil {
		t.Fatal(err)
	}
	c.KeyFile = filepath.Join(t.TempDir(), "other")
	if _, err := OpenOperator(t.Context(), c); err == nil || !strings.Contains(err.Error(), c.KeyFile+" is missing") {
		t.Errorf("got %v, want the missing key named", err)
	}
	if _, err := keyring.Load("", c.KeyFile); err != nil { // makes one
		t.Fatal(err)
	}
	if _, err := OpenOperator(t.Context(), c); !errors.Is(err, keyring.ErrWrongKey) {
		t.Errorf("got %v, want the wrong key refused", err)
	}
}
