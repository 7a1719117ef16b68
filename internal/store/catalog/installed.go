package catalog

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"

	"muster/internal/arn"
	"muster/internal/finding"
	"muster/internal/store"
)

// Installed is a component on a covered resource.
type Installed struct {
	Component
	Account    arn.AccountID
	Type       finding.ResourceType
	ResourceID string
	// inventory and number are its place among those of the component.
	inventory, number int64
	posted            bool
}

// InstalledQuery asks where components are installed.
type InstalledQuery struct {
	Scope Scope
	// Single is the account if the scope is just one, else "".
	Single arn.AccountID
	Region arn.Region
	// Name is part of the components' names, in letters of any case.
	Name string
	// Version and Ecosystem are whole; "" is any. An ecosystem that has releases
	// can be named without one.
	Version, Ecosystem string
	// After is the place the page before ended at; nil for the first page.
	After *InstalledAt
	Limit int
}

// InstalledAt is a place between components by name, and among the resources
// of one. The JSON form travels in page tokens.
type InstalledAt struct {
	Name      string `json:"n"`
	Component int64  `json:"c"`
	// Posted is false while inventories that have no postings yet are looked at.
	Posted    bool  `json:"p,omitempty"`
	Inventory int64 `json:"i,omitempty"`
	Number    int64 `json:"r,omitempty"`
}

const (
	// namesAtOnce is how many names are looked at for a page of components.
	namesAtOnce = 50_000
	// componentsAtOnce is how many components' resources are looked up for a page.
	componentsAtOnce = 200
)

// behind is the place after all of a component's resources.
func behind(name string, component int64) *InstalledAt {
	return &InstalledAt{Name: name, Component: component, Posted: true, Inventory: math.MaxInt64}
}

// Installations returns a page of the components that are asked for, with each
// of the resources in the scope that have them, and the place where the next
// page begins, nil where nothing follows. Components that only others have are
// passed over, so a page can end early.
func Installations(ctx context.Context, tx *store.Tx, q InstalledQuery) ([]Installed, *InstalledAt, error) {
	at := q.After
	if at == nil {
		at = &InstalledAt{}
	}
	list, next, err := componentsNamed(ctx, tx, &q, at)
	if err != nil {
		return nil, nil, fmt.Errorf("components named %q: %w", q.Name, err)
	}
	ids := make([]int64, len(list))
	for i := range list {
		ids[i] = list[i].ID
	}
	waiting, err := unpostedWith(ctx, tx, ids)
	if err != nil || len(ids) == 0 {
		return nil, next, err
	}
	var found []Installed
	for _, c := range list {
		from := InstalledAt{}
		if c.ID == at.Component {
			from = *at
		}
		part, err := holders(ctx, tx, &q, c, len(waiting) > 0, from, q.Limit-len(found))
		if err != nil {
			return nil, nil, fmt.Errorf("who has %s: %w", c.Name, err)
		}
		if found = append(found, part...); len(found) == q.Limit {
			last := found[q.Limit-1]
			return found, &InstalledAt{Name: c.Name, Component: c.ID, Posted: last.posted, Inventory: last.inventory, Number: last.number}, nil
		}
	}
	return found, next, nil
}

