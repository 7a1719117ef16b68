package store

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"
	"time"
)

// Event is something that happened, in EventBridge's terms.
type Event struct {
	// ID is set by Emit; the ids of one process rise in the order of Emit.
	ID string
	// Account and Region are whose event it is.
	Account, Region string
	// Source and DetailType name the kind, such as "aws.inspector2" and
	// "Inspector2 Finding".
	Source, DetailType string
	// Resources are the ARNs it is about.
	Resources []string
	// Detail is a JSON object.
	Detail []byte
	Time   time.Time
	// Attempts counts the claims so far, this one included.
	Attempts int

	lease string
}

// Emit records the event; it exists if and only if this transaction commits.
func (tx *Tx) Emit(ctx context.Context, e Event) error { return tx.EmitAll(ctx, []Event{e}) }

// EmitAll is Emit for many events, in their order.
func (tx *Tx) EmitAll(ctx context.Context, events []Event) error {
	rows := make([][]any, len(events))
	for i, e := range events {
		if !json.Valid(e.Detail) {
			return fmt.Errorf("emit %s: the detail is not JSON", e.DetailType)
		}
		if e.Resources == nil {
			e.Resources = []string{}
		}
		resources, err := json.Marshal(e.Resources)
		if err != nil {
			return fmt.Errorf("emit %s: %w", e.DetailType, err)
		}
		rows[i] = []any{e.Account, tx.NewID(), e.Region, e.Source, e.DetailType, string(resources), string(e.Detail), Micros(e.Time), 0, 0, "", false}
	}
	_, err := tx.InsertRows(ctx, "events", []string{"account", "id", "region", "source", "detail_type", "resources", "detail", "time",
		"deliver_at", "attempts", "lease", "delivered"}, rows, "")
	if err == nil && len(events) > 0 {
		tx.wake(EventsKind)
	}
	return err
}

const eventColumns = `account, id, region, source, detail_type, resources, detail, time, attempts, lease`

func scanEvent(rows *sql.Rows) (Event, error) {
	var e Event
	var resources, detail string
	var at int64
	if err := rows.Scan(&e.Account, &e.ID, &e.Region, &e.Source, &e.DetailType, &resources, &detail, &at, &e.Attempts, &e.lease); err != nil {
		return e, err
	}
	e.Detail, e.Time = []byte(detail), Time(at)
	return e, json.Unmarshal([]byte(resources), &e.Resources)
}

// Events lists up to limit events of an account, oldest first, after the id
// given ("" from the beginning), delivered or not.
func (tx *Tx) Events(ctx context.Context, account, after string, limit int) ([]Event, error) {
	rows, err := tx.Query(ctx, `SELECT `+eventColumns+` FROM events
		WHERE (account, id) > ($1, $2) AND account = $1 ORDER BY account, id LIMIT $3`, account, after, limit)
	return All(rows, err, scanEvent)
}

// ClaimEvents takes up to limit undelivered events for the length of the
// lease, oldest first.
func (s *Store) ClaimEvents(ctx context.Context, limit int, lease time.Duration) ([]Event, error) {
	now := s.now()
	due := `SELECT id FROM events WHERE NOT delivered AND deliver_at <= $1 ORDER BY id LIMIT $2`
	if s.engine == PostgreSQL {
		due += ` FOR UPDATE SKIP LOCKED`
	}
	// MATERIALIZED for the reason that Claim gives.
	query := `WITH due AS MATERIALIZED (` + due + `)
		UPDATE events SET deliver_at = $3, lease = $4, attempts = attempts + 1
		WHERE NOT delivered AND id IN (SELECT id FROM due) RETURNING ` + eventColumns
	rows, err := s.write.QueryContext(ctx, query, Micros(now), limit, Micros(now.Add(lease)), s.NewID())
	events, err := All(rows, err, scanEvent)
	if err != nil {
		return nil, fmt.Errorf("claim events: %w", translate(err))
	}
	sortEvents(events)
	return events, nil
}

// EventsDelivered marks claimed events as delivered.
func (s *Store) EventsDelivered(ctx context.Context, events ...Event) error {
	return s.settleEvents(ctx, events, `UPDATE events SET lease = '', delivered = TRUE WHERE account = $1 AND id = $2 AND lease = $3`)
}

// EventsFailed gives claimed events back, to be tried again at retry.
func (s *Store) EventsFailed(ctx context.Context, retry time.Time, events ...Event) error {
	return s.settleEvents(ctx, events, `UPDATE events SET lease = '', deliver_at = $4 WHERE account = $1 AND id = $2 AND lease = $3`, Micros(retry))
}

func (s *Store) settleEvents(ctx context.Context, events []Event, query string, args ...any) error {
	err := s.Update(ctx, func(tx *Tx) error {
		for _, e := range events {
			// A lost lease is somebody else's delivery: at least once.
			if _, err := tx.Exec(ctx, query, append([]any{e.Account, e.ID, e.lease}, args...)...); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("settle events: %w", err)
	}
	return nil
}

// DeleteEvents removes up to limit delivered events older than the time given
// and returns how many it removed.
func (tx *Tx) DeleteEvents(ctx context.Context, before time.Time, limit int) (int64, error) {
	return tx.Exec(ctx, `DELETE FROM events WHERE id IN
		(SELECT id FROM events WHERE delivered AND time < $1 LIMIT $2)`, Micros(before), limit)
}

// ExpireEvents removes up to limit events older than the time given, delivered
// or not, and returns how many it removed.
func (tx *Tx) ExpireEvents(ctx context.Context, before time.Time, limit int) (int64, error) {
	return tx.Exec(ctx, `DELETE FROM events WHERE id IN (SELECT id FROM events WHERE time < $1 LIMIT $2)`, Micros(before), limit)
}

// sortEvents restores the order that UPDATE … RETURNING does not keep.
func sortEvents(events []Event) {
	slices.SortFunc(events, func(a, b Event) int { return cmp.Compare(a.ID, b.ID) })
}
