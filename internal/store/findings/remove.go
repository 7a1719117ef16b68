package findings

import (
	"context"
	"errors"
	"fmt"
	"time"

	"muster/internal/arn"
	"muster/internal/finding"
	"muster/internal/store"
	"muster/internal/store/trend"
)

// Expire deletes up to limit closed findings of an account in a Region whose
// time has come, with their history, and tells when the next one's will; zero
// means that none waits.
func Expire(ctx context.Context, tx *store.Tx, account arn.AccountID, region arn.Region, now time.Time, limit int) (deleted int, next time.Time, err error) {
	deleted, err = remove(ctx, tx, now, limit, func(w *store.Where) string {
		w.Add("f.account = ?", account)
		w.Add("f.region = ?", region)
		w.Add("f.expires_at > 0")
		w.Add("f.expires_at <= ?", store.Micros(now))
		return ` ORDER BY f.expires_at`
	})
	if err == nil {
		err = trend.Forget(ctx, tx, account, region, now)
	}
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
func RemoveOf(ctx context.Context, tx *store.Tx, account arn.AccountID, region arn.Region, kind finding.ResourceType, now time.Time, limit int) (int, error) {
	return remove(ctx, tx, now, limit, func(w *store.Where) string {
		w.Add("f.account = ?", account)
		w.Add("f.region = ?", region)
		w.Add("f.resource_type = ?", kind)
		return ``
	})
}

// remove deletes findings with what hangs on them.
func remove(ctx context.Context, tx *store.Tx, now time.Time, limit int, which func(*store.Where) (order string)) (int, error) {
	var w store.Where
	order := which(&w)
	rows, err := tx.Query(ctx, `SELECT `+headColumns+` FROM findings f`+w.SQL()+order+` LIMIT `+w.Arg(limit), w.Args()...)
	heads, err := store.ReadAll(rows, err, func(s store.Scanner) (head, error) { return scanHead(s) })
	if err != nil {
		return 0, fmt.Errorf("find findings to delete: %w", err)
	}
	list, err := complete(ctx, tx, heads)
	if err != nil {
		return 0, err
	}
	deltas, grouped, days, contents := map[bucket]tally{}, newGroupDeltas(), dayMoves{}, map[int64]bool{}
	for i := range list {
		f := &list[i]
		if err := erase(ctx, tx, f.Account, f.Region, f.ID()); err != nil {
			return 0, err
		}
		contents[f.content] = true
		addTo(deltas, &f.Finding, -1)
		grouped.add(&f.Finding, f.Number, -1)
		days.add(&f.Finding, &finding.Finding{}, now)
	}
	if err := errors.Join(addCounts(ctx, tx, deltas), grouped.store(ctx, tx), trend.Add(ctx, tx, days)); err != nil {
		return 0, err
	}
	return len(list), dropContents(ctx, tx, contents)
}

func erase(ctx context.Context, tx *store.Tx, account arn.AccountID, region arn.Region, id string) error {
	if _, err := tx.Exec(ctx, `DELETE FROM findings WHERE account = $1 AND region = $2 AND id = $3`, account, region, id); err != nil {
		return fmt.Errorf("delete finding: %w", err)
	}
	if _, err := tx.Exec(ctx, `DELETE FROM finding_history WHERE account = $1 AND region = $2 AND finding = $3`, account, region, id); err != nil {
		return fmt.Errorf("delete history: %w", err)
	}
	return nil
}
