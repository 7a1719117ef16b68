package findings

import (
	"context"

	"muster/internal/arn"
	"muster/internal/store"
)

// AccountsWith lists the accounts of a scope that have findings in a Region.
func AccountsWith(ctx context.Context, tx *store.Tx, scope Scope, region arn.Region) ([]arn.AccountID, error) {
	var w store.Where
	w.Add("c.region = ?", region)
	w.Add("c.total > 0")
	scope.Where(&w, "c.account")
	rows, err := tx.Query(ctx, `SELECT DISTINCT c.account FROM finding_counts c`+w.SQL()+` ORDER BY c.account`, w.Args()...)
	return store.ReadAll(rows, err, func(s store.Scanner) (a arn.AccountID, err error) {
		err = s.Scan(&a)
		return a, err
	})
}
