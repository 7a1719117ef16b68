package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"
)

// JobCount says how much work of a kind there is.
type JobCount struct {
	Kind string
	// Waiting jobs are due now or later; Running ones have a claim; Parked
	// ones failed too often.
	Waiting, Running, Parked int64
}

// JobCounts counts the jobs of every kind that has any, by name of the kind.
func (tx *Tx) JobCounts(ctx context.Context) ([]JobCount, error) {
	rows, err := tx.Query(ctx, `SELECT kind,
		SUM(CASE WHEN NOT parked AND lease = '' THEN 1 ELSE 0 END),
		SUM(CASE WHEN NOT parked AND lease <> '' THEN 1 ELSE 0 END),
		SUM(CASE WHEN parked THEN 1 ELSE 0 END)
		FROM jobs GROUP BY kind ORDER BY kind`)
	return All(rows, err, func(rows *sql.Rows) (c JobCount, err error) {
		err = rows.Scan(&c.Kind, &c.Waiting, &c.Running, &c.Parked)
		return c, err
	})
}

// ParkedJobs lists up to limit parked jobs, oldest first, after the id given
// ("" from the beginning).
func (tx *Tx) ParkedJobs(ctx context.Context, after string, limit int) ([]Job, error) {
	rows, err := tx.Query(ctx, `SELECT `+jobColumns+` FROM jobs WHERE parked AND id > $1 ORDER BY id LIMIT $2`, after, limit)
	return All(rows, err, scanJob)
}

// RetryJob makes a parked job due again with a fresh count of attempts, or
// returns ErrNotFound.
func (tx *Tx) RetryJob(ctx context.Context, id string) error {
	var kind string
	err := One(tx.QueryRow(ctx, `UPDATE jobs SET parked = FALSE, attempts = 0, failures = 0, run_at = $2, asked_at = $2
		WHERE id = $1 AND parked RETURNING kind`, id, Micros(tx.store.now())), &kind)
	if err != nil {
		return fmt.Errorf("retry job: %w", err)
	}
	tx.wake(kind)
	return nil
}

// Waiting reports whether a job of a kind is due and nobody runs it.
func (tx *Tx) Waiting(ctx context.Context, kind string, now time.Time) (bool, error) {
	n, err := ReadOne(tx.QueryRow(ctx, `SELECT COUNT(*) FROM (SELECT 1 FROM jobs
		WHERE kind = $1 AND NOT parked AND lease = '' AND run_at <= $2 LIMIT 1) AS due`, kind, Micros(now)), ScanCount)
	return n > 0, err
}
