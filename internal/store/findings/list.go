package findings

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"muster/internal/arn"
	"muster/internal/finding/criteria"
	"muster/internal/store"
)

// Scope adds the condition that the account in a column is one the caller may
// see. activation.Scope is one.
type Scope interface {
	Where(w *store.Where, column string)
}

// Query asks for one page of findings.
type Query struct {
	Scope Scope
	// Single is the account if the scope is just one, else "".
	Single   arn.AccountID
	Region   arn.Region
	Criteria criteria.Criteria
	// Field and Descending are the order. Findings that lack the field come
	// last in either direction, ties go by ARN (rising in a field's usual
	// direction: falling for times and numbers, rising for texts).
	Field      Field
	Descending bool
	// After is the place the page before ended at; nil for the first page.
	After *Cursor
	Limit int
	// Steps is how many findings may be looked at for a page before it ends
	// early, Patience how long; 0 means the usual.
	Steps    int
	Patience time.Duration

	// scores is where the sort value of what can pass lies, if that is known.
	scores *band
}

// List returns a page of findings and the place where the next one begins, nil
// where nothing follows. It chooses between two ways. The usual one walks the
// index of the order and checks each finding, which is quick where many findings
// pass. Where only few can pass, because the criteria name a finding, resource or
// vulnerability or the caller has few findings, it gathers those through another
// index and sorts them; whether that is so is looked into when the walk has not
// filled the page soon. A walk that goes on and on ends a page early.
func List(ctx context.Context, tx *store.Tx, q Query) ([]Stored, *Cursor, error) {
	heads, end, err := listPage(ctx, tx, &q)
	if err != nil {
		return nil, nil, fmt.Errorf("list findings: %w", err)
	}
	if len(heads) == 0 {
		return nil, end, nil
	}
	list, err := complete(ctx, tx, heads)
	return list, end, err
}

const (
	// firstLook is how many findings a walk passes before it is asked whether
	// few can pass at all.
	firstLook = 2000
	// usualSteps is how many findings are looked at for a page, stepsAtOnce how
	// many by one statement; on a machine that takes longer than usualPatience
	// for as many, the page ends before.
	usualSteps    = 50_000
	stepsAtOnce   = 5_000
	usualPatience = 200 * time.Millisecond
)

func listPage(ctx context.Context, tx *store.Tx, q *Query) ([]head, *Cursor, error) {
	gather, err := gatherNamed(ctx, tx, q)
	if err != nil {
		return nil, nil, err
	}
	if gather != nil {
		return gatherPage(ctx, tx, q, gather)
	}
	if q.scores, err = bandOf(ctx, tx, q); err != nil {
		return nil, nil, err
	}
	began, steps := time.Now(), cmp.Or(q.Steps, usualSteps)
	heads, at, err := look(ctx, tx, q, q.After, min(firstLook, steps), q.Limit)
	if err != nil || at == nil || len(heads) == q.Limit {
		return heads, at, err
	}
	gather, none, err := gatherFew(ctx, tx, q)
	switch {
	case err != nil || none:
		return nil, nil, err
	case gather != nil:
		return gatherPage(ctx, tx, q, gather)
	}
	patience := cmp.Or(q.Patience, usualPatience)
	for steps -= firstLook; steps > 0 && at != nil && len(heads) < q.Limit && time.Since(began) < patience; steps -= stepsAtOnce {
		var part []head
		part, at, err = look(ctx, tx, q, at, min(stepsAtOnce, steps), q.Limit-len(heads))
		if err != nil {
			return nil, nil, err
		}
		heads = append(heads, part...)
	}
	return heads, at, nil
}

// scan is one part of a walk along the index of an order.
type scan struct {
	condition func(w *store.Where)
	order     string
	index     string
}

