package organizations

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"muster/internal/arn"
	"muster/internal/store"
	"muster/internal/worker"
)

// The kinds of this desk's jobs.
const (
	createAccountJob = "organizations.create-account"
	closeAccountJob  = "organizations.close-account"
	forgetAccountJob = "organizations.forget-account"
	accountStateJob  = "organizations.account-state"
)

// subject is the payload of every job: something in an organization.
type subject struct {
	Org OrganizationID
	ID  string
}

// later enqueues a job about something in an organization.
func (s *Service) later(ctx context.Context, tx *store.Tx, kind string, account arn.AccountID, when time.Time, org, id string) error {
	return later(ctx, tx, kind, account, when, org, id)
}

func later(ctx context.Context, tx *store.Tx, kind string, account arn.AccountID, when time.Time, org, id string) error {
	payload, err := json.Marshal(subject{OrganizationID(org), id})
	if err != nil {
		return err
	}
	return tx.Enqueue(ctx, store.Job{
		Kind: kind, Key: org + "/" + id, Account: string(account), Payload: payload, RunAt: when,
	})
}

// Jobs returns the handlers of this desk's jobs by kind. Each does its whole
// work in one transaction and finds nothing to do when it is run again.
func (s *Service) Jobs() map[string]worker.Handler {
	return map[string]worker.Handler{
		createAccountJob: s.job(s.finishCreation),
		closeAccountJob:  s.job(s.finishClosure),
		forgetAccountJob: s.job(s.forgetAccount),
		accountStateJob:  s.job(s.tellState),
	}
}

func (s *Service) job(do func(ctx context.Context, tx *store.Tx, org OrganizationID, id string) error) worker.Handler {
	return func(ctx context.Context, job store.Job) error {
		var about subject
		if err := json.Unmarshal(job.Payload, &about); err != nil {
			return fmt.Errorf("payload of %s: %w", job.Kind, err)
		}
		return s.store.Update(ctx, func(tx *store.Tx) error { return do(ctx, tx, about.Org, about.ID) })
	}
}
