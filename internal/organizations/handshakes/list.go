package handshakes

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"muster/internal/awsmodel"
	api "muster/internal/awsmodel/organizations"
	"muster/internal/organizations"
	"muster/internal/organizations/refusal"
	"muster/internal/store"
	"muster/internal/store/directory"
	"muster/internal/store/handshakes"
)

// DescribeHandshake returns a handshake to those whom it concerns.
func (s *Service) DescribeHandshake(ctx context.Context, call *awsmodel.Call, in *api.DescribeHandshakeInput) (*api.DescribeHandshakeOutput, error) {
	return store.Read(ctx, s.store, func(tx *store.Tx) (*api.DescribeHandshakeOutput, error) {
		h, _, err := s.find(ctx, tx, call, in.HandshakeId)
		if err != nil {
			return nil, err
		}
		out, err := s.show(ctx, tx, h, call.Time)
		return &api.DescribeHandshakeOutput{Handshake: out}, err
	})
}

// ListHandshakesForAccount lists what the caller was asked, oldest first.
func (s *Service) ListHandshakesForAccount(ctx context.Context, call *awsmodel.Call, in *api.ListHandshakesForAccountInput) (*api.ListHandshakesForAccountOutput, error) {
	return store.Read(ctx, s.store, func(tx *store.Tx) (*api.ListHandshakesForAccountOutput, error) {
		a, err := directory.LookupAccount(ctx, tx, call.Account())
		if err != nil {
			return nil, refusal.Missing(err, refusal.AccessDenied())
		}
		read := func(f handshakes.Filter, after handshakes.Place, limit int) ([]handshakes.Handshake, error) {
			return handshakes.SentTo(ctx, tx, a.ID, a.Email, f, after, limit)
		}
		var out api.ListHandshakesForAccountOutput
		out.Handshakes, out.NextToken, err = s.list(ctx, tx, call, "ListHandshakesForAccount", in.Filter, in.NextToken, in.MaxResults, read)
		return &out, err
	})
}

// ListHandshakesForOrganization lists what the caller's organization asked,
// oldest first.
func (s *Service) ListHandshakesForOrganization(ctx context.Context, call *awsmodel.Call, in *api.ListHandshakesForOrganizationInput) (*api.ListHandshakesForOrganizationOutput, error) {
	return store.Read(ctx, s.store, func(tx *store.Tx) (*api.ListHandshakesForOrganizationOutput, error) {
		m, err := s.directory.Admit(ctx, tx, call, "ListHandshakesForOrganization", in)
		if err != nil {
			return nil, err
		}
		read := func(f handshakes.Filter, after handshakes.Place, limit int) ([]handshakes.Handshake, error) {
			return handshakes.SentBy(ctx, tx, m.Org, f, after, limit)
		}
		var out api.ListHandshakesForOrganizationOutput
		out.Handshakes, out.NextToken, err = s.list(ctx, tx, call, "ListHandshakesForOrganization", in.Filter, in.NextToken, in.MaxResults, read)
		return &out, err
	})
}

// list reads one page of handshakes.
func (s *Service) list(ctx context.Context, tx *store.Tx, call *awsmodel.Call, op string, filter *api.HandshakeFilter, token *string, size *int32,
	read func(handshakes.Filter, handshakes.Place, int) ([]handshakes.Handshake, error),
) ([]api.Handshake, *string, error) {
	f, err := readFilter(filter, call.Time)
	if err != nil {
		return nil, nil, err
	}
	l, err := s.directory.OpenList(call, op, []string{string(f.Action), f.Parent}, token, size)
	if err != nil {
		return nil, nil, err
	}
	after, err := openPlace(l.After())
	if err != nil {
		return nil, nil, err
	}
	found, err := read(f, after, l.Ask())
	if err != nil {
		return nil, nil, err
	}
	shown, next := organizations.Cut(l, found,
		func(h handshakes.Handshake) string { return placeKey(h.Place()) },
		func(h handshakes.Handshake) api.Handshake {
			out, showErr := s.show(ctx, tx, h, call.Time)
			if showErr != nil {
				err = showErr
				return api.Handshake{}
			}
			return *out
		})
	return shown, next, err
}

// readFilter reads the one filter that a list may have.
func readFilter(filter *api.HandshakeFilter, now time.Time) (handshakes.Filter, error) {
	f := handshakes.Filter{Since: now.Add(-listed)}
	if filter == nil {
		return f, nil
	}
	f.Action = handshakes.Action(filter.ActionType)
	if filter.ParentHandshakeId != nil {
		f.Parent = *filter.ParentHandshakeId
	}
	if f.Action != "" && f.Parent != "" {
		return f, oneFilter()
	}
	return f, nil
}

// placeKey is a place in a list, for page tokens.
func placeKey(p handshakes.Place) string {
	return strconv.FormatInt(p.Time.UnixMicro(), 10) + " " + p.ID
}

func openPlace(key string) (handshakes.Place, error) {
	if key == "" {
		return handshakes.Place{}, nil
	}
	at, id, _ := strings.Cut(key, " ")
	micros, err := strconv.ParseInt(at, 10, 64)
	if err != nil {
		return handshakes.Place{}, fmt.Errorf("cursor %q of a list of handshakes: %w", key, err)
	}
	return handshakes.Place{Time: time.UnixMicro(micros).UTC(), ID: id}, nil
}
