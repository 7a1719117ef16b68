package inspector

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"muster/internal/arn"
	"muster/internal/store"
	"muster/internal/store/activation"
	"muster/internal/worker"
)

// The jobs that this half of the desk runs.
const (
	// jobScans ends transitions of scan types.
	jobScans = "inspector.scans"
	// jobSetup ends the setting up of members.
	jobSetup = "inspector.members"
	// jobRemoval clears a removed delegated administrator away.
	jobRemoval = "inspector.designation"
)

// The jobs that it asks others for, with a Changed as payload.
const (
	// JobAccountChanged: an account's scan types in a Region have changed.
	JobAccountChanged = "scan.account-changed"
	// JobResuppress: other suppression rules than before apply to an
	// account's findings in a Region.
	JobResuppress = "findings.resuppress"
)

// Changed is the payload of JobAccountChanged and JobResuppress.
type Changed struct {
	Account arn.AccountID `json:"account"`
	Region  arn.Region    `json:"region"`
}

// Jobs are the handlers of the desk's own jobs, by kind.
func (s *Service) Jobs() map[string]worker.Handler {
	return map[string]worker.Handler{jobScans: s.settleScans, jobSetup: s.settleMembers, jobRemoval: s.clearAway}
}

func enqueueChanged(ctx context.Context, tx *store.Tx, kind string, account arn.AccountID, region arn.Region) error {
	payload, err := json.Marshal(Changed{Account: account, Region: region})
	if err != nil {
		return err
	}
	return tx.Enqueue(ctx, store.Job{
		Kind: kind, Key: string(account) + "/" + string(region), Account: string(account), Region: string(region), Payload: payload,
	})
}

// EnqueueResuppress asks for the rules in force to be applied to an account's
// findings in a Region once this transaction has committed.
func EnqueueResuppress(ctx context.Context, tx *store.Tx, account arn.AccountID, region arn.Region) error {
	return enqueueChanged(ctx, tx, JobResuppress, account, region)
}

// transitions is the payload of jobScans: what began at Began in these
// accounts. No clock is compared, so that clocks may differ.
type transitions struct {
	Region   arn.Region      `json:"region"`
	Accounts []arn.AccountID `json:"accounts"`
	Began    int64           `json:"began"`
}

// put writes the beginnings of transitions, all in one Region, asks for their
// ends, and tells about types that are no longer on.
func (s *Service) put(ctx context.Context, tx *store.Tx, changed []activation.Scan, now time.Time) error {
	if len(changed) == 0 {
		return nil
	}
	if err := activation.PutScans(ctx, tx, changed); err != nil {
		return err
	}
	t := transitions{Region: changed[0].Region, Began: store.Micros(now)}
	for i, scan := range changed {
		if i == 0 || scan.Account != changed[i-1].Account {
			t.Accounts = append(t.Accounts, scan.Account)
		}
		if scan.Status == activation.Enabling {
			continue
		}
		if err := enqueueChanged(ctx, tx, JobAccountChanged, scan.Account, scan.Region); err != nil {
			return err
		}
	}
	payload, err := json.Marshal(t)
	if err != nil {
		return err
	}
	return tx.Enqueue(ctx, store.Job{
		Kind: jobScans, Account: string(t.Accounts[0]), Region: string(t.Region), Payload: payload, RunAt: now.Add(s.config.Transition),
	})
}

func (s *Service) settleScans(ctx context.Context, job store.Job) error {
	var t transitions
	if err := json.Unmarshal(job.Payload, &t); err != nil {
		return fmt.Errorf("payload of %s: %w", job.Kind, err)
	}
	err := s.store.Update(ctx, func(tx *store.Tx) error {
		scans, err := activation.LookupScans(ctx, tx, t.Region, t.Accounts)
		if err != nil {
			return err
		}
		now := s.config.Now().UTC()
		var all []activation.Scan
		for _, account := range t.Accounts {
			changed := settle(scans[account], store.Time(t.Began), now)
			if err := settled(ctx, tx, place{account, t.Region}, scans[account], changed); err != nil {
				return err
			}
			all = append(all, changed...)
		}
		return activation.PutScans(ctx, tx, all)
	})
	if err != nil {
		return fmt.Errorf("end the transitions of scan types in %s: %w", t.Region, err)
	}
	return nil
}

// settled does what follows the end of transitions: others are told, and when
// the last type went off the account's settings go.
func settled(ctx context.Context, tx *store.Tx, at place, scans activation.Scans, changed []activation.Scan) error {
	if len(changed) == 0 {
		return nil
	}
	if err := enqueueChanged(ctx, tx, JobAccountChanged, at.account, at.region); err != nil {
		return err
	}
	if after(scans, changed).Active() {
		return nil
	}
	return deactivated(ctx, tx, at)
}

// deactivated deletes the settings that belong to an activation. Findings,
// filters and rules go by JobAccountChanged.
func deactivated(ctx context.Context, tx *store.Tx, at place) error {
	if err := activation.DeleteConfiguration(ctx, tx, at.account, at.region); err != nil {
		return err
	}
	if err := activation.DeleteDeepInspection(ctx, tx, at.account, at.region); err != nil {
		return err
	}
	return activation.ResetAutoEnable(ctx, tx, at.account, at.region)
}

// setup is the payload of jobSetup: the members of one administrator.
type setup struct {
	Administrator arn.AccountID `json:"administrator"`
	Region        arn.Region    `json:"region"`
}

// enqueueSetup asks for the end of members' setting up: one job for all of an
// administrator's members, so that ten thousand of them are few transactions.
func (s *Service) enqueueSetup(ctx context.Context, tx *store.Tx, administrator arn.AccountID, region arn.Region, at time.Time) error {
	payload, err := json.Marshal(setup{Administrator: administrator, Region: region})
	if err != nil {
		return err
	}
	return tx.Enqueue(ctx, store.Job{
		Kind: jobSetup, Key: string(administrator) + "/" + string(region), Account: string(administrator), Region: string(region),
		Payload: payload, RunAt: at,
	})
}

// settleMembers ends the setting up of the members that are due; when others
// are left for later the job asks for itself again.
func (s *Service) settleMembers(ctx context.Context, job store.Job) error {
	var p setup
	if err := json.Unmarshal(job.Payload, &p); err != nil {
		return fmt.Errorf("payload of %s: %w", job.Kind, err)
	}
	err := s.store.Update(ctx, func(tx *store.Tx) error {
		now := s.config.Now().UTC()
		err := activation.SetUpMembers(ctx, tx, p.Administrator, p.Region, now.Add(-s.config.Transition), now)
		if err != nil {
			return err
		}
		oldest, err := activation.OldestInSetup(ctx, tx, p.Administrator, p.Region)
		if err != nil {
			return ignore(err, store.ErrNotFound)
		}
		return s.enqueueSetup(ctx, tx, p.Administrator, p.Region, oldest.Add(s.config.Transition))
	})
	if err != nil {
		return fmt.Errorf("end the setting up of members of %s in %s: %w", p.Administrator, p.Region, err)
	}
	return nil
}
