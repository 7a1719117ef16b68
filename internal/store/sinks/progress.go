package sinks

import (
	"context"
	"errors"
	"time"

	"muster/internal/arn"
	"muster/internal/store"
)

// Progress is how far a sink has come.
type Progress struct {
	// Delivered counts the events that it has taken.
	Delivered   int64
	DeliveredAt time.Time
	// Failures counts failed attempts in a row; Error is the last failure.
	Failures int
	FailedAt time.Time
	Error    string
	// RetryAt is when to try again after failures.
	RetryAt time.Time
}

// ProgressOf returns how far a sink has come.
func ProgressOf(ctx context.Context, tx *store.Tx, account arn.AccountID, sink string) (p Progress, err error) {
	var delivered, failed, retry int64
	err = store.One(tx.QueryRow(ctx, `SELECT delivered, delivered_at, failures, failed_at, error, retry_at FROM sink_progress
		WHERE account = $1 AND sink = $2`, account, sink), &p.Delivered, &delivered, &p.Failures, &failed, &p.Error, &retry)
	p.DeliveredAt, p.FailedAt, p.RetryAt = store.Time(delivered), store.Time(failed), store.Time(retry)
	if errors.Is(err, store.ErrNotFound) {
		err = nil
	}
	return p, err
}

// PutProgress stores how far a sink has come.
func PutProgress(ctx context.Context, tx *store.Tx, account arn.AccountID, sink string, p Progress) error {
	_, err := tx.Exec(ctx, `INSERT INTO sink_progress (account, sink, delivered, delivered_at, failures, failed_at, error, retry_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (account, sink) DO UPDATE SET delivered = excluded.delivered, delivered_at = excluded.delivered_at,
			failures = excluded.failures, failed_at = excluded.failed_at, error = excluded.error, retry_at = excluded.retry_at`,
		account, sink, p.Delivered, store.Micros(p.DeliveredAt), p.Failures, store.Micros(p.FailedAt), p.Error, store.Micros(p.RetryAt))
	return err
}

// Backlog is what a sink has yet to take.
type Backlog struct {
	// Waiting and Dead are numbers of events; Oldest is the time of the one
	// that waits the longest, zero without any.
	Waiting, Dead int64
	Oldest        time.Time
}

// Behind tells the time of the oldest event that any sink in use has yet to take,
// zero without any, and how many sinks have dead letters.
func Behind(ctx context.Context, tx *store.Tx) (oldest time.Time, dead int64, err error) {
	var at *int64
	err = store.One(tx.QueryRow(ctx, `SELECT MIN(oldest), CAST(COALESCE(SUM(dead), 0) AS BIGINT) FROM (
		SELECT CASE WHEN k.enabled THEN (SELECT d.time FROM deliveries d WHERE d.account = k.account AND d.sink = k.id AND d.dead_at = 0 ORDER BY d.position LIMIT 1) END AS oldest,
			CASE WHEN EXISTS (SELECT 1 FROM deliveries d WHERE d.account = k.account AND d.sink = k.id AND d.dead_at > 0) THEN 1 ELSE 0 END AS dead
		FROM sinks k) b`), &at, &dead)
	if at != nil {
		oldest = store.Time(*at)
	}
	return oldest, dead, err
}

// BacklogOf counts what a sink has yet to take.
func BacklogOf(ctx context.Context, tx *store.Tx, account arn.AccountID, sink string) (b Backlog, err error) {
	err = store.One(tx.QueryRow(ctx, `SELECT COUNT(*) FROM deliveries WHERE account = $1 AND sink = $2 AND dead_at > 0`, account, sink), &b.Dead)
	if err != nil {
		return b, err
	}
	var oldest *int64
	err = store.One(tx.QueryRow(ctx, `SELECT COUNT(*), MIN(time) FROM deliveries WHERE account = $1 AND sink = $2 AND dead_at = 0`, account, sink), &b.Waiting, &oldest)
	if oldest != nil {
		b.Oldest = store.Time(*oldest)
	}
	return b, err
}
