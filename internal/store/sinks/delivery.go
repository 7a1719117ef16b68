package sinks

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"muster/internal/arn"
	"muster/internal/store"
)

// Delivery is an event that a sink has yet to take.
type Delivery struct {
	// Position is its place among all events of the sink.
	Position int64
	// Subject is what is kept in order: events with the same subject are
	// delivered one after the other.
	Subject string
	store.Event
	Attempts int
	// DueAt is when it may be tried.
	DueAt time.Time
	// Error is the last failure; DeadAt is when it was given up, else zero.
	Error  string
	DeadAt time.Time
}

const deliveryColumns = `position, subject, event, event_account, region, source, detail_type, resources, detail, time, due_at, attempts, error, dead_at`

func scanDelivery(s store.Scanner) (Delivery, error) {
	var d Delivery
	var resources, detail string
	var at, due, dead int64
	err := s.Scan(&d.Position, &d.Subject, &d.ID, &d.Account, &d.Region, &d.Source, &d.DetailType, &resources, &detail, &at, &due, &d.Attempts, &d.Error, &dead)
	if err != nil {
		return d, err
	}
	d.Detail, d.Time, d.DueAt, d.DeadAt = []byte(detail), store.Time(at), store.Time(due), store.Time(dead)
	if err := json.Unmarshal([]byte(resources), &d.Resources); err != nil {
		return d, fmt.Errorf("resources of event %s: %w", d.ID, err)
	}
	return d, nil
}

// Add gives a sink deliveries, in their order, at the end of what it has.
func Add(ctx context.Context, tx *store.Tx, account arn.AccountID, sink string, list []Delivery) error {
	var last int64
	err := store.One(tx.QueryRow(ctx, `UPDATE sink_positions SET last = last + $3 WHERE account = $1 AND sink = $2 RETURNING last`, account, sink, len(list)), &last)
	if err != nil {
		return fmt.Errorf("positions of sink %s: %w", sink, err)
	}
	rows := make([][]any, len(list))
	for i, d := range list {
		resources, err := json.Marshal(append([]string{}, d.Resources...))
		if err != nil {
			return err
		}
		rows[i] = []any{string(account), sink, last - int64(len(list)-1-i), d.Subject, d.ID, d.Account, d.Region, d.Source, d.DetailType,
			string(resources), string(d.Detail), store.Micros(d.Time), int64(0), int64(0), "", int64(0)}
	}
	_, err = tx.InsertRows(ctx, "deliveries", []string{"account", "sink", "position", "subject", "event", "event_account", "region", "source",
		"detail_type", "resources", "detail", "time", "due_at", "attempts", "error", "dead_at"}, rows, "")
	return err
}

// Due returns up to limit deliveries of a sink that may be tried now, in their
// order: those before which nothing with the same subject waits for later.
func Due(ctx context.Context, tx *store.Tx, account arn.AccountID, sink string, now time.Time, limit int) ([]Delivery, error) {
	rows, err := tx.Query(ctx, `SELECT `+deliveryColumns+` FROM deliveries d
		WHERE d.account = $1 AND d.sink = $2 AND d.dead_at = 0 AND d.due_at <= $3 AND NOT EXISTS (
			SELECT 1 FROM deliveries e WHERE e.account = d.account AND e.sink = d.sink AND e.subject = d.subject AND e.dead_at = 0
				AND e.position < d.position AND e.due_at > $3)
		ORDER BY d.position LIMIT $4`, account, sink, store.Micros(now), limit)
	return store.ReadAll(rows, err, scanDelivery)
}

// NextDue is when the next delivery of a sink may be tried; ok is false when
// it has none.
func NextDue(ctx context.Context, tx *store.Tx, account arn.AccountID, sink string) (t time.Time, ok bool, err error) {
	var n *int64
	err = store.One(tx.QueryRow(ctx, `SELECT MIN(due_at) FROM deliveries WHERE account = $1 AND sink = $2 AND dead_at = 0`, account, sink), &n)
	if err != nil || n == nil {
		return t, false, err
	}
	return time.UnixMicro(*n).UTC(), true, nil
}

// Taken forgets deliveries that the sink has taken.
func Taken(ctx context.Context, tx *store.Tx, account arn.AccountID, sink string, positions []int64) error {
	var w store.Where
	w.Add("account = ?", account)
	w.Add("sink = ?", sink)
	store.In(&w, "position", positions...)
	_, err := tx.Exec(ctx, `DELETE FROM deliveries`+w.SQL(), w.Args()...)
	return err
}

// Failed notes a failed attempt of a delivery: when it may be tried again, or
// that it is given up.
func Failed(ctx context.Context, tx *store.Tx, account arn.AccountID, sink string, d Delivery) error {
	_, err := tx.Exec(ctx, `UPDATE deliveries SET due_at = $4, attempts = $5, error = $6, dead_at = $7 WHERE account = $1 AND sink = $2 AND position = $3`,
		account, sink, d.Position, store.Micros(d.DueAt), d.Attempts, d.Error, store.Micros(d.DeadAt))
	return err
}

// Dead lists up to limit dead letters of a sink after the position given.
func Dead(ctx context.Context, tx *store.Tx, account arn.AccountID, sink string, after int64, limit int) ([]Delivery, error) {
	rows, err := tx.Query(ctx, `SELECT `+deliveryColumns+` FROM deliveries
		WHERE account = $1 AND sink = $2 AND dead_at > 0 AND position > $3 ORDER BY position LIMIT $4`, account, sink, after, limit)
	return store.ReadAll(rows, err, scanDelivery)
}

// Revive makes dead letters of a sink deliverable again, at their old places:
// those at the positions, or all of them without any. It returns their number.
func Revive(ctx context.Context, tx *store.Tx, account arn.AccountID, sink string, positions []int64) (int64, error) {
	var w store.Where
	w.Add("account = ?", account)
	w.Add("sink = ?", sink)
	w.Add("dead_at > 0")
	if len(positions) > 0 {
		store.In(&w, "position", positions...)
	}
	return tx.Exec(ctx, `UPDATE deliveries SET dead_at = 0, due_at = 0, attempts = 0`+w.SQL(), w.Args()...)
}

// DropDead forgets up to limit dead letters that were given up before a time.
func DropDead(ctx context.Context, tx *store.Tx, before time.Time, limit int) (int64, error) {
	return tx.Exec(ctx, `DELETE FROM deliveries WHERE (account, sink, position) IN (
		SELECT account, sink, position FROM deliveries WHERE dead_at > 0 AND dead_at < $1 LIMIT $2)`, store.Micros(before), limit)
}
