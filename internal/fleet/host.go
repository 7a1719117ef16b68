package fleet

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"time"

	"muster/internal/agentwire"
	"muster/internal/awsmodel"
	"muster/internal/awsmodel/muster"
	"muster/internal/store"
	"muster/internal/store/fleet"
)

// pageSize is the most hosts of one page, and the default.
const pageSize = 100

// silentAfter is how many report intervals a host may miss before it counts
// as silent.
const silentAfter = 3

// ListHosts lists the hosts that enrolled in the caller's account and Region,
// revoked ones too, by their ids.
func (s *Service) ListHosts(ctx context.Context, call *awsmodel.Call, in *muster.ListHostsInput) (*muster.ListHostsOutput, error) {
	size := sizeOf(in.MaxResults)
	after, err := s.openToken(call, "ListHosts", in.NextToken)
	if err != nil {
		return nil, err
	}
	var hosts []fleet.Host
	err = s.store.View(ctx, func(tx *store.Tx) (err error) {
		hosts, err = fleet.Hosts(ctx, tx, call.Account(), call.Region, agentwire.HostID(after), size+1)
		return err
	})
	if err != nil {
		return nil, err
	}
	out := &muster.ListHostsOutput{Hosts: []muster.Host{}}
	if len(hosts) > size {
		hosts = hosts[:size]
		out.NextToken = new(s.opts.Pages.Seal(call, "ListHosts", nil, []byte(hosts[size-1].ID)))
	}
	for _, h := range hosts {
		out.Hosts = append(out.Hosts, s.show(h, call.Time))
	}
	return out, nil
}

func sizeOf(asked *int32) int {
	if asked == nil {
		return pageSize
	}
	return min(max(int(*asked), 1), pageSize)
}

// openToken is the id after which a page begins.
func (s *Service) openToken(call *awsmodel.Call, operation string, token *string) (string, error) {
	if token == nil || *token == "" {
		return "", nil
	}
	cursor, err := s.opts.Pages.Open(call, operation, nil, *token)
	if err != nil || len(cursor) == 0 {
		return "", invalidField("nextToken", "The nextToken is not valid for this request.")
	}
	return string(cursor), nil
}

func (s *Service) show(h fleet.Host, now time.Time) muster.Host {
	out := muster.Host{
		AccountId: string(h.Account), Region: string(h.Region), HostId: string(h.ID),
		KeyFingerprint: fingerprint(h.PublicKey), Status: s.status(h, now), Tags: h.Tags,
		EnrolledAt: new(h.EnrolledAt), KeyCreatedAt: new(keySince(h)), RotationDemanded: new(h.Rotate), State: muster.HostStateRunning,
	}
	if h.Stopped {
		out.State = muster.HostStateStopped
	}
	if h.AgentVersion != "" {
		out.AgentVersion = new(h.AgentVersion)
	}
	if h.Label != "" {
		out.Label = new(h.Label)
	}
	if h.InventoryHash != "" {
		out.InventoryHash = new(h.InventoryHash)
	}
	if !h.LastSeen.IsZero() {
		out.LastSeenAt = new(h.LastSeen)
	}
	return out
}

func (s *Service) status(h fleet.Host, now time.Time) muster.HostStatus {
	heard := h.LastSeen
	if heard.IsZero() {
		heard = h.EnrolledAt
	}
	switch {
	case h.Status == fleet.Revoked:
		return muster.HostStatusRevoked
	case !h.Stopped && now.Sub(heard) > silentAfter*s.opts.ReportEvery:
		return muster.HostStatusSilent
	}
	return muster.HostStatusActive
}

// fingerprint is how a public key is shown, in the form that ssh-keygen uses.
func fingerprint(key ed25519.PublicKey) string {
	sum := sha256.Sum256(key)
	return "SHA256:" + base64.RawStdEncoding.EncodeToString(sum[:])
}

// keySince is since when a host has its key.
func keySince(h fleet.Host) time.Time {
	if h.KeyAt.IsZero() {
		return h.EnrolledAt
	}
	return h.KeyAt
}

// own returns a host of the caller's account and Region. A host elsewhere does
// not exist for this caller.
func own(ctx context.Context, tx *store.Tx, call *awsmodel.Call, id string) (fleet.Host, error) {
	h, err := fleet.HostByID(ctx, tx, agentwire.HostID(id))
	if errors.Is(err, store.ErrNotFound) || err == nil && (h.Account != call.Account() || h.Region != call.Region) {
		return h, &muster.ResourceNotFoundException{Message: "There is no host " + id + " in this account and Region."}
	}
	return h, err
}

// active is own for hosts that are not revoked.
func active(ctx context.Context, tx *store.Tx, call *awsmodel.Call, id string) (fleet.Host, error) {
	h, err := own(ctx, tx, call, id)
	if err == nil && h.Status == fleet.Revoked {
		err = &muster.ConflictException{Message: "Host " + id + " was revoked.", ResourceId: id, ResourceType: "Host"}
	}
	return h, err
}

// RevokeHost takes a host's right to report, at once and until the machine
// enrols again with a new activation. Revoking twice changes nothing.
func (s *Service) RevokeHost(ctx context.Context, call *awsmodel.Call, in *muster.RevokeHostInput) (*muster.RevokeHostOutput, error) {
	err := s.store.Update(ctx, func(tx *store.Tx) error {
		h, err := own(ctx, tx, call, in.HostId)
		if err != nil || h.Status == fleet.Revoked {
			return err
		}
		if err := errors.Join(fleet.Revoke(ctx, tx, h, call.Time), fleet.DeleteEvidence(ctx, tx, h)); err != nil || s.opts.Revoked == nil {
			return err
		}
		h.Status, h.RevokedAt = fleet.Revoked, call.Time
		return s.opts.Revoked(ctx, tx, h, call.Time)
	})
	if err != nil {
		return nil, err
	}
	return &muster.RevokeHostOutput{}, nil
}