// componentsNamed returns the next components that are asked for, with the one
// of the place unless that is behind it, and the place behind what was looked
// at.
func componentsNamed(ctx context.Context, tx *store.Tx, q *InstalledQuery, at *InstalledAt) ([]Component, *InstalledAt, error) {
	compare := `(name, id) >= (?, ?)`
	if at.Inventory == math.MaxInt64 {
		compare = `(name, id) > (?, ?)`
	}
	var w store.Where
	w.Add(compare, at.Name, at.Component)
	window := `SELECT * FROM components` + w.SQL() + ` ORDER BY name, id LIMIT ` + w.Arg(namesAtOnce)
	outer := store.WhereFrom(&w)
	outer.Add(`LOWER(name) LIKE ? ESCAPE '\'`, "%"+strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(strings.ToLower(q.Name))+"%")
	if q.Version != "" {
		outer.Add(`version = ?`, q.Version)
	}
	if q.Ecosystem != "" {
		outer.Add(`(ecosystem = ? OR substr(ecosystem, 1, ?) = ?)`, q.Ecosystem, len(q.Ecosystem)+1, q.Ecosystem+":")
	}
	rows, err := tx.Query(ctx, `SELECT `+componentColumns+` FROM (`+window+`) c`+outer.SQL()+` ORDER BY name, id LIMIT `+outer.Arg(componentsAtOnce), outer.Args()...)
	list, err := store.ReadAll(rows, err, scanComponent)
	if err != nil {
		return nil, nil, err
	}
	if len(list) == componentsAtOnce {
		last := list[len(list)-1]
		return list, behind(last.Name, last.ID), nil
	}
	var end store.Where
	end.Add(compare, at.Name, at.Component)
	type place struct {
		name string
		id   int64
	}
	rows, err = tx.Query(ctx, `SELECT name, id FROM components`+end.SQL()+` ORDER BY name, id LIMIT 1 OFFSET `+end.Arg(namesAtOnce-1), end.Args()...)
	ends, err := store.ReadAll(rows, err, func(s store.Scanner) (p place, err error) {
		err = s.Scan(&p.name, &p.id)
		return p, err
	})
	if err != nil || len(ends) == 0 {
		return list, nil, err
	}
	return list, behind(ends[0].name, ends[0].id), nil
}

// holders are the next resources with a component: first those whose
// inventories have no postings yet, then the others.
func holders(ctx context.Context, tx *store.Tx, q *InstalledQuery, c Component, mayWait bool, from InstalledAt, limit int) ([]Installed, error) {
	var found []Installed
	if !from.Posted && mayWait {
		waiting, err := unpostedWith(ctx, tx, []int64{c.ID})
		if err != nil {
			return nil, err
		}
		slices.Sort(waiting)
		err = chunks(waiting, func(part []int64) error {
			if len(found) == limit {
				return nil
			}
			var w store.Where
			store.In(&w, "r.inventory", part...)
			w.Add(`(r.inventory, r.number) > (?, ?)`, from.Inventory, from.Number)
			some, err := installed(ctx, tx, q, &w, `resources r`, c, limit-len(found))
			found = append(found, some...)
			return err
		})
		if err != nil || len(found) == limit {
			return found, err
		}
	}
	if !from.Posted {
		from = InstalledAt{}
	}
	var w store.Where
	w.Add("i.component = ?", c.ID)
	w.Add("i.inventory >= ?", from.Inventory)
	w.Add("r.inventory = i.inventory")
	w.Add("(r.inventory, r.number) > (?, ?)", from.Inventory, from.Number)
	// An administrator walks the component's postings; a single account looks
	// its own resources through, which are fewer.
	tables := `inventory_components i CROSS JOIN resources r`
	if q.Single != "" {
		tables = `resources r CROSS JOIN inventory_components i`
	} else if tx.Engine() == store.SQLite {
		tables += ` INDEXED BY resources_by_inventory`
	}
	some, err := installed(ctx, tx, q, &w, tables, c, limit-len(found))
	for i := range some {
		some[i].posted = true
	}
	return append(found, some...), err
}

func installed(ctx context.Context, tx *store.Tx, q *InstalledQuery, w *store.Where, tables string, c Component, limit int) ([]Installed, error) {
	if q.Single != "" {
		w.Add("r.account = ?", q.Single)
	} else {
		q.Scope.Where(w, "(r.account || '')")
	}
	w.Add("r.region = ?", q.Region)
	w.Add("r.covered")
	rows, err := tx.Query(ctx, `SELECT r.account, r.type, r.id, r.inventory, r.number FROM `+tables+w.SQL()+` ORDER BY r.inventory, r.number LIMIT `+w.Arg(limit), w.Args()...)
	return store.ReadAll(rows, err, func(s store.Scanner) (in Installed, err error) {
		in.Component = c
		err = s.Scan(&in.Account, &in.Type, &in.ResourceID, &in.inventory, &in.number)
		return in, err
	})
}
