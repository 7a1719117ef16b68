package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// OldestDue tells since when the job has been due that has waited longest, of
// any kind, and of which kind it is; ok is false when none is overdue at the
// time given. Parked jobs do not count.
func (tx *Tx) OldestDue(ctx context.Context, now time.Time) (since time.Time, kind string, ok bool, err error) {
	var at int64
	row := tx.QueryRow(ctx, `SELECT run_at, kind FROM jobs WHERE NOT parked AND lease = '' AND run_at <= $1 ORDER BY run_at LIMIT 1`, Micros(now))
	switch err := One(row, &at, &kind); {
	case errors.Is(err, ErrNotFound):
		return time.Time{}, "", false, nil
	case err != nil:
		return time.Time{}, "", false, fmt.Errorf("the oldest job: %w", err)
	}
	return Time(at), kind, true, nil
}

// Connections are the statistics of the pool that statements wait for.
func (s *Store) Connections() sql.DBStats { return s.write.Stats() }
