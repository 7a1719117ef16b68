package report

import (
	"cmp"
	"fmt"
	"slices"

	"muster/internal/finding"
	"muster/internal/inventory"
	"muster/internal/scanner"
	"muster/internal/version"
)

// advice is one update and what it mends.
type advice struct {
	name, from, to string
	mends          int
	worst          finding.Severity
}

// updates sums up what to do: for each package (of an operating system, each
// source package) the version that mends everything that can be mended.
func updates(r *scanner.Result) []advice {
	type update struct{ ecosystem, name, from string }
	found := map[update]*advice{}
	for i := range r.Findings {
		f := &r.Findings[i]
		counted := map[update]bool{}
		for _, a := range f.Affects {
			if a.FixedVersion == "" {
				continue
			}
			key := update{a.Item.Ecosystem, a.Item.Name, a.Item.Version}
			if a.Item.Manager == inventory.ManagerOS && a.Item.Source != "" {
				key = update{a.Item.Ecosystem, a.Item.Source, a.Item.SourceVersion}
			}
			u := found[key]
			if u == nil {
				u = &advice{name: key.name, from: key.from, worst: f.Severity}
				found[key] = u
			}
			if !counted[key] {
				counted[key] = true
				u.mends++
			}
			if order, err := version.Compare(key.ecosystem, a.FixedVersion, u.to); u.to == "" || (err == nil && order > 0) {
				u.to = a.FixedVersion
			}
		}
	}
	list := make([]advice, 0, len(found))
	for _, u := range found {
		list = append(list, *u)
	}
	slices.SortFunc(list, func(a, b advice) int {
		return cmp.Or(cmp.Compare(b.worst.Rank(), a.worst.Rank()), cmp.Compare(b.mends, a.mends), cmp.Compare(a.name, b.name),
			cmp.Compare(a.from, b.from), cmp.Compare(a.to, b.to))
	})
	return list
}

// advise writes the updates that help most.
func (t *tabular) advise(r *scanner.Result, all bool) {
	const shown = 8
	list := updates(r)
	if len(list) == 0 {
		return
	}
	rest := 0
	if !all && len(list) > shown {
		rest = len(list) - shown
		list = list[:shown]
	}
	var rows [][]string
	for _, u := range list {
		rows = append(rows, []string{string(u.worst), u.name, u.from, u.to, fmt.Sprint(u.mends)})
	}
	t.grid.rows([]column{
		{head: "WORST"}, {head: "UPDATE", yields: 2, least: 16}, {head: "FROM", yields: 1, least: 10}, {head: "TO", yields: 3, least: 10}, {head: "MENDS", right: true},
	}, rows)
	if rest > 0 {
		fmt.Fprintf(t.out, "and %d more updates (--all)\n", rest)
	}
	fmt.Fprintln(t.out)
}
