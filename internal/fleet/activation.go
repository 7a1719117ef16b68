package fleet

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/hex"
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

// CreateActivation makes a code with which one host can enrol in the caller's
// account, in the Region given or else that of the call. The code is in the
// answer and nowhere else: only its hash is stored.
func (s *Service) CreateActivation(ctx context.Context, call *awsmodel.Call, in *muster.CreateActivationInput) (*muster.CreateActivationOutput, error) {
	code := newCode()
	a := fleet.Activation{
		Account: call.Account(), Region: call.Region, ID: "act-" + randomHex(17), CodeHash: hashCode(code),
		CreatedAt: call.Time, ExpiresAt: call.Time.Add(defaultExpiry), CreatedBy: call.Principal.ARN, UsesLimit: 1,
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
