package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"

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
	// ErrUnavailable: the database does not answer, does not take changes, or
	// hung up in the middle; what was asked for may or may not have happened.
	ErrUnavailable = errors.New("database unavailable")
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
	pgReadOnly             = "25006"
	pgIdleInTransaction    = "25P03"
	pgTooManyConnections   = "53300"
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
	case isUnavailable(err):
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
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

// isUnavailable is true when the database hung up, cannot be reached, starts,
// stops, has no connection left or takes no changes because it is somebody
// else's copy by now. A caller's own cancellation is none of that.
func isUnavailable(err error) bool {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return false
	}
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok {
		switch pg.Code {
		case pgReadOnly, pgIdleInTransaction, pgTooManyConnections:
			return true
		}
		// Connection exceptions, and intervention of an operator but for a
		// statement that was cancelled.
		return strings.HasPrefix(pg.Code, "08") || strings.HasPrefix(pg.Code, "57P")
	}
	if _, ok := errors.AsType[*pgconn.ConnectError](err); ok {
		return true
	}
	if _, ok := errors.AsType[net.Error](err); ok {
		return true
	}
	return errors.Is(err, driver.ErrBadConn) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, net.ErrClosed) || errors.Is(err, pgconn.ErrConnClosed)
}

// TryLater reports whether a failure is the database's for now: it was too busy
// or did not answer. Whoever asked may ask again soon; the change may have been
// made all the same when the connection broke as it was committed.
func TryLater(err error) bool {
	return errors.Is(err, ErrBusy) || errors.Is(err, ErrUnavailable)
}

// isRetryable is true for what PostgreSQL asks to run again: the transaction
// had no effect and the same transaction may succeed next time.
func isRetryable(err error) bool {
	code := pgCode(err)
	return code == pgSerializationFailure || code == pgDeadlockDetected
}
