package sinks

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"muster/internal/arn"
	"muster/internal/store"
)

// Kind is how a sink is reached.
type Kind string

// The kinds.
const (
	Webhook     Kind = "WEBHOOK"
	NATS        Kind = "NATS"
	EventBridge Kind = "EVENTBRIDGE"
)

// Sink is where events go.
type Sink struct {
	Account arn.AccountID
	ID      string
	Name    string
	// Region is the one whose events it gets, "" every one.
	Region arn.Region
	// Organization says whether it gets the events of the accounts, too, that
	// its own account administers in the Region of the event.
	Organization bool
	Kind         Kind
	// Format is a form.Format.
	Format string
	URL    string
	Options
	// Secret is sealed; see SealedFor.
	Secret               []byte
	Enabled              bool
	CreatedAt, UpdatedAt time.Time
}

// Options are a sink's settings that nothing is looked up by.
type Options struct {
	// DetailTypes are the kinds of events it gets; none means every kind.
	DetailTypes []string `json:"detailTypes,omitempty"`
	// Subject is NATS's.
	Subject string `json:"subject,omitempty"`
	// Bus and Region are the bus of an EventBridge-compatible endpoint and the
	// Region that requests are signed for.
	Bus    string `json:"bus,omitempty"`
	Region string `json:"region,omitempty"`
	// Source replaces the events' source, because AWS's own EventBridge takes
	// none that begins with "aws." from others.
	Source string `json:"source,omitempty"`
}

// SealedFor is what the secret of a sink is sealed for.
func SealedFor(account arn.AccountID, id string) string { return "sink " + string(account) + " " + id }

const sinkColumns = `account, id, name, region, organization, kind, format, url, options, secret, enabled, created_at, updated_at`

func scanSink(s store.Scanner) (Sink, error) {
	var k Sink
	var options string
	var created, updated int64
	err := s.Scan(&k.Account, &k.ID, &k.Name, &k.Region, &k.Organization, &k.Kind, &k.Format, &k.URL, &options, &k.Secret, &k.Enabled, &created, &updated)
	if err != nil {
		return k, err
	}
	k.CreatedAt, k.UpdatedAt = store.Time(created), store.Time(updated)
	if err := json.Unmarshal([]byte(options), &k.Options); err != nil {
		return k, fmt.Errorf("options of sink %s: %w", k.ID, err)
	}
	return k, nil
}

// Put stores a sink; a name that another sink of the account has is
// store.ErrConflict.
func Put(ctx context.Context, tx *store.Tx, k *Sink) error {
	options, err := json.Marshal(k.Options)
	if err != nil {
		return fmt.Errorf("options of sink %s: %w", k.ID, err)
	}
	_, err = tx.Exec(ctx, `INSERT INTO sinks (`+sinkColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
		ON CONFLICT (account, id) DO UPDATE SET options = excluded.options, url = excluded.url, secret = excluded.secret,
			enabled = excluded.enabled, updated_at = excluded.updated_at`,
		k.Account, k.ID, k.Name, k.Region, k.Organization, k.Kind, k.Format, k.URL, string(options), k.Secret, k.Enabled,
		store.Micros(k.CreatedAt), store.Micros(k.UpdatedAt))
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `INSERT INTO sink_positions (account, sink, last) VALUES ($1, $2, 0) ON CONFLICT (account, sink) DO NOTHING`, k.Account, k.ID)
	return err
}

// Lookup returns a sink, or store.ErrNotFound.
func Lookup(ctx context.Context, tx *store.Tx, account arn.AccountID, id string) (Sink, error) {
	return store.ReadOne(tx.QueryRow(ctx, `SELECT `+sinkColumns+` FROM sinks WHERE account = $1 AND id = $2`, account, id), scanSink)
}

// Of lists the sinks of an account by id, up to limit after the one given.
func Of(ctx context.Context, tx *store.Tx, account arn.AccountID, after string, limit int) ([]Sink, error) {
	rows, err := tx.Query(ctx, `SELECT `+sinkColumns+` FROM sinks WHERE account = $1 AND id > $2 ORDER BY id LIMIT $3`, account, after, limit)
	return store.ReadAll(rows, err, scanSink)
}

// OfAccounts lists every sink of the accounts.
func OfAccounts(ctx context.Context, tx *store.Tx, accounts []arn.AccountID) ([]Sink, error) {
	var w store.Where
	store.In(&w, "account", accounts...)
	rows, err := tx.Query(ctx, `SELECT `+sinkColumns+` FROM sinks`+w.SQL()+` ORDER BY account, id`, w.Args()...)
	return store.ReadAll(rows, err, scanSink)
}

// Named reports whether the account has a sink of that name.
func Named(ctx context.Context, tx *store.Tx, account arn.AccountID, name string) (bool, error) {
	var n int
	err := store.One(tx.QueryRow(ctx, `SELECT COUNT(*) FROM sinks WHERE account = $1 AND name = $2`, account, name), &n)
	return n > 0, err
}

// Count is the number of an account's sinks.
func Count(ctx context.Context, tx *store.Tx, account arn.AccountID) (int, error) {
	var n int
	err := store.One(tx.QueryRow(ctx, `SELECT COUNT(*) FROM sinks WHERE account = $1`, account), &n)
	return n, err
}

// Delete forgets a sink with everything that it has yet to be told, or returns
// store.ErrNotFound.
func Delete(ctx context.Context, tx *store.Tx, account arn.AccountID, id string) error {
	n, err := tx.Exec(ctx, `DELETE FROM sinks WHERE account = $1 AND id = $2`, account, id)
	if err == nil && n == 0 {
		return store.ErrNotFound
	}
	for _, table := range []string{"sink_positions", "sink_progress", "deliveries"} {
		if err == nil {
			_, err = tx.Exec(ctx, `DELETE FROM `+table+` WHERE account = $1 AND sink = $2`, account, id)
		}
	}
	return err
}

// Since is when the oldest sink was created: events before that concern none.
// ok is false while there is no sink.
func Since(ctx context.Context, tx *store.Tx) (t time.Time, ok bool, err error) {
	rows, err := tx.Query(ctx, `SELECT created_at FROM sinks ORDER BY created_at LIMIT 1`)
	list, err := store.ReadAll(rows, err, func(s store.Scanner) (n int64, err error) { err = s.Scan(&n); return n, err })
	if err != nil || len(list) == 0 {
		return t, false, err
	}
	return store.Time(list[0]), true, nil
}
