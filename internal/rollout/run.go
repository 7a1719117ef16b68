package rollout

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"muster/internal/arn"
	"muster/internal/inspector"
	"muster/internal/store"
	rollouts "muster/internal/store/rollout"
)

// part is the payload of the desk's jobs.
type part struct {
	Account arn.AccountID `json:"account"`
	Order   string        `json:"order"`
	Region  arn.Region    `json:"region,omitempty"`
}

func enqueue(ctx context.Context, tx *store.Tx, kind string, o rollouts.Order, region arn.Region, at time.Time) error {
	payload, err := json.Marshal(part{o.Account, o.ID, region})
	if err != nil {
		return err
	}
	return tx.Enqueue(ctx, store.Job{
		Kind: kind, Key: o.ID + "/" + string(region), Account: string(o.Account), Region: string(region), Payload: payload, RunAt: at,
	})
}

// run works through an order in a Region. It can be killed and run again at
// any point.
func (s *Service) run(ctx context.Context, job store.Job) error {
	var p part
	if err := json.Unmarshal(job.Payload, &p); err != nil {
		return fmt.Errorf("payload of %s: %w", job.Kind, err)
	}
	for done := false; !done; {
		if err := ctx.Err(); err != nil {
			return err
		}
		err := s.config.Store.Update(ctx, func(tx *store.Tx) (err error) {
			done, err = s.step(ctx, tx, p)
			return err
		})
		if err != nil {
			return fmt.Errorf("%s in %s: %w", p.Order, p.Region, err)
		}
	}
	return nil
}

// step carries the order out for the next portion of its accounts.
func (s *Service) step(ctx context.Context, tx *store.Tx, p part) (done bool, err error) {
	r, err := rollouts.LookupRegion(ctx, tx, p.Account, p.Order, p.Region)
	if errors.Is(err, store.ErrNotFound) || err == nil && r.Status.Ended() {
		return true, nil
	}
	if err != nil {
		return false, err
	}
	o, err := rollouts.Lookup(ctx, tx, p.Account, p.Order)
	if err != nil {
		return false, err
	}
	accounts, err := rollouts.Targets(ctx, tx, p.Account, p.Order, r.Portion)
	if err != nil {
		return false, err
	}
	if len(accounts) == 0 {
		r.Status = rollouts.Succeeded
		if r.Failed > 0 {
			r.Status = rollouts.WithFailures
		}
		return true, s.end(ctx, tx, o, r)
	}
	// The caller's place may have changed since it gave the order.
	err = s.reachable(ctx, tx, o, r.Region, o.Accounts == 1 && accounts[0] == o.Account)
	if refusal, ok := refusalOf(err); ok {
		refuse(&r, refusal)
		return true, s.end(ctx, tx, o, r)
	}
	if err != nil {
		return false, err
	}
	return false, s.portion(ctx, tx, o, r, accounts)
}

func (s *Service) portion(ctx context.Context, tx *store.Tx, o rollouts.Order, r rollouts.Region, accounts []arn.AccountID) error {
	now := s.config.Now().UTC()
	done, err := s.config.Inspector.Bulk(ctx, tx, bulk(o, r.Region), accounts, now)
	if err != nil {
		return err
	}
	results := make([]rollouts.Result, len(done))
	for i, d := range done {
		results[i] = remember(r.Region, d)
		if results[i].Failed() {
			r.Failed++
		} else {
			r.Succeeded++
		}
	}
	if err := rollouts.PutResults(ctx, tx, o.Account, o.ID, results); err != nil {
		return err
	}
	r.Status, r.Portion = rollouts.InProgress, r.Portion+1
	return rollouts.PutRegion(ctx, tx, r)
}

func remember(region arn.Region, d inspector.BulkResult) rollouts.Result {
	r := rollouts.Result{Region: region, Account: d.Account, Association: string(d.Association), Failure: rollouts.Failure(d.BulkFailure)}
	for _, t := range d.Types {
		r.Types = append(r.Types, rollouts.TypeResult{Type: t.Type, Outcome: string(t.Outcome), Failure: rollouts.Failure(t.BulkFailure)})
	}
	return r
}

// kept is how long an order that has ended can be asked about.
const kept = 30 * 24 * time.Hour

// end closes an order's part in a Region, and the order with its last one.
func (s *Service) end(ctx context.Context, tx *store.Tx, o rollouts.Order, r rollouts.Region) error {
	if err := rollouts.PutRegion(ctx, tx, r); err != nil {
		return err
	}
	parts, err := rollouts.Regions(ctx, tx, o.Account, o.ID)
	if err != nil || slices.ContainsFunc(parts, func(r rollouts.Region) bool { return !r.Status.Ended() }) {
		return err
	}
	status := rollouts.Succeeded
	if slices.ContainsFunc(parts, func(r rollouts.Region) bool { return r.Status != rollouts.Succeeded }) {
		status = rollouts.WithFailures
	}
	return s.close(ctx, tx, o, status)
}

// close ends an order and lets it be forgotten some day.
func (s *Service) close(ctx context.Context, tx *store.Tx, o rollouts.Order, status rollouts.Status) error {
	now := s.config.Now().UTC()
	if err := rollouts.SetStatus(ctx, tx, o, status, now); err != nil {
		return err
	}
	return enqueue(ctx, tx, jobForget, o, "", now.Add(kept))
}

// forget deletes an order, a Region's results at a time.
func (s *Service) forget(ctx context.Context, job store.Job) error {
	var p part
	if err := json.Unmarshal(job.Payload, &p); err != nil {
		return fmt.Errorf("payload of %s: %w", job.Kind, err)
	}
	for done := false; !done; {
		err := s.config.Store.Update(ctx, func(tx *store.Tx) (err error) {
			done, err = rollouts.ForgetSome(ctx, tx, p.Account, p.Order)
			return err
		})
		if err != nil {
			return fmt.Errorf("forget %s: %w", p.Order, err)
		}
	}
	return nil
}
