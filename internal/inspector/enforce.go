package inspector

import (
	"context"
	"slices"
	"time"

	"muster/internal/arn"
	"muster/internal/iam"
	"muster/internal/inspector/enforcement"
	"muster/internal/organizations"
	"muster/internal/store"
	"muster/internal/store/activation"
	"muster/internal/store/directory"
)

// carryOutActive is carryOut for those of the accounts that are active.
func (s *Service) carryOutActive(ctx context.Context, tx *store.Tx, org organizations.OrganizationID, of map[arn.AccountID]enforcement.Policy, regions []arn.Region, now time.Time) error {
	active := map[arn.AccountID]enforcement.Policy{}
	for account, p := range of {
		a, err := directory.LookupAccount(ctx, tx, account)
		if err != nil {
			return err
		}
		if a.State == directory.Active {
			active[account] = p
		}
	}
	return s.carryOut(ctx, tx, org, active, regions, now)
}

// carryOut begins what policies want of active accounts in some Regions.
func (s *Service) carryOut(ctx context.Context, tx *store.Tx, org organizations.OrganizationID, of map[arn.AccountID]enforcement.Policy, regions []arn.Region, now time.Time) error {
	for _, region := range regions {
		var covered []arn.AccountID
		for account, p := range of {
			if p.Covers(region) {
				covered = append(covered, account)
			}
		}
		if len(covered) == 0 {
			continue
		}
		slices.Sort(covered)
		if err := s.associateCovered(ctx, tx, org, region, covered, now); err != nil {
			return err
		}
		if err := s.switchCovered(ctx, tx, region, covered, of, now); err != nil {
			return err
		}
	}
	return nil
}

// switchCovered switches types on and off in one Region. Types that the Region
// lacks stay off.
func (s *Service) switchCovered(ctx context.Context, tx *store.Tx, region arn.Region, covered []arn.AccountID, of map[arn.AccountID]enforcement.Policy, now time.Time) error {
	scans, err := activation.LookupScans(ctx, tx, region, covered)
	if err != nil {
		return err
	}
	closed, err := activation.ClosedAmong(ctx, tx, region, covered)
	if err != nil {
		return err
	}
	var all []activation.Scan
	var first []arn.AccountID
	for _, account := range covered {
		if closed[account] {
			continue
		}
		changed := s.wanted(place{account, region}, scans[account], of[account], now)
		if !scans[account].Active() && len(changed) > 0 {
			first = append(first, account)
		}
		all = append(all, changed...)
	}
	if err := ensureRoles(ctx, tx, first, now); err != nil {
		return err
	}
	return s.put(ctx, tx, all, now)
}

// wanted are the transitions that a policy begins. One that has to wait for
// another's end is begun by settled.
func (s *Service) wanted(at place, scans activation.Scans, p enforcement.Policy, now time.Time) []activation.Scan {
	on, off := p.Wants(at.region, scans)
	on = slices.DeleteFunc(on, func(t activation.ScanType) bool {
		return s.config.Unavailable != nil && s.config.Unavailable(at.region, t)
	})
	var all []activation.Scan
	for _, t := range off {
		changed, _ := disable(at, after(scans, all), []activation.ScanType{t}, now)
		all = append(all, changed...)
	}
	changed, _ := enable(at, after(scans, all), on, false, now)
	return append(all, changed...)
}

// associateCovered makes covered accounts members of the Region's delegated
// administrator, where there is one and as long as it has room. Accounts
// without a place are scanned all the same.
func (s *Service) associateCovered(ctx context.Context, tx *store.Tx, org organizations.OrganizationID, region arn.Region, covered []arn.AccountID, now time.Time) error {
	d, err := activation.LookupDesignation(ctx, tx, org, region)
	if err != nil || d.Status != activation.Designated {
		return ignore(err, store.ErrNotFound)
	}
	had, err := activation.LookupMembers(ctx, tx, d.Account, region, covered)
	if err != nil {
		return err
	}
	joining := slices.DeleteFunc(slices.Clone(covered), func(a arn.AccountID) bool {
		return a == d.Account || had[a].Relationship.Associated()
	})
	if len(joining) == 0 {
		return nil
	}
	n, err := activation.CountMembers(ctx, tx, d.Account, region)
	if err != nil {
		return err
	}
	room := max(s.config.MemberLimit-n, 0)
	return s.associateMany(ctx, tx, d.Account, region, joining[:min(room, len(joining))], now)
}

// offerPlace lets accounts that a policy covers become members when one leaves
// an administrator that had no room for them.
func (s *Service) offerPlace(ctx context.Context, tx *store.Tx, m activation.Member, now time.Time) error {
	full, err := s.Full(ctx, tx, m.Administrator, m.Region)
	if err != nil || !full || !m.Relationship.Associated() {
		return err
	}
	org, err := directory.OrganizationOf(ctx, tx, m.Administrator)
	if err != nil {
		return ignore(err, store.ErrNotFound)
	}
	return enqueuePolicy(ctx, tx, org.ID, now)
}

// associateMany is associate for many accounts of one administrator.
func (s *Service) associateMany(ctx context.Context, tx *store.Tx, administrator arn.AccountID, region arn.Region, accounts []arn.AccountID, now time.Time) error {
	if len(accounts) == 0 {
		return nil
	}
	closed, err := activation.ClosedAmong(ctx, tx, region, accounts)
	if err != nil {
		return err
	}
	list := make([]activation.Member, len(accounts))
	for i, account := range accounts {
		list[i] = activation.Member{Administrator: administrator, Region: region, Account: account, Relationship: activation.SettingUp, UpdatedAt: now.Add(s.delay(stateCreated, account, region))}
		if closed[account] {
			list[i].Relationship = activation.RegionDisabled
		}
	}
	if err := activation.PutMembers(ctx, tx, list); err != nil {
		return err
	}
	if err := iam.EnsureServiceLinkedRoles(ctx, tx, accounts, organizations.InspectorPrincipal, now); err != nil {
		return err
	}
	if err := s.enqueueSetup(ctx, tx, administrator, region, now.Add(s.lasts(stateCreated))); err != nil {
		return err
	}
	return tellChanged(ctx, tx, JobResuppress, region, slices.Clone(accounts))
}

// enforceSettled begins what policies want of accounts whose transitions have
// just ended, and could not begin before.
func (s *Service) enforceSettled(ctx context.Context, tx *store.Tx, region arn.Region, accounts []arn.AccountID, now time.Time) error {
	of, err := policiesOf(ctx, tx, accounts)
	if err != nil || len(of) == 0 {
		return err
	}
	scans, err := activation.LookupScans(ctx, tx, region, accounts)
	if err != nil {
		return err
	}
	for account, p := range of {
		if len(s.wanted(place{account, region}, scans[account], p, now)) == 0 || scans[account].Failure().ErrorCode != "" {
			continue
		}
		m, err := organizations.Of(ctx, tx, account)
		if err != nil {
			return err
		}
		one := map[arn.AccountID]enforcement.Policy{account: p}
		if err := s.carryOutActive(ctx, tx, m.Org, one, []arn.Region{region}, now); err != nil {
			return err
		}
	}
	return nil
}
