// Package storetest gives tests fresh databases on both engines.
//
// PostgreSQL comes from the variable MUSTER_TEST_POSTGRES (the URL of a
// database from which others may be created; `go run ./test/cmd/postgres --`
// sets it), else from one cluster per test binary that is started when first
// needed and goes away with the binary.
package storetest

import (
	"context"
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"testing"

	"muster/internal/store"
	"muster/internal/store/pgtest"
)

// Each runs the test once per engine, as subtests "sqlite" and "postgres", on
// a fresh migrated database that is removed afterwards.
func Each(t *testing.T, fn func(t *testing.T, s *store.Store)) {
	t.Helper()
	EachURL(t, func(t *testing.T, url string) { fn(t, Open(t, url, store.Options{})) })
}

// EachURL is Each for tests that open the database themselves.
func EachURL(t *testing.T, fn func(t *testing.T, url string)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) { fn(t, SQLite(t)) })
	t.Run("postgres", func(t *testing.T) { fn(t, Postgres(t)) })
}

// EachEmpty is EachURL on databases without any schema.
func EachEmpty(t *testing.T, fn func(t *testing.T, url string)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) { fn(t, "sqlite:"+filepath.Join(t.TempDir(), "muster.db")) })
	t.Run("postgres", func(t *testing.T) { fn(t, EmptyPostgres(t, "")) })
}

// Open opens a database for the length of the test, with few connections
// unless the options say otherwise.
func Open(t testing.TB, url string, opts store.Options) *store.Store {
	t.Helper()
	if opts.Connections == 0 {
		opts.Connections = 8
	}
	s, err := store.Open(t.Context(), url, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close the store: %v", err)
		}
	})
	return s
}

// SQLite returns the URL of a fresh migrated file.
func SQLite(t testing.TB) string {
	t.Helper()
	content, err := sqliteTemplate()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "muster.db")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return "sqlite:" + path
}

var serial atomic.Int64

// Postgres returns the URL of a fresh migrated database. Without PostgreSQL on
// the machine the test is skipped with a message, or fails where CI is set.
func Postgres(t testing.TB) string {
	t.Helper()
	return postgres(t, "")
}

// EmptyPostgres is Postgres without any schema; options follow CREATE
// DATABASE … TEMPLATE template0.
func EmptyPostgres(t testing.TB, options string) string {
	t.Helper()
	return postgres(t, "template0 "+options)
}

// postgres makes a database from the template, by default the migrated one.
func postgres(t testing.TB, template string) string {
	t.Helper()
	server, err := postgresServer()
	if errors.Is(err, pgtest.ErrNoBinaries) && os.Getenv("CI") == "" {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	name := "muster_test_" + strconv.Itoa(os.Getpid()) + "_" + strconv.FormatInt(serial.Add(1), 10)
	if err := server.create(t.Context(), name, template); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.exec(context.Background(), `DROP DATABASE `+name+` WITH (FORCE)`); err != nil {
			t.Errorf("drop %s: %v", name, err)
		}
	})
	return server.url(name)
}

// withDatabase replaces the database in a PostgreSQL URL.
func withDatabase(base, name string) string {
	u, err := url.Parse(base)
	if err != nil {
		return base
	}
	u.Path = "/" + name
	return u.String()
}
