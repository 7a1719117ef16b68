package fleet

import (
	"context"
	"crypto/ed25519"
	"errors"
	"time"

	"muster/internal/agentwire"
	"muster/internal/store"
	"muster/internal/store/fleet"
)

// ReplaceKey gives an authenticated host another key, which the request proves
// that it holds. The old one is worthless from then on; sequence numbers go on.
func (s *Service) ReplaceKey(ctx context.Context, found fleet.Host, sig agentwire.Signature, in *agentwire.KeyRequest, now time.Time) (*agentwire.KeyResponse, error) {
	if err := in.Verify(found.ID, sig.Sequence); err != nil {
		return nil, refuse(agentwire.CodeBadRequest, "The request is not valid: %v.", err)
	}
	if found.PublicKey.Equal(ed25519.PublicKey(in.PublicKey)) {
		return nil, refuse(agentwire.CodeBadRequest, "The new key is the one that the host already has.")
	}
	err := s.store.Update(ctx, func(tx *store.Tx) error {
		host, err := fleet.HostByID(ctx, tx, found.ID)
		if errors.Is(err, store.ErrNotFound) || err == nil && !host.PublicKey.Equal(found.PublicKey) {
			return unknownHost()
		}
		if err != nil {
			return err
		}
		if err := mayReport(host, sig.Sequence); err != nil {
			return err
		}
		host.PublicKey, host.KeyAt, host.Rotate, host.Sequence = ed25519.PublicKey(in.PublicKey), now, false, sig.Sequence
		return fleet.PutHost(ctx, tx, host)
	})
	if err != nil {
		return nil, err
	}
	return &agentwire.KeyResponse{}, nil
}
