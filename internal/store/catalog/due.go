package catalog

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"muster/internal/arn"
	"muster/internal/store"
)

// DueInventory is an inventory whose resources are to be scanned.
type DueInventory struct {
	ID int64
	// Asked tells this time that it was asked for from others.
	Asked string
}

// AskDue notes that the resources with the inventories are to be scanned. No
// inventory may be named twice.
func AskDue(ctx context.Context, tx *store.Tx, inventories []int64) error {
	rows := make([][]any, len(inventories))
	asked := tx.NewID()
	for i, id := range inventories {
		rows[i] = []any{id, asked}
	}
	_, err := tx.InsertRows(ctx, "inventories_due", []string{"inventory", "asked"}, rows,
		`ON CONFLICT (inventory) DO UPDATE SET asked = excluded.asked`)
	return err
}

// DueInventories lists what AskDue has noted.
func DueInventories(ctx context.Context, tx *store.Tx) ([]DueInventory, error) {
	rows, err := tx.Query(ctx, `SELECT inventory, asked FROM inventories_due ORDER BY inventory`)
	list, err := store.ReadAll(rows, err, func(s store.Scanner) (d DueInventory, err error) {
		err = s.Scan(&d.ID, &d.Asked)
		return d, err
	})
	if err != nil {
		return nil, fmt.Errorf("inventories that are due: %w", err)
	}
	return list, nil
}

// DueResource is a resource with an inventory that is due.
type DueResource struct {
	Account arn.AccountID
	Number  int64
}

// ResourcesDue lists the resources with the inventories, without those that are
// gone, by account: those of an account share most of what a change of their
// findings touches.
func ResourcesDue(ctx context.Context, tx *store.Tx, due []DueInventory) ([]DueResource, error) {
	ids := make([]int64, len(due))
	for i, d := range due {
		ids[i] = d.ID
	}
	var list []DueResource
	accounts := map[arn.AccountID]arn.AccountID{} // one text for all of an account
	err := chunks(ids, func(part []int64) error {
		var w store.Where
		store.In(&w, "inventory", part...)
		w.Add("gone_at = 0")
		rows, err := tx.Query(ctx, `SELECT account, number FROM resources`+w.SQL(), w.Args()...)
		return each(rows, err, func(s store.Scanner) error {
			var r DueResource
			err := s.Scan(&r.Account, &r.Number)
			if _, known := accounts[r.Account]; !known {
				accounts[r.Account] = r.Account
			}
			r.Account = accounts[r.Account]
			list = append(list, r)
			return err
		})
	})
	if err != nil {
		return nil, fmt.Errorf("resources whose inventories are due: %w", err)
	}
	slices.SortFunc(list, func(a, b DueResource) int {
		return cmp.Or(cmp.Compare(a.Account, b.Account), cmp.Compare(a.Number, b.Number))
	})
	return list, nil
}

// SettleDue forgets inventories that nobody has asked for again.
func SettleDue(ctx context.Context, tx *store.Tx, list []DueInventory) error {
	byAsked := map[string][]int64{}
	for _, d := range list {
		byAsked[d.Asked] = append(byAsked[d.Asked], d.ID)
	}
	for asked, ids := range byAsked {
		err := chunks(ids, func(part []int64) error {
			var w store.Where
			w.Add("asked = ?", asked)
			store.In(&w, "inventory", part...)
			_, err := tx.Exec(ctx, `DELETE FROM inventories_due`+w.SQL(), w.Args()...)
			return err
		})
		if err != nil {
			return fmt.Errorf("forget inventories that were due: %w", err)
		}
	}
	return nil
}
