package fleet

import (
	"context"
	"errors"
	"fmt"
	"time"

	"muster/internal/agentwire"
	"muster/internal/inventory"
	"muster/internal/store"
	"muster/internal/store/activation"
	"muster/internal/store/fleet"
)

// AcceptReport takes a report of an authenticated host. When it returns
// Accepted, the report is durable, together with the work that follows from
// it. NeedInventory means that nothing was stored and the host should send
// the content.
func (s *Service) AcceptReport(ctx context.Context, host fleet.Host, r *agentwire.Report, now time.Time) (*agentwire.ReportResponse, error) {
	if r.HostID != host.ID {
		return nil, refuse(agentwire.CodeBadSignature, "The report speaks for another host than its signature, %s.", host.ID)
	}
	if r.CollectedAt.After(now.Add(agentwire.MaxSkew)) {
		return nil, refuse(agentwire.CodeBadRequest, "collectedAt: %s is in the future.", r.CollectedAt.UTC().Format(time.RFC3339))
	}
	if err := s.mayUse(r.AgentVersion); err != nil {
		return nil, err
	}
	lacking := &agentwire.ReportResponse{NeedInventory: true, NextReportSeconds: s.seconds()}
	if ok, err := s.complete(ctx, host, r); !ok || err != nil {
		return lacking, err
	}
	known, err := s.known(ctx, r)
	if err != nil {
		return nil, err
	}
	wanted, err := s.wanted(ctx, host)
	if err != nil {
		return nil, err
	}
	answer := &agentwire.ReportResponse{Accepted: true, NextReportSeconds: s.seconds(), RotateKey: s.demands(host, now), DeepInspection: wanted}
	if known {
		err = s.update(ctx, r.InventoryHash != host.InventoryHash, func(tx *store.Tx) (err error) {
			answer.NeedEvidence, err = s.accept(ctx, tx, host, r, now)
			return err
		})
	}
	if !known || r.Inventory == nil && errors.Is(err, ErrUnknownInventory) {
		lacking.BaseHash = host.InventoryHash
		return lacking, nil
	}
	if err != nil {
		return nil, err
	}
	return answer, nil
}

// complete makes an inventory of a difference. It may start only from what the
// host itself last had: nobody learns or borrows what others have installed.
// False means that the whole is needed.
func (s *Service) complete(ctx context.Context, host fleet.Host, r *agentwire.Report) (bool, error) {
	if r.Delta == nil {
		return true, nil
	}
	if r.Delta.Base != host.InventoryHash {
		return false, nil
	}
	base, err := s.opts.Inventories.Content(ctx, r.Delta.Base)
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("base of a difference: %w", err)
	}
	made, err := r.Delta.Apply(&base)
	if err != nil || len(made.Items) > inventory.DefaultLimits().Items || made.Hash() != r.InventoryHash {
		return false, nil // Whatever it is, the whole list settles it.
	}
	r.Inventory = &made
	return true, nil
}

// update keeps reports of other inventories, which store and drop hundreds of
// rows, out of each other's way.
func (s *Service) update(ctx context.Context, changed bool, fn func(*store.Tx) error) error {
	if changed {
		return s.store.UpdateInLane(ctx, store.Catalog, fn)
	}
	return s.store.Update(ctx, fn)
}

// known is asked outside of the transaction, because most heartbeats' answer
// is yes and the transaction would only wait for it.
func (s *Service) known(ctx context.Context, r *agentwire.Report) (bool, error) {
	if r.Inventory != nil {
		return true, nil
	}
	known, err := s.opts.Inventories.Known(ctx, r.InventoryHash)
	if err != nil {
		return false, fmt.Errorf("look for inventory: %w", err)
	}
	return known, nil
}

// wanted is where the host's account wants language packages to be looked for.
func (s *Service) wanted(ctx context.Context, host fleet.Host) (*agentwire.DeepInspection, error) {
	var d agentwire.DeepInspection
	err := s.store.View(ctx, func(tx *store.Tx) error {
		active, paths, err := activation.DeepInspectionFor(ctx, tx, host.Account, host.Region)
		d = agentwire.NewDeepInspection(active, paths...)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("deep inspection of %s: %w", host.Account, err)
	}
	return &d, nil
}

// accept reads the host again: since Find it may have been revoked, have
// enrolled anew or have sent a later report. It reports whether the evidence
// that the report names is lacking.
func (s *Service) accept(ctx context.Context, tx *store.Tx, found fleet.Host, r *agentwire.Report, now time.Time) (needEvidence bool, err error) {
	host, err := fleet.HostByID(ctx, tx, found.ID)
	if errors.Is(err, store.ErrNotFound) || err == nil && !host.PublicKey.Equal(found.PublicKey) {
		return false, unknownHost()
	}
	if err != nil {
		return false, err
	}
	if err := mayReport(host, r.Sequence); err != nil {
		return false, err
	}
	host.LastSeen, host.Sequence, host.InventoryHash, host.AgentVersion, host.Stopped = now, r.Sequence, r.InventoryHash, r.AgentVersion, r.Stopping
	if err := fleet.Seen(ctx, tx, host); err != nil {
		return false, err
	}
	news, needEvidence, err := s.evidence(ctx, tx, host, r)
	if err != nil {
		return false, err
	}
	err = s.opts.Inventories.Accept(ctx, tx, Report{
		Account: host.Account, Region: host.Region, HostID: string(host.ID), Label: host.Label, Tags: host.Tags,
		Inventory: r.Inventory, Hash: r.InventoryHash, Evidence: news, Stopping: r.Stopping, CollectedAt: r.CollectedAt, ReceivedAt: now,
	})
	if err != nil {
		return false, fmt.Errorf("accept inventory of %s: %w", host.ID, err)
	}
	return needEvidence, nil
}

// evidence stores what the host says about itself, if it says anything new.
func (s *Service) evidence(ctx context.Context, tx *store.Tx, host fleet.Host, r *agentwire.Report) (news *agentwire.Evidence, lacking bool, err error) {
	if r.EvidenceHash == "" {
		return nil, false, nil
	}
	stored, err := fleet.EvidenceOf(ctx, tx, host.Account, host.Region, host.ID)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return nil, false, err
	}
	if stored.Hash == r.EvidenceHash {
		return nil, false, nil
	}
	if r.Evidence == nil {
		return nil, true, nil
	}
	if err := fleet.PutEvidence(ctx, tx, host, r.Evidence, r.EvidenceHash, r.CollectedAt); err != nil {
		return nil, false, err
	}
	// The report that carries it has the instance scanned, and with it what
	// is reached and by which program.
	return r.Evidence, false, nil
}
