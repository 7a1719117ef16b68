package scan

import (
	"context"
	"errors"
	"time"

	"muster/internal/arn"
	"muster/internal/finding"
	"muster/internal/store"
	"muster/internal/store/activation"
	"muster/internal/store/catalog"
	"muster/internal/store/filters"
	"muster/internal/store/findings"
	"muster/internal/store/topology"
)

// removeAtOnce is how many findings one transaction removes.
const removeAtOnce = 1000

// accountsChanged is the handler of JobAccounts: it asks for a JobAccount where
// there is something to do.
func (s *Service) accountsChanged(ctx context.Context, job store.Job) error {
	of, err := payload[Accounts](job)
	if err != nil {
		return err
	}
	return s.store.Update(ctx, func(tx *store.Tx) error {
		concerned, err := catalog.Holders(ctx, tx, of.Region, of.Accounts)
		if err != nil {
			return err
		}
		filtering, err := filters.Filtering(ctx, tx, of.Region, of.Accounts)
		if err != nil {
			return err
		}
		for _, account := range of.Accounts {
			if !concerned[account] && !filtering[account] {
				continue
			}
			if err := askForAccount(ctx, tx, JobAccount, account, of.Region, s.now()); err != nil {
				return err
			}
		}
		return nil
	})
}

// accountChanged is the handler of JobAccount: what was switched on is
// scanned, what was switched off loses its findings and its coverage. A
// suspended account keeps what it has.
func (s *Service) accountChanged(ctx context.Context, job store.Job) error {
	at, err := payload[Account](job)
	if err != nil {
		return err
	}
	var scans activation.Scans
	err = s.store.View(ctx, func(tx *store.Tx) (err error) {
		scans, err = activation.ScansOf(ctx, tx, at.Account, at.Region)
		return err
	})
	if err != nil {
		return err
	}
	for _, k := range kinds() {
		switch scans.Status(k.scan) {
		case activation.Enabled, activation.Disabling:
			err = s.eachResource(ctx, at, k.resources, func(list []catalog.Place) error { return s.scan(ctx, list) })
		case activation.Disabled:
			err = s.switchOff(ctx, at, k)
		}
		if err != nil {
			return err
		}
	}
	if scans.Active() {
		return nil
	}
	return s.store.Update(ctx, func(tx *store.Tx) error { return deactivate(ctx, tx, at, s.now()) })
}

// eachResource hands an account's resources of a type on, some at a time.
func (s *Service) eachResource(ctx context.Context, at Account, of finding.ResourceType, do func([]catalog.Place) error) error {
	for after := ""; ; {
		var list []catalog.Resource
		err := s.store.View(ctx, func(tx *store.Tx) (err error) {
			list, err = catalog.ResourcesOf(ctx, tx, at.Account, at.Region, of, after, together)
			return err
		})
		if err != nil {
			return err
		}
		var places []catalog.Place
		for i := range list {
			if list[i].Type == of {
				places = append(places, list[i].Place())
			}
		}
		if len(places) == 0 {
			return nil
		}
		after = places[len(places)-1].ID
		if err := do(places); err != nil {
			return err
		}
	}
}

// errSwitchedOn says that a scan type was switched on again meanwhile.
var errSwitchedOn = errors.New("switched on again")

// switchOff removes the findings of an account's resources of a kind and stops
// covering them. Each transaction looks again whether the scan type is still
// off.
func (s *Service) switchOff(ctx context.Context, at Account, k kind) error {
	off := func(fn func(*store.Tx) error) error {
		return s.store.Update(ctx, func(tx *store.Tx) error {
			scans, err := activation.ScansOf(ctx, tx, at.Account, at.Region)
			if err == nil && scans.Status(k.scan) != activation.Disabled {
				err = errSwitchedOn
			}
			if err != nil {
				return err
			}
			return fn(tx)
		})
	}
	err := s.eachResource(ctx, at, k.resources, func(list []catalog.Place) error {
		return off(func(tx *store.Tx) error { return uncover(ctx, tx, list, s.now()) })
	})
	if err == nil && k.resources == finding.Instance {
		err = off(func(tx *store.Tx) error { return topology.UncoverAll(ctx, tx, at.Account, at.Region) })
	}
	for n := removeAtOnce; err == nil && n == removeAtOnce; {
		err = off(func(tx *store.Tx) (err error) {
			n, err = findings.RemoveOf(ctx, tx, at.Account, at.Region, k.resources, s.now(), removeAtOnce)
			return err
		})
	}
	if errors.Is(err, errSwitchedOn) {
		return nil // That change has a job of its own.
	}
	return err
}

func uncover(ctx context.Context, tx *store.Tx, list []catalog.Place, now time.Time) error {
	for _, p := range list {
		r, err := catalog.LookupResource(ctx, tx, p)
		if errors.Is(err, store.ErrNotFound) {
			continue
		}
		if err == nil {
			err = cover(ctx, tx, &r, catalog.Coverage{}, now)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// deactivate forgets the filters of an account that scans nothing any more,
// and frees the members that its rules governed.
func deactivate(ctx context.Context, tx *store.Tx, at Account, now time.Time) error {
	scans, err := activation.ScansOf(ctx, tx, at.Account, at.Region)
	if err != nil || scans.Active() {
		return err
	}
	rules, err := filters.Count(ctx, tx, at.Account, at.Region, filters.Suppress)
	if err != nil {
		return err
	}
	if err := filters.DeleteAll(ctx, tx, at.Account, at.Region, now); err != nil || rules == 0 {
		return err
	}
	return resuppressMembers(ctx, tx, at)
}

func resuppressMembers(ctx context.Context, tx *store.Tx, at Account) error {
	for after := arn.AccountID(""); ; {
		members, err := activation.MembersPage(ctx, tx, at.Account, at.Region, after, together)
		if err != nil || len(members) == 0 {
			return err
		}
		for _, m := range members {
			if err := askForAccount(ctx, tx, JobSuppression, m.Account, at.Region, m.UpdatedAt); err != nil {
				return err
			}
			after = m.Account
		}
	}
}
