package store

import (
	"context"
	"fmt"
)

// EnqueueAll asks for many jobs with few statements, each as Enqueue would. No
// two of them may have the same kind and key.
func (tx *Tx) EnqueueAll(ctx context.Context, jobs []Job) error {
	now := tx.store.now()
	rows := make([][]any, len(jobs))
	for i, job := range jobs {
		id := tx.NewID()
		if job.Key == "" {
			job.Key = id
		}
		if job.RunAt.IsZero() {
			job.RunAt = now
		}
		rows[i] = []any{id, job.Kind, job.Key, job.Account, job.Region, job.Payload, Micros(job.RunAt), int64(0), Micros(now), Micros(now),
			int64(0), int64(0), int64(1), "", "", false}
		tx.wake(job.Kind)
	}
	_, err := tx.InsertRows(ctx, "jobs", []string{"id", "kind", "key", "account", "region", "payload", "run_at", "again_at",
		"created_at", "asked_at", "attempts", "failures", "generation", "lease", "error", "parked"}, rows, enqueueAgain)
	if err != nil {
		return fmt.Errorf("enqueue %d jobs: %w", len(jobs), err)
	}
	return nil
}
