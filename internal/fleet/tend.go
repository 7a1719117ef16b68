package fleet

import (
	"context"
	"errors"
	"maps"
	"time"

	"muster/internal/awsmodel"
	"muster/internal/awsmodel/muster"
	"muster/internal/store"
	"muster/internal/store/fleet"
)

// mostTags is how many tags a host can have, as AWS's resources.
const mostTags = 50

// GetHost describes a host, with what it last said about itself.
func (s *Service) GetHost(ctx context.Context, call *awsmodel.Call, in *muster.GetHostInput) (out *muster.GetHostOutput, err error) {
	err = s.store.View(ctx, func(tx *store.Tx) error {
		h, err := own(ctx, tx, call, in.HostId)
		if err != nil {
			return err
		}
		out = &muster.GetHostOutput{Host: new(s.show(h, call.Time))}
		out.Evidence, err = evidenceOf(ctx, tx, h)
		return err
	})
	return out, err
}

// evidenceOf is nil for a host that has said nothing.
func evidenceOf(ctx context.Context, tx *store.Tx, h fleet.Host) (*muster.HostEvidence, error) {
	e, err := fleet.EvidenceOf(ctx, tx, h.Account, h.Region, h.ID)
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	sockets, err := fleet.Sockets(ctx, tx, h.Account, h.Region, h.ID)
	if err != nil {
		return nil, err
	}
	out := &muster.HostEvidence{CollectedAt: e.CollectedAt, Sockets: []muster.Socket{}, Notes: e.Notes}
	if e.Kernel != "" {
		out.Kernel = new(e.Kernel)
	}
	if !e.BootedAt.IsZero() {
		out.BootedAt = new(e.BootedAt)
	}
	for _, k := range sockets {
		out.Sockets = append(out.Sockets, muster.Socket{
			Protocol: muster.SocketProtocol(k.Protocol), Address: k.Address.String(), Port: int32(k.Port), Process: text(k.Process),
			Executable: text(k.Executable), PackageName: text(k.Package), Replaced: new(k.Replaced), Contained: new(k.Contained),
		})
	}
	return out, nil
}

// text leaves out what is not known.
func text(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// change does something to a host that is not revoked, and has what follows
// from it follow in the same transaction.
func (s *Service) change(ctx context.Context, call *awsmodel.Call, id string, do func(*fleet.Host) (dropped []string, err error)) error {
	return s.store.Update(ctx, func(tx *store.Tx) error {
		h, err := active(ctx, tx, call, id)
		if err != nil {
			return err
		}
		dropped, err := do(&h)
		if err != nil {
			return err
		}
		if err := fleet.PutHost(ctx, tx, h); err != nil || s.opts.Changed == nil {
			return err
		}
		return s.opts.Changed(ctx, tx, h, dropped, call.Time)
	})
}

// RotateHostKey asks a host for another key: its agent makes one with its next
// report.
func (s *Service) RotateHostKey(ctx context.Context, call *awsmodel.Call, in *muster.RotateHostKeyInput) (*muster.RotateHostKeyOutput, error) {
	err := s.change(ctx, call, in.HostId, func(h *fleet.Host) ([]string, error) {
		h.Rotate = true
		return nil, nil
	})
	if err != nil {
		return nil, err
	}
	return &muster.RotateHostKeyOutput{}, nil
}

// TagHost adds tags to a host, or gives them other values.
func (s *Service) TagHost(ctx context.Context, call *awsmodel.Call, in *muster.TagHostInput) (*muster.TagHostOutput, error) {
	err := s.change(ctx, call, in.HostId, func(h *fleet.Host) ([]string, error) {
		tags := map[string]string{}
		maps.Copy(tags, h.Tags)
		maps.Copy(tags, in.Tags)
		if len(tags) > mostTags {
			return nil, invalidField("tags", "A host has at most 50 tags.")
		}
		h.Tags = tags
		return nil, nil
	})
	if err != nil {
		return nil, err
	}
	return &muster.TagHostOutput{}, nil
}

// UntagHost removes tags from a host; those it does not have are passed over.
func (s *Service) UntagHost(ctx context.Context, call *awsmodel.Call, in *muster.UntagHostInput) (*muster.UntagHostOutput, error) {
	err := s.change(ctx, call, in.HostId, func(h *fleet.Host) ([]string, error) {
		tags := map[string]string{}
		maps.Copy(tags, h.Tags)
		for _, k := range in.TagKeys {
			delete(tags, k)
		}
		h.Tags = tags
		return in.TagKeys, nil
	})
	if err != nil {
		return nil, err
	}
	return &muster.UntagHostOutput{}, nil
}

// SetHostState notes that a host was stopped or started, for hosts whose agents
// could not say so. A report of the host says that it runs.
func (s *Service) SetHostState(ctx context.Context, call *awsmodel.Call, in *muster.SetHostStateInput) (*muster.SetHostStateOutput, error) {
	err := s.change(ctx, call, in.HostId, func(h *fleet.Host) ([]string, error) {
		h.Stopped = in.State == muster.HostStateStopped
		return nil, nil
	})
	if err != nil {
		return nil, err
	}
	return &muster.SetHostStateOutput{}, nil
}

// demands says whether a host should make another key now.
func (s *Service) demands(h fleet.Host, now time.Time) bool {
	return h.Rotate || s.opts.KeyAge > 0 && now.Sub(keySince(h)) >= s.opts.KeyAge
}
