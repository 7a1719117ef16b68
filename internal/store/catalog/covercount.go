package catalog

import (
	"context"
	"fmt"

	"muster/internal/arn"
	"muster/internal/finding"
	"muster/internal/finding/criteria"
	"muster/internal/store"
	"muster/internal/store/criteriasql"
)

// countCovered moves a resource from the number of those that are covered one
// way to the number of those that are covered another way.
func countCovered(ctx context.Context, tx *store.Tx, at Place, before, after Coverage) error {
	before.ScannedAt = after.ScannedAt
	if before == after {
		return nil
	}
	var rows [][]any
	for _, c := range []struct {
		Coverage
		n int64
	}{{before, -1}, {after, 1}} {
		if c.Covered {
			rows = append(rows, []any{string(at.Account), string(at.Region), string(at.Type), c.ScanType, c.ScanMode, c.Status, c.Reason, c.n})
		}
	}
	_, err := tx.InsertRows(ctx, "coverage_counts", []string{"account", "region", "type", "scan_type", "scan_mode", "status", "reason", "total"}, rows,
		`ON CONFLICT (account, region, type, scan_type, scan_mode, status, reason) DO UPDATE SET total = coverage_counts.total + excluded.total`)
	return err
}

// keptCoverage are the columns of a criterion over coverage that counts are
// kept by; kept is false where the criteria ask for anything else.
func keptCoverage(c *CoverageCriteria) (kept bool) {
	for a, filters := range c.Strings {
		if keptColumn(a) == "" && len(filters) > 0 {
			return false
		}
	}
	for _, filters := range c.Dates {
		if len(filters) > 0 {
			return false
		}
	}
	for _, filters := range c.Numbers {
		if len(filters) > 0 {
			return false
		}
	}
	for _, filters := range c.Tags {
		if len(filters) > 0 {
			return false
		}
	}
	return true
}

func keptColumn(a criteria.Attribute) string {
	if a == "resourceId" {
		return ""
	}
	column, _ := coverageColumn(a)
	return column
}

// countsWhere is coverageWhere for the kept counts.
func countsWhere(scope Scope, region string, c *CoverageCriteria) *store.Where {
	var w store.Where
	w.Add("r.total > 0")
	w.Add("r.region = ?", region)
	scope.Where(&w, "r.account")
	for a, filters := range c.Strings {
		if len(filters) > 0 {
			criteriasql.Strings(&w, keptColumn(a), filters)
		}
	}
	return &w
}

// CoverageTally is the number of resources of a type that are covered alike.
type CoverageTally struct {
	Type                               finding.ResourceType
	ScanType, ScanMode, Status, Reason string
	Count                              int64
}

// CoverageTallies counts the covered resources that a caller may see in a
// Region by everything that their coverage says.
func CoverageTallies(ctx context.Context, tx *store.Tx, scope Scope, region string) ([]CoverageTally, error) {
	list, err := readTallies(ctx, tx, `coverage_counts`, `CAST(SUM(r.total) AS BIGINT)`, countsWhere(scope, region, &CoverageCriteria{}))
	if err != nil {
		return nil, err
	}
	reached, err := readTallies(ctx, tx, networks, `COUNT(*)`, coverageWhere(scope, region, &CoverageCriteria{}))
	return append(list, reached...), err
}

func readTallies(ctx context.Context, tx *store.Tx, table, count string, w *store.Where) ([]CoverageTally, error) {
	const by = `r.type, r.scan_type, r.scan_mode, r.status, r.reason`
	rows, err := tx.Query(ctx, `SELECT `+by+`, `+count+` FROM `+table+` r`+w.SQL()+` GROUP BY `+by+` ORDER BY `+by, w.Args()...)
	list, err := store.ReadAll(rows, err, func(s store.Scanner) (t CoverageTally, err error) {
		err = s.Scan(&t.Type, &t.ScanType, &t.ScanMode, &t.Status, &t.Reason, &t.Count)
		return t, err
	})
	if err != nil {
		return nil, fmt.Errorf("tally coverage: %w", err)
	}
	return list, nil
}

// coveredAs is what the counts of coverage are kept by.
type coveredAs struct {
	account arn.AccountID
	region  arn.Region
	CoverageTally
}

// VerifyCoverage compares the kept counts of coverage with the resources and
// describes every difference; nil means they agree.
func VerifyCoverage(ctx context.Context, tx *store.Tx) (wrong []string, err error) {
	kept, err := readCovered(ctx, tx, `SELECT account, region, type, scan_type, scan_mode, status, reason, total FROM coverage_counts WHERE total <> 0`)
	if err != nil {
		return nil, err
	}
	counted, err := readCovered(ctx, tx, `SELECT account, region, type, scan_type, scan_mode, status, reason, COUNT(*) FROM resources WHERE covered
		GROUP BY account, region, type, scan_type, scan_mode, status, reason`)
	for k, n := range counted {
		if kept[k] != n {
			wrong = append(wrong, fmt.Sprintf("coverage %+v: counted %d, kept %d", k, n, kept[k]))
		}
	}
	for k, n := range kept {
		if counted[k] == 0 {
			wrong = append(wrong, fmt.Sprintf("coverage %+v: counted nothing, kept %d", k, n))
		}
	}
	return wrong, err
}

func readCovered(ctx context.Context, tx *store.Tx, query string) (map[coveredAs]int64, error) {
	found := map[coveredAs]int64{}
	rows, err := tx.Query(ctx, query)
	_, err = store.ReadAll(rows, err, func(s store.Scanner) (struct{}, error) {
		var k coveredAs
		var n int64
		err := s.Scan(&k.account, &k.region, &k.Type, &k.ScanType, &k.ScanMode, &k.Status, &k.Reason, &n)
		found[k] = n
		return struct{}{}, err
	})
	if err != nil {
		return nil, fmt.Errorf("count coverage: %w", err)
	}
	return found, nil
}

// RecountCoverage makes the kept counts of coverage anew.
func RecountCoverage(ctx context.Context, tx *store.Tx) error {
	for _, statement := range []string{
		`DELETE FROM coverage_counts`,
		`INSERT INTO coverage_counts (account, region, type, scan_type, scan_mode, status, reason, total)
			SELECT account, region, type, scan_type, scan_mode, status, reason, COUNT(*) FROM resources WHERE covered
			GROUP BY account, region, type, scan_type, scan_mode, status, reason`,
	} {
		if _, err := tx.Exec(ctx, statement); err != nil {
			return fmt.Errorf("recount coverage: %w", err)
		}
	}
	return nil
}

// narrow looks whether the kept counts let any resource pass the criteria, and
// leads to the few that are not scanned where those are asked for.
func narrow(ctx context.Context, tx *store.Tx, w *store.Where, scope Scope, region string, c *CoverageCriteria) (none bool, err error) {
	if f := c.Strings["scanStatusCode"]; len(f) == 1 && f[0].Comparison == criteria.Equals && f[0].Value != "ACTIVE" {
		w.Add("r.status <> 'ACTIVE'")
	}
	if len(c.Strings) == 0 || !keptCoverage(c) {
		return false, nil
	}
	counts := countsWhere(scope, region, c)
	var n int64
	err = store.One(tx.QueryRow(ctx, `SELECT CAST(COALESCE(SUM(r.total), 0) AS BIGINT) FROM coverage_counts r`+counts.SQL(), counts.Args()...), &n)
	if err != nil {
		return false, fmt.Errorf("number of covered resources: %w", err)
	}
	return n == 0, nil
}
