package scan

import (
	"context"
	"fmt"
	"hash/maphash"
	"slices"
	"sync"

	"muster/internal/finding"
	"muster/internal/inventory"
	"muster/internal/store"
	"muster/internal/store/catalog"
)

// content is an inventory as a scan sees it. It does not change.
type content struct {
	// Inventory is without its items.
	catalog.Inventory
	wanted []finding.Draft
	// missing says that advisories are lacking, empty that there is no package
	// to judge.
	missing, empty bool
	// shown are the packages that are judged, sorted, to tell whether that of a
	// finding is still installed.
	shown []shown
}

// content works out what the resources with an inventory want, once.
func (e *evaluator) content(ctx context.Context, at sight) (*content, error) {
	if c := e.contents[at]; c != nil {
		return c, nil
	}
	if c := e.shared.get(at); c != nil {
		return c, nil
	}
	inv, err := catalog.LookupInventory(ctx, e.tx, at.inventory)
	if err != nil {
		return nil, err
	}
	if at.shallow {
		// Packages of the system alone are proved by no file.
		inv.Items = slices.DeleteFunc(inv.Items, func(p catalog.Placement) bool { return p.Path != "" })
	}
	items, err := itemsOf(ctx, e.tx, inv.Items)
	if err != nil {
		return nil, err
	}
	c := &content{Inventory: inv, missing: feedMissing(e.set, inv.OS, items), empty: true}
	c.Items = nil
	for i, p := range inv.Items {
		if p.Role.Judged() {
			c.empty = false
			c.shown = append(c.shown, show(finding.Show(items[i])))
		}
	}
	slices.Sort(c.shown)
	affected, err := e.affected(ctx, inv.Items, items)
	if err != nil {
		return nil, err
	}
	c.wanted = finding.FromPackages(affected, e.library.Intel)
	if err := e.library.Err(); err != nil {
		return nil, fmt.Errorf("read advisories: %w", err)
	}
	e.contents[at] = c
	return c, nil
}

// itemsOf joins placements and components to the inventory's items.
func itemsOf(ctx context.Context, tx *store.Tx, placed []catalog.Placement) ([]inventory.Item, error) {
	byID, err := catalog.Identities(ctx, tx, componentsOf(placed))
	if err != nil {
		return nil, err
	}
	items := make([]inventory.Item, len(placed))
	for i, p := range placed {
		items[i] = inventory.Item{Component: byID[p.Component], Path: p.Path, Layer: p.Layer, Role: p.Role, OwnedBy: p.OwnedBy}
	}
	return items, nil
}

func componentsOf(items []catalog.Placement) []int64 {
	seen := make(map[int64]bool, len(items))
	ids := make([]int64, 0, len(items))
	for _, p := range items {
		if !seen[p.Component] {
			seen[p.Component] = true
			ids = append(ids, p.Component)
		}
	}
	return ids
}

// shown stands for a package of a finding. Of two packages one in 2⁶⁴ would be
// taken for the other, and a finding's end be put down to the wrong cause.
type shown uint64

func show(p finding.Package) shown {
	return shown(maphash.Comparable(shownSeed(), [5]string{p.Name, p.Version, p.Release, p.Arch, p.Path}))
}

// shownSeed is the same for the whole process.
var shownSeed = sync.OnceValue(maphash.MakeSeed)

func (c *content) installed(p finding.Package) bool {
	_, found := slices.BinarySearch(c.shown, show(p))
	return found
}

// affected pairs the items with the matches of their components.
func (e *evaluator) affected(ctx context.Context, placed []catalog.Placement, items []inventory.Item) ([]finding.Affected, error) {
	stored, err := catalog.MatchesOf(ctx, e.tx, componentsOf(placed))
	if err != nil {
		return nil, err
	}
	byComponent := map[int64][]catalog.Match{}
	for _, m := range stored {
		byComponent[m.Component] = append(byComponent[m.Component], m)
	}
	var list []finding.Affected
	for i, p := range placed {
		if !p.Role.Judged() {
			continue
		}
		for _, sm := range byComponent[p.Component] {
			m, err := decodeMatch(sm.Body)
			if err != nil {
				return nil, err
			}
			e.library.Cite(items[i].Ecosystem, &m)
			list = append(list, finding.Affected{
				Item: items[i], VulnerabilityID: m.VulnerabilityID, Related: m.Related, FixedVersion: m.FixedVersion, SubscriptionFix: m.SubscriptionFix,
				Source: m.Source, VendorSeverity: m.VendorSeverity, Evidence: evidence(&m),
			})
		}
	}
	return list, nil
}
