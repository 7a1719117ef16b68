package inspector

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
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
	// jobPolicy carries out what an organization's policy wants.
	jobPolicy = "inspector.policy"
	// jobRegion carries out that an account opts in to a Region, or out.
	jobRegion = "inspector.region"
)

// The jobs that it asks others for, with a Changed as payload.
const (
	// JobAccountChanged: an account's scan types in a Region have changed.
	JobAccountChanged = "scan.account-changed"
	// JobAccountsChanged: those of many accounts in a Region have; the
	// payload is a ChangedAccounts.
	JobAccountsChanged = "scan.accounts-changed"
	// JobResuppress: other suppression rules than before apply to an
	// account's findings in a Region.
	JobResuppress = "findings.resuppress"
)

// Changed is the payload of JobAccountChanged and JobResuppress.
type Changed struct {
	Account arn.AccountID `json:"account"`
	Region  arn.Region    `json:"region"`
}

// ChangedAccounts is the payload of JobAccountsChanged.
type ChangedAccounts struct {
	Region   arn.Region      `json:"region"`
	Accounts []arn.AccountID `json:"accounts"`
}

// Jobs are the handlers of the desk's own jobs, by kind.
func (s *Service) Jobs() map[string]worker.Handler {
	return map[string]worker.Handler{jobScans: s.settleScans, jobSetup: s.settleMembers, jobRemoval: s.clearAway, jobPolicy: s.enforce, jobRegion: s.open}
}

// EnqueueResuppress asks for the rules in force to be applied to an account's
// findings in a Region once this transaction has committed.
func EnqueueResuppress(ctx context.Context, tx *store.Tx, account arn.AccountID, region arn.Region) error {
	return tellChanged(ctx, tx, JobResuppress, region, []arn.AccountID{account})
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
	region, began := changed[0].Region, map[activation.Status][]arn.AccountID{}
	for _, scan := range changed {
		// The scans of an account stand together.
		if list := began[scan.Status]; len(list) == 0 || list[len(list)-1] != scan.Account {
			began[scan.Status] = append(list, scan.Account)
		}
	}
	for _, status := range slices.Sorted(maps.Keys(began)) {
		if err := s.awaitEnd(ctx, tx, status, transitions{Region: region, Accounts: began[status], Began: store.Micros(now)}); err != nil {
			return err
		}
	}
	delete(began, activation.Enabling)
	return tellSwitched(ctx, tx, region, slices.Concat(slices.Collect(maps.Values(began))...))
}

// awaitEnd asks for the end of transitions into one state. Accounts that a
// tester delays end apart from the others.
func (s *Service) awaitEnd(ctx context.Context, tx *store.Tx, status activation.Status, t transitions) error {
	if s.config.Faults == nil {
		return s.awaitEndAfter(ctx, tx, s.lasts(string(status)), t)
	}
	delayed := map[time.Duration][]arn.AccountID{}
	for _, account := range t.Accounts {
		d := s.delay(string(status), account, t.Region)
		delayed[d] = append(delayed[d], account)
	}
	for d, accounts := range delayed {
		t.Accounts = accounts
		if err := s.awaitEndAfter(ctx, tx, s.lasts(string(status))+d, t); err != nil {
			return err
		}
	}
	return nil
}

func (s *Service) awaitEndAfter(ctx context.Context, tx *store.Tx, after time.Duration, t transitions) error {
	payload, err := json.Marshal(t)
	if err != nil {
		return err
	}
	return tx.Enqueue(ctx, store.Job{
		Kind: jobScans, Account: string(t.Accounts[0]), Region: string(t.Region), Payload: payload,
		RunAt: store.Time(t.Began).Add(after),
	})
}

// TellSwitched tells that what is scanned in accounts has changed, other than
// by their scan types.
func TellSwitched(ctx context.Context, tx *store.Tx, region arn.Region, accounts ...arn.AccountID) error {
	return tellSwitched(ctx, tx, region, accounts)
}

