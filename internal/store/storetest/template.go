package storetest

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"github.com/jackc/pgx/v5"

	"muster/internal/store"
	"muster/internal/store/migrations"
	"muster/internal/store/pgtest"
)

// Migrating takes longer than many a test, so each engine has a migrated
// template that the databases of the tests are copies of.

var sqliteTemplate = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "muster-template-")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	path := filepath.Join(dir, "muster.db")
	if err := migrateOnce("sqlite:" + path); err != nil {
		return nil, err
	}
	return os.ReadFile(path)
})

func migrateOnce(url string) error {
	s, err := store.Open(context.Background(), url, store.Options{})
	if err != nil {
		return err
	}
	return s.Close()
}

// server is a PostgreSQL server with a template database.
type server struct {
	base, template string
	// cluster is ours, if we started one. Holding it holds its pipe open,
	// which keeps it alive.
	cluster *pgtest.Cluster
}

var postgresServer = sync.OnceValues(func() (*server, error) {
	s := &server{base: os.Getenv("MUSTER_TEST_POSTGRES")}
	if s.base == "" {
		cluster, err := pgtest.Start(context.Background())
		if err != nil {
			return nil, err
		}
		s.base, s.cluster = cluster.URL, cluster // ends with this process
	}
	sum, err := migrationsHash()
	if err != nil {
		return nil, err
	}
	s.template = "muster_template_" + sum
	return s, s.makeTemplate(context.Background())
})

// migrationsHash names the template, so that test binaries that share a server
// share the template of their schema, and no other.
func migrationsHash() (string, error) {
	h := sha256.New()
	names, err := fs.Glob(migrations.Files, "*.sql")
	if err != nil {
		return "", err
	}
	for _, name := range names {
		text, err := migrations.Files.ReadFile(name)
		if err != nil {
			return "", err
		}
		_, _ = fmt.Fprintf(h, "%s %d %s", name, len(text), text)
	}
	return hex.EncodeToString(h.Sum(nil))[:16], nil
}

func (s *server) url(database string) string { return withDatabase(s.base, database) }

// makeTemplate makes the template unless it is there. It is renamed to its
// name when complete, so a killed process leaves no half-made one in use.
func (s *server) makeTemplate(ctx context.Context) error {
	conn, err := pgx.Connect(ctx, s.base)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(ctx) }()
	// Released with the connection.
	if _, err := conn.Exec(ctx, `SELECT pg_advisory_lock(8440)`); err != nil {
		return err
	}
	var there bool
	if err := conn.QueryRow(ctx, `SELECT EXISTS (SELECT 1 FROM pg_database WHERE datname = $1)`, s.template).Scan(&there); err != nil || there {
		return err
	}
	draft := s.template + "_draft"
	for _, q := range []string{`DROP DATABASE IF EXISTS ` + draft, `CREATE DATABASE ` + draft} {
		if _, err := conn.Exec(ctx, q); err != nil {
			return err
		}
	}
	if err := migrateOnce(s.url(draft)); err != nil {
		return err
	}
	_, err = conn.Exec(ctx, `ALTER DATABASE `+draft+` RENAME TO `+s.template)
	return err
}

func (s *server) create(ctx context.Context, name, template string) error {
	return s.exec(ctx, `CREATE DATABASE `+name+` TEMPLATE `+cmp.Or(template, s.template))
}

func (s *server) exec(ctx context.Context, query string) error {
	conn, err := pgx.Connect(ctx, s.base)
	if err != nil {
		return err
	}
	_, err = conn.Exec(ctx, query)
	_ = conn.Close(ctx)
	return err
}
