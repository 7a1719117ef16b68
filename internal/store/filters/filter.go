// Package filters remembers saved filters and suppression rules, what happened to
// them and who did it, how many findings they hid, and what an account asks of
// its rules.
package filters

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"muster/internal/arn"
	"muster/internal/finding/criteria"
	"muster/internal/store"
)

// Action is what a filter does with the findings it matches.
type Action string

// The actions.
const (
	// Saved is a saved search.
	Saved Action = "NONE"
	// Suppress hides what it matches.
	Suppress Action = "SUPPRESS"
)

// Filter is a saved filter or suppression rule.
type Filter struct {
	Account arn.AccountID
	Region  arn.Region
	// ID is the 16 digits at the end of its ARN, Owner the account or
	// organization in the ARN.
	ID, Owner            string
	Name                 string
	Action               Action
	Criteria             criteria.Criteria
	Description, Reason  string
	Tags                 map[string]string
	CreatedAt, UpdatedAt time.Time
	// CreatedBy and UpdatedBy are the ARNs of who did so, "" where nobody knows.
	CreatedBy, UpdatedBy arn.ARN
	// ExpiresAt is when it stops being a rule, ExpiredAt when it last did so by
	// itself; zero for never.
	ExpiresAt, ExpiredAt time.Time
}

// Hides reports whether the filter is a rule that suppresses findings now. The
// job that ends an expired rule may be late; the rule is not.
func (f *Filter) Hides(now time.Time) bool {
	return f.Action == Suppress && (f.ExpiresAt.IsZero() || now.Before(f.ExpiresAt))
}

// ARN names the filter.
func (f *Filter) ARN() arn.ARN {
	return arn.New("inspector2", f.Region, f.Account, "owner/"+f.Owner+"/filter/"+f.ID)
}

const filterColumns = `account, region, id, owner, name, action, criteria, description, reason, tags, created_at, updated_at, created_by, updated_by, expires_at, expired_at`

func scanFilter(s store.Scanner) (Filter, error) {
	var f Filter
	var text, tags string
	var created, updated, expires, expired int64
	err := s.Scan(&f.Account, &f.Region, &f.ID, &f.Owner, &f.Name, &f.Action, &text, &f.Description, &f.Reason, &tags, &created, &updated,
		&f.CreatedBy, &f.UpdatedBy, &expires, &expired)
	if err != nil {
		return f, err
	}
	f.CreatedAt, f.UpdatedAt, f.ExpiresAt, f.ExpiredAt = store.Time(created), store.Time(updated), store.Time(expires), store.Time(expired)
	if err := json.Unmarshal([]byte(tags), &f.Tags); err != nil {
		return f, fmt.Errorf("tags of filter %s: %w", f.ID, err)
	}
	f.Criteria, err = criteria.Decode(text)
	return f, err
}

// Put stores a filter; a name that another filter of the account and
// Region has is store.ErrConflict.
func Put(ctx context.Context, tx *store.Tx, f *Filter) error {
	text, err := f.Criteria.Encode()
	if err != nil {
		return err
	}
	tags, err := json.Marshal(f.Tags)
	if err != nil {
		return fmt.Errorf("tags of filter %s: %w", f.ID, err)
	}
	_, err = tx.Exec(ctx, `INSERT INTO filters (`+filterColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)
		ON CONFLICT (account, region, id) DO UPDATE SET name = excluded.name, action = excluded.action, criteria = excluded.criteria,
			description = excluded.description, reason = excluded.reason, tags = excluded.tags, updated_at = excluded.updated_at,
			updated_by = excluded.updated_by, expires_at = excluded.expires_at, expired_at = excluded.expired_at`,
		f.Account, f.Region, f.ID, f.Owner, f.Name, f.Action, text, f.Description, f.Reason, string(tags),
		store.Micros(f.CreatedAt), store.Micros(f.UpdatedAt), f.CreatedBy, f.UpdatedBy, store.Micros(f.ExpiresAt), store.Micros(f.ExpiredAt))
	return err
}

// Lookup returns a filter, or store.ErrNotFound.
func Lookup(ctx context.Context, tx *store.Tx, account arn.AccountID, region arn.Region, id string) (Filter, error) {
	return store.ReadOne(tx.QueryRow(ctx, `SELECT `+filterColumns+` FROM filters
		WHERE account = $1 AND region = $2 AND id = $3`, account, region, id), scanFilter)
}

// Named returns the account's filter of that name, or store.ErrNotFound.
func Named(ctx context.Context, tx *store.Tx, account arn.AccountID, region arn.Region, name string) (Filter, error) {
	return store.ReadOne(tx.QueryRow(ctx, `SELECT `+filterColumns+` FROM filters
		WHERE account = $1 AND region = $2 AND name = $3`, account, region, name), scanFilter)
}

// Delete forgets a filter; one that does not exist is store.ErrNotFound.
func Delete(ctx context.Context, tx *store.Tx, account arn.AccountID, region arn.Region, id string) error {
	n, err := tx.Exec(ctx, `DELETE FROM filters WHERE account = $1 AND region = $2 AND id = $3`, account, region, id)
	if err == nil && n == 0 {
		return store.ErrNotFound
	}
	return err
}

// Page lists an account's filters in a Region by id, with the action if it
// is not "": up to limit of them after the id given.
func Page(ctx context.Context, tx *store.Tx, account arn.AccountID, region arn.Region, action Action, after string, limit int) ([]Filter, error) {
	var w store.Where
	w.Add("account = ?", account)
	w.Add("region = ?", region)
	w.Add("id > ?", after)
	if action != "" {
		w.Add("action = ?", action)
	}
	rows, err := tx.Query(ctx, `SELECT `+filterColumns+` FROM filters`+w.SQL()+` ORDER BY id LIMIT `+w.Arg(limit), w.Args()...)
	return store.ReadAll(rows, err, scanFilter)
}

// Count is the number of an account's filters in a Region with the
// action.
func Count(ctx context.Context, tx *store.Tx, account arn.AccountID, region arn.Region, action Action) (int, error) {
	var n int
	err := store.One(tx.QueryRow(ctx, `SELECT COUNT(*) FROM filters WHERE account = $1 AND region = $2 AND action = $3`,
		account, region, action), &n)
	return n, err
}

// Filtering returns those of the accounts that have filters in a Region.
func Filtering(ctx context.Context, tx *store.Tx, region arn.Region, accounts []arn.AccountID) (map[arn.AccountID]bool, error) {
	var w store.Where
	w.Add("region = ?", region)
	store.In(&w, "account", accounts...)
	rows, err := tx.Query(ctx, `SELECT DISTINCT account FROM filters`+w.SQL(), w.Args()...)
	return store.Set[arn.AccountID](rows, err)
}

// ParseARN reads the ARN of a filter.
func ParseARN(a arn.ARN) (account arn.AccountID, region arn.Region, id string, ok bool) {
	p, err := arn.Parse(a)
	if err != nil || p.Service != "inspector2" {
		return "", "", "", false
	}
	parts := strings.Split(p.Resource, "/")
	if len(parts) != 4 || parts[0] != "owner" || parts[2] != "filter" {
		return "", "", "", false
	}
	return p.Account, p.Region, parts[3], true
}
