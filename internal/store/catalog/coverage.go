package catalog

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"

	"muster/internal/finding"
	"muster/internal/finding/criteria"
	"muster/internal/store"
	"muster/internal/store/criteriasql"
)

// Scope adds the condition that the account in a column is one the caller may
// see. activation.Scope is one.
type Scope interface {
	Where(w *store.Where, column string)
}

// CoverageCriteria are the filters over coverage (findings interfaces, 7.4),
// by their names on the wire. Texts combine as in finding filters.
type CoverageCriteria struct {
	Strings map[criteria.Attribute][]criteria.String
	Dates   map[criteria.Attribute][]criteria.Date
	Numbers map[criteria.Attribute][]criteria.Number
	// Tags are per resource type: those of instances and of functions.
	Tags map[finding.ResourceType][]criteria.Tag
}

// coverageColumn is the column of a coverage criterion over texts, or the
// attribute that has rows of its own.
func coverageColumn(a criteria.Attribute) (column string, attribute criteria.Attribute) {
	switch a {
	case "scanStatusCode":
		return "r.status", ""
	case "scanStatusReason":
		return "r.reason", ""
	case "accountId":
		return "r.account", ""
	case "resourceId":
		return "r.id", ""
	case "resourceType":
		return "r.type", ""
	case "scanType":
		return "r.scan_type", ""
	case "scanMode":
		return "r.scan_mode", ""
	case "ecrRepositoryName":
		return "", criteria.ImageRepository
	}
	return "", a
}

func attributeQuery(a criteria.Attribute) string {
	return `SELECT 1 FROM resource_attributes v WHERE v.account = r.account AND v.resource = r.number AND v.name = '` + string(a) + `'`
}

func coverageWhere(scope Scope, region string, c *CoverageCriteria) *store.Where {
	var w store.Where
	w.Add("r.covered")
	w.Add("r.region = ?", region)
	scope.Where(&w, "r.account")
	for a, filters := range c.Strings {
		if column, attribute := coverageColumn(a); column != "" {
			criteriasql.Strings(&w, column, filters)
		} else {
			criteriasql.Values(&w, attributeQuery(attribute), "v.value", filters)
		}
	}
	for a, filters := range c.Dates {
		if a == "lastScannedAt" {
			criteriasql.Dates(&w, "NULLIF(r.scanned_at, 0)", filters)
		} else {
			criteriasql.DateRows(&w, attributeQuery(a), "v.number", filters)
		}
	}
	for a, filters := range c.Numbers {
		criteriasql.NumberRows(&w, attributeQuery(a), "v.number", filters)
	}
	for kind, filters := range c.Tags {
		if len(filters) > 0 {
			w.Add("r.type = ?", kind)
			criteriasql.Tags(&w, `SELECT 1 FROM resource_tags t WHERE t.account = r.account AND t.resource = r.number`, "t.key", "t.value", filters)
		}
	}
	return &w
}

// NetworkScan is the scan of what can be reached of an instance, which is
// covered apart from that of its packages.
const NetworkScan = "NETWORK"

// networks are instances with the coverage of their networks in place of that
// of their packages. Facts that could not be looked at again cover nothing.
const networks = `(SELECT x.account, x.region, x.type, x.id, x.number, x.details, x.inventory, x.reported_at, x.collected_at,
	x.first_seen_at, x.gone_at, n.covered, '` + NetworkScan + `' AS scan_type, '' AS scan_mode,
	CASE WHEN s.failure <> '' THEN 'INACTIVE' ELSE n.status END AS status,
	CASE WHEN s.failure <> '' THEN s.failure ELSE n.reason END AS reason, s.analysed_at AS scanned_at
	FROM network_instances n
	JOIN resources x ON x.account = n.account AND x.region = n.region AND x.type = 'AWS_EC2_INSTANCE' AND x.id = n.id
	JOIN network_snapshots s ON s.account = n.account AND s.region = n.region)`

// covering are the two tables of coverage, in the order of their scan types.
func covering() []string { return []string{networks, "resources"} }

// Row is the place of a row of coverage: a resource and a kind of scan.
type Row struct {
	Place
	Scan string
}

// Row is the place of a resource's coverage.
func (r *Resource) Row() Row { return Row{r.Place(), r.ScanType} }

func compareRows(a, b Row) int {
	return cmp.Or(cmp.Compare(a.Account, b.Account), cmp.Compare(a.Type, b.Type), cmp.Compare(a.ID, b.ID), cmp.Compare(a.Scan, b.Scan))
}

