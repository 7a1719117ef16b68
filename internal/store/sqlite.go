package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"modernc.org/sqlite"
)

// Pragmas of every SQLite connection. synchronous=FULL makes a commit durable
// before it is acknowledged. Pages move from the log to the database when 32
// MiB of them have gathered: the pages of an index are changed again and again
// meanwhile, so fewer are moved than at the usual 4 MiB.
var sqlitePragmas = []string{
	"busy_timeout(10000)",
	"journal_mode(WAL)",
	"synchronous(FULL)",
	"foreign_keys(1)",
	"temp_store(MEMORY)",
	"wal_autocheckpoint(8192)",
	"journal_size_limit(67108864)",
}

// Readers map the file: random reads are twice as fast as with a cache of
// their own, and the pages belong to the system, which takes them back when it
// needs them. The kernel counts a mapped page as resident once per connection,
// so readers are few and are closed when idle; at rest nothing stays mapped.
const (
	writerPragma = "cache_size(-16384)"
	readerCache  = "cache_size(-4096)"
	readerMap    = "mmap_size(268435456)"
	readerIdle   = 15 * time.Second
	readerLife   = 2 * time.Minute
	readers      = 8
)

func (s *Store) openSQLite(ctx context.Context, path string, opts Options) error {
	s.engine = SQLite
	if err := refuseMissing(path); err != nil {
		return err
	}
	if err := createPrivate(path); err != nil {
		return fmt.Errorf("store: %w", err)
	}
	var err error
	writer := url.Values{"_txlock": {"immediate"}, "_pragma": {writerPragma}}
	if s.write, err = openPool(path, writer, opts); err != nil {
		return err
	}
	s.write.SetMaxOpenConns(1)
	s.write.SetMaxIdleConns(1)
	reader := url.Values{"_pragma": {"query_only(1)", readerCache, readerMap}}
	if s.read, err = openPool(path, reader, opts); err != nil {
		return err
	}
	limit := cmp.Or(max(opts.Connections, 0), readers)
	s.read.SetMaxOpenConns(limit)
	s.read.SetMaxIdleConns(limit)
	s.read.SetConnMaxIdleTime(readerIdle)
	s.read.SetConnMaxLifetime(readerLife)
	if err := s.connectFirst(ctx, path); err != nil {
		return errors.Join(fmt.Errorf("store: open %s: %w", path, translate(err)), s.Close())
	}
	s.background.Go(s.writeGroups)
	return nil
}

// connectFirst makes the writer's connection. The first one of a new database
// turns write-ahead logging on, for which SQLite does not wait: of several
// processes that start together all but one would be told that it is busy.
func (s *Store) connectFirst(ctx context.Context, path string) error {
	unlock, err := takeLock(path)
	if err != nil {
		return err
	}
	return errors.Join(s.write.PingContext(ctx), unlock())
}

// openPool makes a pool of connections with further parameters.
func openPool(path string, extra url.Values, opts Options) (*sql.DB, error) {
	connector, err := sqlite.NewConnector(sqliteDSN(path, extra))
	if err != nil {
		return nil, fmt.Errorf("store: open %s: %w", path, err)
	}
	return sql.OpenDB(preparing{connector, cmp.Or(opts.Statements, statements)}), nil
}

// refuseMissing fails when the database is gone that a lock file beside it
// testifies to: an empty one in its place would look as if all was lost.
func refuseMissing(path string) error {
	_, err := os.Stat(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return nil // whatever is wrong shows when it is opened
	}
	if _, err := os.Stat(lockPath(path)); err != nil {
		return nil
	}
	// The lock file comes after the database: another process may have made
	// both since the first look.
	if _, err := os.Stat(path); err == nil {
		return nil
	}
	return fmt.Errorf("store: %w: there has been a database %s: give it back, or remove %s to begin with an empty one",
		ErrMissing, path, lockPath(path))
}

// createPrivate makes the file before SQLite does, because SQLite would make
// it readable for everybody; its journal files inherit the mode.
func createPrivate(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	return f.Close()
}

func sqliteDSN(path string, extra url.Values) string {
	q := url.Values{"_pragma": sqlitePragmas}
	for k, v := range extra {
		q[k] = append(append([]string{}, q[k]...), v...)
	}
	return "file:" + (&url.URL{Path: path}).EscapedPath() + "?" + q.Encode()
}
