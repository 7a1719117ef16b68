package fleet

import (
	"context"
	"crypto/ed25519"
	"errors"
	"time"

	"muster/internal/agentwire"
	"muster/internal/store"
	"muster/internal/store/fleet"

	"golang.org/x/mod/semver"
)

// Signed is an agent's request as its signature covers it.
type Signed struct {
	Signature agentwire.Signature
	// Method and Path are the request's; Body is as received, still
	// compressed if it was.
	Method, Path string
	Body         []byte
}

// verify translates agentwire's refusals.
func (r Signed) verify(key ed25519.PublicKey, now time.Time) error {
	err := r.Signature.Verify(r.Method, r.Path, r.Body, key, now)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, agentwire.ErrSkew):
		refusal := refuse(agentwire.CodeClockSkew, "The request was signed at %s and it is %s: set the host's clock.",
			r.Signature.Time.Format(time.RFC3339), now.UTC().Format(time.RFC3339))
		refusal.ServerTime = now.UTC()
		return refusal
	}
	return unknownHost()
}

// Find returns the host that a signature names, without believing it yet. It
// lets a door refuse strangers before it reads what they send.
func (s *Service) Find(ctx context.Context, sig agentwire.Signature) (host fleet.Host, err error) {
	err = s.store.View(ctx, func(tx *store.Tx) (err error) {
		host, err = fleet.HostByID(ctx, tx, sig.Host)
		return err
	})
	if errors.Is(err, store.ErrNotFound) {
		return fleet.Host{}, unknownHost()
	}
	return host, err
}

// Authenticate proves that the host of Find sent the request, that it may
// report, and that the request is fresh.
func (s *Service) Authenticate(host fleet.Host, r Signed, now time.Time) error {
	if host.ID != r.Signature.Host {
		return unknownHost()
	}
	if err := r.verify(host.PublicKey, now); err != nil {
		return err
	}
	return mayReport(host, r.Signature.Sequence)
}

// mayUse refuses agents that the operator no longer wants. Versions that are no
// releases are let in.
func (s *Service) mayUse(version string) error {
	if s.opts.OldestAgent == "" || !semver.IsValid(version) || semver.Compare(version, s.opts.OldestAgent) >= 0 {
		return nil
	}
	return refuse(agentwire.CodeAgentTooOld, "This is muster-agent %s and the server wants %s or newer: install a newer muster-agent; its key and state are kept.", version, s.opts.OldestAgent)
}

func mayReport(host fleet.Host, sequence int64) error {
	if host.Status != fleet.Active {
		return refuse(agentwire.CodeRevoked, "Host %s was revoked; it needs a new activation to report again.", host.ID)
	}
	if sequence <= host.Sequence {
		return tooLow(sequence, host.Sequence)
	}
	return nil
}
