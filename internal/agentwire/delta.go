package agentwire

import (
	"fmt"
	"slices"

	"muster/internal/inventory"
)

// Delta is how an inventory differs from the one that the server last had of
// the host: a package that was updated costs two hundred bytes instead of the
// whole list.
type Delta struct {
	// Base is the hash of the inventory that it starts from.
	Base string
	// Removed are positions in the base's canonical order, ascending.
	Removed []int
	// Added are the items that the base has not.
	Added []inventory.Item
	// OS and Notes are the new inventory's.
	OS    inventory.OS
	Notes []string
}

// NewDelta is the difference of two inventories, both sorted (Hash sorts).
func NewDelta(base, after *inventory.Inventory, baseHash string) *Delta {
	d := &Delta{Base: baseHash, OS: after.OS, Notes: after.Notes}
	had := make(map[inventory.Item]bool, len(base.Items))
	for _, it := range base.Items {
		had[it] = true
	}
	has := make(map[inventory.Item]bool, len(after.Items))
	for _, it := range after.Items {
		has[it] = true
		if !had[it] {
			d.Added = append(d.Added, it)
		}
	}
	for i, it := range base.Items {
		if !has[it] {
			d.Removed = append(d.Removed, i)
		}
	}
	return d
}

// Apply makes the new inventory of the base. It does not change base.
func (d *Delta) Apply(base *inventory.Inventory) (inventory.Inventory, error) {
	out := inventory.Inventory{OS: d.OS, Notes: d.Notes, Items: make([]inventory.Item, 0, len(base.Items)+len(d.Added))}
	next := 0
	for i, it := range base.Items {
		if next < len(d.Removed) && d.Removed[next] == i {
			next++
			continue
		}
		out.Items = append(out.Items, it)
	}
	if next != len(d.Removed) {
		return inventory.Inventory{}, fmt.Errorf("delta removes item %d of %d", d.Removed[next], len(base.Items))
	}
	out.Items = append(out.Items, d.Added...)
	out.Sort()
	return out, nil
}

// violations names what is wrong with a foreign delta.
func (d *Delta) violations(l inventory.Limits) []string {
	var bad []string
	if len(d.Base) != 64 || !isHex(d.Base) {
		bad = append(bad, "delta.base: want 64 hexadecimal digits")
	}
	if len(d.Removed) > l.Items || len(d.Removed) > 0 && d.Removed[0] < 0 || !slices.IsSorted(d.Removed) || len(slices.Compact(slices.Clone(d.Removed))) != len(d.Removed) {
		bad = append(bad, "delta.removed: want ascending positions")
	}
	inv := inventory.Inventory{OS: d.OS, Notes: d.Notes, Items: d.Added}
	for _, v := range inv.Violations(l, maxViolations) {
		bad = append(bad, "delta: "+v)
	}
	return bad
}

type wireDelta struct {
	Base     string        `json:"base"`
	Removed  []int         `json:"removed,omitempty"`
	OS       OS            `json:"os"`
	Notes    []string      `json:"notes,omitempty"`
	Packages []wirePackage `json:"packages,omitempty"`
}

func newWireDelta(d *Delta) *wireDelta {
	if d == nil {
		return nil
	}
	w := newWireInventory(inventory.Inventory{OS: d.OS, Notes: d.Notes, Items: d.Added})
	return &wireDelta{Base: d.Base, Removed: d.Removed, OS: w.OS, Notes: w.Notes, Packages: w.Packages}
}

func (d *decoder) delta() (*Delta, error) {
	out := &Delta{}
	inv := inventory.Inventory{}
	err := d.object(func(member string) error {
		switch member {
		case "base":
			return d.json.Decode(&out.Base)
		case "removed":
			return d.array(d.limits.Items, func() error {
				var n int
				err := d.json.Decode(&n)
				out.Removed = append(out.Removed, n)
				return err
			})
		}
		return d.inventoryMember(member, &inv)
	})
	out.OS, out.Notes, out.Added = inv.OS, inv.Notes, inv.Items
	return out, err
}
