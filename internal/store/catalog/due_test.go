package catalog_test

import (
	"slices"
	"testing"

	"muster/internal/store"
	"muster/internal/store/catalog"
	"muster/internal/store/storetest"
)

// TestDueInventories: what is asked for again while it is worked off stays due.
func TestDueInventories(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		update := func(fn func(tx *store.Tx) error) {
			t.Helper()
			if err := s.Update(ctx, fn); err != nil {
				t.Fatal(err)
			}
		}
		ask := func(ids ...int64) {
			t.Helper()
			update(func(tx *store.Tx) error { return catalog.AskDue(ctx, tx, ids) })
		}
		due := func() (list []catalog.DueInventory) {
			t.Helper()
			err := s.View(ctx, func(tx *store.Tx) (err error) {
				list, err = catalog.DueInventories(ctx, tx)
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			return list
		}
		ask(1, 2)
		ask(3)
		first := due()
		ask(2, 4)
		update(func(tx *store.Tx) error { return catalog.SettleDue(ctx, tx, first) })
		var ids []int64
		for _, d := range due() {
			ids = append(ids, d.ID)
		}
		if !slices.Equal(ids, []int64{2, 4}) {
			t.Errorf("due afterwards: %v", ids)
		}
		rest := due()
		update(func(tx *store.Tx) error { return catalog.SettleDue(ctx, tx, rest) })
		if list := due(); len(list) > 0 {
			t.Errorf("due in the end: %v", list)
		}
	})
}
