package findings

import (
	"context"
	"fmt"
	"time"

	"muster/internal/arn"
	"muster/internal/finding"
	"muster/internal/store"
)

// Expire deletes up to limit closed findings of an account in a Region whose
// time has come, with their history, and tells when the next one's will; zero
// means that none waits.
func Expire(ctx context.Context, tx *store.Tx, account arn.AccountID, region arn.Region, now time.Time, limit int) (deleted int, next time.Time, err error) {
	deleted, err = remove(ctx, tx, limit, func(w *store.Where) string {
		w.Add("f.account = ?", account)
		w.Add("f.region = ?", region)
		w.Add("f.expires_at > 0")
		w.Add("f.expires_at <= ?", store.Micros(now))
		return ` ORDER BY f.expires_at`
	})
	if err != nil {
		return 0, time.Time{}, err
	}
	var at int64
	err = store.One(tx.QueryRow(ctx, `SELECT COALESCE(MIN(expires_at), 0) FROM findings
		WHERE account = $1 AND region = $2 AND expires_at > 0`, account, region), &at)
	return deleted, store.Time(at), err
}

// RemoveOf deletes up to limit findings of an account's resources of a type
// in a Region and returns how many it deleted.
func RemoveOf(ctx context.Context, tx *store.Tx, account arn.AccountID, region arn.Region, kind finding.ResourceType, limit int) (int, error) {
	return remove(ctx, tx, limit, func(w *store.Where) string {
		w.Add("f.account = ?", account)
		w.Add("f.region = ?", region)
		w.Add("f.resource_type = ?", kind)
		return ``
	})
}

// dying is what must be known of a finding to forget it.
type dying struct {
	account, region, id string
	content             int64
	bucket              bucket
	exploit, fix        string
}

func scanDying(s store.Scanner) (d dying, err error) {
	b := &d.bucket
	err = s.Scan(&d.account, &d.region, &d.id, &d.content, &b.Status, &b.Type, &b.ResourceType, &b.Severity, &d.exploit, &d.fix)
	b.Account, b.Region = arn.AccountID(d.account), arn.Region(d.region)
	return d, err
}

// remove deletes findings with what hangs on them.
func remove(ctx context.Context, tx *store.Tx, limit int, which func(*store.Where) (order string)) (int, error) {
	var w store.Where
	order := which(&w)
	rows, err := tx.Query(ctx, `SELECT f.account, f.region, f.id, f.content, f.status, f.type, f.resource_type, f.severity,
		COALESCE(f.exploit, ''), COALESCE(f.fix, '') FROM findings f`+w.SQL()+order+` LIMIT `+w.Arg(limit), w.Args()...)
	list, err := store.ReadAll(rows, err, scanDying)
	if err != nil {
		return 0, fmt.Errorf("find findings to delete: %w", err)
	}
	deltas, contents := map[bucket]tally{}, map[int64]bool{}
	for _, d := range list {
		if _, err := tx.Exec(ctx, `DELETE FROM findings WHERE account = $1 AND region = $2 AND id = $3`, d.account, d.region, d.id); err != nil {
			return 0, fmt.Errorf("delete finding: %w", err)
		}
		if _, err := tx.Exec(ctx, `DELETE FROM finding_history WHERE account = $1 AND region = $2 AND finding = $3`, d.account, d.region, d.id); err != nil {
			return 0, fmt.Errorf("delete history: %w", err)
		}
		contents[d.content] = true
		d.discount(deltas)
	}
	if err := addCounts(ctx, tx, deltas); err != nil {
		return 0, err
	}
	return len(list), dropContents(ctx, tx, contents)
}

func (d *dying) discount(deltas map[bucket]tally) {
	t := deltas[d.bucket]
	t.total--
	if d.exploit == string(finding.Yes) {
		t.exploitable--
	}
	if d.fix == string(finding.Yes) {
		t.fixable--
	}
	deltas[d.bucket] = t
}
