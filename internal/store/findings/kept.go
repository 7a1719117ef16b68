package findings

import (
	"context"
	"maps"
	"strings"

	"muster/internal/finding"
	"muster/internal/finding/criteria"
	"muster/internal/store"
	"muster/internal/store/catalog"
	"muster/internal/store/criteriasql"
	"muster/internal/store/groups"
)

// kindOf is the kind of the groups that are kept for a grouping.
func kindOf(g Grouping) groups.Kind {
	switch g {
	case PerAccount:
		return groups.Account
	case PerType:
		return groups.Type
	case PerAMI:
		return groups.AMI
	case PerInstance:
		return groups.Instance
	case PerImage:
		return groups.Image
	case PerLayer:
		return groups.Layer
	case PerRepository:
		return groups.Repository
	case PerPackage:
		return groups.Package
	case PerTitle:
		return groups.Title
	case PerFunction:
		return groups.Function
	case PerFuncLayer:
		return groups.FunctionLayer
	}
	return groups.Project
}

// keptKind is the kind of groups that answers an aggregation; kept is false
// where it asks for something that the kept counts do not tell apart.
func keptKind(a *Aggregation) (kind groups.Kind, kept bool) {
	kind = kindOf(a.Grouping)
	perResource := planOf(a.Grouping).resource || kind == groups.Layer || kind == groups.FunctionLayer
	c := &a.Criteria
	if len(c.Ports)+len(c.Packages) > 0 || !perResource && len(c.Dates)+len(c.Numbers)+len(c.Tags)+len(a.Platforms) > 0 {
		return "", false
	}
	for n := range c.Dates {
		if !criteria.OfResource(n) {
			return "", false
		}
	}
	for n := range c.Numbers {
		if !criteria.OfResource(n) {
			return "", false
		}
	}
	var sliced [2]string
	for n, filters := range c.Strings {
		switch {
		case len(filters) == 0, n == criteria.AccountID, perResource && criteria.OfResource(n):
		case kind == groups.Title && (n == criteria.Title || n == criteria.VulnerabilityID):
		case kind == groups.Type && n == criteria.FindingType:
		case kind == groups.Title && n == criteria.FindingType && ofPackages(filters):
		case n == criteria.FindingType && kind == groups.Account && single(filters):
			sliced[0] = filters[0].Value
		case n == criteria.ResourceType && (kind == groups.Account || kind == groups.Type) && single(filters):
			sliced[1] = filters[0].Value
		default:
			return "", false
		}
	}
	return kind.Sliced(sliced[0], sliced[1]), true
}

// ofPackages reports whether filters ask for the findings of packages, which are
// those that have a vulnerability.
func ofPackages(filters []criteria.String) bool {
	return single(filters) && filters[0].Value == string(finding.PackageVulnerability)
}

// dropIdle leaves out of an aggregation by title what holds for every ACTIVE
// finding that is seen, which the kept numbers tell: most organizations have
// findings of one type of resource, or ask where they have none. none is true
// where nothing passes.
func dropIdle(ctx context.Context, tx *store.Tx, a *Aggregation) (none bool, err error) {
	kinds, resources := a.Criteria.Strings[criteria.FindingType], a.Criteria.Strings[criteria.ResourceType]
	if a.Grouping != PerTitle || len(kinds)+len(resources) == 0 || len(kinds) > 0 && !single(kinds) || len(resources) > 0 && !single(resources) {
		return false, nil
	}
	passes := "TRUE"
	var w store.Where
	for column, filters := range map[string][]criteria.String{"f.type": kinds, "f.resource_type": resources} {
		if len(filters) == 1 {
			passes += ` AND ` + column + ` = ` + w.Arg(filters[0].Value)
		}
	}
	w.Add("f.region = ?", a.Region)
	w.Add("f.status = ?", finding.Active)
	a.Scope.Where(&w, "f.account")
	var all, some int64
	err = store.One(tx.QueryRow(ctx, `SELECT CAST(COALESCE(SUM(total), 0) AS BIGINT), CAST(COALESCE(SUM(CASE WHEN `+passes+` THEN total ELSE 0 END), 0) AS BIGINT)
		FROM finding_counts f`+w.SQL(), w.Args()...), &all, &some)
	if err == nil && all == some {
		a.Criteria.Strings = maps.Clone(a.Criteria.Strings)
		delete(a.Criteria.Strings, criteria.FindingType)
		delete(a.Criteria.Strings, criteria.ResourceType)
	}
	return some == 0, err
}

// single reports whether filters ask for one value.
func single(filters []criteria.String) bool {
	return len(filters) == 1 && filters[0].Comparison == criteria.Equals && !strings.ContainsRune(filters[0].Value, 0)
}

// keptColumns are in the order of scanGroup.
const keptColumns = `f.account, f.k1, f.k2, f.k3, f.resource, f.findings, f.critical, f.high, f.medium, f.exploitable, f.fixable, f.extra`

