package findings

import (
	"context"

	"muster/internal/arn"
	"muster/internal/finding"
	"muster/internal/store"
)

// bucket is what findings are counted by.
type bucket struct {
	Account      arn.AccountID
	Region       arn.Region
	Status       finding.Status
	Type         finding.Type
	ResourceType finding.ResourceType
	Severity     int
}

// tally is the number of findings in a bucket, and of those with an exploit
// and with a fix for every package.
type tally struct{ total, exploitable, fixable int64 }

func bucketOf(f *finding.Finding) bucket {
	return bucket{f.Account, f.Region, f.Status, f.Type, f.Resource.Type, f.Severity.Rank()}
}

// count moves the changed findings from the buckets they were in to those
// they are in now.
func count(ctx context.Context, tx *store.Tx, writes []Write) error {
	deltas, grouped := map[bucket]tally{}, newGroupDeltas()
	for i := range writes {
		w := &writes[i]
		if w.Before.Status != "" {
			addTo(deltas, &w.Before, -1)
			grouped.add(&w.Before, w.Resource, -1)
		}
		addTo(deltas, &w.After, 1)
		grouped.add(&w.After, w.Resource, 1)
	}
	if err := addCounts(ctx, tx, deltas); err != nil {
		return err
	}
	return grouped.store(ctx, tx)
}

func addTo(deltas map[bucket]tally, f *finding.Finding, n int64) {
	b := bucketOf(f)
	t := deltas[b]
	t.total += n
	if f.Exploit == finding.Yes {
		t.exploitable += n
	}
	if f.Fix == finding.Yes {
		t.fixable += n
	}
	deltas[b] = t
}

func addCounts(ctx context.Context, tx *store.Tx, deltas map[bucket]tally) error {
	var rows [][]any
	for b, t := range deltas {
		if t != (tally{}) {
			rows = append(rows, []any{string(b.Account), string(b.Region), string(b.Status), string(b.Type), string(b.ResourceType),
				b.Severity, t.total, t.exploitable, t.fixable})
		}
	}
	_, err := tx.InsertRows(ctx, "finding_counts",
		[]string{"account", "region", "status", "type", "resource_type", "severity", "total", "exploitable", "fixable"}, rows,
		`ON CONFLICT (account, region, status, type, resource_type, severity) DO UPDATE SET
			total = finding_counts.total + excluded.total, exploitable = finding_counts.exploitable + excluded.exploitable,
			fixable = finding_counts.fixable + excluded.fixable`)
	return err
}

// Total is the number of an account's findings in a Region, of any status.
func Total(ctx context.Context, tx *store.Tx, account arn.AccountID, region arn.Region) (int64, error) {
	var n int64
	err := store.One(tx.QueryRow(ctx, `SELECT CAST(COALESCE(SUM(total), 0) AS BIGINT) FROM finding_counts
		WHERE account = $1 AND region = $2`, account, region), &n)
	return n, err
}
