package scan

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"muster/internal/arn"
	"muster/internal/finding"
	"muster/internal/fleet"
	"muster/internal/inventory"
	"muster/internal/store"
	"muster/internal/store/catalog"
)

// Known reports whether the content of an inventory hash is stored.
func (s *Service) Known(ctx context.Context, hash string) (bool, error) {
	err := s.store.View(ctx, func(tx *store.Tx) error {
		_, err := catalog.KnownInventory(ctx, tx, hash)
		return err
	})
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

// Accept records in tx that a host carries the report's inventory, and asks
// for its scan if the inventory is not the one it had.
func (s *Service) Accept(ctx context.Context, tx *store.Tx, r fleet.Report) error {
	id, err := storeInventory(ctx, tx, r.Inventory, r.Hash, r.ReceivedAt)
	if err != nil {
		return err
	}
	at := catalog.Place{Account: r.Account, Region: r.Region, Type: finding.Instance, ID: r.HostID}
	known, err := catalog.LookupResource(ctx, tx, at)
	fresh := errors.Is(err, store.ErrNotFound)
	if err != nil && !fresh {
		return err
	}
	if !fresh && known.Inventory == id && known.GoneAt.IsZero() && sameDetails(&known, r) {
		return s.heard(ctx, tx, &known, r, id)
	}
	inv, err := catalog.LookupInventory(ctx, tx, id)
	if err != nil {
		return err
	}
	stored, err := catalog.PutResource(ctx, tx, r.Account, r.Region, instance(known.Resource, r, inv.OS), r.ReceivedAt)
	if err != nil {
		return err
	}
	if err := catalog.SetInventory(ctx, tx, &stored, id, r.Hash, r.CollectedAt, r.ReceivedAt); err != nil {
		return err
	}
	if fresh || !known.GoneAt.IsZero() {
		if err := askFor(ctx, tx, JobStale, at, r.ReceivedAt.Add(s.config.StaleAfter)); err != nil {
			return err
		}
	}
	return s.Changed(ctx, tx, &stored, r.ReceivedAt)
}

// storeInventory returns the id of the reported inventory. Content is stored
// under the hash that it really has, so nobody can speak for others' content.
func storeInventory(ctx context.Context, tx *store.Tx, inv *inventory.Inventory, hash string, now time.Time) (int64, error) {
	id, err := catalog.KnownInventory(ctx, tx, hash)
	if !errors.Is(err, store.ErrNotFound) {
		return id, err
	}
	if inv == nil {
		return 0, fleet.ErrUnknownInventory
	}
	if actual := inv.Hash(); actual != hash {
		return 0, fmt.Errorf("an inventory of hash %s is reported as %s", actual, hash)
	}
	return catalog.PutInventory(ctx, tx, inv, hash, now)
}

// sameDetails reports whether a report says nothing new of the host itself.
func sameDetails(known *catalog.Resource, r fleet.Report) bool {
	if r.Evidence != nil || known.Instance == nil || known.Instance.Stopped {
		return false
	}
	for k, v := range hostTags(r) {
		if known.Tags[k] != v {
			return false
		}
	}
	return true
}

// hostTags are the tags of a host: its own, and its name where they have none.
func hostTags(r fleet.Report) map[string]string {
	tags := map[string]string{}
	maps.Copy(tags, r.Tags)
	if _, named := tags[nameTag]; !named && r.Label != "" {
		tags[nameTag] = r.Label
	}
	return tags
}

// nameTag is the tag that holds what a host is called.
const nameTag = "Name"

// instance is the resource of a host, with what was known of it before. A host
// that reports is running.
func instance(before finding.Resource, r fleet.Report, os inventory.OS) finding.Resource {
	after := finding.Resource{Type: finding.Instance, ID: r.HostID, Tags: map[string]string{}, Instance: &finding.InstanceDetails{}}
	maps.Copy(after.Tags, before.Tags)
	maps.Copy(after.Tags, hostTags(r))
	if before.Instance != nil {
		*after.Instance = *before.Instance
	}
	i := after.Instance
	i.Platform, i.Stopped = os.Platform, false
	// Where the network is known from its owner, that says the addresses.
	if r.Evidence != nil && i.VPC == "" {
		i.IPv4, i.IPv6 = nil, nil
		for _, a := range r.Evidence.Addresses {
			if a.Is4() {
				i.IPv4 = append(i.IPv4, a.String())
			} else {
				i.IPv6 = append(i.IPv6, a.String())
			}
		}
	}
	return after
}

// heard notes a heartbeat. Findings follow from inventories, so there is
// nothing to scan, unless the resource had fallen silent.
func (s *Service) heard(ctx context.Context, tx *store.Tx, known *catalog.Resource, r fleet.Report, id int64) error {
	silent := known.Reason == reasonStale
	if err := catalog.SetInventory(ctx, tx, known, id, r.Hash, r.CollectedAt, r.ReceivedAt); err != nil || !silent {
		return err
	}
	return askFor(ctx, tx, JobResource, known.Place(), r.ReceivedAt)
}

// HostRevoked notes that a host may no longer report: its findings close and
// it is no longer covered, until it enrols anew and reports again.
func (s *Service) HostRevoked(ctx context.Context, tx *store.Tx, account arn.AccountID, region arn.Region, hostID string, now time.Time) error {
	at := catalog.Place{Account: account, Region: region, Type: finding.Instance, ID: hostID}
	r, err := catalog.LookupResource(ctx, tx, at)
	if errors.Is(err, store.ErrNotFound) {
		return nil // It never reported.
	}
	if err != nil {
		return err
	}
	return s.Gone(ctx, tx, &r, now)
}
