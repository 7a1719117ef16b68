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
	"muster/internal/store/topology"
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

// Content returns what is stored under an inventory hash, or store.ErrNotFound.
func (s *Service) Content(ctx context.Context, hash string) (inv inventory.Inventory, err error) {
	err = s.store.View(ctx, func(tx *store.Tx) error {
		id, err := catalog.KnownInventory(ctx, tx, hash)
		if err != nil {
			return err
		}
		stored, err := catalog.LookupInventory(ctx, tx, id)
		if err != nil {
			return err
		}
		inv.OS, inv.Notes = stored.OS, stored.Notes
		inv.Items, err = itemsOf(ctx, tx, stored.Items)
		return err
	})
	inv.Sort()
	return inv, err
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
	if fresh || !known.GoneAt.IsZero() || known.Inventory == 0 {
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
	if r.Evidence != nil || known.Instance == nil || known.Instance.Stopped != r.Stopping {
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

// instance is the resource of a host, with what was known of it before.
func instance(before finding.Resource, r fleet.Report, os inventory.OS) finding.Resource {
	after := finding.Resource{Type: finding.Instance, ID: r.HostID, Tags: map[string]string{}, Instance: &finding.InstanceDetails{}}
	maps.Copy(after.Tags, before.Tags)
	maps.Copy(after.Tags, hostTags(r))
	if before.Instance != nil {
		*after.Instance = *before.Instance
	}
	i := after.Instance
	i.Platform, i.Stopped, i.Managed = os.Platform, r.Stopping, true
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

// HostEnrolled notes that an agent speaks for a host: it is covered from now
// on, although nothing is known of its packages before the first report.
func (s *Service) HostEnrolled(ctx context.Context, tx *store.Tx, r fleet.Report) error {
	at := catalog.Place{Account: r.Account, Region: r.Region, Type: finding.Instance, ID: r.HostID}
	known, err := catalog.LookupResource(ctx, tx, at)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return err
	}
	if known.Inventory != 0 && known.GoneAt.IsZero() {
		return nil // It enrolled anew, and its first report says the rest.
	}
	platform := inventory.OS{}
	if known.Instance != nil {
		platform.Platform = known.Instance.Platform
	}
	stored, err := catalog.PutResource(ctx, tx, r.Account, r.Region, instance(known.Resource, r, platform), r.ReceivedAt)
	if err != nil {
		return err
	}
	return s.Changed(ctx, tx, &stored, r.ReceivedAt)
}

// HostChanged notes that a host's tags or its state are others; dropped are the
// keys of tags that it lost.
func (s *Service) HostChanged(ctx context.Context, tx *store.Tx, r fleet.Report, dropped []string) error {
	at := catalog.Place{Account: r.Account, Region: r.Region, Type: finding.Instance, ID: r.HostID}
	known, err := catalog.LookupResource(ctx, tx, at)
	if errors.Is(err, store.ErrNotFound) || err == nil && !known.GoneAt.IsZero() {
		return nil // Its first report says all this.
	}
	if err != nil {
		return err
	}
	after := known.Resource
	after.Tags = map[string]string{}
	maps.Copy(after.Tags, known.Tags)
	for _, k := range dropped {
		delete(after.Tags, k)
	}
	maps.Copy(after.Tags, hostTags(r))
	if known.Instance != nil {
		after.Instance = new(*known.Instance)
		after.Instance.Stopped = r.Stopping
	}
	stored, err := catalog.PutResource(ctx, tx, r.Account, r.Region, after, r.ReceivedAt)
	if err != nil {
		return err
	}
	return s.Changed(ctx, tx, &stored, r.ReceivedAt)
}

// InstanceKnown notes what somebody other than an agent says of an instance, in
// the transaction of the caller. Without an agent it is covered as unmanaged.
// Platform, inventory and tags that agents brought stay.
func (s *Service) InstanceKnown(ctx context.Context, tx *store.Tx, account arn.AccountID, region arn.Region, said finding.Resource, now time.Time) error {
	at := catalog.Place{Account: account, Region: region, Type: finding.Instance, ID: said.ID}
	known, err := catalog.LookupResource(ctx, tx, at)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return err
	}
	if said.Instance == nil {
		said.Instance = &finding.InstanceDetails{}
	}
	if said.Instance.Terminated {
		if err != nil || !known.GoneAt.IsZero() {
			return nil
		}
		return s.Gone(ctx, tx, &known, now)
	}
	after := finding.Resource{Type: finding.Instance, ID: said.ID, Tags: map[string]string{}, Instance: new(*said.Instance)}
	if known.Instance != nil && known.GoneAt.IsZero() {
		after.Instance.Managed = known.Instance.Managed
		if known.Instance.Platform != "" {
			after.Instance.Platform = known.Instance.Platform
		}
		maps.Copy(after.Tags, known.Tags)
	}
	maps.Copy(after.Tags, said.Tags)
	stored, err := catalog.PutResource(ctx, tx, account, region, after, now)
	if err != nil {
		return err
	}
	return s.Changed(ctx, tx, &stored, now)
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
	// An instance whose network is known comes back without its packages when
	// the facts are next worked off.
	if err := topology.DropInstances(ctx, tx, account, region, []string{hostID}); err != nil {
		return err
	}
	return s.Gone(ctx, tx, &r, now)
}
