package scan

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"muster/internal/arn"
	"muster/internal/store"
	"muster/internal/store/catalog"
	"muster/internal/worker"
)

// payload reads a job's payload. One that cannot be read never will be.
func payload[T any](job store.Job) (T, error) {
	var p T
	if err := json.Unmarshal(job.Payload, &p); err != nil {
		return p, worker.Permanent(fmt.Errorf("payload of %s: %w", job.Kind, err))
	}
	return p, nil
}

// askFor enqueues a job about a resource; a zero time means now.
func askFor(ctx context.Context, tx *store.Tx, kind string, at catalog.Place, when time.Time) error {
	body, err := json.Marshal(targetOf(at))
	if err != nil {
		return err
	}
	return tx.Enqueue(ctx, store.Job{
		Kind: kind, Key: keyOf(at),
		Account: string(at.Account), Region: string(at.Region), Payload: body, RunAt: when,
	})
}

// keyOf makes a job about a resource the only one of its kind.
func keyOf(at catalog.Place) string {
	return string(at.Account) + "/" + string(at.Region) + "/" + string(at.Type) + "/" + at.ID
}

// askForAccount enqueues a job about an account in a Region.
func askForAccount(ctx context.Context, tx *store.Tx, kind string, account arn.AccountID, region arn.Region, when time.Time) error {
	job, err := accountJob(kind, account, region, when)
	if err != nil {
		return err
	}
	return tx.Enqueue(ctx, job)
}

func accountJob(kind string, account arn.AccountID, region arn.Region, when time.Time) (store.Job, error) {
	body, err := json.Marshal(Account{account, region})
	return store.Job{
		Kind: kind, Key: string(account) + "/" + string(region), Account: string(account), Region: string(region), Payload: body, RunAt: when,
	}, err
}
