// Package rollout remembers orders to switch scan types on or off for many
// accounts in many Regions: what was ordered, for whom, how far it has come,
// and what became of every account. It decides nothing.
package rollout

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"muster/internal/arn"
	"muster/internal/store"
	"muster/internal/store/activation"
)

// Status is how far an order, or its part in one Region, has come.
type Status string

// The states of orders and of their Regions.
const (
	Pending    Status = "PENDING"
	InProgress Status = "IN_PROGRESS"
	Succeeded  Status = "SUCCEEDED"
	// WithFailures: done, and some account or Region failed.
	WithFailures Status = "COMPLETED_WITH_FAILURES"
	// Refused Regions were not touched.
	Refused  Status = "REFUSED"
	Canceled Status = "CANCELED"
)

// Ended reports whether nothing more will be done.
func (s Status) Ended() bool { return s != Pending && s != InProgress }

// Order is one rollout.
type Order struct {
	// Account gave the order.
	Account arn.AccountID
	ID      string
	// Disable switches off instead of on.
	Disable bool
	Types   []activation.ScanType
	// Associate makes accounts members first where they are not.
	Associate bool
	Status    Status
	// Accounts is how many accounts the order is for in each Region.
	Accounts int
	// ClientToken and Request, a digest, recognise a repetition.
	ClientToken, Request   string
	CreatedAt, CompletedAt time.Time
}

const orderColumns = `account, id, action, types, associate, status, account_count, client_token, request, created_at, completed_at`

func scanOrder(s store.Scanner) (Order, error) {
	var o Order
	var action, types string
	var created, completed int64
	err := s.Scan(&o.Account, &o.ID, &action, &types, &o.Associate, &o.Status, &o.Accounts, &o.ClientToken, &o.Request, &created, &completed)
	if err != nil {
		return o, err
	}
	o.Disable, o.CreatedAt, o.CompletedAt = action == disable, store.Time(created), store.Time(completed)
	if err := json.Unmarshal([]byte(types), &o.Types); err != nil {
		return o, fmt.Errorf("stored types of %s: %w", o.ID, err)
	}
	return o, nil
}

const enable, disable = "ENABLE", "DISABLE"

// Insert adds an order.
func Insert(ctx context.Context, tx *store.Tx, o Order) error {
	types, err := json.Marshal(o.Types)
	if err != nil {
		return err
	}
	action := enable
	if o.Disable {
		action = disable
	}
	_, err = tx.Exec(ctx, `INSERT INTO rollouts (`+orderColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
		o.Account, o.ID, action, string(types), o.Associate, o.Status, o.Accounts, o.ClientToken, o.Request,
		store.Micros(o.CreatedAt), store.Micros(o.CompletedAt))
	return err
}

// Lookup returns an order of an account.
func Lookup(ctx context.Context, tx *store.Tx, account arn.AccountID, id string) (Order, error) {
	return store.ReadOne(tx.QueryRow(ctx, `SELECT `+orderColumns+` FROM rollouts WHERE account = $1 AND id = $2`, account, id), scanOrder)
}

// ByClientToken returns the order that an account gave with a token since a
// time.
func ByClientToken(ctx context.Context, tx *store.Tx, account arn.AccountID, token string, since time.Time) (Order, error) {
	return store.ReadOne(tx.QueryRow(ctx, `SELECT `+orderColumns+` FROM rollouts
		WHERE account = $1 AND client_token = $2 AND client_token <> '' AND created_at > $3
		ORDER BY created_at DESC LIMIT 1`, account, token, store.Micros(since)), scanOrder)
}

// Page returns up to limit orders of an account before an id, the newest
// first, for ids rise with time; "" is the beginning.
func Page(ctx context.Context, tx *store.Tx, account arn.AccountID, before string, limit int) ([]Order, error) {
	var w store.Where
	w.Add("account = ?", account)
	if before != "" {
		w.Add("id < ?", before)
	}
	rows, err := tx.Query(ctx, `SELECT `+orderColumns+` FROM rollouts`+w.SQL()+` ORDER BY id DESC LIMIT `+w.Arg(limit), w.Args()...)
	return store.All(rows, err, func(r *sql.Rows) (Order, error) { return scanOrder(r) })
}

// SetStatus changes an order's status; completed is zero while it goes on.
func SetStatus(ctx context.Context, tx *store.Tx, o Order, status Status, completed time.Time) error {
	_, err := tx.Exec(ctx, `UPDATE rollouts SET status = $3, completed_at = $4 WHERE account = $1 AND id = $2`,
		o.Account, o.ID, status, store.Micros(completed))
	return err
}

// PutTargets remembers the accounts of an order in portions.
func PutTargets(ctx context.Context, tx *store.Tx, o Order, portions [][]arn.AccountID) error {
	rows := make([][]any, len(portions))
	for i, accounts := range portions {
		list, err := json.Marshal(accounts)
		if err != nil {
			return err
		}
		rows[i] = []any{string(o.Account), o.ID, int64(i), string(list)}
	}
	_, err := tx.InsertRows(ctx, "rollout_targets", []string{"account", "rollout", "portion", "accounts"}, rows, "")
	return err
}

// Targets returns one portion of an order's accounts; none after the last.
func Targets(ctx context.Context, tx *store.Tx, account arn.AccountID, id string, portion int) ([]arn.AccountID, error) {
	var text string
	err := store.One(tx.QueryRow(ctx, `SELECT accounts FROM rollout_targets WHERE account = $1 AND rollout = $2 AND portion = $3`,
		account, id, portion), &text)
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var list []arn.AccountID
	return list, json.Unmarshal([]byte(text), &list)
}

// CountRunning counts the orders of an account that go on.
func CountRunning(ctx context.Context, tx *store.Tx, account arn.AccountID) (n int, err error) {
	err = store.One(tx.QueryRow(ctx, `SELECT COUNT(*) FROM rollouts WHERE account = $1 AND status = 'IN_PROGRESS'`, account), &n)
	return n, err
}

// ForgetSome deletes an order, the results of one Region at a time; done when
// nothing is left.
func ForgetSome(ctx context.Context, tx *store.Tx, account arn.AccountID, id string) (done bool, err error) {
	parts, err := Regions(ctx, tx, account, id)
	if err != nil {
		return false, err
	}
	for _, r := range parts[:min(1, len(parts))] {
		for _, table := range []string{"rollout_results", "rollout_regions"} {
			if _, err := tx.Exec(ctx, `DELETE FROM `+table+` WHERE account = $1 AND rollout = $2 AND region = $3`, account, id, r.Region); err != nil {
				return false, err
			}
		}
	}
	if len(parts) > 1 {
		return false, nil
	}
	if _, err := tx.Exec(ctx, `DELETE FROM rollout_targets WHERE account = $1 AND rollout = $2`, account, id); err != nil {
		return false, err
	}
	_, err = tx.Exec(ctx, `DELETE FROM rollouts WHERE account = $1 AND id = $2`, account, id)
	return err == nil, err
}
