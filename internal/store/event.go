package store

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"
)

// Event is something that happened, in EventBridge's terms.
type Event struct {
	// ID is set by Emit; the ids of one process rise in the order of Emit, but
	// for those that Time orders.
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
	// Ordered says that Time rises from each event about a subject to the next,
	// whichever processes write them. The ids follow it then, so that no
	// difference of clocks confuses the order in which events are passed on.
	Ordered bool
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
		rows[i] = []any{e.Account, tx.eventID(&e, i), e.Region, e.Source, e.DetailType, string(resources), string(e.Detail), Micros(e.Time), false}
	}
	_, err := tx.InsertRows(ctx, "events", []string{"account", "id", "region", "source", "detail_type", "resources", "detail", "time",
		"delivered"}, rows, "")
	if err == nil && len(events) > 0 {
		tx.wake(EventsKind)
	}
	return err
}

// setBack is how far behind the ids that were made before a time must be to be
// one of a clock that was set back: sinks want what happens after their
// creation, so ids go on rising then.
const setBack = time.Minute

// eventID is the id of the event that is written as the n-th of several.
func (tx *Tx) eventID(e *Event, n int) string {
	if !e.Ordered || e.Time.UnixMicro() < tx.store.lastID.Load()-setBack.Microseconds() {
		return tx.NewID()
	}
	var random [5]byte
	_, _ = rand.Read(random[:]) // never fails, by its documentation
	return fmt.Sprintf("%016x%06x%x", e.Time.UnixMicro(), n&0xffffff, random)
}

const eventColumns = `account, id, region, source, detail_type, resources, detail, time`

func scanEvent(rows *sql.Rows) (Event, error) {
	var e Event
	var resources, detail string
	var at int64
	if err := rows.Scan(&e.Account, &e.ID, &e.Region, &e.Source, &e.DetailType, &resources, &detail, &at); err != nil {
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

// PendingEvents returns up to limit events that are not dispatched, oldest
// first, after the id given.
func (tx *Tx) PendingEvents(ctx context.Context, after string, limit int) ([]Event, error) {
	rows, err := tx.Query(ctx, `SELECT `+eventColumns+` FROM events WHERE NOT delivered AND id > $1 ORDER BY id LIMIT $2`, after, limit)
	return All(rows, err, scanEvent)
}

// Dispatch marks events as dispatched and returns the ids of those that were
// not before: a transaction that passes them on passes on exactly these.
func (tx *Tx) Dispatch(ctx context.Context, events []Event) (map[string]bool, error) {
	fresh := make(map[string]bool, len(events))
	byAccount := map[string][]string{}
	for _, e := range events {
		byAccount[e.Account] = append(byAccount[e.Account], e.ID)
	}
	for _, account := range slices.Sorted(maps.Keys(byAccount)) {
		var w Where
		w.Add("account = ?", account)
		w.Add("NOT delivered")
		In(&w, "id", byAccount[account]...)
		rows, err := tx.Query(ctx, `UPDATE events SET delivered = TRUE`+w.SQL()+` RETURNING id`, w.Args()...)
		ids, err := All(rows, err, Text)
		if err != nil {
			return nil, fmt.Errorf("dispatch events: %w", err)
		}
		for _, id := range ids {
			fresh[id] = true
		}
	}
	return fresh, nil
}

// FirstID is below every id that is made at the time given or later.
func FirstID(t time.Time) string { return fmt.Sprintf("%016x", t.UnixMicro()) }

// ExpireEvents removes up to limit events older than the time given that are
// dispatched, or never will be because their ids are below the one given. It
// returns how many it removed.
func (tx *Tx) ExpireEvents(ctx context.Context, before time.Time, below string, limit int) (int64, error) {
	return tx.Exec(ctx, `DELETE FROM events WHERE id IN
		(SELECT id FROM events WHERE time < $1 AND (delivered OR id < $2) LIMIT $3)`, Micros(before), below, limit)
}
