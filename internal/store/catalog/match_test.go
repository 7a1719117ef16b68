package catalog_test

import (
	"fmt"
	"testing"
	"time"

	"muster/internal/inventory"
	"muster/internal/store"
	"muster/internal/store/catalog"
	"muster/internal/store/storetest"
)

// TestMatchesOfManyComponents: more components than one statement names get
// their matches together, and matched again only those that they have then.
func TestMatchesOfManyComponents(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		inv := &inventory.Inventory{}
		for n := range 600 {
			inv.Items = append(inv.Items, inventory.Item{Component: inventory.Component{Ecosystem: "npm", Name: fmt.Sprintf("package-%03d", n), Version: "1.0.0", Manager: inventory.ManagerNPM}})
		}
		inv.Sort()
		err := s.Update(ctx, func(tx *store.Tx) error {
			id, err := catalog.PutInventory(ctx, tx, inv, inv.Hash(), time.UnixMicro(1_700_000_000_000_000))
			if err != nil {
				return err
			}
			stored, err := catalog.LookupInventory(ctx, tx, id)
			if err != nil {
				return err
			}
			ids := make([]int64, len(stored.Items))
			for generation := range int64(2) {
				list := make([]catalog.Matched, len(ids))
				for i, p := range stored.Items {
					ids[i] = p.Component
					list[i] = catalog.Matched{Component: p.Component, Keys: []catalog.Key{{Ecosystem: "npm", Name: fmt.Sprint("key-", i)}}}
					if int64(i%2) == generation {
						list[i].Matches = []catalog.Match{{Component: p.Component, Vulnerability: fmt.Sprint("CVE-", generation), Body: "{}"}}
					}
				}
				if err := catalog.SetMatches(ctx, tx, generation+1, list); err != nil {
					return err
				}
				found, err := catalog.MatchesOf(ctx, tx, ids)
				if err != nil || len(found) != 300 || found[0].Vulnerability != fmt.Sprint("CVE-", generation) {
					return fmt.Errorf("in generation %d there are %d matches: %w", generation, len(found), err)
				}
			}
			touched, err := catalog.Touched(ctx, tx, []catalog.Key{{Ecosystem: "npm", Name: "key-0"}, {Ecosystem: "npm", Name: "key-599"}}, 3)
			if err != nil || len(touched) != 2 || touched[0].Generation != 2 {
				return fmt.Errorf("found by their keys: %+v, %w", touched, err)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}
