package findings

import (
	"context"
	"fmt"
	"strings"

	"muster/internal/arn"
	"muster/internal/finding"
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
}

// List returns a page of findings and the place where it ends. It chooses
// between two ways. The usual one walks the index of the order and checks
// each finding, which is quick where many findings pass. Where only few can
// pass, because the criteria name a finding, resource or vulnerability or the
// caller has few findings, it gathers those through another index and sorts
// them.
func List(ctx context.Context, tx *store.Tx, q Query) ([]Stored, *Cursor, error) {
	gather, err := gatherFrom(ctx, tx, &q)
	if err != nil {
		return nil, nil, err
	}
	var heads []head
	if gather != nil {
		heads, err = gatherPage(ctx, tx, &q, gather)
	} else {
		heads, err = walkPage(ctx, tx, &q)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("list findings: %w", err)
	}
	if len(heads) == 0 {
		return nil, nil, nil
	}
	list, err := complete(ctx, tx, heads)
	return list, cursorAt(&heads[len(heads)-1]), err
}

// scan is one step of a walk along the index of an order.
type scan struct {
	condition func(w *store.Where)
	order     string
	index     string
}

// walkPage walks the index of the order in up to three steps: the rest of the
// findings that tie with the place where the last page ended, those beyond
// it, and those without the field.
func walkPage(ctx context.Context, tx *store.Tx, q *Query) ([]head, error) {
	if tx.Engine() == store.PostgreSQL {
		// It takes filters for far more selective than they are together,
		// and would rather collect what passes and sort it.
		if _, err := tx.Exec(ctx, `SET LOCAL enable_sort = off`); err != nil {
			return nil, err
		}
	}
	heads, err := walkSteps(ctx, tx, q)
	if err == nil && tx.Engine() == store.PostgreSQL {
		_, err = tx.Exec(ctx, `SET LOCAL enable_sort = on`)
	}
	return heads, err
}

func walkSteps(ctx context.Context, tx *store.Tx, q *Query) ([]head, error) {
	var heads []head
	for _, s := range walk(q, orderOf(q.Field)) {
		if len(heads) >= q.Limit {
			break
		}
		part, err := walkStep(ctx, tx, q, s, q.Limit-len(heads))
		if err != nil {
			return nil, err
		}
		heads = append(heads, part...)
	}
	return heads, nil
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

func walkStep(ctx context.Context, tx *store.Tx, q *Query, s scan, limit int) ([]head, error) {
	var w store.Where
	w.Add("f.region = ?", q.Region)
	s.condition(&w)
	// Joined to nothing, the account cannot lure a planner away from the
	// index of the order.
	q.Scope.Where(&w, `(f.account || '')`)
	addCriteria(&w, &q.Criteria)
	rows, err := tx.Query(ctx, `SELECT `+headColumns+`, f.`+orderOf(q.Field).column+` FROM findings f`+use(tx, s.index)+w.SQL()+
		` ORDER BY `+s.order+` LIMIT `+w.Arg(limit), w.Args()...)
	return store.ReadAll(rows, err, func(r store.Scanner) (head, error) { return scanSorted(r, q.Field) })
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

// fewFindings is how many findings are gathered and sorted rather than walked
// past. Sorting that many takes as long as a walk that passes one in two
// hundred.
const fewFindings = 5000

// gathering leads to the few findings that can pass: it adds conditions and
// names the index they are for, "" for the primary key.
type gathering func(w *store.Where) (index string)

// gatherFrom returns the way to the few findings that can pass, nil where
// there may be many.
func gatherFrom(ctx context.Context, tx *store.Tx, q *Query) (gathering, error) {
	if arns := equalTo(&q.Criteria, criteria.FindingARN); arns != nil {
		return gatherARNs(arns), nil
	}
	if resources := equalTo(&q.Criteria, criteria.ResourceID); resources != nil {
		return gatherResources(q.Region, resources), nil
	}
	if ids := equalTo(&q.Criteria, criteria.VulnerabilityID); ids != nil {
		many, err := manyWith(ctx, tx, q.Region, ids)
		if err != nil || many {
			return nil, err
		}
		return func(*store.Where) string { return orderOf(ByVulnerabilityID).index() }, nil
	}
	if q.Single == "" {
		return nil, nil
	}
	n, err := Total(ctx, tx, q.Single, q.Region)
	if err != nil || n > fewFindings {
		return nil, err
	}
	return func(w *store.Where) string {
		w.Add("f.account = ?", q.Single)
		return ""
	}, nil
}

// manyWith tells whether more than a few findings are of the vulnerabilities,
// by reading a bounded part of an index. What everybody has is met soon on the
// walk.
func manyWith(ctx context.Context, tx *store.Tx, region arn.Region, vulnerabilities []string) (bool, error) {
	var w store.Where
	w.Add("f.region = ?", region)
	store.In(&w, "f.vulnerability_id", vulnerabilities...)
	var n int
	err := store.One(tx.QueryRow(ctx, `SELECT COUNT(*) FROM (SELECT 1 FROM findings f`+use(tx, orderOf(ByVulnerabilityID).index())+w.SQL()+
		` LIMIT `+w.Arg(fewOfOne+1)+`) g`, w.Args()...), &n)
	return n > fewOfOne, err
}

// fewOfOne is fewFindings for a vulnerability: among ten million findings the
// walk to a page of one that ten thousand have is a hundred thousand steps.
const fewOfOne = 10_000

func gatherARNs(arns []string) gathering {
	var ids, accounts []string
	for _, a := range arns {
		if account, _, id, ok := finding.ParseARN(arn.ARN(a)); ok {
			accounts, ids = append(accounts, string(account)), append(ids, id)
		}
	}
	return func(w *store.Where) string {
		store.In(w, "f.account", accounts...)
		store.In(w, "f.id", ids...)
		return ""
	}
}

func gatherResources(region arn.Region, ids []string) gathering {
	return func(w *store.Where) string {
		marks := make([]string, len(ids))
		for i, id := range ids {
			marks[i] = w.Arg(id)
		}
		w.Add(`f.resource IN (SELECT number FROM resources WHERE region = ? AND id IN (`+strings.Join(marks, ", ")+`))`, region)
		return "findings_by_resource"
	}
}

// gatherPage collects the findings first and sorts them then; MATERIALIZED
// keeps the planner from doing it the other way round.
func gatherPage(ctx context.Context, tx *store.Tx, q *Query, gather gathering) ([]head, error) {
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
	return store.ReadAll(rows, err, func(r store.Scanner) (head, error) { return scanSorted(r, q.Field) })
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
