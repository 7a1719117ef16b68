package handshakes

import (
	"context"
	"errors"
	"strings"
	"time"

	"muster/internal/arn"
	"muster/internal/awsmodel"
	api "muster/internal/awsmodel/organizations"
	"muster/internal/organizations"
	"muster/internal/organizations/refusal"
	"muster/internal/store"
	"muster/internal/store/directory"
	"muster/internal/store/handshakes"
)

// InviteOrganizationToTransferResponsibility offers another organization's
// management account to take on a responsibility of its organization, from the
// first day of a coming month on.
func (s *Service) InviteOrganizationToTransferResponsibility(ctx context.Context, call *awsmodel.Call, in *api.InviteOrganizationToTransferResponsibilityInput) (*api.InviteOrganizationToTransferResponsibilityOutput, error) {
	return store.Write(ctx, s.store, func(tx *store.Tx) (*api.InviteOrganizationToTransferResponsibilityOutput, error) {
		m, err := s.directory.Admit(ctx, tx, call, "InviteOrganizationToTransferResponsibility", in)
		if err != nil {
			return nil, err
		}
		if err := s.directory.CheckTags(in.Tags); err != nil {
			return nil, err
		}
		if err := startDate(in.StartTimestamp, call.Time); err != nil {
			return nil, err
		}
		to, err := readRecipient(ctx, tx, in.Target)
		if err != nil {
			return nil, err
		}
		if err := s.transferable(ctx, tx, m, to, call.Time); err != nil {
			return nil, err
		}
		h, err := s.offer(ctx, tx, m, to, in, call.Time)
		if err != nil {
			return nil, err
		}
		out, err := s.show(ctx, tx, h, call.Time)
		return &api.InviteOrganizationToTransferResponsibilityOutput{Handshake: out}, err
	})
}

// offer stores the transfer with its handshake.
func (s *Service) offer(ctx context.Context, tx *store.Tx, m organizations.Membership, to recipient, in *api.InviteOrganizationToTransferResponsibilityInput, now time.Time) (handshakes.Handshake, error) {
	h := begin(m, handshakes.TransferResponsibility, now, invitationLife)
	if last := in.StartTimestamp.Add(-answerBefore); h.ExpiresAt.After(last) {
		h.ExpiresAt = last
	}
	h.Account, h.Email, h.Tags, h.Transfer = to.account, to.email, tagsOf(in.Tags), organizations.NewID("rt-")
	if in.Notes != nil {
		h.Notes = *in.Notes
	}
	t := handshakes.Transfer{
		ID: h.Transfer, Type: string(in.Type), Name: in.SourceName, Status: handshakes.TransferRequested, Handshake: h.ID,
		TargetOrg: m.Org, Target: m.Management, CreatedAt: now, StartAt: in.StartTimestamp, ExpiresAt: h.ExpiresAt,
	}
	t.Source, t.SourceEmail = to.names()
	if err := handshakes.PutTransfer(ctx, tx, t); err != nil {
		return h, err
	}
	return h, s.send(ctx, tx, h)
}

// transferable refuses an offer that state and limits forbid.
func (s *Service) transferable(ctx context.Context, tx *store.Tx, m organizations.Membership, to recipient, now time.Time) error {
	if to.known {
		if err := s.source(ctx, tx, m, to.knownAs.ID, now); err != nil {
			return err
		}
	}
	account, email := to.names()
	sent, err := handshakes.PendingTo(ctx, tx, m.Org, handshakes.TransferResponsibility, account, email, now)
	if err != nil {
		return err
	}
	if sent {
		return duplicateHandshake()
	}
	n, err := handshakes.CountInbound(ctx, tx, m.Org, now)
	if err != nil {
		return err
	}
	if n >= s.directory.Limits().Inbound {
		return tooManyInbound()
	}
	return nil
}

// source refuses an account that leads no other organization, or one whose
// responsibility the caller has already.
func (s *Service) source(ctx context.Context, tx *store.Tx, m organizations.Membership, account arn.AccountID, now time.Time) error {
	if account == m.Management {
		return sourceIsTarget()
	}
	its, err := organizations.Of(ctx, tx, account)
	if err != nil {
		return refusal.Missing(err, refusal.TargetNotSupported())
	}
	if !its.IsManagement() {
		return refusal.TargetNotSupported()
	}
	list, err := handshakes.InForce(ctx, tx, account, now)
	if err != nil {
		return err
	}
	for _, t := range list {
		if t.TargetOrg == m.Org {
			return transferExists()
		}
	}
	return nil
}

// acceptTransfer makes an offered transfer an agreed one.
func (s *Service) acceptTransfer(ctx context.Context, tx *store.Tx, h handshakes.Handshake, by party, now time.Time) error {
	switch {
	case by.in == nil:
		return refusal.NotInUse()
	case by.in.Org == h.Org:
		return sourceIsTarget()
	case !by.in.IsManagement():
		return refusal.AccessDenied()
	}
	t, err := handshakes.LookupTransfer(ctx, tx, h.Transfer)
	if err != nil {
		return err
	}
	given, err := handshakes.InForce(ctx, tx, by.ID, now)
	if err != nil {
		return err
	}
	if len(given) >= s.directory.Limits().Outbound {
		return tooManyOutbound()
	}
	if err := s.checkChain(ctx, tx, by.ID, t.Target, now); err != nil {
		return err
	}
	t.Source, t.SourceOrg, t.SourceEmail = by.ID, by.in.Org, by.Email
	for key, value := range h.Tags {
		if err := directory.PutTag(ctx, tx, t.TargetOrg, t.ID, directory.Tag{Key: key, Value: value}); err != nil {
			return err
		}
	}
	return handshakes.PutTransfer(ctx, tx, t)
}

