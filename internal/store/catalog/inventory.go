package catalog

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"muster/internal/inventory"
	"muster/internal/store"
)

// Inventory is a stored inventory.
type Inventory struct {
	ID    int64
	Hash  string
	OS    inventory.OS
	Notes []string
	Items []Placement
}

// KnownInventory returns the id of the inventory with the hash, or
// store.ErrNotFound.
func KnownInventory(ctx context.Context, tx *store.Tx, hash string) (int64, error) {
	var id int64
	err := store.One(tx.QueryRow(ctx, `SELECT id FROM inventories WHERE hash = $1`, hash), &id)
	return id, err
}

// PutInventory stores an inventory under its hash, unless it is stored, and
// returns its id. The inventory must be sorted.
func PutInventory(ctx context.Context, tx *store.Tx, inv *inventory.Inventory, hash string, now time.Time) (int64, error) {
	id, err := KnownInventory(ctx, tx, hash)
	if !errors.Is(err, store.ErrNotFound) {
		return id, err
	}
	distinct := distinctComponents(inv)
	ids, err := putComponents(ctx, tx, distinct)
	if err != nil {
		return 0, err
	}
	if id, err = newNumber(tx); err != nil {
		return 0, err
	}
	if err := insertInventory(ctx, tx, id, inv, hash, ids, now); err != nil {
		return 0, fmt.Errorf("inventory %s: %w", hash, err)
	}
	return id, askToPost(ctx, tx, id)
}

func distinctComponents(inv *inventory.Inventory) []inventory.Component {
	seen := make(map[inventory.Component]bool, len(inv.Items))
	list := make([]inventory.Component, 0, len(inv.Items))
	for _, it := range inv.Items {
		if !seen[it.Component] {
			seen[it.Component] = true
			list = append(list, it.Component)
		}
	}
	return list
}

func insertInventory(ctx context.Context, tx *store.Tx, id int64, inv *inventory.Inventory, hash string, ids map[inventory.Component]int64, now time.Time) error {
	items := make([]Placement, len(inv.Items))
	for i, it := range inv.Items {
		items[i] = Placement{Component: ids[it.Component], Path: it.Path, Layer: it.Layer, Role: it.Role, OwnedBy: it.OwnedBy}
	}
	packed, err := packItems(items)
	if err != nil {
		return err
	}
	os, err := json.Marshal(inv.OS)
	if err != nil {
		return err
	}
	notes, err := json.Marshal(inv.Notes)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `INSERT INTO inventories (id, hash, os, notes, items, created_at, state) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
		id, hash, string(os), string(notes), packed, store.Micros(now), unposted)
	return err
}

// LookupInventory returns an inventory with its items, or store.ErrNotFound.
func LookupInventory(ctx context.Context, tx *store.Tx, id int64) (Inventory, error) {
	inv := Inventory{ID: id}
	var os, notes string
	var packed []byte
	row := tx.QueryRow(ctx, `SELECT hash, os, notes, items FROM inventories WHERE id = $1`, id)
	if err := store.One(row, &inv.Hash, &os, &notes, &packed); err != nil {
		return inv, fmt.Errorf("inventory %d: %w", id, err)
	}
	err := errors.Join(json.Unmarshal([]byte(os), &inv.OS), json.Unmarshal([]byte(notes), &inv.Notes))
	if err == nil {
		inv.Items, err = unpackItems(packed)
	}
	if err != nil {
		return inv, fmt.Errorf("inventory %d: %w", id, err)
	}
	return inv, nil
}
