// Package trend remembers how many findings began and ceased to be ACTIVE each
// day, per account and Region. The numbers change in the transaction that
// changes findings. How many were open at the end of a day follows from how
// many are now.
package trend

import (
	"context"
	"fmt"
	"time"

	"muster/internal/arn"
	"muster/internal/store"
)

// Day counts days since 1970, in UTC.
type Day int64

// DayOf is the day of a time.
func DayOf(t time.Time) Day { return Day(t.Unix() / (24 * 60 * 60)) }

// Time is the beginning of a day.
func (d Day) Time() time.Time { return time.Unix(int64(d)*24*60*60, 0).UTC() }

// Kept is how many days are remembered, today included.
const Kept = 100

// Key is an account's day in a Region.
type Key struct {
	Account arn.AccountID
	Region  arn.Region
	Day     Day
}

// Moves are the findings that began and ceased to be ACTIVE; of them the severe
// ones, which are CRITICAL or HIGH. One whose severity changes while it is
// ACTIVE begins or ceases to be severe only.
type Moves struct{ Opened, Closed, SevereOpened, SevereClosed int64 }

// Add adds to the numbers of days.
func Add(ctx context.Context, tx *store.Tx, moves map[Key]Moves) error {
	var rows [][]any
	for k, m := range moves {
		if m != (Moves{}) {
			rows = append(rows, []any{string(k.Account), string(k.Region), int64(k.Day), m.Opened, m.Closed, m.SevereOpened, m.SevereClosed})
		}
	}
	_, err := tx.InsertRows(ctx, "finding_days", []string{"account", "region", "day", "opened", "closed", "severe_opened", "severe_closed"}, rows,
		`ON CONFLICT (account, region, day) DO UPDATE SET
			opened = finding_days.opened + excluded.opened, closed = finding_days.closed + excluded.closed,
			severe_opened = finding_days.severe_opened + excluded.severe_opened, severe_closed = finding_days.severe_closed + excluded.severe_closed`)
	if err != nil {
		return fmt.Errorf("count the day's findings: %w", err)
	}
	return nil
}

// Scope adds the condition that the account in a column is one the caller may
// see.
type Scope interface {
	Where(w *store.Where, column string)
}

// Moved is what happened on a day.
type Moved struct {
	Day Day
	Moves
}

// Since adds the days of the accounts in a scope up, from one on, oldest first.
// Days on which nothing happened are left out.
func Since(ctx context.Context, tx *store.Tx, scope Scope, region arn.Region, from Day) ([]Moved, error) {
	var w store.Where
	w.Add("d.region = ?", region)
	w.Add("d.day >= ?", int64(from))
	scope.Where(&w, "d.account")
	rows, err := tx.Query(ctx, `SELECT d.day, CAST(SUM(d.opened) AS BIGINT), CAST(SUM(d.closed) AS BIGINT),
		CAST(SUM(d.severe_opened) AS BIGINT), CAST(SUM(d.severe_closed) AS BIGINT)
		FROM finding_days d`+w.SQL()+` GROUP BY d.day ORDER BY d.day`, w.Args()...)
	list, err := store.ReadAll(rows, err, func(s store.Scanner) (m Moved, err error) {
		err = s.Scan(&m.Day, &m.Opened, &m.Closed, &m.SevereOpened, &m.SevereClosed)
		return m, err
	})
	if err != nil {
		return nil, fmt.Errorf("add days of findings up: %w", err)
	}
	return list, nil
}

// Forget drops the days of an account in a Region that are no longer kept.
func Forget(ctx context.Context, tx *store.Tx, account arn.AccountID, region arn.Region, now time.Time) error {
	_, err := tx.Exec(ctx, `DELETE FROM finding_days WHERE account = $1 AND region = $2 AND day <= $3`, account, region, int64(DayOf(now)-Kept))
	if err != nil {
		return fmt.Errorf("forget days of findings: %w", err)
	}
	return nil
}
