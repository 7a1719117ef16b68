package handshakes

import (
	"context"
	"time"

	"muster/internal/awsmodel"
	api "muster/internal/awsmodel/organizations"
	"muster/internal/organizations"
	"muster/internal/store"
	"muster/internal/store/directory"
	"muster/internal/store/handshakes"
)

// EnableAllFeatures asks every invited member for its consent. The answer is
// the handshake that the management account accepts at the end, which changes
// the organization; accounts that were created in it are not asked.
func (s *Service) EnableAllFeatures(ctx context.Context, call *awsmodel.Call, in *api.EnableAllFeaturesInput) (*api.EnableAllFeaturesOutput, error) {
	return store.Write(ctx, s.store, func(tx *store.Tx) (*api.EnableAllFeaturesOutput, error) {
		m, err := s.directory.Admit(ctx, tx, call, "EnableAllFeatures", in)
		if err != nil {
			return nil, err
		}
		if err := s.migratable(ctx, tx, m, call.Time); err != nil {
			return nil, err
		}
		h := begin(m, handshakes.EnableAllFeatures, call.Time, allFeaturesLife)
		h.Account = m.Management
		if err := s.send(ctx, tx, h); err != nil {
			return nil, err
		}
		if err := askMembers(ctx, tx, m, h); err != nil {
			return nil, err
		}
		out, err := s.show(ctx, tx, h, call.Time)
		return &api.EnableAllFeaturesOutput{Handshake: out}, err
	})
}

// migratable refuses organizations that have all features, have asked for
// them, or are too large.
func (s *Service) migratable(ctx context.Context, tx *store.Tx, m organizations.Membership, now time.Time) error {
	if m.AllFeatures() {
		return alreadyAllFeatures()
	}
	running, err := s.migration(ctx, tx, m.Org, now)
	if err != nil {
		return err
	}
	if running != nil {
		return alreadyMigrating()
	}
	n, err := directory.CountMembers(ctx, tx, m.Org)
	if err != nil {
		return err
	}
	if n > s.directory.Limits().Migration {
		return organizationTooLarge()
	}
	return nil
}

// migration is the request for all features that an organization has open, or
// nil.
func (s *Service) migration(ctx context.Context, tx *store.Tx, org organizations.OrganizationID, now time.Time) (*handshakes.Handshake, error) {
	list, err := handshakes.PendingOf(ctx, tx, org, handshakes.EnableAllFeatures, now, 1)
	if err != nil || len(list) == 0 {
		return nil, err
	}
	return &list[0], nil
}

// askMembers sends every invited member that is not closing an approval to
// give. They live and end with their request.
func askMembers(ctx context.Context, tx *store.Tx, m organizations.Membership, request handshakes.Handshake) error {
	var approvals []handshakes.Handshake
	for a, err := range organizations.AccountsOf(ctx, tx, m.Org) {
		if err != nil {
			return err
		}
		if a.ID == m.Management || a.JoinedMethod != directory.Invited || a.State == directory.PendingClosure || a.State == directory.Closed {
			continue
		}
		h := request
		h.ID, h.Action, h.Account, h.Parent = organizations.NewID("h-"), handshakes.ApproveAllFeatures, a.ID, request.ID
		approvals = append(approvals, h)
	}
	return handshakes.Insert(ctx, tx, approvals...)
}
