package scan

import (
	"context"
	"encoding/json"
	"fmt"

	"muster/internal/advisorydb"
	"muster/internal/match"
	"muster/internal/store"
	"muster/internal/store/catalog"
)

// matched is what a component's advisories say, ready to be stored.
type matched struct {
	component catalog.Component
	keys      []catalog.Key
	matches   []catalog.Match
}

// matchAll matches components against a set. It is slow work and uses no
// database.
func matchAll(ctx context.Context, set *advisorydb.Set, components []catalog.Component) ([]matched, error) {
	list := make([]matched, 0, len(components))
	for _, c := range components {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		m, err := matchOne(set, c)
		if err != nil {
			return nil, err
		}
		list = append(list, m)
	}
	return list, nil
}

func matchOne(set *advisorydb.Set, c catalog.Component) (matched, error) {
	m := matched{component: c}
	for _, k := range match.Keys(c.Component) {
		m.keys = append(m.keys, catalog.Key(k))
	}
	found, err := match.Component(c.Component, set)
	if err != nil {
		return m, err
	}
	for i := range found {
		body, err := json.Marshal(&found[i])
		if err != nil {
			return m, fmt.Errorf("match of %s: %w", c.Name, err)
		}
		m.matches = append(m.matches, catalog.Match{Component: c.ID, Vulnerability: found[i].VulnerabilityID, Body: string(body)})
	}
	return m, nil
}

// storeMatches stores what was matched, and returns the components that had
// or have a vulnerability: resources that carry them may have other findings.
func storeMatches(ctx context.Context, tx *store.Tx, list []matched, generation int64) (vulnerable []int64, err error) {
	ids := make([]int64, len(list))
	for i, m := range list {
		ids[i] = m.component.ID
	}
	before, err := catalog.MatchesOf(ctx, tx, ids)
	if err != nil {
		return nil, err
	}
	old := map[int64]map[catalog.Match]bool{}
	for _, m := range before {
		if old[m.Component] == nil {
			old[m.Component] = map[catalog.Match]bool{}
		}
		old[m.Component][m] = true
	}
	var same []int64
	var fresh []catalog.Matched
	for _, m := range list {
		if len(m.matches) > 0 || len(old[m.component.ID]) > 0 {
			vulnerable = append(vulnerable, m.component.ID)
		}
		if m.component.Generation != catalog.NeverMatched && unchanged(m.matches, old[m.component.ID]) {
			same = append(same, m.component.ID)
			continue
		}
		fresh = append(fresh, catalog.Matched{Component: m.component.ID, Keys: m.keys, Matches: m.matches})
	}
	if err := catalog.SetMatches(ctx, tx, generation, fresh); err != nil {
		return nil, err
	}
	return vulnerable, catalog.MarkMatched(ctx, tx, same, generation)
}

func unchanged(now []catalog.Match, before map[catalog.Match]bool) bool {
	for _, m := range now {
		if !before[m] {
			return false
		}
	}
	return len(now) == len(before)
}

// neverMatched returns the components of the inventories that have not been
// matched yet.
func neverMatched(ctx context.Context, tx *store.Tx, inventories []int64) ([]catalog.Component, error) {
	seen := map[int64]bool{}
	var fresh []catalog.Component
	for _, id := range inventories {
		inv, err := catalog.LookupInventory(ctx, tx, id)
		if err != nil {
			return nil, err
		}
		var ids []int64
		for _, p := range inv.Items {
			if !seen[p.Component] {
				seen[p.Component] = true
				ids = append(ids, p.Component)
			}
		}
		unmatched, err := catalog.NeverMatchedOf(ctx, tx, ids)
		if err != nil {
			return nil, err
		}
		fresh = append(fresh, unmatched...)
	}
	return fresh, nil
}
