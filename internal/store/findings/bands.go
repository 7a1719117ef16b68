package findings

import (
	"context"
	"fmt"

	"muster/internal/finding"
	"muster/internal/finding/criteria"
	"muster/internal/store"
)

// band is the scores that findings have.
type band struct{ lowest, highest float64 }

func (b band) with(o band) band {
	return band{min(b.lowest, o.lowest), max(b.highest, o.highest)}
}

// bands are the scores of findings by the rank of their severity.
func bands(ctx context.Context, tx *store.Tx) (map[int]band, error) {
	known := map[int]band{}
	rows, err := tx.Query(ctx, `SELECT severity, lowest, highest FROM score_bands`)
	_, err = store.ReadAll(rows, err, func(s store.Scanner) (b band, err error) {
		var rank int
		err = s.Scan(&rank, &b.lowest, &b.highest)
		known[rank] = b
		return b, err
	})
	return known, err
}

// widenBands makes the bands wide enough for rows of findings. They are read
// first and seldom written, so that writers do not wait for each other.
func widenBands(ctx context.Context, tx *store.Tx, rows [][]any) error {
	known, err := bands(ctx, tx)
	if err != nil {
		return fmt.Errorf("scores of severities: %w", err)
	}
	wider := map[int]bool{}
	for _, r := range rows {
		rank, isRank := r[severityColumn].(int)
		score, isScore := r[scoreColumn].(float64)
		if !isRank || !isScore {
			continue
		}
		b, ok := known[rank]
		next := band{score, score}
		if ok {
			next = b.with(next)
		}
		if !ok || next != b {
			known[rank], wider[rank] = next, true
		}
	}
	for rank := range wider {
		if _, err := tx.Exec(ctx, `INSERT INTO score_bands (severity, lowest, highest) VALUES ($1, $2, $3)
			ON CONFLICT (severity) DO UPDATE SET lowest = excluded.lowest, highest = excluded.highest`, rank, known[rank].lowest, known[rank].highest); err != nil {
			return fmt.Errorf("scores of severities: %w", err)
		}
	}
	return nil
}

// bandOf is the band that the scores of a question's severities lie in, where
// it is asked for in the order of scores; nil where that says nothing.
func bandOf(ctx context.Context, tx *store.Tx, q *Query) (*band, error) {
	severities := equalTo(&q.Criteria, criteria.Severity)
	if q.Field != ByInspectorScore || severities == nil {
		return nil, nil
	}
	known, err := bands(ctx, tx)
	if err != nil {
		return nil, err
	}
	var all *band
	for _, s := range severities {
		b, ok := known[finding.Severity(s).Rank()]
		switch {
		case ok && all == nil:
			all = &b
		case ok:
			all = new(all.with(b))
		}
	}
	if all == nil {
		// None of them has a score: nothing lies in this band.
		all = &band{lowest: 1, highest: 0}
	}
	return all, nil
}
