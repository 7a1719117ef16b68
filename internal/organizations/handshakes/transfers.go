package handshakes

import (
	"context"

	"muster/internal/awsmodel"
	api "muster/internal/awsmodel/organizations"
	"muster/internal/organizations"
	"muster/internal/organizations/refusal"
	"muster/internal/store"
	"muster/internal/store/directory"
	"muster/internal/store/handshakes"
)

// DescribeResponsibilityTransfer returns a transfer to its two sides.
func (s *Service) DescribeResponsibilityTransfer(ctx context.Context, call *awsmodel.Call, in *api.DescribeResponsibilityTransferInput) (*api.DescribeResponsibilityTransferOutput, error) {
	return store.Read(ctx, s.store, func(tx *store.Tx) (*api.DescribeResponsibilityTransferOutput, error) {
		m, err := s.directory.Admit(ctx, tx, call, "DescribeResponsibilityTransfer", in)
		if err != nil {
			return nil, err
		}
		t, from, err := findTransfer(ctx, tx, m, in.Id)
		if err != nil {
			return nil, err
		}
		out, err := transferOutput(ctx, tx, m, t, from, call.Time)
		return &api.DescribeResponsibilityTransferOutput{ResponsibilityTransfer: out}, err
	})
}

// UpdateResponsibilityTransfer gives a transfer another name. The name is the
// target's, which gave it.
func (s *Service) UpdateResponsibilityTransfer(ctx context.Context, call *awsmodel.Call, in *api.UpdateResponsibilityTransferInput) (*api.UpdateResponsibilityTransferOutput, error) {
	return store.Write(ctx, s.store, func(tx *store.Tx) (*api.UpdateResponsibilityTransferOutput, error) {
		m, err := s.directory.Admit(ctx, tx, call, "UpdateResponsibilityTransfer", in)
		if err != nil {
			return nil, err
		}
		t, from, err := findTransfer(ctx, tx, m, in.Id)
		if err != nil {
			return nil, err
		}
		if from != inbound {
			return nil, refusal.AccessDenied()
		}
		t.Name = in.Name
		if err := handshakes.PutTransfer(ctx, tx, t); err != nil {
			return nil, err
		}
		out, err := transferOutput(ctx, tx, m, t, from, call.Time)
		return &api.UpdateResponsibilityTransferOutput{ResponsibilityTransfer: out}, err
	})
}

// TerminateResponsibilityTransfer withdraws an agreed transfer, which either
// side may, with the end of a month. An offer is canceled or declined instead.
func (s *Service) TerminateResponsibilityTransfer(ctx context.Context, call *awsmodel.Call, in *api.TerminateResponsibilityTransferInput) (*api.TerminateResponsibilityTransferOutput, error) {
	return store.Write(ctx, s.store, func(tx *store.Tx) (*api.TerminateResponsibilityTransferOutput, error) {
		m, err := s.directory.Admit(ctx, tx, call, "TerminateResponsibilityTransfer", in)
		if err != nil {
			return nil, err
		}
		t, from, err := findTransfer(ctx, tx, m, in.Id)
		if err != nil {
			return nil, err
		}
		switch t.Status {
		case handshakes.TransferAccepted:
		case handshakes.TransferWithdrawn:
			return nil, transferAlreadyInStatus()
		default:
			return nil, invalidTransferTransition()
		}
		if t.EndAt, err = endDate(in.EndTimestamp, t.StartAt, call.Time); err != nil {
			return nil, err
		}
		t.Status = handshakes.TransferWithdrawn
		if err := handshakes.PutTransfer(ctx, tx, t); err != nil {
			return nil, err
		}
		out, err := transferOutput(ctx, tx, m, t, from, call.Time)
		return &api.TerminateResponsibilityTransferOutput{ResponsibilityTransfer: out}, err
	})
}

// ListInboundResponsibilityTransfers lists what the caller's organization has
// taken on or offered to, oldest first.
func (s *Service) ListInboundResponsibilityTransfers(ctx context.Context, call *awsmodel.Call, in *api.ListInboundResponsibilityTransfersInput) (*api.ListInboundResponsibilityTransfersOutput, error) {
	return store.Read(ctx, s.store, func(tx *store.Tx) (*api.ListInboundResponsibilityTransfersOutput, error) {
		const op = "ListInboundResponsibilityTransfers"
		m, err := s.directory.Admit(ctx, tx, call, op, in)
		if err != nil {
			return nil, err
		}
		id := ""
		if in.Id != nil {
			id = *in.Id
			_, from, err := findTransfer(ctx, tx, m, id)
			if err == nil && from != inbound {
				err = transferNotFound()
			}
			if err != nil {
				return nil, err
			}
		}
		l, err := s.directory.OpenList(call, op, []string{string(in.Type), id}, in.NextToken, in.MaxResults)
		if err != nil {
			return nil, err
		}
		var out api.ListInboundResponsibilityTransfersOutput
		out.ResponsibilityTransfers, out.NextToken, err = pageOfTransfers(ctx, tx, call, m, l, inbound,
			func(after handshakes.Place) ([]handshakes.Transfer, error) {
				return handshakes.Inbound(ctx, tx, m.Org, string(in.Type), id, after, l.Ask())
			})
		return &out, err
	})
}

// ListOutboundResponsibilityTransfers lists what the caller's organization has
// given away or was offered to, oldest first.
func (s *Service) ListOutboundResponsibilityTransfers(ctx context.Context, call *awsmodel.Call, in *api.ListOutboundResponsibilityTransfersInput) (*api.ListOutboundResponsibilityTransfersOutput, error) {
	return store.Read(ctx, s.store, func(tx *store.Tx) (*api.ListOutboundResponsibilityTransfersOutput, error) {
		const op = "ListOutboundResponsibilityTransfers"
		m, err := s.directory.Admit(ctx, tx, call, op, in)
		if err != nil {
			return nil, err
		}
		l, err := s.directory.OpenList(call, op, string(in.Type), in.NextToken, in.MaxResults)
		if err != nil {
			return nil, err
		}
		management, err := directory.LookupAccount(ctx, tx, m.Management)
		if err != nil {
			return nil, err
		}
		var out api.ListOutboundResponsibilityTransfersOutput
		out.ResponsibilityTransfers, out.NextToken, err = pageOfTransfers(ctx, tx, call, m, l, outbound,
			func(after handshakes.Place) ([]handshakes.Transfer, error) {
				return handshakes.Outbound(ctx, tx, m.Management, management.Email, string(in.Type), after, l.Ask())
			})
		return &out, err
	})
}

// pageOfTransfers reads one page of transfers as one side sees them.
func pageOfTransfers(ctx context.Context, tx *store.Tx, call *awsmodel.Call, m organizations.Membership, l organizations.Listing, from side,
	read func(handshakes.Place) ([]handshakes.Transfer, error),
) ([]api.ResponsibilityTransfer, *string, error) {
	after, err := openPlace(l.After())
	if err != nil {
		return nil, nil, err
	}
	list, err := read(after)
	if err != nil {
		return nil, nil, err
	}
	shown, next := organizations.Cut(l, list,
		func(t handshakes.Transfer) string { return placeKey(t.Place()) },
		func(t handshakes.Transfer) api.ResponsibilityTransfer {
			out, showErr := transferOutput(ctx, tx, m, t, from, call.Time)
			if showErr != nil {
				err = showErr
				return api.ResponsibilityTransfer{}
			}
			return *out
		})
	return shown, next, err
}
