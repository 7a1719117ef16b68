package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Job is a piece of work that a transaction asked for.
type Job struct {
	// ID is set by Enqueue.
	ID string
	// Kind names the handler.
	Kind string
	// Key makes the job unique within its kind: while one waits, asking
	// again changes its payload and moves it no later; while it runs, asking
	// again makes it run once more. Empty means always a new job.
	Key string
	// Account and Region say whose work it is, for display.
	Account, Region string
	Payload         []byte
	// RunAt is the earliest time to run; the zero value means now. In a
	// claimed job it is when the lease ends.
	RunAt time.Time
	// Attempts counts the claims so far, this one included; Failures counts
	// those of them that ended with an error. The others ended with their
	// process.
	Attempts, Failures int
	// CreatedAt is when the job was first asked for; Error is what the
	// attempt before this one failed with, if it did.
	CreatedAt time.Time
	Error     string

	generation int64
	lease      string
}

const enqueue = `
INSERT INTO jobs (id, kind, key, account, region, payload, run_at, again_at, created_at, asked_at, attempts, failures, generation, lease, error, parked)
VALUES ($1, $2, $3, $4, $5, $6, $7, 0, $8, $8, 0, 0, 1, '', '', FALSE)
` + enqueueAgain

// enqueueAgain is what asking for a job does that is asked for already.
const enqueueAgain = `ON CONFLICT (kind, key) DO UPDATE SET
    account    = excluded.account,
    region     = excluded.region,
    payload    = excluded.payload,
    generation = jobs.generation + 1,
    again_at   = CASE WHEN jobs.lease <> '' AND (jobs.again_at = 0 OR excluded.run_at < jobs.again_at)
                      THEN excluded.run_at ELSE jobs.again_at END,
    run_at     = CASE WHEN jobs.lease = '' AND (jobs.parked OR excluded.run_at < jobs.run_at)
                      THEN excluded.run_at ELSE jobs.run_at END,
    asked_at   = CASE WHEN jobs.lease = '' AND (jobs.parked OR excluded.run_at < jobs.run_at)
                      THEN excluded.asked_at ELSE jobs.asked_at END,
    failures   = CASE WHEN jobs.parked THEN 0 ELSE jobs.failures END,
    attempts   = CASE WHEN jobs.parked THEN 0 ELSE jobs.attempts END,
    parked     = FALSE`

// Enqueue asks for the job to be run once this transaction has committed.
func (tx *Tx) Enqueue(ctx context.Context, job Job) error {
	id := tx.NewID()
	if job.Key == "" {
		job.Key = id
	}
	now := tx.store.now()
	if job.RunAt.IsZero() {
		job.RunAt = now
	}
	_, err := tx.Exec(ctx, enqueue, id, job.Kind, job.Key, job.Account, job.Region, job.Payload, Micros(job.RunAt), Micros(now))
	if err != nil {
		return fmt.Errorf("enqueue %s: %w", job.Kind, err)
	}
	tx.wake(job.Kind)
	return nil
}

const jobColumns = `id, kind, key, account, region, payload, run_at, created_at, attempts, failures, generation, lease, error`

func scanJob(rows *sql.Rows) (Job, error) {
	var j Job
	var runAt, createdAt int64
	err := rows.Scan(&j.ID, &j.Kind, &j.Key, &j.Account, &j.Region, &j.Payload, &runAt, &createdAt, &j.Attempts, &j.Failures, &j.generation, &j.lease, &j.Error)
	j.RunAt, j.CreatedAt = Time(runAt), Time(createdAt)
	return j, err
}