// keptPage reads a page of kept groups. It walks the index of the order, or,
// where only few groups can be meant, gathers those and sorts them.
func keptPage(ctx context.Context, tx *store.Tx, a *Aggregation, kind groups.Kind) ([]Group, error) {
	index, few, err := gatherGroups(ctx, tx, a)
	if err != nil {
		return nil, err
	}
	if few {
		return gatheredGroups(ctx, tx, a, kind, index, nil)
	}
	if holding, few, err := holdersOfGroups(ctx, tx, a, kind); few || err != nil {
		return gatheredGroups(ctx, tx, a, kind, "finding_groups_by_resource", holding)
	}
	if tx.Engine() == store.PostgreSQL {
		if _, err := tx.Exec(ctx, `SET LOCAL enable_sort = off`); err != nil {
			return nil, err
		}
	}
	list, err := walkGroups(ctx, tx, a, kind)
	if err == nil && tx.Engine() == store.PostgreSQL {
		_, err = tx.Exec(ctx, `SET LOCAL enable_sort = on`)
	}
	return list, err
}

// fewGroups is how many findings an account has at most for its groups to be
// gathered and sorted.
const fewGroups = 50_000

// gatherGroups tells whether few groups can be meant, and the index that leads
// to them; "" is the primary key.
func gatherGroups(ctx context.Context, tx *store.Tx, a *Aggregation) (index string, few bool, err error) {
	if equalTo(&a.Criteria, criteria.AccountID) != nil {
		return "", true, nil
	}
	if a.Single != "" {
		n, err := Total(ctx, tx, a.Single, a.Region)
		return "", n <= fewGroups, err
	}
	if equalTo(&a.Criteria, criteria.ResourceID) != nil {
		return "finding_groups_by_resource", true, nil
	}
	keys := criteria.Criteria{Strings: map[criteria.Attribute][]criteria.String{"": a.Keys}}
	switch byKey := equalTo(&keys, "") != nil; {
	case byKey && (a.Grouping == PerLayer || a.Grouping == PerFuncLayer):
		return "finding_groups_by_k3", true, nil
	case byKey, a.Grouping == PerTitle && equalTo(&a.Criteria, criteria.Title) != nil:
		return "finding_groups_by_k1", true, nil
	case a.Grouping == PerTitle && equalTo(&a.Criteria, criteria.VulnerabilityID) != nil:
		return "finding_groups_by_k2", true, nil
	}
	return "", false, nil
}

// holdersOfGroups returns the resources that can be meant, where groups are
// resources and few have the platform, the attribute or the tag asked for.
func holdersOfGroups(ctx context.Context, tx *store.Tx, a *Aggregation, kind groups.Kind) (numbers []int64, few bool, err error) {
	switch kind {
	case groups.Instance, groups.Image, groups.Function, groups.Project:
	default:
		return nil, false, nil
	}
	attributes := maps.Clone(a.Criteria.Strings)
	if len(a.Platforms) > 0 {
		if attributes == nil {
			attributes = map[criteria.Attribute][]criteria.String{}
		}
		attributes[catalog.Platform] = a.Platforms
	}
	return holders(ctx, tx, attributes, a.Criteria.Tags)
}

// whereGroups are the conditions for groups f. column names the account, which
// is joined to nothing where another index is to be used.
func whereGroups(a *Aggregation, kind groups.Kind, account string) *store.Where {
	w := &store.Where{}
	w.Add("f.region = ?", a.Region)
	if kind == kindOf(a.Grouping) {
		// Written out, so that partial indexes can be seen to hold what is asked.
		w.Add("f.kind = '" + string(kind) + "'")
	} else {
		w.Add("f.kind = ?", string(kind))
	}
	a.Scope.Where(w, account)
	for _, n := range sorted(a.Criteria.Strings) {
		filters := a.Criteria.Strings[n]
		switch n {
		case criteria.AccountID:
			criteriasql.Strings(w, account, filters)
		case criteria.FindingType:
			switch kindOf(a.Grouping) {
			case groups.Type:
				criteriasql.Strings(w, "f.k1", filters)
			case groups.Title:
				w.Add("f.k2 <> ''")
			}
		case criteria.ResourceType:
		case criteria.Title:
			criteriasql.Strings(w, "f.k1", filters)
		case criteria.VulnerabilityID:
			criteriasql.Strings(w, "f.k2", filters)
		default:
			addText(w, n, filters)
		}
	}
	addResourceCriteria(w, a)
	if len(a.Keys) > 0 {
		columns := []string{"f.k1", "f.k2", "f.k3"}
		criteriasql.Strings(w, columns[max(0, len(planOf(a.Grouping).keys)-1)], a.Keys)
	}
	return w
}

func addResourceCriteria(w *store.Where, a *Aggregation) {
	c := &a.Criteria
	for _, n := range sorted(c.Dates) {
		criteriasql.DateRows(w, attributeRows(n), "v.number", c.Dates[n])
	}
	for _, n := range sorted(c.Numbers) {
		criteriasql.NumberRows(w, attributeRows(n), "v.number", c.Numbers[n])
	}
	criteriasql.Tags(w, tagRows, "t.key", "t.value", c.Tags)
	if len(a.Platforms) > 0 {
		criteriasql.Values(w, attributeRows(catalog.Platform), "v.value", a.Platforms)
	}
}

