package filters

import (
	"context"
	"errors"
	"fmt"
	"time"

	"muster/internal/arn"
	"muster/internal/finding/criteria"
	"muster/internal/store"
)

// Change is what was done to a filter.
type Change string

// The changes.
const (
	Created   Change = "CREATED"
	Updated   Change = "UPDATED"
	ExpirySet Change = "EXPIRY_SET"
	// Expired: the time that was set for it came.
	Expired Change = "EXPIRED"
	Deleted Change = "DELETED"
)

// By is who changed a filter; the zero value is the server itself.
type By struct {
	Principal         arn.ARN
	SourceIP, Request string
}

// Entry is one line of a filter's history.
type Entry struct {
	ID string
	At time.Time
	Change
	By
	// Previous is the action before, "" where there was none.
	Previous Action
	// Filter is what it was afterwards; when deleted, what it was last.
	Filter Filter
	// Effect is what came of the change until the next one.
	Effect Effect
}

// Record writes what was done to a filter into its history.
func Record(ctx context.Context, tx *store.Tx, change Change, by By, previous Action, f *Filter, at time.Time) error {
	text, err := f.Criteria.Encode()
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `INSERT INTO filter_history (account, region, filter, entry, at, change, principal, source_ip, request,
			previous, owner, name, action, criteria, description, reason, expires_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)`,
		f.Account, f.Region, f.ID, tx.NewID(), store.Micros(at), change, by.Principal, by.SourceIP, by.Request,
		previous, f.Owner, f.Name, f.Action, text, f.Description, f.Reason, store.Micros(f.ExpiresAt))
	if err != nil {
		return fmt.Errorf("history of filter %s: %w", f.ID, err)
	}
	return nil
}

// DeleteAll forgets all filters of an account in a Region; the server does so
// where nothing is scanned any more.
func DeleteAll(ctx context.Context, tx *store.Tx, account arn.AccountID, region arn.Region, now time.Time) error {
	for {
		list, err := Page(ctx, tx, account, region, "", "", deletedAtOnce)
		if err != nil || len(list) == 0 {
			return err
		}
		for i := range list {
			if err := Record(ctx, tx, Deleted, By{}, list[i].Action, &list[i], now); err != nil {
				return err
			}
			if err := Delete(ctx, tx, account, region, list[i].ID); err != nil {
				return err
			}
		}
	}
}

const deletedAtOnce = 100

// HistoryQuery asks for a page of an account's history of filters, newest
// first.
type HistoryQuery struct {
	Account arn.AccountID
	Region  arn.Region
	// Filter is the id of the only filter that is meant, or "".
	Filter string
	// Changes are those that are meant; none are all.
	Changes []Change
	// Before is the entry that the page before ended with, or "".
	Before string
	Limit  int
}

// History lists what happened to an account's filters in a Region.
func History(ctx context.Context, tx *store.Tx, q HistoryQuery) ([]Entry, error) {
	var w store.Where
	w.Add("account = ?", q.Account)
	w.Add("region = ?", q.Region)
	if q.Filter != "" {
		w.Add("filter = ?", q.Filter)
	}
	if len(q.Changes) > 0 {
		store.In(&w, "change", q.Changes...)
	}
	if q.Before != "" {
		w.Add("entry < ?", q.Before)
	}
	rows, err := tx.Query(ctx, `SELECT account, region, filter, entry, at, change, principal, source_ip, request,
			previous, owner, name, action, criteria, description, reason, expires_at
		FROM filter_history`+w.SQL()+` ORDER BY entry DESC LIMIT `+w.Arg(q.Limit), w.Args()...)
	list, err := store.ReadAll(rows, err, scanEntry)
	if err != nil {
		return nil, fmt.Errorf("history of filters: %w", err)
	}
	return list, effectsOf(ctx, tx, list)
}

func scanEntry(s store.Scanner) (e Entry, err error) {
	f := &e.Filter
	var at, expires int64
	var text string
	err = s.Scan(&f.Account, &f.Region, &f.ID, &e.ID, &at, &e.Change, &e.Principal, &e.SourceIP, &e.Request,
		&e.Previous, &f.Owner, &f.Name, &f.Action, &text, &f.Description, &f.Reason, &expires)
	if err != nil {
		return e, err
	}
	e.At, f.ExpiresAt = store.Time(at), store.Time(expires)
	f.Criteria, err = criteria.Decode(text)
	return e, err
}

// effectsOf fills in what came of each change.
func effectsOf(ctx context.Context, tx *store.Tx, list []Entry) error {
	known := map[arn.ARN]map[string]Effect{}
	for i := range list {
		rule := list[i].Filter.ARN()
		if known[rule] == nil {
			effects, err := byEntry(ctx, tx, rule)
			if err != nil {
				return err
			}
			known[rule] = effects
		}
		list[i].Effect = known[rule][list[i].ID]
	}
	return nil
}

// DropHistory forgets up to limit entries from before the time given. The last
// entry of a filter that exists stays. With the last entry of another goes what
// it did.
func DropHistory(ctx context.Context, tx *store.Tx, before time.Time, limit int) (int64, error) {
	rows, err := tx.Query(ctx, `DELETE FROM filter_history WHERE (account, region, filter, entry) IN (
		SELECT h.account, h.region, h.filter, h.entry FROM filter_history h WHERE h.at < $1
			AND (NOT EXISTS (SELECT 1 FROM filters f WHERE f.account = h.account AND f.region = h.region AND f.id = h.filter)
				OR EXISTS (SELECT 1 FROM filter_history l WHERE l.account = h.account AND l.region = h.region AND l.filter = h.filter AND l.entry > h.entry))
		ORDER BY h.at LIMIT $2) RETURNING account, region, filter, owner`, store.Micros(before), limit)
	dropped := map[arn.ARN]bool{}
	list, err := store.ReadAll(rows, err, func(s store.Scanner) (f Filter, err error) {
		err = s.Scan(&f.Account, &f.Region, &f.ID, &f.Owner)
		dropped[f.ARN()] = true
		return f, err
	})
	if err != nil {
		return 0, fmt.Errorf("forget history of filters: %w", err)
	}
	for rule := range dropped {
		_, err := lastEntry(ctx, tx, rule)
		if errors.Is(err, store.ErrNotFound) {
			_, err = tx.Exec(ctx, `DELETE FROM filter_effects WHERE rule = $1`, rule)
		}
		if err != nil {
			return 0, fmt.Errorf("forget what %s did: %w", rule, err)
		}
	}
	return int64(len(list)), nil
}
