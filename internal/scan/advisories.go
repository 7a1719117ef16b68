package scan

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"muster/internal/advisorydb"
	"muster/internal/store"
	"muster/internal/store/catalog"
	"muster/internal/store/feeds"
	"muster/internal/store/settings"
)

// settingApplied is where the generation last worked off is remembered.
const settingApplied = "scan.generation"

// CatchUp asks for the advisories in service to be worked off if they have
// not been. It is for the start of a process; changes ask by themselves.
func (s *Service) CatchUp(ctx context.Context) error {
	return s.store.Update(ctx, func(tx *store.Tx) error {
		if err := catalog.AskToPost(ctx, tx, s.now()); err != nil {
			return err
		}
		current, err := feeds.Current(ctx, tx)
		if err != nil {
			return err
		}
		if applied, err := appliedGeneration(ctx, tx); err != nil || applied == current {
			return err
		}
		return tx.Enqueue(ctx, store.Job{Kind: JobAdvisories, Key: "catch up", RunAt: s.now()})
	})
}

// appliedGeneration is the generation last worked off, 0 before the first.
func appliedGeneration(ctx context.Context, tx *store.Tx) (int64, error) {
	text, err := settings.Get(ctx, tx, settingApplied)
	if errors.Is(err, store.ErrNotFound) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("setting %s: %w", settingApplied, err)
	}
	return n, nil
}

// advisoriesChanged is the handler of JobAdvisories. What two generations say
// differently is matched again, and then whatever carries a vulnerability of it
// is scanned. The generation counts as worked off once all is matched, and what
// is to be scanned stays noted until its scans are asked for, so a crash repeats
// what is needed and loses nothing; should yet another generation come into
// service, that one's job does the rest.
func (s *Service) advisoriesChanged(ctx context.Context, _ store.Job) error {
	set, generation, err := s.config.Advisories.CurrentGeneration(ctx)
	if err != nil {
		return fmt.Errorf("advisories in service: %w", err)
	}
	defer set.Close()
	var applied int64
	err = s.store.View(ctx, func(tx *store.Tx) (err error) {
		applied, err = appliedGeneration(ctx, tx)
		return err
	})
	if err != nil || applied == generation {
		return errors.Join(err, s.sweepDue(ctx, generation))
	}
	r := &rematch{service: s, set: set, generation: generation}
	if err := r.from(ctx, applied); err != nil {
		if errors.Is(err, errSuperseded) {
			return nil
		}
		return fmt.Errorf("match again from generation %d to %d: %w", applied, generation, err)
	}
	err = s.store.Update(ctx, func(tx *store.Tx) error {
		if latest, err := appliedGeneration(ctx, tx); err != nil || latest >= generation {
			return err
		}
		return settings.Put(ctx, tx, settingApplied, strconv.FormatInt(generation, 10), s.now())
	})
	if err != nil {
		return err
	}
	return s.sweepDue(ctx, generation)
}

// rematch is the way from one generation to another.
type rematch struct {
	service *Service
	// set is the one in service; everything is matched against it.
	set        *advisorydb.Set
	generation int64
}

// from works off what changed since a generation, step by step through those
// in between: what one of them said and the next took back may have been
// matched and scanned meanwhile.
func (r *rematch) from(ctx context.Context, applied int64) error {
	before, err := r.service.config.Advisories.Generation(ctx, applied)
	if err != nil {
		return r.everything(ctx)
	}
	defer func() { before.Close() }()
	for n := applied + 1; n <= r.generation; n++ {
		after, err := r.service.config.Advisories.Generation(ctx, n)
		if err != nil {
			// Its files are gone, so everything may have changed.
			return r.everything(ctx)
		}
		if err := r.step(ctx, before, after); err != nil {
			after.Close()
			return err
		}
		before.Close()
		before = after
	}
	return nil
}

// step works off the difference of two generations.
func (r *rematch) step(ctx context.Context, before, after *advisorydb.Set) error {
	if err := r.packages(ctx, before, after); err != nil {
		return err
	}
	if err := r.intelligence(ctx, before, after); err != nil {
		return err
	}
	return r.ecosystems(ctx, before, after)
}

const (
	// keysAtOnce is how many changed packages are looked for at a time,
	// componentsAtOnce how many components one transaction matches again.
	keysAtOnce       = 500
	componentsAtOnce = 200
	// mostKeys is how many changed packages are looked for one by one. A
	// larger change, such as the first import, touches most of what there is.
	mostKeys = 20_000
)

