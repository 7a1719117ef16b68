package catalog

import (
	"context"
	"fmt"
	"time"

	"muster/internal/arn"
	"muster/internal/store"
)

// ImageScans is how often images were scanned: for the first time, and again.
type ImageScans struct{ First, Again int64 }

// dayOf counts days since 1970, UTC.
func dayOf(t time.Time) int64 { return t.Unix() / (24 * 60 * 60) }

// AddImageScans adds to the number of an account's scans of images on the day
// of a time. Days that are of no use any more go.
func AddImageScans(ctx context.Context, tx *store.Tx, account arn.AccountID, region arn.Region, n ImageScans, now time.Time) error {
	_, err := tx.Exec(ctx, `INSERT INTO image_scans (account, region, day, first, again) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (account, region, day) DO UPDATE SET first = image_scans.first + excluded.first, again = image_scans.again + excluded.again`,
		account, region, dayOf(now), n.First, n.Again)
	if err == nil {
		_, err = tx.Exec(ctx, `DELETE FROM image_scans WHERE account = $1 AND region = $2 AND day < $3`, account, region, dayOf(now.Add(-spansKept)))
	}
	if err != nil {
		return fmt.Errorf("count the scans of images: %w", err)
	}
	return nil
}

// CountImageScans adds up the scans of images of accounts in a Region from the
// day of a time on.
func CountImageScans(ctx context.Context, tx *store.Tx, region arn.Region, accounts []arn.AccountID, from time.Time) (map[arn.AccountID]ImageScans, error) {
	var w store.Where
	w.Add("region = ?", region)
	w.Add("day >= ?", dayOf(from))
	store.In(&w, "account", accounts...)
	rows, err := tx.Query(ctx, `SELECT account, CAST(SUM(first) AS BIGINT), CAST(SUM(again) AS BIGINT) FROM image_scans`+w.SQL()+` GROUP BY account`, w.Args()...)
	counts := map[arn.AccountID]ImageScans{}
	_, err = store.ReadAll(rows, err, func(s store.Scanner) (struct{}, error) {
		var id arn.AccountID
		var n ImageScans
		err := s.Scan(&id, &n.First, &n.Again)
		counts[id] = n
		return struct{}{}, err
	})
	if err != nil {
		return nil, fmt.Errorf("add up the scans of images: %w", err)
	}
	return counts, nil
}
