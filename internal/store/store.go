// Package store is muster's memory: one SQL database, either an embedded
// SQLite file or PostgreSQL (15 or newer), behind the same few calls.
//
// How to write SQL here. There is one text per statement for both engines, in
// their common subset: $1 placeholders, INSERT … ON CONFLICT … DO UPDATE,
// RETURNING, row-value paging "(a, b) > ($1, $2)", CAST(x AS BIGINT) where a
// type cannot be inferred. Columns are TEXT, BIGINT, DOUBLE PRECISION, BOOLEAN
// (TRUE and FALSE) or BYTEA. Timestamps are BIGINT microseconds since 1970 in
// UTC (Micros, Time); JSON is TEXT and bound as a string, never as []byte.
// Primary keys begin with the account, then the Region, then rise with time.
//
// Only packages at and below internal/store write SQL. The subjects live in
// sub-packages of plain functions over *Tx, one package per subject, one file
// per noun; they return ErrNotFound and ErrConflict and no driver's errors.
package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Engine names the database behind a Store.
type Engine string

// The engines.
const (
	SQLite     Engine = "sqlite"
	PostgreSQL Engine = "postgres"
)

// Options tune Open. The zero value is good for production.
type Options struct {
	// Log receives what Open and the background listener have to say; nil
	// means silence.
	Log *slog.Logger
	// Now is the clock of leases and ids; nil means the database's on
	// PostgreSQL, which all processes share, and time.Now on SQLite.
	Now func() time.Time
	// Wait is how long Open waits for a PostgreSQL that does not answer yet;
	// 0 means one minute, negative means not at all.
	Wait time.Duration
	// Connections bounds the pool of readers (SQLite) or of all connections
	// (PostgreSQL); 0 means 8 and 24.
	Connections int
	// Statements bounds the prepared statements that each connection of
	// SQLite keeps; 0 means 128, negative none.
	Statements int
	// Fault, if set, is asked before each statement of a transaction and
	// before the commit of an Update; the error that it returns takes their
	// place. Tests make the Nth thing fail with it.
	Fault func() error
}

// Store is an open, migrated database. It is safe for concurrent use.
type Store struct {
	engine Engine
	// write and read are the same pool on PostgreSQL. On SQLite write holds
	// exactly one connection, so writers of this process queue in Go, where
	// they can be cancelled, and not in SQLite's busy handler.
	write, read *sql.DB
	log         *slog.Logger
	now         func() time.Time
	fault       func() error
	lastID      atomic.Int64
	// dbTime is what the database's clock said last, demoted when its server
	// was last found to take no changes, in nanoseconds since 1970.
	dbTime  atomic.Pointer[dbTime]
	demoted atomic.Int64
	watch   watch
	wakes   *wakes
	kept    *kept
	lanes   lanes
	// turns hands Updates to the writer of SQLite (group.go).
	turns chan *turn
	// closed ends the background goroutines; background waits for them.
	closed     chan struct{}
	closeOnce  sync.Once
	background sync.WaitGroup
}

// Open connects to the database at url ("sqlite:/path/file.db" or
// "postgres://…"), waits for it if it is still starting, and brings its schema
// up to date under a lock. A schema written by a newer program is refused with
// ErrNewerSchema and left alone.
func Open(ctx context.Context, url string, opts Options) (*Store, error) {
	s := &Store{log: opts.Log, now: opts.Now, fault: opts.Fault, wakes: newWakes(), kept: newKept(keptBytes), turns: make(chan *turn), closed: make(chan struct{})}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if s.now == nil {
		s.now = s.clock
	}
	if s.fault == nil {
		s.fault = func() error { return nil }
	}
	if err := s.connect(ctx, url, opts); err != nil {
		return nil, err
	}
	if err := s.migrate(ctx, url); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	if err := s.raiseIDs(ctx); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func (s *Store) connect(ctx context.Context, url string, opts Options) error {
	if path, ok := strings.CutPrefix(url, "sqlite:"); ok {
		return s.openSQLite(ctx, path, opts)
	}
	if strings.HasPrefix(url, "postgres://") || strings.HasPrefix(url, "postgresql://") {
		return s.openPostgres(ctx, url, opts)
	}
	return fmt.Errorf("store: a database is given as sqlite:/path/file.db or postgres://…")
}

// Engine says which database this is.
func (s *Store) Engine() Engine { return s.engine }

// Ping reports whether the database answers.
func (s *Store) Ping(ctx context.Context) error {
	if err := s.read.PingContext(ctx); err != nil {
		return fmt.Errorf("store: database does not answer: %w", err)
	}
	return nil
}

// Writable reports whether the database takes changes: ErrUnavailable where
// another server than the primary of a PostgreSQL answers, or an operator lets
// nobody write.
func (s *Store) Writable(ctx context.Context) error {
	if s.engine == SQLite {
		return nil
	}
	var closed bool
	row := s.read.QueryRowContext(ctx, `SELECT pg_is_in_recovery() OR current_setting('transaction_read_only') = 'on'`)
	if err := One(row, &closed); err != nil {
		return fmt.Errorf("store: does the database take changes: %w", err)
	}
	if closed {
		s.demoted.Store(time.Now().UnixNano())
		return fmt.Errorf("store: %w: it takes no changes", ErrUnavailable)
	}
	return nil
}

// Close waits for an Update that runs, and releases all connections. Closing
// again does nothing.
func (s *Store) Close() (err error) {
	s.closeOnce.Do(func() {
		close(s.closed)
		s.background.Wait()
		err = s.read.Close()
		if s.write != s.read {
			err = errors.Join(err, s.write.Close())
		}
	})
	return err
}

// Micros is how a time is stored: microseconds since 1970 in UTC, and 0 for
// the zero time.
func Micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

// Time is the inverse of Micros, in UTC.
func Time(micros int64) time.Time {
	if micros == 0 {
		return time.Time{}
	}
	return time.UnixMicro(micros).UTC()
}
