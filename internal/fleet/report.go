package fleet

import (
	"context"
	"errors"
	"fmt"
	"time"

	"muster/internal/agentwire"
	"muster/internal/store"
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
	known, err := s.known(ctx, r)
	if err != nil {
		return nil, err
	}
	if known {
		err = s.update(ctx, r.InventoryHash != host.InventoryHash, func(tx *store.Tx) error { return s.accept(ctx, tx, host, r, now) })
	}
	if !known || r.Inventory == nil && errors.Is(err, ErrUnknownInventory) {
		return &agentwire.ReportResponse{NeedInventory: true, NextReportSeconds: s.seconds()}, nil
	}
	if err != nil {
		return nil, err
	}
	return &agentwire.ReportResponse{Accepted: true, NextReportSeconds: s.seconds()}, nil
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

// accept reads the host again: since Find it may have been revoked, have
// enrolled anew or have sent a later report.
func (s *Service) accept(ctx context.Context, tx *store.Tx, found fleet.Host, r *agentwire.Report, now time.Time) error {
	host, err := fleet.HostByID(ctx, tx, found.ID)
	if errors.Is(err, store.ErrNotFound) || err == nil && !host.PublicKey.Equal(found.PublicKey) {
		return unknownHost()
	}
	if err != nil {
		return err
	}
	if err := mayReport(host, r.Sequence); err != nil {
		return err
	}
	host.LastSeen, host.Sequence, host.InventoryHash, host.AgentVersion = now, r.Sequence, r.InventoryHash, r.AgentVersion
	if err := fleet.Seen(ctx, tx, host); err != nil {
		return err
	}
	err = s.opts.Inventories.Accept(ctx, tx, Report{
		Account: host.Account, Region: host.Region, HostID: string(host.ID), Label: host.Label,
		Inventory: r.Inventory, Hash: r.InventoryHash, CollectedAt: r.CollectedAt, ReceivedAt: now,
	})
	if err != nil {
		return fmt.Errorf("accept inventory of %s: %w", host.ID, err)
	}
	return nil
}
