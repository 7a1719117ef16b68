package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"syscall"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"

	"muster/internal/store/migrations"
)

// migrate brings the schema up to date. Processes that start together take
// turns: on PostgreSQL by a session lock, on SQLite by a lock file beside the
// database.
func (s *Store) migrate(ctx context.Context, url string) error {
	unlock, err := s.lockMigration(url)
	if err != nil {
		return fmt.Errorf("store: lock for migration: %w", err)
	}
	provider, err := s.migrationProvider()
	if err != nil {
		return errors.Join(fmt.Errorf("store: migrations: %w", err), unlock())
	}
	err = migrateWith(ctx, provider)
	return errors.Join(err, unlock())
}

func (s *Store) migrationProvider() (*goose.Provider, error) {
	dialect := goose.DialectSQLite3
	files := fs.FS(migrations.Files)
	opts := []goose.ProviderOption{goose.WithDisableGlobalRegistry(true), goose.WithTableName("schema_version")}
	if s.engine == PostgreSQL {
		dialect, files = goose.DialectPostgres, bytewise{migrations.Files}
		locker, err := lock.NewPostgresSessionLocker(lock.WithLockTimeout(1, 600))
		if err != nil {
			return nil, err
		}
		opts = append(opts, goose.WithSessionLocker(locker))
	}
	return goose.NewProvider(dialect, s.write, files, opts...)
}

func migrateWith(ctx context.Context, provider *goose.Provider) error {
	var known int64
	for _, source := range provider.ListSources() {
		known = max(known, source.Version)
	}
	if err := refuseNewer(ctx, provider, known); err != nil {
		return err
	}
	if _, err := provider.Up(ctx); err != nil {
		return fmt.Errorf("store: migrate: %w", translate(err))
	}
	// A newer program may have migrated while this one waited for the lock.
	return refuseNewer(ctx, provider, known)
}

func refuseNewer(ctx context.Context, provider *goose.Provider, known int64) error {
	found, err := provider.GetDBVersion(ctx)
	if err != nil {
		return fmt.Errorf("store: read the schema's version: %w", translate(err))
	}
	if found > known {
		return fmt.Errorf("store: %w: the database has schema %d, this program knows up to %d; "+
			"start the newer program, or restore a backup made before the upgrade", ErrNewerSchema, found, known)
	}
	return nil
}

// lockMigration takes the lock file on SQLite. The lock is on a file of its
// own because closing any handle of the database file would drop SQLite's own
// locks of this process.
func (s *Store) lockMigration(url string) (unlock func() error, err error) {
	path, ok := strings.CutPrefix(url, "sqlite:")
	if !ok {
		return func() error { return nil }, nil
	}
	return takeLock(path)
}

// takeLock waits for the lock file of a SQLite database.
func takeLock(path string) (unlock func() error, err error) {
	f, err := os.OpenFile(lockPath(path), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f.Close, nil
}

// lockPath is the lock file of a SQLite database. It stays when it was made.
func lockPath(path string) string { return path + ".lock" }
