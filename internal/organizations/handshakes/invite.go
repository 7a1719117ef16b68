package handshakes

import (
	"context"
	"errors"
	"time"

	"muster/internal/awsmodel"
	api "muster/internal/awsmodel/organizations"
	"muster/internal/organizations"
	"muster/internal/organizations/refusal"
	"muster/internal/store"
	"muster/internal/store/directory"
	"muster/internal/store/handshakes"
)

// InviteAccountToOrganization sends an invitation to an account that stands
// alone, by its id or its address. Whether there is such an account is not
// told: an invitation that nobody can answer expires.
func (s *Service) InviteAccountToOrganization(ctx context.Context, call *awsmodel.Call, in *api.InviteAccountToOrganizationInput) (*api.InviteAccountToOrganizationOutput, error) {
	return store.Write(ctx, s.store, func(tx *store.Tx) (*api.InviteAccountToOrganizationOutput, error) {
		m, err := s.directory.Admit(ctx, tx, call, "InviteAccountToOrganization", in)
		if err != nil {
			return nil, err
		}
		if err := s.directory.CheckTags(in.Tags); err != nil {
			return nil, err
		}
		to, err := readRecipient(ctx, tx, in.Target)
		if err != nil {
			return nil, err
		}
		if err := s.invitable(ctx, tx, m, to, call.Time); err != nil {
			return nil, err
		}
		h := begin(m, handshakes.Invite, call.Time, invitationLife)
		h.Account, h.Email, h.Tags = to.account, to.email, tagsOf(in.Tags)
		if in.Notes != nil {
			h.Notes = *in.Notes
		}
		if err := s.send(ctx, tx, h); err != nil {
			return nil, err
		}
		out, err := s.show(ctx, tx, h, call.Time)
		return &api.InviteAccountToOrganizationOutput{Handshake: out}, err
	})
}

// begin is a new handshake of an organization without a recipient.
func begin(m organizations.Membership, action handshakes.Action, now time.Time, life time.Duration) handshakes.Handshake {
	return handshakes.Handshake{
		ID: organizations.NewID("h-"), Org: m.Org, Management: m.Management, Action: action, State: handshakes.Requested,
		RequestedAt: now, ExpiresAt: now.Add(life),
	}
}

func tagsOf(list []api.Tag) map[string]string {
	tags := make(map[string]string, len(list))
	for _, t := range list {
		tags[t.Key] = t.Value
	}
	return tags
}

// invitable refuses what state and limits forbid.
func (s *Service) invitable(ctx context.Context, tx *store.Tx, m organizations.Membership, to recipient, now time.Time) error {
	migrating, err := s.migration(ctx, tx, m.Org, now)
	if err != nil {
		return err
	}
	if migrating != nil {
		return invitesDisabled()
	}
	if to.known {
		in, err := organizations.Of(ctx, tx, to.knownAs.ID)
		if err == nil && in.Org != "" {
			return alreadyInOrganization()
		}
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
	}
	account, email := to.names()
	sent, err := handshakes.PendingTo(ctx, tx, m.Org, handshakes.Invite, account, email, now)
	if err != nil {
		return err
	}
	if sent {
		return duplicateHandshake()
	}
	return s.roomForInvitation(ctx, tx, m.Org, now)
}

// roomForInvitation refuses one invitation more than the organization could
// take in, or than a day allows.
func (s *Service) roomForInvitation(ctx context.Context, tx *store.Tx, org organizations.OrganizationID, now time.Time) error {
	room, err := s.directory.HasRoom(ctx, tx, org, true, now)
	if err != nil {
		return err
	}
	if !room {
		return tooManyAccounts()
	}
	today, err := handshakes.CountUnacceptedSince(ctx, tx, org, handshakes.Invite, now.Add(-day))
	if err != nil {
		return err
	}
	if today >= s.directory.Limits().InvitationsADay() {
		return tooManyInvitations()
	}
	return nil
}

// send stores a handshake and sees to it that it expires.
func (s *Service) send(ctx context.Context, tx *store.Tx, h handshakes.Handshake) error {
	if err := handshakes.Insert(ctx, tx, h); err != nil {
		return err
	}
	return later(ctx, tx, expireJob, h, h.ExpiresAt)
}

// acceptInvitation takes the account in.
func (s *Service) acceptInvitation(ctx context.Context, tx *store.Tx, h handshakes.Handshake, by party, now time.Time) error {
	if by.in != nil {
		return alreadyInOrganization()
	}
	o, err := directory.LookupOrganization(ctx, tx, h.Org)
	if err != nil {
		return refusal.Missing(err, invalidTransition())
	}
	migrating, err := s.migration(ctx, tx, h.Org, now)
	if err != nil {
		return err
	}
	if migrating != nil {
		return invitesDisabled()
	}
	room, err := s.directory.HasRoom(ctx, tx, h.Org, false, now)
	if err != nil {
		return err
	}
	if !room {
		return tooManyAccounts()
	}
	return s.directory.Join(ctx, tx, o, by.ID, directory.Invited, h.Tags, now)
}
