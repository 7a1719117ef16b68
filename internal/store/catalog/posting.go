package catalog

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"muster/internal/store"
)

// A posting leads from a component to an inventory that holds it. The five
// hundred postings of an inventory lie on as many pages as there are
// components, which is most of what storing it costs. So they are written
// later, for many inventories at once, when a page is written once for all of
// them; and an inventory that is replaced before has none to be removed.
// Until then the inventory is looked through itself.

// The states of an inventory.
const (
	// An unposted inventory has no postings.
	unposted = iota
	// A posted one has them all.
	posted
	// A dead one has them and no resource. It can come to life again.
	dead
)

// JobPost writes and removes postings (PostInventories); storing an inventory
// asks for it now and then.
const JobPost = "catalog.post"

// postEvery is how many inventories are stored, on average, until somebody
// asks for their postings.
const postEvery = 128

func askToPost(ctx context.Context, tx *store.Tx, id int64) error {
	if id%postEvery != 0 {
		return nil
	}
	return tx.Enqueue(ctx, store.Job{Kind: JobPost, Key: JobPost})
}

// AskToPost asks for the postings of what waits for them, if anything does.
func AskToPost(ctx context.Context, tx *store.Tx, now time.Time) error {
	var one int
	err := store.One(tx.QueryRow(ctx, `SELECT 1 FROM inventories WHERE state <> $1 LIMIT 1`, posted), &one)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	return tx.Enqueue(ctx, store.Job{Kind: JobPost, Key: JobPost, RunAt: now})
}

// pending is an inventory that waits for its postings to come or to go.
type pending struct {
	id, state int64
	packed    []byte
}

func readPending(ctx context.Context, tx *store.Tx, condition, columns string, limit int) ([]pending, error) {
	var w store.Where
	w.Add(condition)
	rows, err := tx.Query(ctx, `SELECT id, state, `+columns+` FROM inventories`+w.SQL()+` ORDER BY id LIMIT `+w.Arg(limit), w.Args()...)
	return store.ReadAll(rows, err, func(s store.Scanner) (p pending, err error) {
		err = s.Scan(&p.id, &p.state, &p.packed)
		return p, err
	})
}

// PostInventories writes the postings of up to limit inventories that have
// none, and removes those of dead ones with the inventories. It returns how
// many it took care of.
func PostInventories(ctx context.Context, tx *store.Tx, limit int) (int, error) {
	list, err := readPending(ctx, tx, `state <> 1`, `items`, limit)
	if err != nil {
		return 0, fmt.Errorf("inventories to post: %w", err)
	}
	var rows [][]any
	var fresh, gone []int64
	for _, p := range list {
		ids, err := componentsIn(p.packed)
		if err != nil {
			return 0, fmt.Errorf("inventory %d: %w", p.id, err)
		}
		if p.state == dead {
			gone = append(gone, p.id)
			if err := removePostings(ctx, tx, p.id, ids); err != nil {
				return 0, err
			}
			continue
		}
		fresh = append(fresh, p.id)
		for _, c := range ids {
			rows = append(rows, []any{c, p.id})
		}
	}
	slices.SortFunc(rows, func(a, b []any) int {
		x, _ := a[0].(int64)
		y, _ := b[0].(int64)
		return cmp.Compare(x, y)
	})
	if _, err := tx.InsertRows(ctx, "inventory_components", []string{"component", "inventory"}, rows, ""); err != nil {
		return 0, err
	}
	if err := eachChunk(ctx, tx, `UPDATE inventories SET state = 1`, fresh); err != nil {
		return 0, err
	}
	return len(list), eachChunk(ctx, tx, `DELETE FROM inventories`, gone)
}

func eachChunk(ctx context.Context, tx *store.Tx, statement string, ids []int64) error {
	return chunks(ids, func(part []int64) error {
		var w store.Where
		store.In(&w, "id", part...)
		_, err := tx.Exec(ctx, statement+w.SQL(), w.Args()...)
		return err
	})
}

func componentsIn(packed []byte) ([]int64, error) {
	items, err := unpackItems(packed)
	if err != nil {
		return nil, err
	}
	ids := make([]int64, len(items))
	for i, p := range items {
		ids[i] = p.Component
	}
	slices.Sort(ids)
	return slices.Compact(ids), nil
}