// CoveragePage lists up to limit covered resources that a caller may see and
// that meet the criteria, one for each kind of scan, by account, type, id and
// kind of scan, after the row given.
func CoveragePage(ctx context.Context, tx *store.Tx, scope Scope, region string, c *CoverageCriteria, after Row, limit int) ([]Resource, error) {
	var all []Resource
	for _, table := range covering() {
		w := coverageWhere(scope, region, c)
		if table != networks {
			none, err := narrow(ctx, tx, w, scope, region, c)
			if err != nil {
				return nil, err
			}
			if none {
				continue
			}
		}
		w.After([]string{"r.account", "r.type", "r.id", "r.scan_type"}, after.Account, after.Type, after.ID, after.Scan)
		rows, err := tx.Query(ctx, `SELECT `+columns("r.", resourceColumns)+` FROM `+table+` r`+w.SQL()+
			` ORDER BY r.account, r.type, r.id LIMIT `+w.Arg(limit), w.Args()...)
		list, err := store.ReadAll(rows, err, scanResource)
		if err != nil {
			return nil, fmt.Errorf("list coverage: %w", err)
		}
		all = append(all, list...)
	}
	slices.SortFunc(all, func(a, b Resource) int { return compareRows(a.Row(), b.Row()) })
	return all[:min(limit, len(all))], nil
}

// Group is a column that coverage can be counted by.
type Group string

// The groups of coverage statistics.
const (
	ByStatus     Group = "r.status"
	ByReason     Group = "r.reason"
	ByAccount    Group = "r.account"
	ByType       Group = "r.type"
	ByRepository Group = "v.value"
)

// GroupCount is the number of covered resources in a group.
type GroupCount struct {
	Key   string
	Count int64
}

// CountCoverage counts the covered resources that a caller may see and that
// meet the criteria.
func CountCoverage(ctx context.Context, tx *store.Tx, scope Scope, region string, c *CoverageCriteria) (int64, error) {
	var total int64
	for _, from := range counting(c, "") {
		w := from.where(scope, region, c)
		var n int64
		if err := store.One(tx.QueryRow(ctx, `SELECT `+from.count+` FROM `+from.table+` r`+w.SQL(), w.Args()...), &n); err != nil {
			return 0, err
		}
		total += n
	}
	return total, nil
}

// CountCoverageBy counts them in groups: up to limit groups by key, after the
// key given. Resources without the group's value are not counted.
func CountCoverageBy(ctx context.Context, tx *store.Tx, scope Scope, region string, c *CoverageCriteria, by Group, after string, limit int) ([]GroupCount, error) {
	sum := map[string]int64{}
	for _, from := range counting(c, by) {
		list, err := countCoverageIn(ctx, tx, from, scope, region, c, by, after, limit)
		if err != nil {
			return nil, fmt.Errorf("count coverage: %w", err)
		}
		for _, g := range list {
			sum[g.Key] += g.Count
		}
	}
	var all []GroupCount
	for _, key := range slices.Sorted(maps.Keys(sum)) {
		all = append(all, GroupCount{key, sum[key]})
	}
	return all[:min(limit, len(all))], nil
}

// counted is a table that coverage is counted in.
type counted struct {
	table, count string
	where        func(Scope, string, *CoverageCriteria) *store.Where
}

// counting are the tables to count in: the kept counts take the place of the
// resources where they tell apart what is asked for.
func counting(c *CoverageCriteria, by Group) []counted {
	if keptCoverage(c) && by != ByRepository {
		return []counted{{networks, `COUNT(*)`, coverageWhere}, {"coverage_counts", `CAST(COALESCE(SUM(r.total), 0) AS BIGINT)`, countsWhere}}
	}
	return []counted{{networks, `COUNT(*)`, coverageWhere}, {"resources", `COUNT(*)`, coverageWhere}}
}

// countCoverageIn counts in one of the tables.
func countCoverageIn(ctx context.Context, tx *store.Tx, in counted, scope Scope, region string, c *CoverageCriteria, by Group, after string, limit int) ([]GroupCount, error) {
	w := in.where(scope, region, c)
	from := in.table + ` r`
	if by == ByRepository {
		from += ` JOIN resource_attributes v ON v.account = r.account AND v.resource = r.number AND v.name = '` + string(criteria.ImageRepository) + `'`
	}
	w.Add(string(by)+" > ?", after)
	rows, err := tx.Query(ctx, `SELECT `+string(by)+`, `+in.count+` FROM `+from+w.SQL()+
		` GROUP BY `+string(by)+` ORDER BY `+string(by)+` LIMIT `+w.Arg(limit), w.Args()...)
	return store.ReadAll(rows, err, func(s store.Scanner) (g GroupCount, err error) {
		err = s.Scan(&g.Key, &g.Count)
		return g, err
	})
}