// look walks past up to a number of findings from a place on and returns those
// that pass, up to a limit, and the place where it ended; nil is the end.
func look(ctx context.Context, tx *store.Tx, q *Query, from *Cursor, steps, limit int) (heads []head, at *Cursor, err error) {
	if tx.Engine() == store.PostgreSQL {
		// It would rather collect what passes and sort it.
		if _, err := tx.Exec(ctx, `SET LOCAL enable_sort = off`); err != nil {
			return nil, nil, err
		}
	}
	heads, at, err = lookOn(ctx, tx, q, from, steps, limit)
	if err == nil && tx.Engine() == store.PostgreSQL {
		_, err = tx.Exec(ctx, `SET LOCAL enable_sort = on`)
	}
	return heads, at, err
}

// lookOn walks in up to three parts: the rest of the findings that tie with the
// place, those beyond it, and those without the field.
func lookOn(ctx context.Context, tx *store.Tx, q *Query, from *Cursor, steps, limit int) (heads []head, at *Cursor, err error) {
	here := *q
	here.After = from
	for _, s := range walk(&here, orderOf(q.Field)) {
		part, err := lookAt(ctx, tx, q, s, steps, limit-len(heads))
		if err != nil {
			return nil, nil, err
		}
		if heads = append(heads, part...); len(heads) == limit {
			return heads, cursorAt(&heads[limit-1]), nil
		}
		if at, err := stepped(ctx, tx, q, s, steps); at != nil || err != nil {
			return heads, at, err
		}
	}
	return heads, nil, nil
}

// direction is an order's words for going on from a place.
type direction struct {
	// by follows the column in ORDER BY; beyond compares with a place's value.
	by, beyond string
	// ties orders findings of equal value, tiesAfter compares their names.
	ties, tiesAfter string
}

func (q *Query) direction(o order) direction {
	d := direction{` ASC`, ` > `, `f.account, f.id`, ` > `}
	if q.Descending {
		d.by, d.beyond = ` DESC`, ` < `
	}
	if q.Descending != o.down {
		// The index is walked backwards.
		d.ties, d.tiesAfter = `f.account DESC, f.id DESC`, ` < `
	}
	return d
}

func walk(q *Query, o order) []scan {
	column, d := "f."+o.column, q.direction(o)
	rest := scan{order: column + d.by + ", " + d.ties, index: o.index(), condition: func(w *store.Where) {
		if q.After != nil {
			w.Add(column+d.beyond+"?", q.After.value())
		} else if o.optional {
			w.Add(column + " IS NOT NULL")
		}
		if q.scores != nil {
			w.Add(column+" BETWEEN ? AND ?", q.scores.lowest, q.scores.highest)
		}
	}}
	var steps []scan
	switch {
	case q.After == nil:
		steps = append(steps, rest)
	case q.After.value() != nil:
		steps = append(steps, scan{order: d.ties, index: o.index(), condition: func(w *store.Where) {
			w.Add(column+" = ?", q.After.value())
			w.Add(`(f.account, f.id)`+d.tiesAfter+`(?, ?)`, q.After.Account, q.After.ID)
		}}, rest)
	}
	if o.optional {
		steps = append(steps, withoutField(q, o, d))
	}
	return steps
}

// withoutField is the step over the findings that lack the field.
func withoutField(q *Query, o order, d direction) scan {
	s := scan{order: d.ties, index: o.index()}
	if o.sparse {
		s.index = orderOf(ByAccount).index()
	}
	s.condition = func(w *store.Where) {
		w.Add("f." + o.column + " IS NULL")
		if q.After != nil && q.After.value() == nil {
			w.Add(`(f.account, f.id)`+d.tiesAfter+`(?, ?)`, q.After.Account, q.After.ID)
		}
	}
	return s
}

