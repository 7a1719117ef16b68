package findings

import (
	"context"
	"fmt"

	"muster/internal/arn"
	"muster/internal/finding"
	"muster/internal/finding/criteria"
	"muster/internal/store"
)

// ActiveMatching returns up to limit ACTIVE findings in a Region of the
// accounts in the scope that meet the criteria, in no order.
func ActiveMatching(ctx context.Context, tx *store.Tx, scope Scope, region arn.Region, c *criteria.Criteria, limit int) ([]Stored, error) {
	var w store.Where
	w.Add("f.region = ?", region)
	w.Add("f.status = ?", finding.Active)
	scope.Where(&w, "f.account")
	addCriteria(&w, c)
	rows, err := tx.Query(ctx, `SELECT `+headColumns+` FROM findings f`+w.SQL()+` LIMIT `+w.Arg(limit), w.Args()...)
	heads, err := store.ReadAll(rows, err, func(s store.Scanner) (head, error) { return scanHead(s) })
	if err != nil {
		return nil, fmt.Errorf("find what a rule suppresses: %w", err)
	}
	return complete(ctx, tx, heads)
}

// SuppressedPage returns up to limit SUPPRESSED findings in a Region of the
// accounts in the scope, by account and id, after the ones given.
func SuppressedPage(ctx context.Context, tx *store.Tx, scope Scope, region arn.Region, account arn.AccountID, id string, limit int) ([]Stored, error) {
	var w store.Where
	w.Add("f.region = ?", region)
	w.Add("f.status = ?", finding.Suppressed)
	w.After([]string{"f.account", "f.id"}, account, id)
	scope.Where(&w, "f.account")
	rows, err := tx.Query(ctx, `SELECT `+headColumns+` FROM findings f`+use(tx, orderOf(ByStatus).index())+w.SQL()+
		` ORDER BY f.account, f.id LIMIT `+w.Arg(limit), w.Args()...)
	heads, err := store.ReadAll(rows, err, func(s store.Scanner) (head, error) { return scanHead(s) })
	if err != nil {
		return nil, fmt.Errorf("list suppressed findings: %w", err)
	}
	return complete(ctx, tx, heads)
}
