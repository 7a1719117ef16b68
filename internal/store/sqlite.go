package store

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"os"
	"path/filepath"

	_ "modernc.org/sqlite" // registers the driver "sqlite"
)

// Pragmas of every SQLite connection. synchronous=FULL makes a commit durable
// before it is acknowledged; the other values trade memory for speed: 16 MiB
// of page cache per connection at most and pages mapped from the file up to
// 256 MiB, which the system may take back at any time.
var sqlitePragmas = []string{
	"busy_timeout(10000)",
	"journal_mode(WAL)",
	"synchronous(FULL)",
	"foreign_keys(1)",
	"cache_size(-16384)",
	"mmap_size(268435456)",
	"temp_store(MEMORY)",
	"journal_size_limit(67108864)",
}

func (s *Store) openSQLite(ctx context.Context, path string, opts Options) error {
	s.engine = SQLite
	if err := createPrivate(path); err != nil {
		return fmt.Errorf("store: %w", err)
	}
	var err error
	if s.write, err = sql.Open("sqlite", sqliteDSN(path, url.Values{"_txlock": {"immediate"}})); err != nil {
		return fmt.Errorf("store: open %s: %w", path, err)
	}
	s.write.SetMaxOpenConns(1)
	s.write.SetMaxIdleConns(1)
	if s.read, err = sql.Open("sqlite", sqliteDSN(path, url.Values{"_pragma": {"query_only(1)"}})); err != nil {
		return fmt.Errorf("store: open %s: %w", path, err)
	}
	readers := opts.Connections
	if readers <= 0 {
		readers = 8
	}
	s.read.SetMaxOpenConns(readers)
	s.read.SetMaxIdleConns(readers)
	if err := s.write.PingContext(ctx); err != nil {
		return fmt.Errorf("store: open %s: %w", path, err)
	}
	return nil
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
