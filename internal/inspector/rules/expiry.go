package rules

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"muster/internal/inspector/desk"
	"time"

	"muster/internal/arn"
	"muster/internal/awsmodel"
	"muster/internal/awsmodel/muster"
	"muster/internal/inspector"
	"muster/internal/store"
	"muster/internal/store/filters"
	"muster/internal/worker"
)

// JobExpiry ends a rule whose time has come.
const JobExpiry = "filters.expiry"

// expiring is the payload of JobExpiry.
type expiring struct {
	Account arn.AccountID `json:"account"`
	Region  arn.Region    `json:"region"`
	ID      string        `json:"id"`
}

// PutFilterExpiry sets when a rule ends by itself, or that it does not. A rule
// that has ended is a saved search: findings that no other rule hides are back.
func (s *Service) PutFilterExpiry(ctx context.Context, call *awsmodel.Call, in *muster.PutFilterExpiryInput) (*muster.PutFilterExpiryOutput, error) {
	if in.ExpiresAt != nil && !in.ExpiresAt.After(call.Time) {
		return nil, own(desk.InvalidField("expiresAt", "A rule can only end in the future."))
	}
	return desk.Update(ctx, s.store, call, func(tx *store.Tx, _ inspector.Scope) (*muster.PutFilterExpiryOutput, error) {
		f, err := lookupFilter(ctx, tx, call, in.FilterArn)
		if err == nil {
			err = permitRule(ctx, tx, call, "UpdateFilter", filters.Suppress)
		}
		if err == nil && f.Action != filters.Suppress {
			err = desk.InvalidField("filterArn", "The filter suppresses nothing, so it does not end.")
		}
		if err != nil {
			return nil, own(err)
		}
		f.ExpiresAt = time.Time{}
		if in.ExpiresAt != nil {
			f.ExpiresAt = in.ExpiresAt.UTC().Truncate(time.Microsecond)
		}
		if in.Reason != nil {
			f.Reason = *in.Reason
		}
		if err := s.put(ctx, tx, call, filters.ExpirySet, f.Action, &f); err != nil {
			return nil, err
		}
		if err := askToExpire(ctx, tx, &f); err != nil {
			return nil, err
		}
		shown, err := stateOf(ctx, tx, &f)
		return &muster.PutFilterExpiryOutput{Filter: &shown}, err
	})
}

func askToExpire(ctx context.Context, tx *store.Tx, f *filters.Filter) error {
	if f.ExpiresAt.IsZero() {
		return nil
	}
	body, err := json.Marshal(expiring{f.Account, f.Region, f.ID})
	if err != nil {
		return err
	}
	return tx.Enqueue(ctx, store.Job{
		Kind: JobExpiry, Key: string(f.Account) + "/" + string(f.Region) + "/" + f.ID, Account: string(f.Account), Region: string(f.Region),
		Payload: body, RunAt: f.ExpiresAt,
	})
}

// expire is the handler of JobExpiry. It goes by what is stored, so that a job
// of an earlier time, or one that comes twice, does no harm.
func (s *Service) expire(ctx context.Context, job store.Job) error {
	var at expiring
	if err := json.Unmarshal(job.Payload, &at); err != nil {
		return worker.Permanent(fmt.Errorf("payload of %s: %w", job.Kind, err))
	}
	return s.store.Update(ctx, func(tx *store.Tx) error {
		now := s.config.Now().UTC().Truncate(time.Microsecond)
		f, err := filters.Lookup(ctx, tx, at.Account, at.Region, at.ID)
		switch {
		case errors.Is(err, store.ErrNotFound) || err == nil && f.ExpiresAt.IsZero():
			return nil
		case err != nil:
			return err
		case now.Before(f.ExpiresAt):
			return askToExpire(ctx, tx, &f)
		}
		return s.end(ctx, tx, &f, now)
	})
}

// end makes a rule a saved search.
func (s *Service) end(ctx context.Context, tx *store.Tx, f *filters.Filter, now time.Time) error {
	before := f.Action
	f.Action, f.ExpiredAt, f.ExpiresAt, f.UpdatedAt, f.UpdatedBy = filters.Saved, f.ExpiresAt, time.Time{}, now, ""
	if err := filters.Put(ctx, tx, f); err != nil {
		return err
	}
	if err := filters.Record(ctx, tx, filters.Expired, filters.By{}, before, f, now); err != nil {
		return err
	}
	scope, err := inspector.VisibleAccounts(ctx, tx, f.Account, f.Region)
	if err != nil {
		return err
	}
	return s.apply(ctx, tx, scope, nil, true, now)
}
