package scan

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"muster/internal/arn"
	"muster/internal/finding"
	"muster/internal/store/activation"
	"muster/internal/store/catalog"
	"muster/internal/store/findings"
	"muster/internal/store/topology"
)

// known is what is stored of resources that are scanned in one transaction: a
// few statements read it for all of them, because a changed advisory can be
// about every machine there is.
type known struct {
	findings map[int64][]findings.Stored
	networks map[catalog.Place]*topology.Instance
}

// read reads what is known of the resources and what governs their accounts.
func (e *evaluator) read(ctx context.Context, list []catalog.Resource) (err error) {
	numbers := make(map[int64]finding.Resource, len(list))
	at := map[arn.Region]map[arn.AccountID]bool{}
	for i := range list {
		r := &list[i]
		numbers[r.Number] = r.Resource
		if at[r.Region] == nil {
			at[r.Region] = map[arn.AccountID]bool{}
		}
		at[r.Region][r.Account] = true
	}
	if e.known.findings, err = findings.OfResources(ctx, e.tx, numbers); err != nil {
		return err
	}
	e.known.networks = map[catalog.Place]*topology.Instance{}
	for region, accounts := range at {
		if err := e.readNetworks(ctx, list, region); err != nil {
			return err
		}
		if err := e.readRegimes(ctx, region, slices.Sorted(maps.Keys(accounts))); err != nil {
			return err
		}
	}
	return nil
}

func (e *evaluator) readNetworks(ctx context.Context, list []catalog.Resource, region arn.Region) error {
	var accounts []arn.AccountID
	var ids []string
	for i := range list {
		if r := &list[i]; r.Type == finding.Instance && r.Region == region {
			accounts, ids = append(accounts, r.Account), append(ids, r.ID)
		}
	}
	found, err := topology.InstancesAt(ctx, e.tx, region, accounts, ids)
	for i := range found {
		n := &found[i]
		e.known.networks[catalog.Place{Account: n.Account, Region: n.Region, Type: finding.Instance, ID: n.ID}] = n
	}
	return err
}

// readRegimes reads what governs accounts in a Region; most have the same
// administrator, whose rules are read once.
func (e *evaluator) readRegimes(ctx context.Context, region arn.Region, accounts []arn.AccountID) error {
	scans, err := activation.LookupScans(ctx, e.tx, region, accounts)
	if err != nil {
		return err
	}
	administrators, err := activation.AdministratorsOf(ctx, e.tx, accounts, region)
	if err != nil {
		return fmt.Errorf("administrators of %d accounts: %w", len(accounts), err)
	}
	shallow, err := activation.WithoutDeepInspection(ctx, e.tx, accounts, region)
	if err != nil {
		return fmt.Errorf("deep inspection of %d accounts: %w", len(accounts), err)
	}
	made := map[arn.AccountID]rules{}
	for _, account := range accounts {
		owner := account
		if a, ok := administrators[account]; ok {
			owner = a
		}
		if _, ok := made[owner]; !ok {
			if made[owner], err = rulesOf(ctx, e.tx, owner, region, e.now); err != nil {
				return err
			}
		}
		e.regimes[Account{account, region}] = &regime{scans: scans[account], rules: made[owner], shallow: shallow[account]}
	}
	return nil
}

// cover stores how a resource is covered, together with others where that has
// not changed.
func (e *evaluator) cover(ctx context.Context, r *catalog.Resource, c catalog.Coverage) error {
	same := r.Coverage
	same.ScannedAt = c.ScannedAt
	switch {
	case c == r.Coverage:
		return nil
	case c != same || !c.ScannedAt.Equal(e.now):
		return cover(ctx, e.tx, r, c, e.now)
	}
	r.Coverage = c
	e.scanned = append(e.scanned, r.Number)
	return nil
}
