package fleet

import (
	"bytes"
	"cmp"
	"context"
	"crypto/ed25519"
	"errors"
	"time"

	"muster/internal/agentwire"
	"muster/internal/store"
	"muster/internal/store/fleet"
)

// Enrol gives a host its identity. The request is signed by the key it
// carries, so nobody can enrol a key that is not theirs.
//
// A machine that enrols again in the same account and Region keeps its host id
// and gets the new key; the old key is worthless from then on. An agent that
// repeats a request because it lost the answer gets the same answer.
func (s *Service) Enrol(ctx context.Context, r Signed, in *agentwire.EnrollRequest, now time.Time) (*agentwire.EnrollResponse, error) {
	if err := in.Validate(); err != nil {
		return nil, refuse(agentwire.CodeBadRequest, "The request is not valid: %v.", err)
	}
	if r.Signature.Host != agentwire.NewHost || r.Signature.Sequence != 0 {
		return nil, refuse(agentwire.CodeBadSignature, "An enrolment is signed for host %q with sequence 0.", agentwire.NewHost)
	}
	if err := r.verify(in.PublicKey, now); err != nil {
		return nil, err
	}
	var host fleet.Host
	err := s.store.Update(ctx, func(tx *store.Tx) (err error) {
		host, err = enrol(ctx, tx, in, now)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &agentwire.EnrollResponse{
		HostID: host.ID, AccountID: string(host.Account), Region: string(host.Region),
		ServerTime: now.UTC(), ReportIntervalSeconds: s.seconds(),
	}, nil
}

func enrol(ctx context.Context, tx *store.Tx, in *agentwire.EnrollRequest, now time.Time) (fleet.Host, error) {
	activation, err := fleet.ActivationByCode(ctx, tx, hashCode(in.ActivationCode))
	if errors.Is(err, store.ErrNotFound) {
		return fleet.Host{}, refuse(agentwire.CodeActivation, "The activation code is not known.")
	}
	if err != nil {
		return fleet.Host{}, err
	}
	if activation.Uses >= activation.UsesLimit {
		return repeated(ctx, tx, activation, in)
	}
	if !now.Before(activation.ExpiresAt) {
		return fleet.Host{}, refuse(agentwire.CodeActivation, "The activation code expired at %s.", activation.ExpiresAt.Format(time.RFC3339))
	}
	host, err := identity(ctx, tx, activation, in)
	if err != nil {
		return fleet.Host{}, err
	}
	host.Label = cmp.Or(activation.Label, in.Label, string(host.ID))
	host.PublicKey, host.Status, host.ActivationID = in.PublicKey, fleet.Active, activation.ID
	host.AgentVersion, host.EnrolledAt = in.AgentVersion, now
	if err := fleet.PutHost(ctx, tx, host); err != nil {
		return fleet.Host{}, err
	}
	return host, fleet.UseActivation(ctx, tx, activation)
}

// identity is the machine's host id if it has one, else a new one. A machine
// without an id of its own is known by the key of an agent that lost the answer
// to an earlier activation. Nothing else of its past counts: sequence numbers
// belong to a key, and the next report must bring or name an inventory anew.
func identity(ctx context.Context, tx *store.Tx, a fleet.Activation, in *agentwire.EnrollRequest) (fleet.Host, error) {
	host := fleet.Host{
		Account: a.Account, Region: a.Region, MachineHash: in.MachineIDHash,
		ID: agentwire.HostID("i-" + randomHex(17)),
	}
	known, err := fleet.NamelessHost(ctx, tx, a.Account, a.Region, in.PublicKey)
	if in.MachineIDHash != "" {
		known, err = fleet.HostByMachine(ctx, tx, a.Account, a.Region, in.MachineIDHash)
	}
	switch {
	case err == nil:
		host.ID = known.ID
	case !errors.Is(err, store.ErrNotFound):
		return fleet.Host{}, err
	}
	return host, nil
}

// repeated answers for a used-up activation: with the identity it gave, if
// the same machine asks again with the same key, else with a refusal.
func repeated(ctx context.Context, tx *store.Tx, a fleet.Activation, in *agentwire.EnrollRequest) (fleet.Host, error) {
	host, err := fleet.HostByKey(ctx, tx, a, ed25519.PublicKey(in.PublicKey))
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return fleet.Host{}, err
	}
	if err != nil || host.Status != fleet.Active || host.MachineHash != in.MachineIDHash || !bytes.Equal(host.PublicKey, in.PublicKey) {
		return fleet.Host{}, refuse(agentwire.CodeActivation, "The activation code was already used.")
	}
	return host, nil
}
