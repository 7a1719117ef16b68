package findings

import (
	"context"
	"fmt"

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
	deltas := map[bucket]tally{}
	for i := range writes {
		if writes[i].Before.Status != "" {
			addTo(deltas, &writes[i].Before, -1)
		}
		addTo(deltas, &writes[i].After, 1)
	}
	return addCounts(ctx, tx, deltas)
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

// VerifyCounts compares the kept counts with the findings and describes every
// difference; nil means they agree. It reads every finding.
func VerifyCounts(ctx context.Context, tx *store.Tx) ([]string, error) {
	kept, err := readCounts(ctx, tx, `SELECT account, region, status, type, resource_type, severity, total, exploitable, fixable
		FROM finding_counts WHERE total <> 0 OR exploitable <> 0 OR fixable <> 0`)
	if err != nil {
		return nil, err
	}
	actual, err := readCounts(ctx, tx, `SELECT account, region, status, type, resource_type, severity, COUNT(*),
		SUM(CASE WHEN exploit = 'YES' THEN 1 ELSE 0 END), SUM(CASE WHEN fix = 'YES' THEN 1 ELSE 0 END)
		FROM findings GROUP BY account, region, status, type, resource_type, severity`)
	if err != nil {
		return nil, err
	}
	var wrong []string
	for b, t := range actual {
		if kept[b] != t {
			wrong = append(wrong, fmt.Sprintf("%v: counted %v, kept %v", b, t, kept[b]))
		}
		delete(kept, b)
	}
	for b, t := range kept {
		wrong = append(wrong, fmt.Sprintf("%v: counted nothing, kept %v", b, t))
	}
	return wrong, nil
}

func readCounts(ctx context.Context, tx *store.Tx, query string) (map[bucket]tally, error) {
	found := map[bucket]tally{}
	rows, err := tx.Query(ctx, query)
	_, err = store.ReadAll(rows, err, func(s store.Scanner) (b bucket, err error) {
		var t tally
		err = s.Scan(&b.Account, &b.Region, &b.Status, &b.Type, &b.ResourceType, &b.Severity, &t.total, &t.exploitable, &t.fixable)
		found[b] = t
		return b, err
	})
	return found, err
}
