package findings

import (
	"context"
	"errors"
	"fmt"

	"muster/internal/arn"
	"muster/internal/finding"
	"muster/internal/store"
	"muster/internal/store/trend"
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
	deltas, grouped, days := map[bucket]tally{}, newGroupDeltas(), dayMoves{}
	for i := range writes {
		w := &writes[i]
		if w.Before.Status != "" {
			addTo(deltas, &w.Before, -1)
			grouped.add(&w.Before, w.Resource, -1)
		}
		addTo(deltas, &w.After, 1)
		grouped.add(&w.After, w.Resource, 1)
		days.add(&w.Before, &w.After, w.After.UpdatedAt)
	}
	return errors.Join(addCounts(ctx, tx, deltas), grouped.store(ctx, tx), trend.Add(ctx, tx, days))
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

// Tally is the number of findings in a scope that are alike.
type Tally struct {
	Status                      finding.Status
	Type                        finding.Type
	ResourceType                finding.ResourceType
	Severity                    finding.Severity
	Count, Exploitable, Fixable int64
}

// Tallies adds up the kept counts of the accounts in a scope: it costs what the
// accounts cost, however many findings they have.
func Tallies(ctx context.Context, tx *store.Tx, scope Scope, region arn.Region) ([]Tally, error) {
	var w store.Where
	w.Add("c.region = ?", region)
	w.Add("c.total > 0")
	scope.Where(&w, "c.account")
	const by = `c.status, c.type, c.resource_type, c.severity`
	rows, err := tx.Query(ctx, `SELECT `+by+`, CAST(SUM(c.total) AS BIGINT), CAST(SUM(c.exploitable) AS BIGINT), CAST(SUM(c.fixable) AS BIGINT)
		FROM finding_counts c`+w.SQL()+` GROUP BY `+by+` ORDER BY `+by, w.Args()...)
	list, err := store.ReadAll(rows, err, func(s store.Scanner) (t Tally, err error) {
		var rank int
		err = s.Scan(&t.Status, &t.Type, &t.ResourceType, &rank, &t.Count, &t.Exploitable, &t.Fixable)
		for _, severity := range finding.Severities() {
			if severity.Rank() == rank {
				t.Severity = severity
			}
		}
		return t, err
	})
	if err != nil {
		return nil, fmt.Errorf("tally findings: %w", err)
	}
	return list, nil
}