// gatheredGroups collects groups first and sorts them then. By resource, those of
// the resources with the numbers are collected, else those of the ids asked for.
func gatheredGroups(ctx context.Context, tx *store.Tx, a *Aggregation, kind groups.Kind, index string, numbers []int64) ([]Group, error) {
	account := "f.account"
	if index != "" {
		account = "(f.account || '')"
	}
	w := whereGroups(a, kind, account)
	if ids := equalTo(&a.Criteria, criteria.ResourceID); index == "finding_groups_by_resource" && ids == nil {
		w.Add(`f.resource > 0`)
		store.In(w, "f.resource", numbers...)
	} else if index == "finding_groups_by_resource" {
		marks := make([]string, len(ids))
		for i, id := range ids {
			marks[i] = w.Arg(id)
		}
		w.Add(`f.resource > 0 AND f.resource IN (SELECT number FROM resources WHERE region = ? AND id IN (`+strings.Join(marks, ", ")+`))`, a.Region)
	}
	if index == "finding_groups_by_k3" {
		w.Add(`f.kind IN ('layer', 'function layer')`)
	}
	query := `WITH g AS MATERIALIZED (SELECT ` + keptColumns + ` FROM finding_groups f` + use(tx, index) + w.SQL() + `) SELECT * FROM g`
	by, beyond, ties, tiesAfter := a.order()
	if c := a.After; c != nil {
		m := w.Arg(c.Metric)
		query += ` WHERE ` + string(a.Metric) + beyond + m + ` OR (` + string(a.Metric) + ` = ` + m + ` AND (account, k1, k2, k3)` + tiesAfter + afterKeys(w, c) + `)`
	}
	query += ` ORDER BY ` + string(a.Metric) + by + `, ` + ties + ` LIMIT ` + w.Arg(a.Limit)
	rows, err := tx.Query(ctx, query, w.Args()...)
	return store.ReadAll(rows, err, func(s store.Scanner) (Group, error) { return scanGroup(s, a.Metric) })
}

func afterKeys(w *store.Where, c *GroupCursor) string {
	return `(` + strings.Join([]string{w.Arg(c.Account), w.Arg(c.Keys[0]), w.Arg(c.Keys[1]), w.Arg(c.Keys[2])}, ", ") + `)`
}

// walkGroups walks the index of the order in up to two steps: what ties with
// the place where the last page ended, and what is beyond it.
func walkGroups(ctx context.Context, tx *store.Tx, a *Aggregation, kind groups.Kind) (list []Group, err error) {
	_, beyond, _, tiesAfter := a.order()
	column := "f." + string(a.Metric)
	steps := []func(w *store.Where){func(*store.Where) {}}
	if c := a.After; c != nil {
		steps = []func(w *store.Where){
			func(w *store.Where) {
				w.Add(column+" = ?", c.Metric)
				w.Add(`(f.account, f.k1, f.k2, f.k3)`+tiesAfter+`(?, ?, ?, ?)`, c.Account, c.Keys[0], c.Keys[1], c.Keys[2])
			},
			func(w *store.Where) { w.Add(column+beyond+"?", c.Metric) },
		}
	}
	for i, condition := range steps {
		if len(list) >= a.Limit {
			break
		}
		part, err := walkGroupsStep(ctx, tx, a, kind, condition, len(steps) == 2 && i == 0, a.Limit-len(list))
		if err != nil {
			return nil, err
		}
		list = append(list, part...)
	}
	return list, nil
}

// walkGroupsStep walks a part of the index; tied parts are ordered by their
// keys alone.
func walkGroupsStep(ctx context.Context, tx *store.Tx, a *Aggregation, kind groups.Kind, condition func(*store.Where), tied bool, limit int) ([]Group, error) {
	w := whereGroups(a, kind, "(f.account || '')")
	condition(w)
	index := "finding_groups_by_" + string(a.Metric)
	if a.Metric == ByExtra {
		index = extraIndex(w, kind)
	}
	by, _, ties, _ := a.order()
	order := `f.` + strings.ReplaceAll(ties, ", ", ", f.")
	if !tied {
		order = `f.` + string(a.Metric) + by + `, ` + order
	}
	rows, err := tx.Query(ctx, `SELECT `+keptColumns+` FROM finding_groups f`+use(tx, index)+w.SQL()+` ORDER BY `+order+` LIMIT `+w.Arg(limit), w.Args()...)
	return store.ReadAll(rows, err, func(s store.Scanner) (Group, error) { return scanGroup(s, a.Metric) })
}

// extraIndex is the index of the groupings' own number. Kinds without one have
// zero everywhere, so any of their indexes will do that is ordered by keys.
func extraIndex(w *store.Where, kind groups.Kind) string {
	switch kind {
	case groups.AMI, groups.Repository, groups.Instance:
		w.Add(`f.kind IN ('ami', 'repository', 'instance')`)
		return "finding_groups_by_extra"
	}
	return ""
}
