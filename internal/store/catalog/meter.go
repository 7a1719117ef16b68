package catalog

import (
	"context"
	"fmt"
	"time"

	"muster/internal/arn"
	"muster/internal/finding"
	"muster/internal/store"
)

// Usage is metered where coverage changes: a resource remembers since when it
// has been covered, and a span is left behind when that ends. Nothing is
// sampled, and a resource that stays as it is costs nothing.

// spansKept is how long spans are of use: usage is told for thirty days.
const spansKept = 31 * 24 * time.Hour

// metered reports whether time accrues: stopped, excluded and pending-disable
// resources are covered without being scanned.
func (c Coverage) metered() bool { return c.Covered && c.Status == "ACTIVE" }

// meter follows a change of coverage. It comes before the change is written.
func meter(ctx context.Context, tx *store.Tx, r *Resource, before, after Coverage, now time.Time) error {
	had := before.metered()
	if had && after.metered() {
		had = before.ScanType != after.ScanType || before.ScanMode != after.ScanMode
		if !had {
			return nil
		}
	}
	if had {
		if err := endSpans(ctx, tx, r.Account, r.Region, `number = $4`, now, r.Number); err != nil {
			return err
		}
	}
	if !after.metered() {
		return nil
	}
	_, err := tx.Exec(ctx, `UPDATE resources SET metered_since = $2 WHERE number = $1`, r.Number, store.Micros(now))
	return err
}

// endSpans turns the running times of those of an account's resources that a
// condition names into spans. Spans that are of no use any more go.
func endSpans(ctx context.Context, tx *store.Tx, account arn.AccountID, region arn.Region, condition string, now time.Time, arg any) error {
	condition = `account = $2 AND region = $3 AND metered_since > 0 AND ` + condition
	_, err := tx.Exec(ctx, `INSERT INTO coverage_spans (account, region, ended_at, resource, type, scan_type, scan_mode, began_at)
		SELECT account, region, CAST($1 AS BIGINT), number, type, scan_type, scan_mode, metered_since FROM resources
		WHERE metered_since < $1 AND `+condition+` ON CONFLICT DO NOTHING`, store.Micros(now), account, region, arg)
	if err != nil {
		return fmt.Errorf("end the metering of coverage: %w", err)
	}
	_, err = tx.Exec(ctx, `UPDATE resources SET metered_since = 0 WHERE metered_since <= $1 AND `+condition,
		store.Micros(now), account, region, arg)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `DELETE FROM coverage_spans WHERE account = $1 AND region = $2 AND ended_at < $3`,
		account, region, store.Micros(now.Add(-spansKept)))
	return err
}

// PauseMetering ends the running times of an account's resources of a type:
// the account is suspended, and its coverage stays as it is.
func PauseMetering(ctx context.Context, tx *store.Tx, account arn.AccountID, region arn.Region, kind finding.ResourceType, now time.Time) error {
	return endSpans(ctx, tx, account, region, `type = $4`, now, string(kind))
}

// ResumeMetering lets time accrue again after PauseMetering.
func ResumeMetering(ctx context.Context, tx *store.Tx, account arn.AccountID, region arn.Region, kind finding.ResourceType, now time.Time) error {
	_, err := tx.Exec(ctx, `UPDATE resources SET metered_since = $4 WHERE account = $1 AND region = $2 AND type = $3
		AND covered AND status = 'ACTIVE' AND metered_since = 0`, account, region, kind, store.Micros(now))
	return err
}

// Metered is how long an account's resources of one kind were covered, added
// up.
type Metered struct {
	Account            arn.AccountID
	Type               finding.ResourceType
	ScanType, ScanMode string
	Time               time.Duration
}

// MeteredTimes adds up how long the resources of accounts were covered in a
// Region between two times, the second one being now.
func MeteredTimes(ctx context.Context, tx *store.Tx, region arn.Region, accounts []arn.AccountID, from, now time.Time) ([]Metered, error) {
	running, err := meteredTimes(ctx, tx, `resources`, `metered_since`, `metered_since > 0`, region, accounts, from, now)
	if err != nil {
		return nil, err
	}
	ended, err := meteredTimes(ctx, tx, `coverage_spans`, `began_at`, `TRUE`, region, accounts, from, now)
	return append(running, ended...), err
}

func meteredTimes(ctx context.Context, tx *store.Tx, table, began, condition string, region arn.Region, accounts []arn.AccountID, from, now time.Time) ([]Metered, error) {
	end := store.Micros(now)
	var w store.Where
	since := `CASE WHEN ` + began + ` > ` + w.Arg(store.Micros(from)) + ` THEN ` + began + ` ELSE ` + w.Arg(store.Micros(from)) + ` END`
	until := w.Arg(end)
	if table == "coverage_spans" {
		until = `CASE WHEN ended_at < ` + until + ` THEN ended_at ELSE ` + until + ` END`
		w.Add("ended_at > ?", store.Micros(from))
	}
	w.Add(condition)
	w.Add(began+" < ?", end)
	w.Add("region = ?", region)
	store.In(&w, "account", accounts...)
	rows, err := tx.Query(ctx, `SELECT account, type, scan_type, scan_mode, CAST(SUM(`+until+` - `+since+`) AS BIGINT) FROM `+table+w.SQL()+
		` GROUP BY account, type, scan_type, scan_mode`, w.Args()...)
	list, err := store.ReadAll(rows, err, func(s store.Scanner) (m Metered, err error) {
		var micros int64
		err = s.Scan(&m.Account, &m.Type, &m.ScanType, &m.ScanMode, &micros)
		m.Time = time.Duration(micros) * time.Microsecond
		return m, err
	})
	if err != nil {
		return nil, fmt.Errorf("add up metered times: %w", err)
	}
	return list, nil
}
