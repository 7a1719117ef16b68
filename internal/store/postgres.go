package store

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
)

func (s *Store) openPostgres(ctx context.Context, url string, opts Options) error {
	s.engine = PostgreSQL
	config, err := pgx.ParseConfig(url)
	if err != nil {
		// pgx's text already leaves the password out.
		return fmt.Errorf("store: %w", err)
	}
	prepareConnections(config)
	s.write = stdlib.OpenDB(*config, stdlib.OptionAfterConnect(s.connected), stdlib.OptionResetSession(s.reusable))
	s.read = s.write
	limit := opts.Connections
	if limit <= 0 {
		limit = 24
	}
	s.write.SetMaxOpenConns(limit)
	s.write.SetMaxIdleConns(limit)
	s.write.SetConnMaxIdleTime(5 * time.Minute)
	if err := s.waitForPostgres(ctx, opts.Wait); err != nil {
		return errors.Join(err, s.write.Close())
	}
	if err := s.askClock(ctx); err != nil {
		return errors.Join(fmt.Errorf("store: ask PostgreSQL for the time: %w", err), s.write.Close())
	}
	s.listen(config)
	s.background.Go(s.followClock)
	return nil
}

// Connections notice a peer that is gone without a word after about frozen:
// kernels ask whether it is there, and give up on what it does not confirm.
const (
	frozen     = 15 * time.Second
	aliveIdle  = 5 * time.Second
	aliveProbe = 3 * time.Second
	aliveTries = 3
	dialLimit  = 10 * time.Second
)

// prepareConnections sets what every connection is to have, unless the URL says
// otherwise. A process that freezes in the middle of a transaction would keep
// its locks, and with them everybody who wants the same rows; the database ends
// such transactions. A connection that the network has swallowed ends, too.
// Compiling a statement takes longer than running it does here: walks that end
// after a page look like long ones to a planner.
func prepareConnections(config *pgx.ConnConfig) {
	for name, value := range map[string]string{
		"application_name":                    "muster",
		"idle_in_transaction_session_timeout": strconv.FormatInt(frozen.Milliseconds(), 10),
		"jit":                                 "off",
	} {
		if config.RuntimeParams[name] == "" {
			config.RuntimeParams[name] = value
		}
	}
	if config.ConnectTimeout == 0 {
		config.ConnectTimeout = dialLimit
	}
	dialer := &net.Dialer{
		Timeout:         config.ConnectTimeout,
		KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: aliveIdle, Interval: aliveProbe, Count: aliveTries},
		Control:         giveUpAfter(frozen),
	}
	config.DialFunc = dialer.DialContext
}

// connected remembers when a connection was made.
func (s *Store) connected(_ context.Context, conn *pgx.Conn) error {
	conn.PgConn().CustomData()[connectedAt] = time.Now()
	return nil
}

// connectedAt is the key under which connections carry when they were made.
const connectedAt = "muster.connected"

// reusable refuses connections that are older than the last sign that the
// server behind them takes no changes any more: after a failover the same
// address leads to another server, but old connections do not.
func (s *Store) reusable(_ context.Context, conn *pgx.Conn) error {
	at, ok := conn.PgConn().CustomData()[connectedAt].(time.Time)
	if ok && at.UnixNano() < s.demoted.Load() {
		return driver.ErrBadConn
	}
	return nil
}

// noteDemotion makes connections of before unusable when a failure says that
// their server takes no changes.
func (s *Store) noteDemotion(err error) {
	if pgCode(err) == pgReadOnly {
		s.demoted.Store(time.Now().UnixNano())
	}
}

// waitForPostgres lets processes start in any order: it tries until the
// database answers, the time is over, or the answer is one that waiting does
// not change (wrong password, no such database).
func (s *Store) waitForPostgres(ctx context.Context, limit time.Duration) error {
	if limit == 0 {
		limit = time.Minute
	}
	deadline := time.Now().Add(limit)
	for pause := 50 * time.Millisecond; ; pause = min(2*pause, 2*time.Second) {
		err := s.write.PingContext(ctx)
		if err == nil {
			return nil
		}
		if final(err) || time.Now().Add(pause).After(deadline) {
			return fmt.Errorf("store: connect to PostgreSQL: %w", err)
		}
		s.log.Info("waiting for the database", "error", err)
		select {
		case <-ctx.Done():
			return fmt.Errorf("store: connect to PostgreSQL: %w", errors.Join(ctx.Err(), err))
		case <-time.After(pause):
		}
	}
}

// final reports errors of PostgreSQL's classes "invalid authorization" and
// "invalid catalog name"; a server that starts or stops answers with others.
func final(err error) bool {
	pg, ok := errors.AsType[*pgconn.PgError](err)
	return ok && (strings.HasPrefix(pg.Code, "28") || pg.Code == "3D000")
}