// tellSwitched tells that scan types of accounts have changed; accounts may be
// named twice. Many are told of in one job, because most accounts of an
// organization that is switched on have nothing to scan yet, and a job for each
// of them costs more than all the rest.
func tellSwitched(ctx context.Context, tx *store.Tx, region arn.Region, accounts []arn.AccountID) error {
	slices.Sort(accounts)
	accounts = slices.Compact(accounts)
	if len(accounts) < 2 {
		return tellChanged(ctx, tx, JobAccountChanged, region, accounts)
	}
	payload, err := json.Marshal(ChangedAccounts{Region: region, Accounts: accounts})
	if err != nil {
		return err
	}
	return tx.Enqueue(ctx, store.Job{Kind: JobAccountsChanged, Account: string(accounts[0]), Region: string(region), Payload: payload})
}

// tellChanged asks others for a job per account; accounts may be named twice.
func tellChanged(ctx context.Context, tx *store.Tx, kind string, region arn.Region, accounts []arn.AccountID) error {
	slices.Sort(accounts)
	var jobs []store.Job
	for _, account := range slices.Compact(accounts) {
		payload, err := json.Marshal(Changed{Account: account, Region: region})
		if err != nil {
			return err
		}
		jobs = append(jobs, store.Job{
			Kind: kind, Key: string(account) + "/" + string(region), Account: string(account), Region: string(region), Payload: payload,
		})
	}
	return tx.EnqueueAll(ctx, jobs)
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
		var all []activation.Scan
		var moved []arn.AccountID
		now := s.config.Now().UTC()
		for _, account := range t.Accounts {
			changed := settle(scans[account], store.Time(t.Began), now, s.failure(ctx, place{account, t.Region}))
			if len(changed) == 0 {
				continue
			}
			all, moved = append(all, changed...), append(moved, account)
			if after(scans[account], changed).Active() || !scans[account].Has(activation.Disabling) {
				continue
			}
			if err := deactivated(ctx, tx, place{account, t.Region}); err != nil {
				return err
			}
		}
		return s.settled(ctx, tx, t.Region, moved, all, now)
	})
	if err != nil {
		return fmt.Errorf("end the transitions of scan types in %s: %w", t.Region, err)
	}
	return nil
}

// failure tells why switching a type on fails in the end.
func (s *Service) failure(ctx context.Context, at place) func(activation.ScanType) *refusal {
	return func(t activation.ScanType) *refusal {
		if s.config.Activation != nil {
			if code, message := s.config.Activation(ctx, at.account, at.region, t); code != "" {
				return &refusal{code, message}
			}
		}
		if s.config.Faults != nil {
			if code, message := s.config.Faults.Activation(at.account, at.region, t); code != "" {
				return &refusal{code, message}
			}
		}
		return nil
	}
}

// settled writes the ends of transitions and does what follows: others are
// told, and what the organization's policy wants otherwise begins.
func (s *Service) settled(ctx context.Context, tx *store.Tx, region arn.Region, accounts []arn.AccountID, changed []activation.Scan, now time.Time) error {
	if err := activation.PutScans(ctx, tx, changed); err != nil {
		return err
	}
	if err := tellSwitched(ctx, tx, region, accounts); err != nil {
		return err
	}
	return s.enforceSettled(ctx, tx, region, accounts, now)
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
	if err := activation.DeleteEncryptionKeys(ctx, tx, at.account, at.region); err != nil {
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
		err := activation.SetUpMembers(ctx, tx, p.Administrator, p.Region, now.Add(-s.lasts(stateCreated)), now)
		if err != nil {
			return err
		}
		oldest, err := activation.OldestInSetup(ctx, tx, p.Administrator, p.Region)
		if err != nil {
			return ignore(err, store.ErrNotFound)
		}
		return s.enqueueSetup(ctx, tx, p.Administrator, p.Region, oldest.Add(s.lasts(stateCreated)))
	})
	if err != nil {
		return fmt.Errorf("end the setting up of members of %s in %s: %w", p.Administrator, p.Region, err)
	}
	return nil
}
