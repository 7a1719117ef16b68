// Package jobs shows the work that the store keeps to those whose work it is.
// The store itself hands it out, which is in package store.
package jobs

import (
	"context"
	"fmt"
	"time"

	"muster/internal/arn"
	"muster/internal/store"
)

// State is what becomes of a job at a moment.
type State string

// The states of jobs.
const (
	Scheduled State = "SCHEDULED" // waits for its time
	Pending   State = "PENDING"   // is due, and nobody runs it yet
	Running   State = "RUNNING"
	Parked    State = "PARKED" // failed too often
)

// Job is a piece of work, without what it is to do in detail.
type Job struct {
	ID, Kind, Key      string
	Account            arn.AccountID
	Region             arn.Region
	State              State
	CreatedAt          time.Time
	DueAt              time.Time // while it runs, when its lease ends
	Attempts, Failures int64
	Error              string // of the attempt before this one
}

// Scope restricts to accounts that somebody sees.
type Scope interface {
	Where(w *store.Where, column string)
}

// Query asks for jobs, the oldest first.
type Query struct {
	Scope Scope
	// Region is the one meant; work for all Regions of an account is, too.
	Region arn.Region
	// Kind and State restrict where they are not empty.
	Kind  string
	State State
	Now   time.Time
	// After is the id that the page before ended with.
	After string
	Limit int
}

const (
	// lookedAtOnce and countedAtOnce bound how many jobs of everybody one page
	// and one count look at.
	lookedAtOnce  = 5000
	countedAtOnce = 100_000
	columns       = `id, kind, key, account, region, run_at, created_at, attempts, failures, lease, parked, error`
)

// List returns up to q.Limit jobs, and where to go on: "" at the end. A page can
// be short, or empty, and not the last.
func List(ctx context.Context, tx *store.Tx, q Query) (list []Job, next string, err error) {
	var w store.Where
	w.Add("id > ?", q.After)
	if q.State == Parked {
		w.Add("parked") // has an index of its own
	}
	part := `SELECT ` + columns + ` FROM jobs` + w.SQL() + ` ORDER BY id LIMIT ` + w.Arg(lookedAtOnce)
	var seen int
	var last string
	if err := store.One(tx.QueryRow(ctx, `SELECT COUNT(*), COALESCE(MAX(id), '') FROM (`+part+`) p`, w.Args()...), &seen, &last); err != nil {
		return nil, "", fmt.Errorf("jobs: %w", err)
	}
	f := store.WhereFrom(&w)
	q.restrict(f)
	rows, err := tx.Query(ctx, `SELECT `+columns+` FROM (`+part+`) p`+f.SQL()+` ORDER BY id LIMIT `+f.Arg(q.Limit), f.Args()...)
	list, err = store.ReadAll(rows, err, q.scan)
	switch {
	case err != nil:
		return nil, "", fmt.Errorf("jobs: %w", err)
	case len(list) == q.Limit:
		next = list[len(list)-1].ID
	case seen == lookedAtOnce:
		next = last
	}
	return list, next, nil
}

func (q *Query) restrict(w *store.Where) {
	q.Scope.Where(w, "account")
	w.Add("region IN (?, '')", q.Region)
	if q.Kind != "" {
		w.Add("kind = ?", q.Kind)
	}
	now := store.Micros(q.Now)
	switch q.State {
	case Scheduled:
		w.Add("NOT parked AND lease = '' AND run_at > ?", now)
	case Pending:
		w.Add("NOT parked AND lease = '' AND run_at <= ?", now)
	case Running:
		w.Add("NOT parked AND lease <> ''")
	}
}

func (q *Query) scan(s store.Scanner) (j Job, err error) {
	var due, created int64
	var lease string
	var parked bool
	err = s.Scan(&j.ID, &j.Kind, &j.Key, &j.Account, &j.Region, &due, &created, &j.Attempts, &j.Failures, &lease, &parked, &j.Error)
	j.DueAt, j.CreatedAt, j.State = store.Time(due), store.Time(created), Scheduled
	switch {
	case parked:
		j.State = Parked
	case lease != "":
		j.State = Running
	case !j.DueAt.After(q.Now):
		j.State = Pending
	}
	return j, err
}

// Find returns one job that the query's scope and Region hold, or
// store.ErrNotFound.
func Find(ctx context.Context, tx *store.Tx, q Query, id string) (Job, error) {
	var w store.Where
	w.Add("id = ?", id)
	q.restrict(&w)
	return store.ReadOne(tx.QueryRow(ctx, `SELECT `+columns+` FROM jobs`+w.SQL(), w.Args()...), q.scan)
}

// Queue says how much work of a kind there is.
type Queue struct {
	Kind                                string
	Scheduled, Pending, Running, Parked int64
	// OldestDue is since when the pending job that waited longest has been due;
	// zero where none is.
	OldestDue time.Time
}

// Queues counts the query's jobs by kind. Complete is false where there are so
// many jobs, of everybody, that only the oldest are counted.
func Queues(ctx context.Context, tx *store.Tx, q Query) (list []Queue, complete bool, err error) {
	var w store.Where
	part := `SELECT kind, account, region, run_at, lease, parked FROM jobs ORDER BY id LIMIT ` + w.Arg(countedAtOnce)
	var seen int
	if err := store.One(tx.QueryRow(ctx, `SELECT COUNT(*) FROM (`+part+`) p`, w.Args()...), &seen); err != nil {
		return nil, false, fmt.Errorf("job queues: %w", err)
	}
	f := store.WhereFrom(&w)
	now := f.Arg(store.Micros(q.Now))
	q.restrict(f)
	rows, err := tx.Query(ctx, `SELECT kind,
		SUM(CASE WHEN NOT parked AND lease = '' AND run_at > `+now+` THEN 1 ELSE 0 END),
		SUM(CASE WHEN NOT parked AND lease = '' AND run_at <= `+now+` THEN 1 ELSE 0 END),
		SUM(CASE WHEN NOT parked AND lease <> '' THEN 1 ELSE 0 END),
		SUM(CASE WHEN parked THEN 1 ELSE 0 END),
		COALESCE(MIN(CASE WHEN NOT parked AND lease = '' AND run_at <= `+now+` THEN run_at END), 0)
		FROM (`+part+`) p`+f.SQL()+` GROUP BY kind ORDER BY kind`, f.Args()...)
	list, err = store.ReadAll(rows, err, func(s store.Scanner) (c Queue, err error) {
		var oldest int64
		err = s.Scan(&c.Kind, &c.Scheduled, &c.Pending, &c.Running, &c.Parked, &oldest)
		c.OldestDue = store.TimeOrNever(oldest)
		return c, err
	})
	if err != nil {
		return nil, false, fmt.Errorf("job queues: %w", err)
	}
	return list, seen < countedAtOnce, nil
}

// Drop forgets a parked job, or returns store.ErrNotFound.
func Drop(ctx context.Context, tx *store.Tx, id string) error {
	n, err := tx.Exec(ctx, `DELETE FROM jobs WHERE id = $1 AND parked`, id)
	if err == nil && n == 0 {
		err = store.ErrNotFound
	}
	if err != nil {
		return fmt.Errorf("drop job: %w", err)
	}
	return nil
}
