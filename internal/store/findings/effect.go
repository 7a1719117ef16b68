package findings

import (
	"context"
	"fmt"

	"muster/internal/arn"
	"muster/internal/finding"
	"muster/internal/store"
	"muster/internal/store/filters"
)

// effectsOf counts what rules do to findings with these changes: which of them
// they hide, and which that they had hidden come back.
func effectsOf(ctx context.Context, tx *store.Tx, writes []Write) (filters.Effects, error) {
	effects, back := filters.Effects{}, map[filters.Place][]string{}
	for i := range writes {
		w := &writes[i]
		at := filters.Place{Account: w.After.Account, Region: w.After.Region}
		switch {
		case w.Rule != "":
			effects.Add(at, arn.ARN(w.Rule), filters.Effect{Hidden: 1})
		case w.Kind == finding.Restored:
			back[at] = append(back[at], w.After.ID())
		}
	}
	for at, ids := range back {
		err := chunks(ids, func(part []string) error {
			hiders, err := hidersOf(ctx, tx, at, part)
			for _, rule := range hiders {
				effects.Add(at, rule, filters.Effect{Returned: 1})
			}
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return effects, nil
}

// hidersOf returns by finding the rule that hid it last, as its history tells.
func hidersOf(ctx context.Context, tx *store.Tx, at filters.Place, ids []string) (map[string]arn.ARN, error) {
	var w store.Where
	w.Add("account = ?", at.Account)
	w.Add("region = ?", at.Region)
	store.In(&w, "finding", ids...)
	w.Add("rule <> ''")
	rows, err := tx.Query(ctx, `SELECT finding, rule FROM finding_history`+w.SQL()+` ORDER BY finding, at, entry`, w.Args()...)
	hiders := map[string]arn.ARN{}
	_, err = store.ReadAll(rows, err, func(s store.Scanner) (id string, err error) {
		var rule arn.ARN
		err = s.Scan(&id, &rule)
		hiders[id] = rule // The last one counts.
		return id, err
	})
	if err != nil {
		return nil, fmt.Errorf("who hid findings: %w", err)
	}
	return hiders, nil
}
