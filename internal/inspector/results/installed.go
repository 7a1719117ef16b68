package results

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"muster/internal/arn"
	"muster/internal/awsmodel"
	"muster/internal/awsmodel/muster"
	"muster/internal/inspector"
	"muster/internal/inspector/desk"
	"muster/internal/inventory"
	"muster/internal/sbom"
	"muster/internal/store"
	"muster/internal/store/catalog"
)

const (
	// usualPackages and mostPackages are sizes of lists of packages.
	usualPackages = 50
	mostPackages  = 100
)

// SearchComponents tells which resources that the caller sees have a package,
// whether it is vulnerable or not: one entry per package version and resource,
// by name. A page can end early, with a token, where the packages of others
// were looked at.
func (s *Service) SearchComponents(ctx context.Context, call *awsmodel.Call, in *muster.SearchComponentsInput) (*muster.SearchComponentsOutput, error) {
	const op = "SearchComponents"
	bound := [3]string{in.Name, text(in.Version), text(in.Ecosystem)}
	var at *catalog.InstalledAt
	if err := s.opened(call, op, bound, in.NextToken, &at); err != nil {
		return nil, err
	}
	return desk.View(ctx, s.store, call, func(tx *store.Tx, scope inspector.Scope) (*muster.SearchComponentsOutput, error) {
		q := catalog.InstalledQuery{
			Scope: scope, Region: call.Region, Name: in.Name, Version: text(in.Version), Ecosystem: text(in.Ecosystem), After: at,
			Limit: desk.Size(in.MaxResults, usualPackages, mostPackages),
		}
		if !scope.Administrator {
			q.Single = scope.Own
		}
		list, next, err := catalog.Installations(ctx, tx, q)
		if err != nil {
			return nil, err
		}
		ids := make([]int64, len(list))
		for i := range list {
			ids[i] = list[i].ID
		}
		known, err := vulnerabilitiesOf(ctx, tx, ids)
		out := &muster.SearchComponentsOutput{Components: []muster.FoundComponent{}}
		for _, c := range list {
			out.Components = append(out.Components, muster.FoundComponent{
				Name: c.Name, Version: c.Version, Ecosystem: c.Ecosystem, Arch: optional(c.Arch), VulnerabilityIds: of(known, c.ID),
				AccountId: string(c.Account), ResourceType: string(c.Type), ResourceId: c.ResourceID,
			})
		}
		if err == nil && next != nil {
			out.NextToken, err = desk.Token(s.config.Pages, call, op, bound, next)
		}
		return out, err
	})
}

// packagePlace is the package that a page of a resource's packages ended with.
type packagePlace struct{ Name, Version, Path, Layer, Arch string }

func placeOf(it *inventory.Item) packagePlace {
	return packagePlace{it.Name, it.Version, it.Path, it.Layer, it.Arch}
}

func (p packagePlace) compare(o packagePlace) int {
	return cmp.Or(cmp.Compare(p.Name, o.Name), cmp.Compare(p.Version, o.Version), cmp.Compare(p.Path, o.Path),
		cmp.Compare(p.Layer, o.Layer), cmp.Compare(p.Arch, o.Arch))
}

// packageQuery is what the token of ListResourcePackages is bound to.
type packageQuery struct {
	Account, Resource, Text string
	Vulnerable              bool
}

// installedItem is an item of an inventory with the component that it is of.
type installedItem struct {
	inventory.Item
	component int64
}

