package recount

import (
	"context"
	"errors"
	"fmt"
	"time"

	"muster/internal/arn"
	"muster/internal/finding"
	"muster/internal/store"
	"muster/internal/store/filters"
	"muster/internal/store/findings"
	"muster/internal/store/trend"
)

// Days compares what is kept of a place's days with the histories of its
// findings. Histories go with their findings, so they are the least that must
// have been counted, and of what began the severe ones are a part.
func Days(ctx context.Context, tx *store.Tx, at findings.Place, now time.Time, mend bool) (wrong []string, err error) {
	told, err := days(ctx, tx, at, now)
	if err != nil {
		return nil, err
	}
	rows, err := tx.Query(ctx, `SELECT day, opened, closed, severe_opened, severe_closed FROM finding_days WHERE account = $1 AND region = $2 AND day > $3`,
		at.Account, at.Region, int64(trend.DayOf(now)-trend.Kept))
	_, err = store.ReadAll(rows, err, func(s store.Scanner) (struct{}, error) {
		var d trend.Day
		var m trend.Moves
		err := s.Scan(&d, &m.Opened, &m.Closed, &m.SevereOpened, &m.SevereClosed)
		k := trend.Key{Account: at.Account, Region: at.Region, Day: d}
		least := told[k]
		least.Opened, least.Closed = max(least.Opened, m.SevereOpened), max(least.Closed, m.SevereClosed)
		told[k] = trend.Moves{Opened: max(0, least.Opened-m.Opened), Closed: max(0, least.Closed-m.Closed),
			SevereOpened: max(0, -m.SevereOpened), SevereClosed: max(0, -m.SevereClosed)}
		return struct{}{}, err
	})
	if err != nil {
		return nil, fmt.Errorf("days of %s: %w", at.Account, err)
	}
	for k, lack := range told {
		if lack != (trend.Moves{}) {
			wrong = append(wrong, fmt.Sprintf("%s of %s in %s: at least %+v more must have happened than is kept", k.Day.Time().Format(time.DateOnly), at.Account, at.Region, lack))
		}
	}
	if mend && len(wrong) > 0 {
		err = trend.Add(ctx, tx, told)
	}
	return wrong, err
}

// days counts by day what the histories of a place's findings tell.
func days(ctx context.Context, tx *store.Tx, at findings.Place, now time.Time) (map[trend.Key]trend.Moves, error) {
	const day = int64(24 * time.Hour / time.Microsecond)
	told := map[trend.Key]trend.Moves{}
	rows, err := tx.Query(ctx, `SELECT at / $4, SUM(CASE WHEN after = $5 AND before <> $5 THEN 1 ELSE 0 END), SUM(CASE WHEN before = $5 AND after <> $5 THEN 1 ELSE 0 END)
		FROM finding_history WHERE account = $1 AND region = $2 AND at >= $3 GROUP BY at / $4`,
		at.Account, at.Region, (int64(trend.DayOf(now)-trend.Kept)+1)*day, day, finding.Active)
	_, err = store.ReadAll(rows, err, func(s store.Scanner) (struct{}, error) {
		var d trend.Day
		var m trend.Moves
		err := s.Scan(&d, &m.Opened, &m.Closed)
		told[trend.Key{Account: at.Account, Region: at.Region, Day: d}] = m
		return struct{}{}, err
	})
	if err != nil {
		return nil, fmt.Errorf("histories of %s: %w", at.Account, err)
	}
	return told, nil
}

// Effects compares what is kept of what rules did to a place's findings with
// the histories of these, which are the least that rules did. Of rules that
// nobody remembers nothing is kept.
func Effects(ctx context.Context, tx *store.Tx, at findings.Place, mend bool) (wrong []string, err error) {
	told, err := effects(ctx, tx, at)
	if err != nil {
		return nil, err
	}
	place := filters.Place{Account: at.Account, Region: at.Region}
	lacking := filters.Effects{}
	for rule, did := range told {
		kept, err := filters.EffectOn(ctx, tx, rule, place)
		if errors.Is(err, store.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		lack := filters.Effect{Hidden: max(0, did.Hidden-kept.Hidden), Returned: max(0, did.Returned-kept.Returned)}
		if lack != (filters.Effect{}) {
			wrong = append(wrong, fmt.Sprintf("%s did at least %+v in %s, kept is %+v", rule, did, at.Account, kept))
			lacking.Add(place, rule, lack)
		}
	}
	if mend {
		err = filters.CountEffects(ctx, tx, lacking)
	}
	return wrong, err
}

// effects counts by rule what the histories of a place's findings tell.
func effects(ctx context.Context, tx *store.Tx, at findings.Place) (map[arn.ARN]filters.Effect, error) {
	told := map[arn.ARN]filters.Effect{}
	var last string
	var hider arn.ARN
	rows, err := tx.Query(ctx, `SELECT finding, rule, kind FROM finding_history
		WHERE account = $1 AND region = $2 AND (rule <> '' OR kind = $3) ORDER BY finding, at, entry`, at.Account, at.Region, finding.Restored)
	_, err = store.ReadAll(rows, err, func(s store.Scanner) (struct{}, error) {
		var id string
		var rule arn.ARN
		var kind finding.Kind
		if err := s.Scan(&id, &rule, &kind); err != nil {
			return struct{}{}, err
		}
		if id != last {
			last, hider = id, ""
		}
		if rule != "" {
			hider = rule
		}
		did := told[hider]
		if rule != "" {
			did.Hidden++
		} else {
			did.Returned++
		}
		told[hider] = did
		return struct{}{}, nil
	})
	if err != nil {
		return nil, fmt.Errorf("histories of %s: %w", at.Account, err)
	}
	delete(told, "")
	return told, nil
}
