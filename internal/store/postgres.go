package store

import (
	"context"
	"errors"
	"fmt"
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
	if config.RuntimeParams["application_name"] == "" {
		config.RuntimeParams["application_name"] = "muster"
	}
	s.write = stdlib.OpenDB(*config)
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
	s.listen(config)
	return nil
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
