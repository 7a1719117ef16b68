package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"muster/internal/arn"
	"muster/internal/config"
	"muster/internal/emulate"
	"muster/internal/store"
	"muster/internal/store/feeds"
	"muster/internal/store/identity"
)

func emulatorConfig(dir string) config.Config {
	c := config.Default()
	c.Data, c.Listen, c.FeedsInterval, c.Transition = dir, "127.0.0.1:0", 0, 0
	return c
}

func emulating(t *testing.T, c config.Config) *Emulator {
	t.Helper()
	m, err := NewEmulator(t.Context(), c, emulate.Options{}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- m.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Errorf("run: %v", err)
		}
		if err := m.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return m
}

// BenchmarkReset empties an emulator again and again.
func BenchmarkReset(b *testing.B) {
	m, err := NewEmulator(b.Context(), emulatorConfig(filepath.Join(b.TempDir(), "own")), emulate.Options{}, slog.New(slog.DiscardHandler))
	if err != nil {
		b.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- m.Run(ctx) }()
	for b.Loop() {
		resp, err := http.Post(m.URL()+emulate.ResetPath, "", nil)
		if err != nil || resp.StatusCode != http.StatusOK {
			b.Fatal(resp, err)
		}
		_ = resp.Body.Close()
	}
	stop()
	if err := errors.Join(<-done, m.Close()); err != nil {
		b.Error(err)
	}
}

func TestEmulatorsKeepToThemselves(t *testing.T) {
	dir := t.TempDir()
	occupied := filepath.Join(dir, "ordinary")
	ordinary := config.Default()
	ordinary.Data, ordinary.Listen, ordinary.FeedsInterval = occupied, "127.0.0.1:0", 0
	s, err := New(t.Context(), ordinary, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for want, change := range map[string]func(*config.Config){
		"not a loopback address":       func(c *config.Config) { c.Listen, c.AllowPlainHTTP = "0.0.0.0:0", true },
		"0.0.0.0:1 is not a loopback":  func(c *config.Config) { c.Listen, c.TLSCert, c.TLSKey = "0.0.0.0:1", "c", "k" },
		"leave store out":              func(c *config.Config) { c.Store = "sqlite:" + filepath.Join(occupied, "muster.db") },
		"leave key_file out":           func(c *config.Config) { c.KeyFile = filepath.Join(occupied, "key") },
		"is not an emulator's folder":  func(c *config.Config) { c.Data = occupied },
		"is not an emulator's folder ": func(c *config.Config) { c.Data = filepath.Dir(occupied) },
	} {
		c := emulatorConfig(filepath.Join(dir, "own"))
		change(&c)
		if _, err := NewEmulator(t.Context(), c, emulate.Options{}, slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), strings.TrimSpace(want)) {
			t.Errorf("got %v, want %q", err, want)
		}
	}

	emulating(t, emulatorConfig(filepath.Join(dir, "own")))
	ordinary.Data = filepath.Join(dir, "own")
	if _, err := New(t.Context(), ordinary, slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), "emulator's store") {
		t.Errorf("an ordinary server on an emulator's store: %v", err)
	}
	if _, err := OpenOperator(t.Context(), ordinary); err == nil || !strings.Contains(err.Error(), "emulator's store") {
		t.Errorf("the operator on an emulator's store: %v", err)
	}
}

// TestAnEmulatorsFolderIsTakenUpAgain: what a named folder holds is there after
// the next start.
func TestAnEmulatorsFolderIsTakenUpAgain(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "own")
	asRoot := "AWS4-HMAC-SHA256 Credential=111122223333/20260101/eu-west-1/iam/aws4_request, SignedHeaders=host, Signature=0"
	t.Run("first", func(t *testing.T) {
		m := emulating(t, emulatorConfig(dir))
		if status, body := post(t, m.URL()+"/?Action=CreateUser&UserName=ada&Version=2010-05-08", asRoot); status != http.StatusOK {
			t.Fatal(status, body)
		}
	})
	t.Run("second", func(t *testing.T) {
		m := emulating(t, emulatorConfig(dir))
		if status, body := post(t, m.URL()+"/?Action=GetUser&UserName=ada&Version=2010-05-08", asRoot); status != http.StatusOK {
			t.Error(status, body)
		}
	})
}

