package fleet

import (
	"cmp"
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"maps"
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
	if err := s.mayUse(in.AgentVersion); err != nil {
		return nil, err
	}
	var host fleet.Host
	// Hosts that come together mostly come with one code, whose uses each of
	// them counts.
	err := s.store.UpdateInLane(ctx, enrolment, func(tx *store.Tx) (err error) {
		host, err = s.enrol(ctx, tx, in, now)
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

// enrolment is the lane of hosts that enrol.
const enrolment = "enrolment"

func (s *Service) enrol(ctx context.Context, tx *store.Tx, in *agentwire.EnrollRequest, now time.Time) (fleet.Host, error) {
	activation, err := fleet.ActivationByCode(ctx, tx, hashCode(in.ActivationCode))
	if errors.Is(err, store.ErrNotFound) {
		return fleet.Host{}, refuse(agentwire.CodeActivation, "The activation code is not known.")
	}
	if err != nil {
		return fleet.Host{}, err
	}
	if !activation.DeletedAt.IsZero() {
		return fleet.Host{}, refuse(agentwire.CodeActivation, "The activation code was deleted at %s.", activation.DeletedAt.Format(time.RFC3339))
	}
	known, err := fleet.HostByKey(ctx, tx, activation, ed25519.PublicKey(in.PublicKey))
	switch {
	case err == nil && known.Status == fleet.Active && known.MachineHash == in.MachineIDHash:
		return known, nil // The answer was lost; this is no second use.
	case err != nil && !errors.Is(err, store.ErrNotFound):
		return fleet.Host{}, err
	case activation.Uses >= activation.UsesLimit:
		return fleet.Host{}, refuse(agentwire.CodeActivation, "The activation code was already used%s.", times(activation.UsesLimit))
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
	host.AgentVersion, host.EnrolledAt, host.KeyAt = in.AgentVersion, now, now
	host.Tags = map[string]string{}
	maps.Copy(host.Tags, activation.Tags)
	if err := fleet.PutHost(ctx, tx, host); err != nil {
		return fleet.Host{}, err
	}
	if s.opts.Enrolled != nil {
		if err := s.opts.Enrolled(ctx, tx, host, now); err != nil {
			return fleet.Host{}, err
		}
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
	if a.Instance == "" || a.Instance == host.ID {
		return host, nil
	}
	if err == nil {
		return fleet.Host{}, refuse(agentwire.CodeActivation, "This machine is enrolled as %s, and the activation code is for %s.", known.ID, a.Instance)
	}
	host.ID = a.Instance
	other, err := fleet.HostByID(ctx, tx, a.Instance)
	if err == nil && (other.Account != a.Account || other.Region != a.Region || other.Status == fleet.Active) {
		return fleet.Host{}, refuse(agentwire.CodeActivation, "The activation code is for %s, which another machine is enrolled as.", a.Instance)
	}
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return fleet.Host{}, err
	}
	return host, nil
}

// times says how often a code could be used, if more than once.
func times(limit int) string {
	if limit == 1 {
		return ""
	}
	return fmt.Sprintf(" by the %d hosts that it is for", limit)
}