func removePostings(ctx context.Context, tx *store.Tx, inventory int64, components []int64) error {
	return chunks(components, func(part []int64) error {
		var w store.Where
		w.Add("inventory = ?", inventory)
		store.In(&w, "component", part...)
		if _, err := tx.Exec(ctx, `DELETE FROM inventory_components`+w.SQL(), w.Args()...); err != nil {
			return fmt.Errorf("postings of inventory %d: %w", inventory, err)
		}
		return nil
	})
}

// dropInventory forgets an inventory that no resource has any more.
func dropInventory(ctx context.Context, tx *store.Tx, id int64) error {
	var used int
	err := store.One(tx.QueryRow(ctx, `SELECT 1 FROM resources WHERE inventory = $1 LIMIT 1`, id), &used)
	if !errors.Is(err, store.ErrNotFound) {
		return err
	}
	if _, err := tx.Exec(ctx, `DELETE FROM inventories WHERE id = $1 AND state = 0`, id); err != nil {
		return fmt.Errorf("drop inventory %d: %w", id, err)
	}
	if _, err = tx.Exec(ctx, `UPDATE inventories SET state = 2 WHERE id = $1`, id); err != nil {
		return fmt.Errorf("drop inventory %d: %w", id, err)
	}
	return nil
}

// reviveInventory keeps an inventory that a resource has got from being
// forgotten.
func reviveInventory(ctx context.Context, tx *store.Tx, id int64) error {
	_, err := tx.Exec(ctx, `UPDATE inventories SET state = 1 WHERE id = $1 AND state = 2`, id)
	return err
}

// heldKey is an unposted inventory's place among the values that a store
// keeps: what it holds never changes.
type heldKey int64

// unpostedWith returns the inventories without postings that hold one of the
// components; nil stands for any.
func unpostedWith(ctx context.Context, tx *store.Tx, components []int64) ([]int64, error) {
	waiting, err := readPending(ctx, tx, `state = 0`, `NULL`, 1<<30)
	if err != nil {
		return nil, fmt.Errorf("inventories without postings: %w", err)
	}
	wanted := make(map[int64]bool, len(components))
	for _, c := range components {
		wanted[c] = true
	}
	var list []int64
	for _, p := range waiting {
		held, err := heldBy(ctx, tx, p.id)
		if err != nil {
			return nil, err
		}
		if components == nil || slices.ContainsFunc(held, func(c int64) bool { return wanted[c] }) {
			list = append(list, p.id)
		}
	}
	return list, nil
}

func heldBy(ctx context.Context, tx *store.Tx, inventory int64) ([]int64, error) {
	if held, ok := tx.Kept(heldKey(inventory)).([]int64); ok {
		return held, nil
	}
	var packed []byte
	if err := store.One(tx.QueryRow(ctx, `SELECT items FROM inventories WHERE id = $1`, inventory), &packed); err != nil {
		return nil, fmt.Errorf("items of inventory %d: %w", inventory, err)
	}
	held, err := componentsIn(packed)
	if err != nil {
		return nil, fmt.Errorf("inventory %d: %w", inventory, err)
	}
	tx.Keep(heldKey(inventory), held, 8*len(held)+matchedSize)
	return held, nil
}

// InventoriesWith returns the inventories that hold one of the components.
func InventoriesWith(ctx context.Context, tx *store.Tx, components []int64) ([]int64, error) {
	if len(components) == 0 {
		return nil, nil
	}
	list, err := numbers(ctx, tx, components, `SELECT DISTINCT inventory FROM inventory_components`, "component")
	if err != nil {
		return nil, fmt.Errorf("inventories with components: %w", err)
	}
	waiting, err := unpostedWith(ctx, tx, components)
	return append(list, waiting...), err
}

// InventoriesOf returns the inventories with packages of an ecosystem, whose
// release, if it has any, does not matter, and a few more. It reads every
// component.
func InventoriesOf(ctx context.Context, tx *store.Tx, ecosystem string) ([]int64, error) {
	rows, err := tx.Query(ctx, `SELECT DISTINCT i.inventory FROM components c JOIN inventory_components i ON i.component = c.id
		WHERE c.ecosystem = $1 OR substr(c.ecosystem, 1, $2) = $3`, ecosystem, len(ecosystem)+1, ecosystem+":")
	list, err := store.ReadAll(rows, err, func(s store.Scanner) (id int64, err error) {
		err = s.Scan(&id)
		return id, err
	})
	if err != nil {
		return nil, err
	}
	waiting, err := unpostedWith(ctx, tx, nil)
	return append(list, waiting...), err
}
