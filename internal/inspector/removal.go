package inspector

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"muster/internal/arn"
	"muster/internal/organizations"
	"muster/internal/store"
	"muster/internal/store/activation"
)

// removal is the payload of the job that clears a designation away.
type removal struct {
	Org     organizations.OrganizationID `json:"org"`
	Region  arn.Region                   `json:"region"`
	Account arn.AccountID                `json:"account"`
}

// batchSize is how many accounts a job changes in one transaction.
const batchSize = 500

// clearAway makes the members of a removed administrator stand alone, some at
// a time, and then forgets the designation. Nobody can become a member
// meanwhile. It can be killed and run again at any point.
func (s *Service) clearAway(ctx context.Context, job store.Job) error {
	var r removal
	if err := json.Unmarshal(job.Payload, &r); err != nil {
		return fmt.Errorf("payload of %s: %w", job.Kind, err)
	}
	for done := false; !done; {
		err := s.store.Update(ctx, func(tx *store.Tx) (err error) {
			done, err = s.clearSome(ctx, tx, r)
			return err
		})
		if err != nil {
			return fmt.Errorf("remove the delegated administrator %s in %s: %w", r.Account, r.Region, err)
		}
	}
	return nil
}

func (s *Service) clearSome(ctx context.Context, tx *store.Tx, r removal) (done bool, err error) {
	d, err := activation.LookupDesignation(ctx, tx, r.Org, r.Region)
	if err != nil || d.Account != r.Account || d.Status != activation.Removing {
		return true, ignore(err, store.ErrNotFound)
	}
	members, err := activation.RelationsPage(ctx, tx, r.Account, r.Region, "", batchSize)
	if err != nil {
		return false, err
	}
	for _, m := range members {
		if err := s.release(ctx, tx, m); err != nil {
			return false, err
		}
		if err := activation.DeleteMember(ctx, tx, m); err != nil {
			return false, err
		}
	}
	if len(members) == batchSize {
		return false, nil
	}
	return true, s.forget(ctx, tx, d)
}

// forget ends the removal: organization-wide settings are reset, and the
// registration goes with the last Region if Inspector made it.
func (s *Service) forget(ctx context.Context, tx *store.Tx, d activation.Designation) error {
	if err := activation.ResetAutoEnable(ctx, tx, d.Account, d.Region); err != nil {
		return err
	}
	deep, err := activation.LookupDeepInspection(ctx, tx, d.Account, d.Region)
	if err == nil && len(deep.OrganizationPaths) > 0 {
		deep.OrganizationPaths = nil
		err = activation.PutDeepInspection(ctx, tx, d.Account, d.Region, deep)
	}
	if err != nil {
		return err
	}
	if err := activation.DeleteDesignation(ctx, tx, d.Org, d.Region); err != nil {
		return err
	}
	rest, err := activation.Designations(ctx, tx, d.Org)
	if err != nil || len(rest) > 0 {
		return err
	}
	return deregister(ctx, tx, d)
}

// deregister drops the registration that Inspector made. While trusted access
// is off it stays, without effect, until access returns.
func deregister(ctx context.Context, tx *store.Tx, d activation.Designation) error {
	trusted, err := organizations.TrustedAccessEnabled(ctx, tx, d.Org, organizations.InspectorPrincipal)
	if err != nil || !trusted {
		return err
	}
	r, err := organizations.DelegatedAdministrator(ctx, tx, d.Org, organizations.InspectorPrincipal)
	if err != nil || r.Account != d.Account || r.Origin != organizations.ByInspector {
		return ignore(err, store.ErrNotFound)
	}
	m, err := organizations.Of(ctx, tx, d.Account)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	return organizations.DeregisterDelegatedAdministrator(ctx, tx, m, d.Account, organizations.InspectorPrincipal)
}