// Claim takes up to limit due jobs of the kind for the length of the lease, in
// the order they fell due. Until the lease ends nobody else gets them.
func (s *Store) Claim(ctx context.Context, kind string, limit int, lease time.Duration) ([]Job, error) {
	now := s.now()
	due := `SELECT id FROM jobs WHERE kind = $1 AND NOT parked AND run_at <= $2 ORDER BY run_at LIMIT $3`
	if s.engine == PostgreSQL {
		due += ` FOR UPDATE SKIP LOCKED`
	}
	// MATERIALIZED, because PostgreSQL may run a mere subquery again for each
	// row that it looks at, and every run locks the next jobs: more than limit.
	query := `WITH due AS MATERIALIZED (` + due + `)
		UPDATE jobs SET run_at = $4, asked_at = $2, lease = $5, attempts = attempts + 1, again_at = 0
		WHERE id IN (SELECT id FROM due) RETURNING ` + jobColumns
	// One statement, so that PostgreSQL can pass over rows that others are
	// claiming; a serializable transaction would fail on them.
	rows, err := s.write.QueryContext(ctx, query, kind, Micros(now), limit, Micros(now.Add(lease)), s.NewID())
	jobs, err := All(rows, err, scanJob)
	if err != nil {
		return nil, fmt.Errorf("claim %s: %w", kind, translate(err))
	}
	return jobs, nil
}

// NextDue tells how long until the next job of the kind falls due, counting
// leased ones by the end of their lease; zero or less means now, and ok is
// false when there is none. It does not write, so looking costs little.
func (s *Store) NextDue(ctx context.Context, kind string) (in time.Duration, ok bool, err error) {
	var micros int64
	row := s.read.QueryRowContext(ctx, `SELECT run_at FROM jobs WHERE kind = $1 AND NOT parked ORDER BY run_at LIMIT 1`, kind)
	switch err := One(row, &micros); {
	case errors.Is(err, ErrNotFound):
		return 0, false, nil
	case err != nil:
		return 0, false, fmt.Errorf("look for %s: %w", kind, err)
	}
	return Time(micros).Sub(s.now()), true, nil
}

// Extend prolongs the lease of a claimed job, or returns ErrLeaseLost.
func (s *Store) Extend(ctx context.Context, job Job, lease time.Duration) error {
	now := s.now()
	return s.settle(ctx, job, `UPDATE jobs SET run_at = $3, asked_at = $4 WHERE id = $1 AND lease = $2`, Micros(now.Add(lease)), Micros(now))
}

// Fence refuses, with ErrLeaseLost, to go on with a transaction for a job that
// is somebody else's by now: the transaction commits only while the job is still
// claimed as it was. Jobs that were not claimed, as in tests of handlers, pass.
func (tx *Tx) Fence(ctx context.Context, job Job) error {
	if job.lease == "" {
		return nil
	}
	var id string
	err := One(tx.QueryRow(ctx, `SELECT id FROM jobs WHERE id = $1 AND lease = $2`, job.ID, job.lease), &id)
	if errors.Is(err, ErrNotFound) {
		err = ErrLeaseLost
	}
	if err != nil {
		return fmt.Errorf("job %s (%s): %w", job.ID, job.Kind, err)
	}
	return nil
}

