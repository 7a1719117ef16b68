package findings

import (
	"context"
	"fmt"

	"muster/internal/arn"
	"muster/internal/finding"
	"muster/internal/finding/criteria"
	"muster/internal/store"
)

// MatchingPage returns up to limit findings of a status in a Region that meet
// the criteria (nil: all), of an account, by id, after the one given.
func MatchingPage(ctx context.Context, tx *store.Tx, account arn.AccountID, region arn.Region, status finding.Status, c *criteria.Criteria, after string, limit int) ([]Stored, error) {
	var w store.Where
	w.Add("f.region = ?", region)
	w.Add("f.status = ?", status)
	w.Add("f.id > ?", after)
	w.Add("f.account = ?", account)
	if c != nil {
		addCriteria(&w, c)
	}
	rows, err := tx.Query(ctx, `SELECT `+headColumns+` FROM findings f`+use(tx, orderOf(ByStatus).index())+w.SQL()+
		` ORDER BY f.account, f.id LIMIT `+w.Arg(limit), w.Args()...)
	heads, err := store.ReadAll(rows, err, func(s store.Scanner) (head, error) { return scanHead(s) })
	if err != nil {
		return nil, fmt.Errorf("find what rules are about: %w", err)
	}
	return complete(ctx, tx, heads)
}

// WithIDs returns those findings of an account that exist.
func WithIDs(ctx context.Context, tx *store.Tx, account arn.AccountID, region arn.Region, ids []string) ([]Stored, error) {
	var heads []head
	err := chunks(ids, func(part []string) error {
		var w store.Where
		w.Add("f.account = ?", account)
		w.Add("f.region = ?", region)
		store.In(&w, "f.id", part...)
		rows, err := tx.Query(ctx, `SELECT `+headColumns+` FROM findings f`+w.SQL()+` ORDER BY f.id`, w.Args()...)
		list, err := store.ReadAll(rows, err, func(s store.Scanner) (head, error) { return scanHead(s) })
		heads = append(heads, list...)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("findings of %s: %w", account, err)
	}
	return complete(ctx, tx, heads)
}