// checkChain refuses a transfer that would make a chain of transfers longer
// than it may be, or a ring, which has no end.
func (s *Service) checkChain(ctx context.Context, tx *store.Tx, source, target arn.AccountID, now time.Time) error {
	limit := s.directory.Limits().Chain
	length, err := below(ctx, tx, source, now, limit)
	if err != nil {
		return err
	}
	for length++; length <= limit; length++ {
		next, err := handshakes.InForce(ctx, tx, target, now)
		if err != nil || len(next) == 0 {
			return err
		}
		target = next[0].Target
	}
	return chainTooLong()
}

// below is how many transfers in a row end at an account, up to a limit.
func below(ctx context.Context, tx *store.Tx, account arn.AccountID, now time.Time, limit int) (int, error) {
	if limit == 0 {
		return 0, nil
	}
	list, err := handshakes.InForceTo(ctx, tx, account, now, batch)
	longest := 0
	for _, t := range list {
		n, err := below(ctx, tx, t.Source, now, limit-1)
		if err != nil {
			return 0, err
		}
		longest = max(longest, n+1)
	}
	return longest, err
}

// settleTransfer gives a transfer the end of its handshake.
func settleTransfer(ctx context.Context, tx *store.Tx, h handshakes.Handshake) error {
	t, err := handshakes.LookupTransfer(ctx, tx, h.Transfer)
	if err != nil {
		return err
	}
	t.Status = handshakes.TransferStatus(h.State)
	return handshakes.PutTransfer(ctx, tx, t)
}

// side says from which side an organization sees a transfer.
type side string

const (
	inbound  side = "inbound"
	outbound side = "outbound"
)

// sideOf is the side of a transfer on which an organization is; ok is false
// for everybody else.
func sideOf(ctx context.Context, tx *store.Tx, t handshakes.Transfer, m organizations.Membership) (side, bool, error) {
	if t.TargetOrg == m.Org {
		return inbound, true, nil
	}
	if t.Source != "" {
		return outbound, t.Source == m.Management, nil
	}
	management, err := directory.LookupAccount(ctx, tx, m.Management)
	return outbound, err == nil && directory.EmailKey(management.Email) == directory.EmailKey(t.SourceEmail), err
}

// findTransfer returns a transfer to those who take part in it.
func findTransfer(ctx context.Context, tx *store.Tx, m organizations.Membership, id string) (handshakes.Transfer, side, error) {
	t, err := handshakes.LookupTransfer(ctx, tx, id)
	if err != nil {
		return t, "", refusal.Missing(err, transferNotFound())
	}
	from, ok, err := sideOf(ctx, tx, t, m)
	if err == nil && !ok {
		err = transferNotFound()
	}
	return t, from, err
}

// transferOutput is a transfer as one of its sides sees it.
func transferOutput(ctx context.Context, tx *store.Tx, m organizations.Membership, t handshakes.Transfer, from side, now time.Time) (*api.ResponsibilityTransfer, error) {
	target, err := directory.LookupAccount(ctx, tx, t.Target)
	if err != nil {
		return nil, err
	}
	out := &api.ResponsibilityTransfer{
		Id: new(t.ID), Name: new(t.Name), Type: api.ResponsibilityTransferType(t.Type), Status: statusOf(t, now),
		Arn: new(string(arn.New("organizations", "", m.Management,
			"transfer/"+string(m.Org)+"/"+strings.ToLower(t.Type)+"/"+string(from)+"/"+t.ID))),
		Target:         &api.TransferParticipant{ManagementAccountId: new(string(t.Target)), ManagementAccountEmail: new(target.Email)},
		StartTimestamp: new(t.StartAt), ActiveHandshakeId: new(t.Handshake),
	}
	if out.Source, err = sourceOutput(ctx, tx, t); err != nil {
		return nil, err
	}
	if !t.EndAt.IsZero() {
		out.EndTimestamp = new(t.EndAt)
	}
	return out, nil
}

// sourceOutput names the source as far as the target may know it: in full once
// it has agreed, before that as the target itself named it.
func sourceOutput(ctx context.Context, tx *store.Tx, t handshakes.Transfer) (*api.TransferParticipant, error) {
	out := &api.TransferParticipant{}
	agreed := t.SourceOrg != ""
	h, err := handshakes.Lookup(ctx, tx, t.Handshake)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return nil, err
	}
	if agreed || h.Account != "" {
		out.ManagementAccountId = new(string(t.Source))
	}
	if agreed || h.Email != "" {
		out.ManagementAccountEmail = new(t.SourceEmail)
	}
	return out, nil
}

// statusOf is a transfer's status at a time: expired offers are so before the
// job has written it.
func statusOf(t handshakes.Transfer, now time.Time) api.ResponsibilityTransferStatus {
	if t.Status == handshakes.TransferRequested && !now.Before(t.ExpiresAt) {
		return api.ResponsibilityTransferStatusExpired
	}
	return api.ResponsibilityTransferStatus(t.Status)
}
