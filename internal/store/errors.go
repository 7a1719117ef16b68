package store

import (
	"database/sql"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// The errors that callers act on. All others are failures of the database.
var (
	// ErrNotFound: the row asked for does not exist.
	ErrNotFound = errors.New("not found")
	// ErrConflict: a unique key already has another row.
	ErrConflict = errors.New("already exists")
	// ErrBusy: the database was too contended to finish; try again later.
	ErrBusy = errors.New("database too busy")
	// ErrLeaseLost: a job's lease ended and somebody else may run it now.
	ErrLeaseLost = errors.New("lease lost")
	// ErrMissing: the file of an embedded database is gone.
	ErrMissing = errors.New("database missing")
	// ErrFull: there is no room for what is to be written.
	ErrFull = errors.New("the disk is full")
	// ErrNewerSchema: the database was written by a newer program.
	ErrNewerSchema = errors.New("database schema is newer than this program")
)

// PostgreSQL's error codes that mean something to us.
const (
	pgDiskFull             = "53100"
	pgUniqueViolation      = "23505"
	pgSerializationFailure = "40001"
	pgDeadlockDetected     = "40P01"
)

// translate puts the store's own error in front of a driver's.
func translate(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, sql.ErrNoRows):
		return ErrNotFound
	case isConflict(err):
		return fmt.Errorf("%w: %w", ErrConflict, err)
	case isBusy(err):
		return fmt.Errorf("%w: %w", ErrBusy, err)
	case isFull(err):
		return fmt.Errorf("%w: %w", ErrFull, err)
	}
	return err
}

func pgCode(err error) string {
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok {
		return pg.Code
	}
	return ""
}

func sqliteCode(err error) int {
	if lite, ok := errors.AsType[*sqlite.Error](err); ok {
		return lite.Code()
	}
	return 0
}

func isConflict(err error) bool {
	switch sqliteCode(err) {
	case sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY:
		return true
	}
	return pgCode(err) == pgUniqueViolation
}

// isBusy is true when another process held SQLite's write lock for longer
// than the busy timeout.
func isBusy(err error) bool { return sqliteCode(err)&0xff == sqlite3.SQLITE_BUSY }

// isFull knows that SQLite needs room for the file that its processes share
// before it writes anything, and calls the want of that an I/O error.
func isFull(err error) bool {
	switch sqliteCode(err) {
	case sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_SHMSIZE:
		return true
	}
	return pgCode(err) == pgDiskFull
}

// isRetryable is true for what PostgreSQL asks to run again: the transaction
// had no effect and the same transaction may succeed next time.
func isRetryable(err error) bool {
	code := pgCode(err)
	return code == pgSerializationFailure || code == pgDeadlockDetected
}