// lookAt returns those of the next findings of a part that pass.
func lookAt(ctx context.Context, tx *store.Tx, q *Query, s scan, steps, limit int) ([]head, error) {
	var w store.Where
	w.Add("f.region = ?", q.Region)
	s.condition(&w)
	from := `(SELECT f.* FROM findings f` + use(tx, s.index) + w.SQL() + ` ORDER BY ` + s.order + ` LIMIT ` + w.Arg(steps) + `) f`
	outer := store.WhereFrom(&w)
	// Joined to nothing, the account cannot lure a planner away from the order.
	q.Scope.Where(outer, `(f.account || '')`)
	addCriteria(outer, &q.Criteria)
	// SQLite gives the rows as the inner query orders them, and would sort them
	// once more if told; PostgreSQL may join them by a hash to what the criteria
	// look up, in any order, and knows when there is nothing to sort.
	order := ""
	if tx.Engine() != store.SQLite {
		order = ` ORDER BY ` + s.order
	}
	rows, err := tx.Query(ctx, `SELECT `+headColumns+`, f.`+orderOf(q.Field).column+` FROM `+from+outer.SQL()+order+` LIMIT `+outer.Arg(limit), outer.Args()...)
	return store.ReadAll(rows, err, func(r store.Scanner) (head, error) { return scanSorted(r, q.Field) })
}

// stepped is the place of the last of the next findings of a part; nil where it
// has not so many. Only the index is read.
func stepped(ctx context.Context, tx *store.Tx, q *Query, s scan, steps int) (*Cursor, error) {
	var w store.Where
	w.Add("f.region = ?", q.Region)
	s.condition(&w)
	h, err := store.ReadOne(tx.QueryRow(ctx, `SELECT f.account, f.id, f.`+orderOf(q.Field).column+` FROM findings f`+use(tx, s.index)+w.SQL()+
		` ORDER BY `+s.order+` LIMIT 1 OFFSET `+w.Arg(steps-1), w.Args()...), func(r store.Scanner) (h head, err error) {
		dest, get := orderOf(q.Field).value()
		err = r.Scan(&h.account, &h.id, dest)
		h.sortValue = get()
		return h, err
	})
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	return cursorAt(&h), err
}

// use names the index for SQLite, which has no statistics to choose it by.
func use(tx *store.Tx, index string) string {
	if index == "" || tx.Engine() != store.SQLite {
		return ""
	}
	return ` INDEXED BY ` + index
}

func scanSorted(s store.Scanner, field Field) (head, error) {
	dest, get := orderOf(field).value()
	h, err := scanHead(s, dest)
	h.sortValue = get()
	return h, err
}

// gatherPage collects the findings first and sorts them then; MATERIALIZED
// keeps the planner from doing it the other way round.
func gatherPage(ctx context.Context, tx *store.Tx, q *Query, gather gathering) ([]head, *Cursor, error) {
	o := orderOf(q.Field)
	column, d := "f."+o.column, q.direction(o)
	var w store.Where
	w.Add("f.region = ?", q.Region)
	index := gather(&w)
	q.Scope.Where(&w, `(f.account || '')`)
	addCriteria(&w, &q.Criteria)
	query := `WITH g AS MATERIALIZED (SELECT f.* FROM findings f` + use(tx, index) + w.SQL() + `) SELECT ` + headColumns + `, ` + column + ` FROM g f`
	if q.After != nil {
		query += ` WHERE ` + after(&w, q.After, column, d)
	}
	query += ` ORDER BY CASE WHEN ` + column + ` IS NULL THEN 1 ELSE 0 END, ` + column + d.by + `, ` + d.ties + ` LIMIT ` + w.Arg(q.Limit)
	rows, err := tx.Query(ctx, query, w.Args()...)
	heads, err := store.ReadAll(rows, err, func(r store.Scanner) (head, error) { return scanSorted(r, q.Field) })
	if err != nil || len(heads) < q.Limit {
		return heads, nil, err
	}
	return heads, cursorAt(&heads[q.Limit-1]), nil
}

// after is the condition that a gathered finding comes after a place.
func after(w *store.Where, c *Cursor, column string, d direction) string {
	names := func() string {
		return `(f.account, f.id)` + d.tiesAfter + `(` + w.Arg(c.Account) + `, ` + w.Arg(c.ID) + `)`
	}
	if c.value() == nil {
		return column + ` IS NULL AND ` + names()
	}
	v := w.Arg(c.value())
	return `(` + column + ` IS NULL OR ` + column + d.beyond + v + ` OR (` + column + ` = ` + v + ` AND ` + names() + `))`
}
