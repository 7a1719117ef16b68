package fleet

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/hex"
	"errors"
	"slices"
	"strings"
	"time"

	"muster/internal/agentwire"
	"muster/internal/arn"
	"muster/internal/awsmodel"
	"muster/internal/awsmodel/muster"
	"muster/internal/store"
	"muster/internal/store/fleet"
)

// defaultExpiry is how long a code works when the request does not say.
const defaultExpiry = 24 * time.Hour

// keptExpired is how long an expired activation is kept, so that whoever uses
// its code late is told the reason.
const keptExpired = 7 * 24 * time.Hour

// CreateActivation makes a code with which hosts can enrol in the caller's
// account, in the Region given or else that of the call: one, unless a limit is
// given. The code is in the answer and nowhere else: only its hash is stored.
func (s *Service) CreateActivation(ctx context.Context, call *awsmodel.Call, in *muster.CreateActivationInput) (*muster.CreateActivationOutput, error) {
	code := newCode()
	a := fleet.Activation{
		Account: call.Account(), Region: call.Region, ID: "act-" + randomHex(17), CodeHash: hashCode(code),
		CreatedAt: call.Time, ExpiresAt: call.Time.Add(defaultExpiry), CreatedBy: call.Principal.ARN, UsesLimit: 1,
		Tags: in.Tags,
	}
	if in.HostLimit != nil {
		a.UsesLimit = int(*in.HostLimit)
	}
	if in.Region != nil {
		a.Region = arn.Region(*in.Region)
	}
	if len(s.opts.Regions) > 0 && !slices.Contains(s.opts.Regions, a.Region) {
		return nil, invalidField("region", "There is no Region "+string(a.Region)+" here.")
	}
	if in.ExpiresInSeconds != nil {
		a.ExpiresAt = call.Time.Add(time.Duration(*in.ExpiresInSeconds) * time.Second)
	}
	if in.HostLabel != nil {
		if len(*in.HostLabel) > agentwire.MaxLabel {
			return nil, invalidField("hostLabel", "A label has at most 128 bytes.")
		}
		a.Label = *in.HostLabel
	}
	if in.InstanceId != nil {
		if a.UsesLimit != 1 {
			return nil, invalidField("instanceId", "A code for a certain instance is for one host: leave hostLimit out.")
		}
		a.Instance = agentwire.HostID(*in.InstanceId)
	}
	err := s.store.Update(ctx, func(tx *store.Tx) error {
		if err := fleet.DeleteActivations(ctx, tx, a.Account, a.Region, call.Time.Add(-keptExpired)); err != nil {
			return err
		}
		return fleet.AddActivation(ctx, tx, a)
	})
	if err != nil {
		return nil, err
	}
	return &muster.CreateActivationOutput{ActivationCode: code, ActivationId: a.ID, ExpiresAt: a.ExpiresAt}, nil
}

// ListActivations lists the activations of the caller's account and Region,
// used-up and expired ones too, by their ids.
func (s *Service) ListActivations(ctx context.Context, call *awsmodel.Call, in *muster.ListActivationsInput) (*muster.ListActivationsOutput, error) {
	size := sizeOf(in.MaxResults)
	after, err := s.openToken(call, "ListActivations", in.NextToken)
	if err != nil {
		return nil, err
	}
	var list []fleet.Activation
	err = s.store.View(ctx, func(tx *store.Tx) (err error) {
		list, err = fleet.Activations(ctx, tx, call.Account(), call.Region, after, size+1)
		return err
	})
	if err != nil {
		return nil, err
	}
	out := &muster.ListActivationsOutput{Activations: []muster.Activation{}}
	if len(list) > size {
		list = list[:size]
		out.NextToken = new(s.opts.Pages.Seal(call, "ListActivations", nil, []byte(list[size-1].ID)))
	}
	for _, a := range list {
		out.Activations = append(out.Activations, showActivation(a, call.Time))
	}
	return out, nil
}

func showActivation(a fleet.Activation, now time.Time) muster.Activation {
	out := muster.Activation{
		ActivationId: a.ID, Region: string(a.Region), CreatedAt: a.CreatedAt, ExpiresAt: a.ExpiresAt, CreatedBy: new(string(a.CreatedBy)),
		Hosts: int64(a.Uses), HostLimit: int32(a.UsesLimit), Status: muster.ActivationStatusActive, Tags: a.Tags,
	}
	if a.Label != "" {
		out.HostLabel = new(a.Label)
	}
	if a.Instance != "" {
		out.InstanceId = new(string(a.Instance))
	}
	switch {
	case a.Uses >= a.UsesLimit:
		out.Status = muster.ActivationStatusUsed
	case !now.Before(a.ExpiresAt):
		out.Status = muster.ActivationStatusExpired
	}
	return out
}

// DeleteActivation ends an activation at once. Hosts that enrolled by it stay.
func (s *Service) DeleteActivation(ctx context.Context, call *awsmodel.Call, in *muster.DeleteActivationInput) (*muster.DeleteActivationOutput, error) {
	err := s.store.Update(ctx, func(tx *store.Tx) error {
		a, err := fleet.ActivationByID(ctx, tx, call.Account(), call.Region, in.ActivationId)
		if errors.Is(err, store.ErrNotFound) || err == nil && !a.DeletedAt.IsZero() {
			return &muster.ResourceNotFoundException{Message: "There is no activation " + in.ActivationId + " in this account and Region."}
		}
		if err != nil {
			return err
		}
		return fleet.DeleteActivation(ctx, tx, a, call.Time)
	})
	if err != nil {
		return nil, err
	}
	return &muster.DeleteActivationOutput{}, nil
}

// newCode has 160 random bits, in groups that people can compare.
func newCode() string {
	var b [20]byte
	_, _ = rand.Read(b[:]) // never fails, by its documentation
	text := strings.ToLower(base32.StdEncoding.EncodeToString(b[:]))
	groups := []string{"muster"}
	for group := range slices.Chunk([]byte(text), 8) {
		groups = append(groups, string(group))
	}
	return strings.Join(groups, "-")
}

// hashCode needs no salt and no slowness: nobody guesses 160 random bits.
func hashCode(code string) string {
	sum := sha256.Sum256([]byte(code))
	return hex.EncodeToString(sum[:])
}

// randomHex returns n random hexadecimal digits.
func randomHex(n int) string {
	b := make([]byte, (n+1)/2)
	_, _ = rand.Read(b) // never fails, by its documentation
	return hex.EncodeToString(b)[:n]
}
