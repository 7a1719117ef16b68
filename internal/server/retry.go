package server

import (
	"context"

	"muster/internal/store"
)

// RetryJobs makes all jobs due again that failed too often and were put aside,
// and tells how many they are.
func (o *Operator) RetryJobs(ctx context.Context) (n int, err error) {
	const batch = 500
	for after := ""; ; {
		read := 0
		err := o.store.Update(ctx, func(tx *store.Tx) error {
			jobs, err := tx.ParkedJobs(ctx, after, batch)
			if err != nil {
				return err
			}
			read = len(jobs)
			for _, job := range jobs {
				after = job.ID
				if err := tx.RetryJob(ctx, job.ID); err != nil {
					return err
				}
			}
			return nil
		})
		if n += read; err != nil || read < batch {
			return n, err
		}
	}
}