// ListResourcePackages tells what is installed on a resource that the caller
// sees, by name, with the vulnerabilities that advisories tell of each package.
func (s *Service) ListResourcePackages(ctx context.Context, call *awsmodel.Call, in *muster.ListResourcePackagesInput) (*muster.ListResourcePackagesOutput, error) {
	const op = "ListResourcePackages"
	bound := packageQuery{in.AccountId, in.ResourceId, text(in.Text), in.Vulnerable != nil && *in.Vulnerable}
	var after *packagePlace
	if err := s.opened(call, op, bound, in.NextToken, &after); err != nil {
		return nil, err
	}
	return desk.View(ctx, s.store, call, func(tx *store.Tx, scope inspector.Scope) (*muster.ListResourcePackagesOutput, error) {
		inv, err := visibleInventory(ctx, tx, scope, call.Region, in)
		if err != nil {
			return nil, err
		}
		items, known, err := itemsOf(ctx, tx, inv.Items)
		if err != nil {
			return nil, err
		}
		items = slices.DeleteFunc(items, func(it installedItem) bool {
			words := strings.ToLower(it.Name + " " + it.Version + " " + it.Path)
			return !strings.Contains(words, strings.ToLower(bound.Text)) || bound.Vulnerable && len(known[it.component]) == 0
		})
		slices.SortStableFunc(items, func(a, b installedItem) int { return placeOf(&a.Item).compare(placeOf(&b.Item)) })
		out := &muster.ListResourcePackagesOutput{Packages: []muster.InstalledPackage{}, TotalCount: int64(len(items))}
		if after != nil {
			items = slices.DeleteFunc(items, func(it installedItem) bool { return placeOf(&it.Item).compare(*after) <= 0 })
		}
		limit := desk.Size(in.MaxResults, usualPackages, mostPackages)
		end := min(limit, len(items))
		for end > 0 && end < len(items) && placeOf(&items[end].Item) == placeOf(&items[end-1].Item) {
			end++ // What is told of the same place belongs to one page.
		}
		if end < len(items) {
			out.NextToken, err = desk.Token(s.config.Pages, call, op, bound, placeOf(&items[end-1].Item))
		}
		items = items[:end]
		for _, it := range items {
			out.Packages = append(out.Packages, muster.InstalledPackage{
				Name: it.Name, Version: it.Version, Ecosystem: it.Ecosystem, Arch: optional(it.Arch), Path: optional(it.Path), LayerHash: optional(it.Layer),
				Purl: sbom.PURL(it.Item, inv.OS), VulnerabilityIds: of(known, it.component),
			})
		}
		return out, err
	})
}

// visibleInventory is what is installed on the resource of a request, if the
// caller sees it.
func visibleInventory(ctx context.Context, tx *store.Tx, scope inspector.Scope, region arn.Region, in *muster.ListResourcePackagesInput) (inv catalog.Inventory, err error) {
	sees, err := scope.Sees(ctx, tx, arn.AccountID(in.AccountId))
	if err != nil {
		return inv, err
	}
	if !sees {
		return inv, &muster.AccessDeniedException{Message: "Invoking account does not have access to this account"}
	}
	r, err := catalog.LookupCovered(ctx, tx, arn.AccountID(in.AccountId), region, in.ResourceId)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return inv, &muster.ResourceNotFoundException{Message: "The account has no resource " + in.ResourceId + " that is watched."}
	case err != nil || r.Inventory == 0:
		return inv, err
	}
	return catalog.LookupInventory(ctx, tx, r.Inventory)
}

// itemsOf joins placements with their components, and these with their
// vulnerabilities.
func itemsOf(ctx context.Context, tx *store.Tx, placed []catalog.Placement) ([]installedItem, map[int64][]string, error) {
	ids := make([]int64, len(placed))
	for i, p := range placed {
		ids[i] = p.Component
	}
	byID, err := catalog.Identities(ctx, tx, ids)
	if err != nil {
		return nil, nil, err
	}
	items := make([]installedItem, len(placed))
	for i, p := range placed {
		items[i] = installedItem{inventory.Item{Component: byID[p.Component], Path: p.Path, Layer: p.Layer, Role: p.Role, OwnedBy: p.OwnedBy}, p.Component}
	}
	known, err := vulnerabilitiesOf(ctx, tx, ids)
	return items, known, err
}

// vulnerabilitiesOf are the vulnerabilities of components, sorted.
func vulnerabilitiesOf(ctx context.Context, tx *store.Tx, components []int64) (map[int64][]string, error) {
	slices.Sort(components)
	matches, err := catalog.MatchesOf(ctx, tx, slices.Compact(components))
	known := map[int64][]string{}
	for _, m := range matches {
		known[m.Component] = append(known[m.Component], m.Vulnerability)
	}
	for _, list := range known {
		slices.Sort(list)
	}
	return known, err
}

func of(known map[int64][]string, component int64) []string {
	if list := known[component]; list != nil {
		return list
	}
	return []string{}
}

// opened opens a page token of muster's own operations into a cursor.
func (s *Service) opened(call *awsmodel.Call, op string, bound any, token *string, cursor any) error {
	body, err := desk.After(s.config.Pages, call, op, bound, token)
	if err != nil || body == "" {
		return err
	}
	return json.Unmarshal([]byte(body), cursor)
}
