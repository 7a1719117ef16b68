package inspector

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"muster/internal/arn"
	"muster/internal/finding"
	"muster/internal/organizations"
	"muster/internal/store"
	"muster/internal/store/activation"
	"muster/internal/store/catalog"
	"muster/internal/store/directory"
)

// Suspension has two causes: an account is suspended or closes, everywhere, or
// it opts out of one Region. Scans stop and relationships rest either way,
// until both causes are gone.

// opening is the payload of jobRegion.
type opening struct {
	Account arn.AccountID `json:"account"`
	Region  arn.Region    `json:"region"`
	In      bool          `json:"in"`
}

// EnqueueOpening asks for OptIn or OptOut once this transaction has committed:
// for who changes accounts without being the desk.
func EnqueueOpening(ctx context.Context, tx *store.Tx, account arn.AccountID, region arn.Region, in bool) error {
	payload, err := json.Marshal(opening{account, region, in})
	if err != nil {
		return err
	}
	key := string(account) + "/" + string(region)
	return tx.Enqueue(ctx, store.Job{Kind: jobRegion, Key: key, Account: string(account), Region: string(region), Payload: payload})
}

// open is the handler of jobRegion.
func (s *Service) open(ctx context.Context, job store.Job) error {
	var o opening
	if err := json.Unmarshal(job.Payload, &o); err != nil {
		return fmt.Errorf("payload of %s: %w", job.Kind, err)
	}
	change := s.OptOut
	if o.In {
		change = s.OptIn
	}
	return s.store.Update(ctx, func(tx *store.Tx) error {
		return change(ctx, tx, o.Account, o.Region, s.config.Now().UTC())
	})
}

// OptOut notes that an account has opted out of a Region, as accounts do with
// AWS's account service; every account begins with all Regions.
func (s *Service) OptOut(ctx context.Context, tx *store.Tx, account arn.AccountID, region arn.Region, now time.Time) error {
	if err := activation.CloseRegion(ctx, tx, account, region, now); err != nil {
		return err
	}
	return s.stop(ctx, tx, account, region, activation.RegionDisabled,
		[]activation.Relationship{activation.SettingUp, activation.Associated}, now)
}

// OptIn notes that an account has opted in to a Region again.
func (s *Service) OptIn(ctx context.Context, tx *store.Tx, account arn.AccountID, region arn.Region, now time.Time) error {
	if err := activation.OpenRegion(ctx, tx, account, region); err != nil {
		return err
	}
	a, err := directory.LookupAccount(ctx, tx, account)
	if err != nil || a.State != directory.Active {
		return err // What is suspended as a whole stays so.
	}
	if err := s.resume(ctx, tx, account, region, []activation.Relationship{activation.RegionDisabled}, now); err != nil {
		return err
	}
	m, err := organizations.Of(ctx, tx, account)
	if err != nil {
		return ignore(err, store.ErrNotFound)
	}
	return s.enforceOn(ctx, tx, m.Org, account, now)
}

// stop suspends an account's scans and relationships in a Region, or in all
// when none is named.
func (s *Service) stop(ctx context.Context, tx *store.Tx, account arn.AccountID, region arn.Region, as activation.Relationship, from []activation.Relationship, now time.Time) error {
	everywhere, err := activation.ScansEverywhere(ctx, tx, account)
	if err != nil {
		return err
	}
	for r, scans := range everywhere {
		if region != "" && r != region {
			continue
		}
		changed := suspend(place{account, r}, scans, now)
		for _, scan := range changed {
			if err := eachKind(scan.Type, func(kind finding.ResourceType) error {
				return catalog.PauseMetering(ctx, tx, account, r, kind, now)
			}); err != nil {
				return err
			}
		}
		if err := s.put(ctx, tx, changed, now); err != nil {
			return err
		}
	}
	return s.turn(ctx, tx, account, region, from, now, func(arn.Region) activation.Relationship { return as })
}

// resume starts again what stop stopped, except in Regions that the account
// has opted out of.
func (s *Service) resume(ctx context.Context, tx *store.Tx, account arn.AccountID, region arn.Region, from []activation.Relationship, now time.Time) error {
	everywhere, err := activation.ScansEverywhere(ctx, tx, account)
	if err != nil {
		return err
	}
	closed, err := activation.ClosedRegions(ctx, tx, account)
	if err != nil {
		return err
	}
	for r, scans := range everywhere {
		if region != "" && r != region || slices.Contains(closed, r) {
			continue
		}
		changed := reinstate(place{account, r}, scans, now)
		for _, scan := range changed {
			if err := eachKind(scan.Type, func(kind finding.ResourceType) error {
				return catalog.ResumeMetering(ctx, tx, account, r, kind, now)
			}); err != nil {
				return err
			}
		}
		if err := s.put(ctx, tx, changed, now); err != nil {
			return err
		}
	}
	return s.turn(ctx, tx, account, region, from, now, func(r arn.Region) activation.Relationship {
		if slices.Contains(closed, r) {
			return activation.RegionDisabled
		}
		return activation.Associated
	})
}

// turn changes an account's relationships that are in certain states.
func (s *Service) turn(ctx context.Context, tx *store.Tx, account arn.AccountID, region arn.Region, from []activation.Relationship, now time.Time, to func(arn.Region) activation.Relationship) error {
	relations, err := activation.RelationsOf(ctx, tx, account)
	if err != nil {
		return err
	}
	for _, m := range relations {
		if region != "" && m.Region != region || !slices.Contains(from, m.Relationship) {
			continue
		}
		m.Relationship, m.UpdatedAt = to(m.Region), now
		if err := activation.PutMember(ctx, tx, m); err != nil {
			return err
		}
	}
	return nil
}

// eachKind calls fn for the kinds of resources that a scan type is about.
func eachKind(t activation.ScanType, fn func(finding.ResourceType) error) error {
	kinds := map[activation.ScanType][]finding.ResourceType{
		activation.EC2: {finding.Instance}, activation.ECR: {finding.ContainerImage, finding.Repository},
		activation.Lambda: {finding.LambdaFunction}, activation.CodeRepository: {finding.CodeRepository},
	}
	for _, kind := range kinds[t] {
		if err := fn(kind); err != nil {
			return err
		}
	}
	return nil
}
