package activation

import (
	"context"
	"time"

	"muster/internal/arn"
	"muster/internal/store"
)

// ClosedAmong returns those of the accounts that have opted out of a Region.
func ClosedAmong(ctx context.Context, tx *store.Tx, region arn.Region, accounts []arn.AccountID) (map[arn.AccountID]bool, error) {
	var w store.Where
	w.Add("region = ?", region)
	store.In(&w, "account", accounts...)
	rows, err := tx.Query(ctx, `SELECT account FROM inspector_closed_regions`+w.SQL(), w.Args()...)
	return store.Set[arn.AccountID](rows, err)
}

// Closed reports whether an account has opted out of a Region.
func Closed(ctx context.Context, tx *store.Tx, account arn.AccountID, region arn.Region) (bool, error) {
	found, err := ClosedAmong(ctx, tx, region, []arn.AccountID{account})
	return found[account], err
}

// CloseRegion notes that an account has opted out of a Region.
func CloseRegion(ctx context.Context, tx *store.Tx, account arn.AccountID, region arn.Region, now time.Time) error {
	_, err := tx.Exec(ctx, `INSERT INTO inspector_closed_regions (account, region, closed_at) VALUES ($1, $2, $3)
		ON CONFLICT DO NOTHING`, account, region, store.Micros(now))
	return err
}

// OpenRegion notes that it has opted in.
func OpenRegion(ctx context.Context, tx *store.Tx, account arn.AccountID, region arn.Region) error {
	_, err := tx.Exec(ctx, `DELETE FROM inspector_closed_regions WHERE account = $1 AND region = $2`, account, region)
	return err
}

// ClosedRegions lists the Regions that an account has opted out of.
func ClosedRegions(ctx context.Context, tx *store.Tx, account arn.AccountID) ([]arn.Region, error) {
	rows, err := tx.Query(ctx, `SELECT region FROM inspector_closed_regions WHERE account = $1 ORDER BY region`, account)
	return store.ReadAll(rows, err, func(s store.Scanner) (r arn.Region, err error) {
		err = s.Scan(&r)
		return r, err
	})
}