// Complete removes finished jobs. One that was asked for again while it ran
// becomes due again instead. Jobs whose lease was lost are somebody else's by
// now; ErrLeaseLost is returned after the others are completed.
func (s *Store) Complete(ctx context.Context, jobs ...Job) error {
	var lost []string
	err := s.Update(ctx, func(tx *Tx) error {
		lost = nil
		for group := range slices.Chunk(jobs, completeAtOnce) {
			done, err := tx.deleteClaimed(ctx, group)
			if err != nil {
				return err
			}
			for _, job := range group {
				if done[job.ID] {
					continue
				}
				again, err := tx.rearm(ctx, job)
				if err != nil {
					return err
				}
				if !again {
					lost = append(lost, job.ID)
				}
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("complete jobs: %w", err)
	}
	if lost != nil {
		return fmt.Errorf("complete jobs %s: %w", strings.Join(lost, ", "), ErrLeaseLost)
	}
	return nil
}

// completeAtOnce bounds the jobs that one statement completes.
const completeAtOnce = 256

// deleteClaimed removes the jobs that are still as they were claimed and
// returns their ids.
func (tx *Tx) deleteClaimed(ctx context.Context, jobs []Job) (done map[string]bool, err error) {
	var w Where
	rows := make([]string, len(jobs))
	for i, job := range jobs {
		rows[i] = fmt.Sprintf("(%s, %s, CAST(%s AS BIGINT))", w.Arg(job.ID), w.Arg(job.lease), w.Arg(job.generation))
	}
	result, err := tx.Query(ctx, `DELETE FROM jobs WHERE (id, lease, generation) IN (VALUES `+strings.Join(rows, ", ")+`) RETURNING id`, w.Args()...)
	ids, err := All(result, err, Text)
	done = make(map[string]bool, len(ids))
	for _, id := range ids {
		done[id] = true
	}
	return done, err
}

// rearm makes a job due that was asked for again while it ran; false when the
// lease was lost.
func (tx *Tx) rearm(ctx context.Context, job Job) (bool, error) {
	n, err := tx.Exec(ctx, `UPDATE jobs SET run_at = again_at, asked_at = $3, again_at = 0, attempts = 0, failures = 0, lease = '', error = ''
		WHERE id = $1 AND lease = $2`, job.ID, job.lease, Micros(tx.store.now()))
	tx.wake(job.Kind)
	return n > 0, err
}

// Fail gives a claimed job back: it becomes due after the pause, or as asked
// if it was asked for again meanwhile.
func (s *Store) Fail(ctx context.Context, job Job, cause error, pause time.Duration) error {
	now := s.now()
	return s.settle(ctx, job, `UPDATE jobs SET lease = '', error = $3, again_at = 0, asked_at = $5,
		run_at   = CASE WHEN again_at > 0 THEN again_at ELSE CAST($4 AS BIGINT) END,
		failures = CASE WHEN again_at > 0 THEN 0 ELSE failures + 1 END,
		attempts = CASE WHEN again_at > 0 THEN 0 ELSE attempts END
		WHERE id = $1 AND lease = $2`, errorText(cause), Micros(now.Add(pause)), Micros(now))
}

// PutOff is Fail for a job whose attempt is not to count.
func (s *Store) PutOff(ctx context.Context, job Job, cause error, pause time.Duration) error {
	now := s.now()
	return s.settle(ctx, job, `UPDATE jobs SET lease = '', error = $3, again_at = 0, asked_at = $5, attempts = attempts - 1,
		run_at   = CASE WHEN again_at > 0 THEN again_at ELSE CAST($4 AS BIGINT) END
		WHERE id = $1 AND lease = $2`, errorText(cause), Micros(now.Add(pause)), Micros(now))
}

// Park puts a claimed job aside because it failed too often: it stays visible
// and does not run again until it is asked for again or Retry is called.
func (s *Store) Park(ctx context.Context, job Job, cause error) error {
	return s.settle(ctx, job, `UPDATE jobs SET lease = '', error = $3, again_at = 0,
		run_at   = CASE WHEN again_at > 0 THEN again_at ELSE run_at END,
		failures = CASE WHEN again_at > 0 THEN 0 ELSE failures + 1 END,
		attempts = CASE WHEN again_at > 0 THEN 0 ELSE attempts END,
		parked   = (again_at = 0)
		WHERE id = $1 AND lease = $2`, errorText(cause))
}

// Release gives a claimed job back untried, because the process stops.
func (s *Store) Release(ctx context.Context, job Job) error {
	return s.settle(ctx, job, `UPDATE jobs SET lease = '', run_at = $3, asked_at = $3, again_at = 0, attempts = attempts - 1
		WHERE id = $1 AND lease = $2`, Micros(s.now()))
}

// settle runs a statement on one claimed job, in a statement of its own.
func (s *Store) settle(ctx context.Context, job Job, query string, args ...any) error {
	var n int64
	err := s.Update(ctx, func(tx *Tx) (err error) {
		tx.wake(job.Kind)
		n, err = tx.Exec(ctx, query, append([]any{job.ID, job.lease}, args...)...)
		return err
	})
	if err != nil {
		return fmt.Errorf("settle job %s (%s): %w", job.ID, job.Kind, err)
	}
	if n == 0 {
		return fmt.Errorf("settle job %s (%s): %w", job.ID, job.Kind, ErrLeaseLost)
	}
	return nil
}

// errorText bounds what a failure may store and keeps it valid text.
func errorText(err error) string {
	const limit = 2000
	text := strings.ToValidUTF8(strings.ReplaceAll(err.Error(), "\x00", ""), "\uFFFD")
	if len(text) > limit {
		text = strings.ToValidUTF8(text[:limit], "")
	}
	return text
}