// TestOrdinaryServersCannotBeEmptied: neither path exists there.
func TestOrdinaryServersCannotBeEmptied(t *testing.T) {
	s := running(t)
	for _, path := range []string{emulate.ResetPath, emulate.MotoResetPath} {
		if status, body := post(t, s.URL()+path, "AWS4-HMAC-SHA256 Credential=x"); status != http.StatusNotFound {
			t.Errorf("%s: %d %s", path, status, body)
		}
	}
	if status, body := post(t, s.URL()+"/?Action=GetCallerIdentity&Version=2011-06-15", ""); status != http.StatusForbidden {
		t.Errorf("an unsigned call: %d %s", status, body)
	}
}

func post(t *testing.T, url, authorization string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	if authorization != "" {
		req.Header.Set("Authorization", authorization)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

// rows is how much a reset is measured with.
const rows = 100_000

// TestResetEmptiesAtOnce: a hundred thousand rows, a job, the advisories'
// state, and what the parts remember.
func TestResetEmptiesAtOnce(t *testing.T) {
	m := emulating(t, emulatorConfig(filepath.Join(t.TempDir(), "own")))
	asRoot := "AWS4-HMAC-SHA256 Credential=111122223333/20260101/eu-west-1/iam/aws4_request, SignedHeaders=host, Signature=0"
	list := m.URL() + "/?Action=ListUsers&Version=2010-05-08"
	if status, body := post(t, list, asRoot); status != http.StatusOK || strings.Contains(body, "user-1") {
		t.Fatal(status, body)
	}
	generation := feeds.Generation{Number: 7, CreatedAt: time.Unix(1, 0).UTC(), Origin: "test"}
	err := m.world.store.Update(t.Context(), func(tx *store.Tx) error {
		for i := range rows {
			u := identity.User{Account: "111122223333", Name: fmt.Sprintf("user-%d", i), Path: "/", ID: fmt.Sprintf("AIDA%017d", i), CreatedAt: time.Unix(1, 0)}
			if err := identity.InsertUser(t.Context(), tx, u); err != nil {
				return err
			}
		}
		if err := tx.Enqueue(t.Context(), store.Job{Kind: "test", RunAt: time.Now().Add(time.Hour)}); err != nil {
			return err
		}
		return feeds.Advance(t.Context(), tx, 0, generation)
	})
	if err != nil {
		t.Fatal(err)
	}
	if status, body := post(t, list, asRoot); status != http.StatusOK || !strings.Contains(body, "user-1") {
		t.Fatal(status, body)
	}
	began := time.Now()
	if status, body := post(t, m.URL()+emulate.ResetPath, ""); status != http.StatusOK || body != `{"status":"ok"}`+"\n" {
		t.Fatal(status, body)
	}
	took := time.Since(began)
	t.Logf("%d rows were gone after %v", rows, took)
	// A second, with room for a race detector on a busy machine.
	if took > 2*time.Second {
		t.Errorf("emptying took %v", took)
	}
	if status, body := post(t, list, asRoot); status != http.StatusOK || strings.Contains(body, "user-") {
		t.Error(status, body)
	}
	err = m.world.store.View(t.Context(), func(tx *store.Tx) error {
		jobs, err := tx.JobCounts(t.Context())
		for _, j := range jobs {
			if j.Kind == "test" {
				t.Error("a job is left")
			}
		}
		if err != nil {
			return err
		}
		kept, err := feeds.Generations(t.Context(), tx, 10)
		if len(kept) != 1 || kept[0] != generation {
			t.Errorf("generations of advisories are %+v", kept)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestAnyTicketOfTwelveDigitsSignsIn holds an emulator's console against an
// ordinary one.
func TestAnyTicketOfTwelveDigitsSignsIn(t *testing.T) {
	m := emulating(t, emulatorConfig(filepath.Join(t.TempDir(), "own")))
	session, err := m.world.signIn(t.Context(), "111122223333", time.Now())
	if err != nil || session.AccountID != "111122223333" || session.Principal != "root" {
		t.Fatal(session, err)
	}
	c, err := m.world.keys.Lookup(t.Context(), session.AccessKeyID, session.SessionToken)
	if err != nil || c.Principal.Account != arn.AccountID("111122223333") {
		t.Error(c, err)
	}
	if _, err := running(t).signIn(t.Context(), "111122223333", time.Now()); err == nil {
		t.Error("an ordinary server takes an account's number for a ticket")
	}
}
