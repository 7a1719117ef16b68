package catalog_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"muster/internal/finding"
	"muster/internal/inventory"
	"muster/internal/store"
	"muster/internal/store/catalog"
	"muster/internal/store/storetest"
)

// TestPostings moves machines between inventories and has postings written and
// removed at any time: what is found by a component is always what the
// machines have.
func TestPostings(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		run := 0
		rapid.Check(t, func(rt *rapid.T) {
			run++
			m := machines{t: t, rt: rt, s: s, run: run, has: map[int]int{}}
			for range rapid.IntRange(1, 8).Draw(rt, "steps") {
				switch rapid.IntRange(0, 2).Draw(rt, "step") {
				case 0:
					m.update(func(ctx context.Context, tx *store.Tx) error {
						_, err := catalog.PostInventories(ctx, tx, rapid.IntRange(1, 3).Draw(rt, "posted"))
						return err
					})
				default:
					m.change(rapid.IntRange(0, 2).Draw(rt, "machine"), rapid.IntRange(0, 3).Draw(rt, "inventory"))
				}
				m.check()
			}
			m.verify()
		})
	})
}

// machines have one of a few inventories of two components each: one of its
// own, one shared.
type machines struct {
	t   *testing.T
	rt  *rapid.T
	s   *store.Store
	run int
	has map[int]int
}

func (m *machines) update(fn func(ctx context.Context, tx *store.Tx) error) {
	if err := m.s.Update(m.t.Context(), func(tx *store.Tx) error { return fn(m.t.Context(), tx) }); err != nil {
		m.rt.Fatal(err)
	}
}

func (m *machines) component(n int) inventory.Component {
	return inventory.Component{Ecosystem: "npm", Name: fmt.Sprintf("run-%d-%d", m.run, n), Version: "1.0.0", Manager: inventory.ManagerNPM}
}

func (m *machines) inventory(n int) *inventory.Inventory {
	inv := &inventory.Inventory{Items: []inventory.Item{{Component: m.component(n)}, {Component: m.component(100 + n%2)}}}
	inv.Sort()
	return inv
}

func (m *machines) change(machine, to int) {
	now := time.UnixMicro(int64(1_700_000_000_000_000 + m.run))
	m.update(func(ctx context.Context, tx *store.Tx) error {
		inv := m.inventory(to)
		id, err := catalog.PutInventory(ctx, tx, inv, inv.Hash(), now)
		if err != nil {
			return err
		}
		details := finding.Resource{Type: finding.Instance, ID: fmt.Sprintf("i-%d-%d", m.run, machine)}
		r, err := catalog.PutResource(ctx, tx, "111111111111", "us-east-1", details, now)
		if err != nil {
			return err
		}
		return catalog.SetInventory(ctx, tx, &r, id, inv.Hash(), now, now)
	})
	m.has[machine] = to
}

// check compares what is found by every component with what the machines have.
func (m *machines) check() {
	err := m.s.View(m.t.Context(), func(tx *store.Tx) error {
		for n := range 4 {
			inv := m.inventory(n)
			id, err := catalog.KnownInventory(m.t.Context(), tx, inv.Hash())
			if err != nil {
				continue
			}
			stored, err := catalog.LookupInventory(m.t.Context(), tx, id)
			if err != nil {
				return err
			}
			for _, p := range stored.Items {
				found, err := catalog.InventoriesWith(m.t.Context(), tx, []int64{p.Component})
				if err != nil {
					return err
				}
				if !slices.Contains(found, id) {
					m.rt.Fatalf("inventory %d is not found by its component", n)
				}
			}
		}
		for machine, inv := range m.has {
			if _, err := catalog.KnownInventory(m.t.Context(), tx, m.inventory(inv).Hash()); err != nil {
				m.rt.Fatalf("the inventory of machine %d is gone: %v", machine, err)
			}
		}
		return nil
	})
	if err != nil {
		m.rt.Fatal(err)
	}
}

func (m *machines) verify() {
	err := m.s.View(m.t.Context(), func(tx *store.Tx) error {
		wrong, err := catalog.VerifyInventories(m.t.Context(), tx)
		if err == nil && wrong != nil {
			m.rt.Fatal(wrong)
		}
		return err
	})
	if err != nil {
		m.rt.Fatal(err)
	}
}
