package rollout

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"

	"muster/internal/arn"
	"muster/internal/store"
	"muster/internal/store/activation"
)

// Region is an order's part in one Region.
type Region struct {
	Account arn.AccountID
	Order   string
	Region  arn.Region
	Status  Status
	// Portion is the next portion of the order's accounts.
	Portion int
	// Succeeded and Failed count accounts.
	Succeeded, Failed int
	// ErrorCode and ErrorMessage say why the Region was refused.
	ErrorCode, ErrorMessage string
}

const regionColumns = `account, rollout, region, status, portion, succeeded, failed, error_code, error_message`

func scanRegion(s store.Scanner) (r Region, err error) {
	err = s.Scan(&r.Account, &r.Order, &r.Region, &r.Status, &r.Portion, &r.Succeeded, &r.Failed, &r.ErrorCode, &r.ErrorMessage)
	return r, err
}

// PutRegion sets an order's part in a Region.
func PutRegion(ctx context.Context, tx *store.Tx, r Region) error {
	_, err := tx.Exec(ctx, `INSERT INTO rollout_regions (`+regionColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
		ON CONFLICT (account, rollout, region) DO UPDATE SET status = excluded.status, portion = excluded.portion,
			succeeded = excluded.succeeded, failed = excluded.failed,
			error_code = excluded.error_code, error_message = excluded.error_message`,
		r.Account, r.Order, r.Region, r.Status, r.Portion, r.Succeeded, r.Failed, r.ErrorCode, r.ErrorMessage)
	return err
}

// LookupRegion returns an order's part in a Region.
func LookupRegion(ctx context.Context, tx *store.Tx, account arn.AccountID, order string, region arn.Region) (Region, error) {
	return store.ReadOne(tx.QueryRow(ctx, `SELECT `+regionColumns+` FROM rollout_regions
		WHERE account = $1 AND rollout = $2 AND region = $3`, account, order, region), scanRegion)
}

// Regions returns an order's parts by Region.
func Regions(ctx context.Context, tx *store.Tx, account arn.AccountID, order string) ([]Region, error) {
	rows, err := tx.Query(ctx, `SELECT `+regionColumns+` FROM rollout_regions
		WHERE account = $1 AND rollout = $2 ORDER BY region`, account, order)
	return store.All(rows, err, func(r *sql.Rows) (Region, error) { return scanRegion(r) })
}

// Failure is why something failed, in AWS's words.
type Failure struct {
	Code    string `json:"c,omitempty"`
	Message string `json:"m,omitempty"`
}

// TypeResult is what became of a scan type. Outcome is STARTED, UNCHANGED or
// FAILED.
type TypeResult struct {
	Type    activation.ScanType `json:"t"`
	Outcome string              `json:"o"`
	Failure
}

// Result is what became of an account in a Region.
type Result struct {
	Region  arn.Region    `json:"-"`
	Account arn.AccountID `json:"-"`
	// Association is the outcome of making it a member, "" where that was
	// not asked or not needed.
	Association string `json:"a,omitempty"`
	// Failure is why the account could not be reached at all.
	Failure `json:"f,omitzero"`
	Types   []TypeResult `json:"r,omitempty"`
}

// Failed reports whether anything of it failed.
func (r Result) Failed() bool {
	for _, t := range r.Types {
		if t.Outcome == "FAILED" {
			return true
		}
	}
	return r.Code != ""
}

// PutResults remembers results of an order. What was remembered of the same
// account stays: a batch that runs again has been committed before.
func PutResults(ctx context.Context, tx *store.Tx, account arn.AccountID, order string, results []Result) error {
	rows := make([][]any, len(results))
	for i, r := range results {
		outcome, err := json.Marshal(r)
		if err != nil {
			return err
		}
		rows[i] = []any{string(account), order, string(r.Region), string(r.Account), r.Failed(), string(outcome)}
	}
	_, err := tx.InsertRows(ctx, "rollout_results", []string{"account", "rollout", "region", "target", "failed", "outcome"}, rows,
		`ON CONFLICT (account, rollout, region, target) DO NOTHING`)
	return err
}

// Filter narrows a list of results.
type Filter struct {
	Region     arn.Region
	Target     arn.AccountID
	OnlyFailed bool
}

// Results returns up to limit results of an order after a Region and account,
// by these.
func Results(ctx context.Context, tx *store.Tx, account arn.AccountID, order string, f Filter, region arn.Region, target arn.AccountID, limit int) ([]Result, error) {
	var w store.Where
	w.Add("account = ?", account)
	w.Add("rollout = ?", order)
	if f.Region != "" {
		w.Add("region = ?", f.Region)
	}
	if f.Target != "" {
		w.Add("target = ?", f.Target)
	}
	if f.OnlyFailed {
		w.Add("failed = TRUE")
	}
	w.After([]string{"region", "target"}, region, target)
	rows, err := tx.Query(ctx, `SELECT region, target, outcome FROM rollout_results`+w.SQL()+
		` ORDER BY region, target LIMIT `+w.Arg(limit), w.Args()...)
	return store.All(rows, err, scanResult)
}

func scanResult(rows *sql.Rows) (Result, error) {
	var r Result
	var region, target, outcome string
	if err := rows.Scan(&region, &target, &outcome); err != nil {
		return r, err
	}
	if err := json.Unmarshal([]byte(outcome), &r); err != nil {
		return r, fmt.Errorf("stored result of %s in %s: %w", target, region, err)
	}
	r.Region, r.Account = arn.Region(region), arn.AccountID(target)
	return r, nil
}