// packages matches again what the changed packages could touch.
func (r *rematch) packages(ctx context.Context, before, after *advisorydb.Set) error {
	var keys []catalog.Key
	for k, err := range advisorydb.Diff(before, after) {
		if err != nil {
			return err
		}
		if len(keys) == mostKeys {
			return r.allComponents(ctx)
		}
		keys = append(keys, catalog.Key(k))
	}
	for part := range slices.Chunk(keys, keysAtOnce) {
		if err := r.keys(ctx, part); err != nil {
			return err
		}
	}
	return nil
}

// everything matches all again and scans all, because what was said before is
// not known.
func (r *rematch) everything(ctx context.Context) error {
	if err := r.allComponents(ctx); err != nil {
		return err
	}
	return r.ecosystems(ctx, advisorydb.Empty(), r.set)
}

// ecosystems asks for scans of what has packages of an ecosystem about which
// only one of two generations knows anything at all: its coverage says so.
func (r *rematch) ecosystems(ctx context.Context, before, after *advisorydb.Set) error {
	var changed []string
	for _, set := range []*advisorydb.Set{before, after} {
		for _, info := range set.Ecosystems() {
			if before.Has(info.Ecosystem) != after.Has(info.Ecosystem) {
				changed = append(changed, info.Ecosystem)
			}
		}
	}
	return r.service.store.Update(ctx, func(tx *store.Tx) error {
		for _, ecosystem := range changed {
			inventories, err := catalog.InventoriesOf(ctx, tx, ecosystem)
			if err == nil {
				err = catalog.AskDue(ctx, tx, inventories)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
}

func (r *rematch) keys(ctx context.Context, keys []catalog.Key) error {
	var list []catalog.Component
	err := r.service.store.View(ctx, func(tx *store.Tx) (err error) {
		list, err = catalog.Touched(ctx, tx, keys, r.generation)
		return err
	})
	if err != nil {
		return err
	}
	for part := range slices.Chunk(list, componentsAtOnce) {
		if err := r.components(ctx, part); err != nil {
			return err
		}
	}
	return nil
}

// allComponents matches all components again that were matched against other
// advisories.
func (r *rematch) allComponents(ctx context.Context) error {
	for after := int64(0); ; {
		var list []catalog.Component
		err := r.service.store.View(ctx, func(tx *store.Tx) (err error) {
			list, err = catalog.MatchedOtherwise(ctx, tx, r.generation, after, componentsAtOnce)
			return err
		})
		if err != nil || len(list) == 0 {
			return err
		}
		after = list[len(list)-1].ID
		if err := r.components(ctx, list); err != nil {
			return err
		}
	}
}

// components matches components again and asks for scans of what carries a
// vulnerability of theirs: the same transaction, so neither is ever done alone.
func (r *rematch) components(ctx context.Context, list []catalog.Component) error {
	matches, err := matchAll(ctx, r.set, list)
	if err != nil {
		return err
	}
	return r.service.store.UpdateInLane(ctx, store.Catalog, func(tx *store.Tx) error {
		if err := inService(ctx, tx, r.generation); err != nil {
			return err
		}
		vulnerable, err := storeMatches(ctx, tx, matches, r.generation)
		if err != nil {
			return err
		}
		return r.ask(ctx, tx, vulnerable)
	})
}

// intelligence asks for scans of what has a vulnerability about which scores,
// exploits or the like say something else.
func (r *rematch) intelligence(ctx context.Context, before, after *advisorydb.Set) error {
	var cves []string
	flush := func() error {
		err := r.service.store.Update(ctx, func(tx *store.Tx) error {
			components, err := catalog.ComponentsWith(ctx, tx, cves)
			if err != nil {
				return err
			}
			return r.ask(ctx, tx, components)
		})
		cves = cves[:0]
		return err
	}
	vulnerabilities, err := r.known(ctx)
	if err != nil {
		return err
	}
	for cve, err := range advisorydb.DiffIntel(before, after) {
		if err != nil {
			return err
		}
		if !vulnerabilities[cve] {
			continue
		}
		delete(vulnerabilities, cve)
		if cves = append(cves, cve); len(cves) == keysAtOnce {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	return flush()
}

// known are the vulnerabilities that any component has: far fewer than the
// scores that move every day.
func (r *rematch) known(ctx context.Context) (map[string]bool, error) {
	known := map[string]bool{}
	err := r.service.store.View(ctx, func(tx *store.Tx) error {
		list, err := catalog.Vulnerabilities(ctx, tx)
		for _, id := range list {
			known[id] = true
		}
		return err
	})
	return known, err
}

// ask makes every inventory due that holds one of the components.
func (r *rematch) ask(ctx context.Context, tx *store.Tx, components []int64) error {
	inventories, err := catalog.InventoriesWith(ctx, tx, components)
	if err != nil {
		return err
	}
	return catalog.AskDue(ctx, tx, inventories)
}
