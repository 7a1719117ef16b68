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

// party is an account that has to do with a handshake.
type party struct {
	directory.Account
	// in is the account's place in an organization; nil when it stands alone.
	in *organizations.Membership
	// sender and recipient say what the handshake is to the account; a reader
	// is an administrator by delegation of the sender's.
	sender, recipient, reader bool
}

// find returns a handshake and what it is to the caller. To everybody else
// there is no such handshake; nor is there one that ended long ago.
func (s *Service) find(ctx context.Context, tx *store.Tx, call *awsmodel.Call, id string) (handshakes.Handshake, party, error) {
	h, err := handshakes.Lookup(ctx, tx, id)
	if err != nil {
		return h, party{}, refusal.Missing(err, handshakeNotFound())
	}
	p, err := s.partyOf(ctx, tx, call, h)
	if err != nil {
		return h, p, err
	}
	gone := !h.FinishedAt.IsZero() && !call.Time.Before(h.FinishedAt.Add(listed))
	if gone || !p.sender && !p.recipient && !p.reader {
		return h, p, handshakeNotFound()
	}
	return h, p, nil
}

func (s *Service) partyOf(ctx context.Context, tx *store.Tx, call *awsmodel.Call, h handshakes.Handshake) (party, error) {
	a, err := directory.LookupAccount(ctx, tx, call.Account())
	if err != nil {
		return party{}, refusal.Missing(err, handshakeNotFound())
	}
	p := party{Account: a, recipient: isRecipient(h, a)}
	m, err := organizations.Of(ctx, tx, a.ID)
	if errors.Is(err, store.ErrNotFound) {
		return p, nil
	}
	if err != nil {
		return p, err
	}
	p.in = &m
	if m.Org != h.Org {
		return p, nil
	}
	p.sender = m.IsManagement()
	_, err = s.directory.Admit(ctx, tx, call, "ListHandshakesForOrganization", &api.ListHandshakesForOrganizationInput{})
	if _, refused := errors.AsType[awsmodel.Error](err); refused {
		return p, nil
	}
	p.reader = err == nil
	return p, err
}

// state is a handshake's state at a time: what is written, but expired when
// nobody has written so yet, and open when everybody has consented.
func (s *Service) state(ctx context.Context, tx *store.Tx, h handshakes.Handshake, now time.Time) (handshakes.State, error) {
	switch {
	case h.State != handshakes.Requested:
		return h.State, nil
	case !h.Pending(now):
		return handshakes.Expired, nil
	case h.Action != handshakes.EnableAllFeatures:
		return h.State, nil
	}
	n, err := handshakes.CountOutstanding(ctx, tx, h.ID)
	if err == nil && n == 0 {
		return handshakes.Open, nil
	}
	return h.State, err
}

// answer ends a handshake if the caller may and its state permits it.
func (s *Service) answer(ctx context.Context, call *awsmodel.Call, id string, to handshakes.State, may func(party) bool) (*api.Handshake, error) {
	return store.Write(ctx, s.store, func(tx *store.Tx) (*api.Handshake, error) {
		h, by, err := s.find(ctx, tx, call, id)
		if err != nil {
			return nil, err
		}
		if !may(by) {
			return nil, refusal.AccessDenied()
		}
		from, err := s.state(ctx, tx, h, call.Time)
		if err != nil {
			return nil, err
		}
		if err := transition(h, from, to); err != nil {
			return nil, err
		}
		if to == handshakes.Accepted {
			if err := s.fulfil(ctx, tx, h, by, call.Time); err != nil {
				return nil, err
			}
		}
		if err := finish(ctx, tx, &h, to, call.Time); err != nil {
			return nil, err
		}
		return s.show(ctx, tx, h, call.Time)
	})
}

// transition refuses a step that the state does not permit. A request for all
// features can be accepted only once it is open.
func transition(h handshakes.Handshake, from, to handshakes.State) error {
	switch {
	case from == to:
		return alreadyInState()
	case from != handshakes.Requested && from != handshakes.Open:
		return invalidTransition()
	case h.Action == handshakes.EnableAllFeatures && to == handshakes.Accepted && from != handshakes.Open:
		return invalidTransition()
	}
	return nil
}

// fulfil does what a handshake was about.
func (s *Service) fulfil(ctx context.Context, tx *store.Tx, h handshakes.Handshake, by party, now time.Time) error {
	switch h.Action {
	case handshakes.Invite:
		return s.acceptInvitation(ctx, tx, h, by, now)
	case handshakes.EnableAllFeatures:
		return directory.SetFeatureSet(ctx, tx, h.Org, directory.AllFeatures)
	case handshakes.TransferResponsibility:
		return s.acceptTransfer(ctx, tx, h, by, now)
	}
	return nil // an approval is enough by itself
}

// finish ends a handshake, and with it what hangs on it.
func finish(ctx context.Context, tx *store.Tx, h *handshakes.Handshake, to handshakes.State, now time.Time) error {
	h.State, h.FinishedAt = to, now
	if err := handshakes.Finish(ctx, tx, h.ID, to, now); err != nil {
		return err
	}
	switch h.Action {
	case handshakes.ApproveAllFeatures:
		return nil // is forgotten with the request that it belongs to
	case handshakes.EnableAllFeatures:
		rest := handshakes.Canceled
		if to == handshakes.Expired {
			rest = to
		}
		if err := handshakes.FinishApprovals(ctx, tx, h.ID, rest, now); err != nil {
			return err
		}
	case handshakes.TransferResponsibility:
		if err := settleTransfer(ctx, tx, *h); err != nil {
			return err
		}
	}
	return later(ctx, tx, forgetJob, *h, now.Add(listed))
}

// AcceptHandshake is the recipient's yes.
func (s *Service) AcceptHandshake(ctx context.Context, call *awsmodel.Call, in *api.AcceptHandshakeInput) (*api.AcceptHandshakeOutput, error) {
	h, err := s.answer(ctx, call, in.HandshakeId, handshakes.Accepted, func(p party) bool { return p.recipient })
	return &api.AcceptHandshakeOutput{Handshake: h}, err
}

// DeclineHandshake is the recipient's no.
func (s *Service) DeclineHandshake(ctx context.Context, call *awsmodel.Call, in *api.DeclineHandshakeInput) (*api.DeclineHandshakeOutput, error) {
	h, err := s.answer(ctx, call, in.HandshakeId, handshakes.Declined, func(p party) bool { return p.recipient })
	return &api.DeclineHandshakeOutput{Handshake: h}, err
}

// CancelHandshake takes an offer back that nobody has answered.
func (s *Service) CancelHandshake(ctx context.Context, call *awsmodel.Call, in *api.CancelHandshakeInput) (*api.CancelHandshakeOutput, error) {
	h, err := s.answer(ctx, call, in.HandshakeId, handshakes.Canceled, func(p party) bool { return p.sender })
	return &api.CancelHandshakeOutput{Handshake: h}, err
}
