package filters

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"muster/internal/arn"
	"muster/internal/store"
)

// Effect is how often findings were hidden, and how often they came back.
type Effect struct{ Hidden, Returned int64 }

// Place is an account whose findings a rule acts on, in a Region.
type Place struct {
	Account arn.AccountID
	Region  arn.Region
}

// Effects are what happened to findings by place and by the ARN of the rule.
type Effects map[Place]map[arn.ARN]Effect

// Add counts.
func (e Effects) Add(at Place, rule arn.ARN, effect Effect) {
	if e[at] == nil {
		e[at] = map[arn.ARN]Effect{}
	}
	sum := e[at][rule]
	e[at][rule] = Effect{sum.Hidden + effect.Hidden, sum.Returned + effect.Returned}
}

// CountEffects adds to what rules did, each under the last change of the rule. Rows
// belong to the account of the findings, so that an organization's scans do not
// wait for each other.
func CountEffects(ctx context.Context, tx *store.Tx, effects Effects) error {
	var rows [][]any
	for _, at := range slices.SortedFunc(maps.Keys(effects), func(a, b Place) int {
		return cmp.Or(cmp.Compare(a.Account, b.Account), cmp.Compare(a.Region, b.Region))
	}) {
		for _, rule := range slices.Sorted(maps.Keys(effects[at])) {
			entry, err := lastEntry(ctx, tx, rule)
			if errors.Is(err, store.ErrNotFound) {
				continue // Its history is older than histories are kept.
			}
			if err != nil {
				return err
			}
			e := effects[at][rule]
			rows = append(rows, []any{string(at.Account), string(at.Region), string(rule), entry, e.Hidden, e.Returned})
		}
	}
	_, err := tx.InsertRows(ctx, "filter_effects", []string{"account", "region", "rule", "entry", "hidden", "returned"}, rows,
		`ON CONFLICT (account, region, rule, entry) DO UPDATE SET hidden = filter_effects.hidden + excluded.hidden,
			returned = filter_effects.returned + excluded.returned`)
	if err != nil {
		return fmt.Errorf("count what rules did: %w", err)
	}
	return nil
}

// lastEntry is the newest entry of a rule's history.
func lastEntry(ctx context.Context, tx *store.Tx, rule arn.ARN) (entry string, err error) {
	account, region, id, ok := ParseARN(rule)
	if !ok {
		return "", store.ErrNotFound
	}
	err = store.One(tx.QueryRow(ctx, `SELECT entry FROM filter_history WHERE account = $1 AND region = $2 AND filter = $3
		ORDER BY entry DESC LIMIT 1`, account, region, id), &entry)
	return entry, err
}

// byEntry is what a rule did, by entry of its history.
func byEntry(ctx context.Context, tx *store.Tx, rule arn.ARN) (map[string]Effect, error) {
	rows, err := tx.Query(ctx, `SELECT entry, CAST(SUM(hidden) AS BIGINT), CAST(SUM(returned) AS BIGINT) FROM filter_effects WHERE rule = $1 GROUP BY entry`, rule)
	found := map[string]Effect{}
	_, err = store.ReadAll(rows, err, func(s store.Scanner) (entry string, err error) {
		var e Effect
		err = s.Scan(&entry, &e.Hidden, &e.Returned)
		found[entry] = e
		return entry, err
	})
	if err != nil {
		return nil, fmt.Errorf("what rule %s did: %w", rule, err)
	}
	return found, nil
}

// EffectOf is all that a rule did.
func EffectOf(ctx context.Context, tx *store.Tx, rule arn.ARN) (Effect, error) {
	entries, err := byEntry(ctx, tx, rule)
	var sum Effect
	for _, e := range entries {
		sum = Effect{sum.Hidden + e.Hidden, sum.Returned + e.Returned}
	}
	return sum, err
}

// EffectOn is what a rule did to the findings of one place, or
// store.ErrNotFound for a rule whose history is forgotten.
func EffectOn(ctx context.Context, tx *store.Tx, rule arn.ARN, at Place) (e Effect, err error) {
	if _, err := lastEntry(ctx, tx, rule); err != nil {
		return e, err
	}
	err = store.One(tx.QueryRow(ctx, `SELECT CAST(COALESCE(SUM(hidden), 0) AS BIGINT), CAST(COALESCE(SUM(returned), 0) AS BIGINT)
		FROM filter_effects WHERE account = $1 AND region = $2 AND rule = $3`, at.Account, at.Region, rule), &e.Hidden, &e.Returned)
	return e, err
}
