package findings

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"muster/internal/arn"
	"muster/internal/finding"
	"muster/internal/finding/criteria"
	"muster/internal/store"
)

// OpenTally is how many open findings of an account meet criteria.
type OpenTally struct {
	Account arn.AccountID
	// Active and Suppressed are counts by rank of severity.
	Active, Suppressed [6]int64
}

// Progress is how far a count has come: all accounts before Account, and in it
// all findings up to ID. The zero value is the beginning.
type Progress struct {
	Account arn.AccountID
	ID      string
	Done    bool
}

const (
	// countAtOnce is how many findings of an account one statement looks at.
	countAtOnce = 20_000
	// toBegin is how many findings' work it is to begin with an account.
	toBegin = 20
)

// CountMatching counts the open findings of a scope in a Region that meet the
// criteria, from a place on, by account. It looks at some within findings and
// tells where it stopped; an account can be told in parts. Where few findings
// can be meant, or the kept counts tell, it counts all, whatever their number.
func CountMatching(ctx context.Context, tx *store.Tx, scope Scope, region arn.Region, c *criteria.Criteria, from Progress, within int) ([]OpenTally, Progress, error) {
	q := Query{Scope: scope, Region: region, Criteria: *c}
	if keptAlike(c) {
		var w store.Where
		w.Add("f.region = ?", region)
		w.Add("f.total > 0")
		scope.Where(&w, `f.account`)
		list, err := countOpen(ctx, tx, &w, &q, `CAST(SUM(f.total) AS BIGINT)`, "finding_counts f")
		return list, Progress{Done: true}, err
	}
	if from == (Progress{}) {
		gather, none, err := fewThatPass(ctx, tx, &q)
		if err != nil || none {
			return nil, Progress{Done: true}, err
		}
		if gather != nil {
			list, err := countGathered(ctx, tx, &q, gather)
			return list, Progress{Done: true}, err
		}
	}
	totals, err := totalsOf(ctx, tx, scope, region)
	if err != nil {
		return nil, from, err
	}
	var list []OpenTally
	for _, account := range slices.Sorted(maps.Keys(totals)) {
		if account < from.Account {
			continue
		}
		t := OpenTally{Account: account}
		if account != from.Account {
			from = Progress{Account: account}
		}
		for last := false; !last; {
			if within <= 0 {
				return append(list, t), from, nil
			}
			if last, err = countPart(ctx, tx, &q, &from, &t); err != nil {
				return nil, from, err
			}
			within -= int(min(totals[account], countAtOnce)) + toBegin
		}
		list = append(list, t)
		from.ID = afterAll
	}
	return list, Progress{Done: true}, nil
}

// keptAlike reports whether the findings that finding_counts counts as alike
// all meet the criteria, or none of them does.
func keptAlike(c *criteria.Criteria) bool {
	for a, filters := range c.Strings {
		switch a {
		case criteria.AccountID, criteria.FindingStatus, criteria.FindingType, criteria.ResourceType, criteria.Severity:
		default:
			if len(filters) > 0 {
				return false
			}
		}
	}
	return len(c.Dates)+len(c.Numbers)+len(c.Tags)+len(c.Ports)+len(c.Packages) == 0
}

// fewThatPass leads to the few findings that can pass, if there are few.
func fewThatPass(ctx context.Context, tx *store.Tx, q *Query) (way gathering, none bool, err error) {
	if way, err = gatherNamed(ctx, tx, q); err != nil || way != nil {
		return way, false, err
	}
	return gatherFew(ctx, tx, q)
}

// afterAll is higher than any id.
const afterAll = "g"

// totalsOf are the numbers of findings of the accounts of a scope that have any.
func totalsOf(ctx context.Context, tx *store.Tx, scope Scope, region arn.Region) (map[arn.AccountID]int64, error) {
	var w store.Where
	w.Add("c.region = ?", region)
	w.Add("c.total > 0")
	scope.Where(&w, "c.account")
	totals := map[arn.AccountID]int64{}
	rows, err := tx.Query(ctx, `SELECT c.account, CAST(SUM(c.total) AS BIGINT) FROM finding_counts c`+w.SQL()+` GROUP BY c.account`, w.Args()...)
	_, err = store.ReadAll(rows, err, func(s store.Scanner) (n int64, err error) {
		var account arn.AccountID
		err = s.Scan(&account, &n)
		totals[account] = n
		return n, err
	})
	return totals, err
}

// countPart counts among the next findings of an account and moves on behind
// them.
func countPart(ctx context.Context, tx *store.Tx, q *Query, from *Progress, t *OpenTally) (last bool, err error) {
	var end string
	err = store.One(tx.QueryRow(ctx, `SELECT id FROM findings f WHERE f.region = $1 AND f.account = $2 AND f.id > $3
		ORDER BY f.id LIMIT 1 OFFSET $4`, q.Region, from.Account, from.ID, countAtOnce-1), &end)
	if errors.Is(err, store.ErrNotFound) {
		last, end, err = true, afterAll, nil
	}
	if err != nil {
		return false, fmt.Errorf("findings of %s: %w", from.Account, err)
	}
	var w store.Where
	w.Add("f.region = ?", q.Region)
	w.Add("f.account = ?", from.Account)
	w.Add("f.id > ?", from.ID)
	w.Add("f.id <= ?", end)
	from.ID = end
	tallies, err := countOpen(ctx, tx, &w, q, `COUNT(*)`, "findings f")
	for _, p := range tallies {
		t.add(p)
	}
	return last, err
}

func countGathered(ctx context.Context, tx *store.Tx, q *Query, gather gathering) ([]OpenTally, error) {
	var w store.Where
	w.Add("f.region = ?", q.Region)
	index := gather(&w)
	q.Scope.Where(&w, `(f.account || '')`)
	return countOpen(ctx, tx, &w, q, `COUNT(*)`, "findings f"+use(tx, index))
}

// countOpen counts, in a table that is called f, the open findings that meet
// conditions and criteria, by account.
func countOpen(ctx context.Context, tx *store.Tx, w *store.Where, q *Query, number, table string) ([]OpenTally, error) {
	w.Add("(f.status || '') IN (?, ?)", finding.Active, finding.Suppressed)
	addCriteria(w, &q.Criteria)
	rows, err := tx.Query(ctx, `SELECT f.account, f.status, f.severity, `+number+` FROM `+table+w.SQL()+
		` GROUP BY f.account, f.status, f.severity ORDER BY f.account`, w.Args()...)
	var list []OpenTally
	_, err = store.ReadAll(rows, err, func(s store.Scanner) (n int64, err error) {
		var account arn.AccountID
		var status finding.Status
		var rank int
		if err := s.Scan(&account, &status, &rank, &n); err != nil {
			return n, err
		}
		if len(list) == 0 || list[len(list)-1].Account != account {
			list = append(list, OpenTally{Account: account})
		}
		counts := &list[len(list)-1].Active
		if status == finding.Suppressed {
			counts = &list[len(list)-1].Suppressed
		}
		counts[rank] += n
		return n, nil
	})
	if err != nil {
		return nil, fmt.Errorf("count findings: %w", err)
	}
	return list, nil
}

func (t *OpenTally) add(p OpenTally) {
	for i := range t.Active {
		t.Active[i] += p.Active[i]
		t.Suppressed[i] += p.Suppressed[i]
	}
}
