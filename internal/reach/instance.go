package reach

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"time"

	"muster/internal/agentwire"
	"muster/internal/finding"
	"muster/internal/network/facts"
	"muster/internal/store"
	"muster/internal/store/catalog"
	"muster/internal/store/fleet"
	"muster/internal/store/topology"
)

// together is how many instances one transaction changes.
const together = 100

// described is what the facts tell of instances themselves.
type described map[place]finding.Resource

// digest names what they tell of one.
func (d described) digest(p place) (string, error) {
	body, err := json.Marshal(d[p])
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:]), err
}

// place brings the instances of an account in a Region up to date, some in each
// transaction, as long as the facts are those with the digest.
func (w *writing) place(ctx context.Context, at topology.Place, digest string) error {
	before, err := w.stored(ctx, at)
	if err != nil {
		return err
	}
	var changed []topology.Instance
	for p, x := range w.all {
		if p.Scope != scopeOf(at) {
			continue
		}
		n := topology.Instance{Account: at.Account, Region: at.Region, ID: string(p.id), Reach: x.reach, Path: x.path, Findings: x.findings}
		if n.Details, err = w.described.digest(p); err != nil {
			return err
		}
		old, known := before[n.ID]
		delete(before, n.ID)
		if same, err := equal(&old, &n); err != nil || known && same {
			if err != nil {
				return err
			}
			continue
		}
		changed = append(changed, n)
	}
	slices.SortFunc(changed, func(a, b topology.Instance) int { return cmp.Compare(a.ID, b.ID) })
	for group := range slices.Chunk(changed, together) {
		if err := w.guarded(ctx, at, digest, func(tx *store.Tx) error { return w.put(ctx, tx, at, group) }); err != nil {
			return err
		}
	}
	for group := range slices.Chunk(slices.Sorted(maps.Keys(before)), together) {
		if err := w.guarded(ctx, at, digest, func(tx *store.Tx) error { return w.drop(ctx, tx, at, group) }); err != nil {
			return err
		}
	}
	return nil
}

// stored reads what was stored of the instances, by id.
func (w *writing) stored(ctx context.Context, at topology.Place) (map[string]topology.Instance, error) {
	return store.Read(ctx, w.service.store, func(tx *store.Tx) (map[string]topology.Instance, error) {
		all := map[string]topology.Instance{}
		for after := ""; ; {
			list, err := topology.Instances(ctx, tx, at.Account, at.Region, after, 1000)
			if err != nil || len(list) == 0 {
				return all, err
			}
			for _, n := range list {
				all[n.ID] = n
				after = n.ID
			}
		}
	})
}

func equal(a, b *topology.Instance) (bool, error) {
	if a.Reach != b.Reach || a.Path != b.Path || a.Details != b.Details || len(a.Findings) != len(b.Findings) {
		return false, nil
	}
	x, err := json.Marshal(a.Findings)
	if err != nil {
		return false, err
	}
	y, err := json.Marshal(b.Findings)
	return bytes.Equal(x, y), err
}

// guarded is a transaction that ends in errSuperseded when the facts are not
// those with the digest any more.
func (w *writing) guarded(ctx context.Context, at topology.Place, digest string, fn func(*store.Tx) error) error {
	return w.service.store.Update(ctx, func(tx *store.Tx) error {
		n, err := topology.LookupSnapshot(ctx, tx, at.Account, at.Region)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
		if n.Digest != digest {
			return errSuperseded
		}
		return fn(tx)
	})
}

// put stores what was worked out of instances and makes resources of them.
func (w *writing) put(ctx context.Context, tx *store.Tx, at topology.Place, list []topology.Instance) error {
	if err := topology.PutInstances(ctx, tx, list); err != nil {
		return err
	}
	var places []catalog.Place
	for i := range list {
		r := w.described[place{scopeOf(at), facts.ID(list[i].ID)}]
		if err := putResource(ctx, tx, at, r, w.now); err != nil {
			return err
		}
		places = append(places, catalog.Place{Account: at.Account, Region: at.Region, Type: finding.Instance, ID: r.ID})
	}
	return w.service.config.Scans.Ask(ctx, tx, places, w.now)
}

// putResource makes an instance a resource, or adds what the facts tell to the
// one that an agent reports on: the agent knows the operating system and what
// the host is called.
func putResource(ctx context.Context, tx *store.Tx, at topology.Place, r finding.Resource, now time.Time) error {
	known, err := catalog.LookupResource(ctx, tx, catalog.Place{Account: at.Account, Region: at.Region, Type: r.Type, ID: r.ID})
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return err
	}
	if err == nil && !known.GoneAt.IsZero() && known.Inventory != 0 {
		// Nobody reports on it any more.
		if err := catalog.SetInventory(ctx, tx, &known, 0, "", time.Time{}, time.Time{}); err != nil {
			return err
		}
	}
	if err == nil && known.GoneAt.IsZero() && known.Instance != nil && known.Instance.Managed {
		if r.Tags, err = tagsOf(ctx, tx, r, &known); err != nil {
			return err
		}
		details := *r.Instance
		details.Platform, details.Managed = known.Instance.Platform, true
		r.Instance = &details
	}
	_, err = catalog.PutResource(ctx, tx, at.Account, at.Region, r, now)
	return err
}

// tagsOf are the tags of an instance that an agent speaks for: those that the
// host has of its own come before those that the facts tell.
func tagsOf(ctx context.Context, tx *store.Tx, r finding.Resource, known *catalog.Resource) (map[string]string, error) {
	tags := map[string]string{}
	maps.Copy(tags, r.Tags)
	if name, ok := known.Tags["Name"]; ok {
		tags["Name"] = name
	}
	host, err := fleet.HostByID(ctx, tx, agentwire.HostID(r.ID))
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return nil, err
	}
	maps.Copy(tags, host.Tags)
	return tags, nil
}

// drop forgets what was known of instances that the facts do not tell of any
// more. Those that no agent reports on are gone.
func (w *writing) drop(ctx context.Context, tx *store.Tx, at topology.Place, ids []string) error {
	if err := topology.DropInstances(ctx, tx, at.Account, at.Region, ids); err != nil {
		return err
	}
	var places []catalog.Place
	for _, id := range ids {
		p := catalog.Place{Account: at.Account, Region: at.Region, Type: finding.Instance, ID: id}
		r, err := catalog.LookupResource(ctx, tx, p)
		if errors.Is(err, store.ErrNotFound) {
			continue
		}
		if err == nil && !r.Instance.Managed && r.GoneAt.IsZero() {
			err = catalog.MarkGone(ctx, tx, &r, w.now)
		}
		if err != nil {
			return err
		}
		places = append(places, p)
	}
	if err := w.service.config.Scans.AskToForget(ctx, tx, at.Account, at.Region, w.now); err != nil {
		return err
	}
	return w.service.config.Scans.Ask(ctx, tx, places, w.now)
}
