package findings

import (
	"context"
	"fmt"
	"strings"

	"muster/internal/arn"
	"muster/internal/finding"
	"muster/internal/finding/criteria"
	"muster/internal/store"
	"muster/internal/store/criteriasql"
)

// Grouping is what ACTIVE findings are counted by, beside their account.
type Grouping string

// The groupings, each with the keys of its groups.
const (
	// GroupAccount has no further key; GroupFindingType the type.
	GroupAccount     Grouping = "account"
	GroupFindingType Grouping = "type"
	// GroupTitle has title and vulnerability id, GroupPackage the name.
	GroupTitle   Grouping = "title"
	GroupPackage Grouping = "package"
	// GroupResource has the number of the resource.
	GroupResource Grouping = "resource"
	// GroupImageID has the machine image, GroupRepository the repository.
	GroupImageID    Grouping = "ami"
	GroupRepository Grouping = "repository"
	// GroupLayer has the number of the resource and the layer's digest,
	// GroupLambdaLayer the number and the layer's ARN.
	GroupLayer       Grouping = "layer"
	GroupLambdaLayer Grouping = "lambda-layer"
)

// Measure is what groups are sorted by, the most first.
type Measure string

// The measures.
const (
	MeasureCritical  Measure = "critical"
	MeasureHigh      Measure = "high"
	MeasureAll       Measure = "total"
	MeasureResources Measure = "resources"
	MeasureNetwork   Measure = "network"
)

// Aggregation asks for one page of groups.
type Aggregation struct {
	Scope  Scope
	Region arn.Region
	By     Grouping
	// Criteria choose the findings; PackageNames, Layers and LambdaLayers
	// choose the package that a finding is counted by; Platforms the
	// operating systems of resources.
	Criteria     criteria.Criteria
	PackageNames []criteria.String
	Layers       []criteria.String
	LambdaLayers []criteria.String
	Platforms    []criteria.String
	Measure      Measure
	Ascending    bool
	After        *GroupCursor
	Limit        int
}

// Counted is a group and its counts.
type Counted struct {
	Account arn.AccountID
	// Keys are the values of the grouping's keys, "" where there are less
	// than two.
	Keys [2]string
	// Total counts every severity.
	Total, Critical, High, Medium int64
	Exploitable, Fixable          int64
	// Resources is the number of different resources; Network the number of
	// findings about reachability.
	Resources, Network int64
}

// GroupCursor is the place of the last group of a page.
type GroupCursor struct {
	Value   int64         `json:"v"`
	Account arn.AccountID `json:"a"`
	Keys    [2]string     `json:"k"`
}

// Cursor is the group's place in the order of a measure.
func (c *Counted) Cursor(m Measure) *GroupCursor {
	value := map[Measure]int64{MeasureCritical: c.Critical, MeasureHigh: c.High, MeasureAll: c.Total, MeasureResources: c.Resources, MeasureNetwork: c.Network}[m]
	return &GroupCursor{value, c.Account, c.Keys}
}

// groupSource is where a grouping's keys come from.
type groupSource struct {
	keys [2]string
	join string
	// require leaves out findings that are in no group.
	require string
}

// noKey stands where a grouping has fewer than two keys.
const noKey = `''`

func sourceOf(g Grouping) groupSource {
	const packages = ` JOIN content_packages p ON p.content = f.content`
	switch g {
	case GroupFindingType:
		return groupSource{keys: [2]string{"f.type", noKey}}
	case GroupTitle:
		return groupSource{keys: [2]string{"f.title", "COALESCE(f.vulnerability_id, '')"}}
	case GroupPackage:
		return groupSource{keys: [2]string{"p.name", noKey}, join: packages}
	case GroupResource:
		return groupSource{keys: [2]string{"CAST(f.resource AS TEXT)", noKey}}
	case GroupImageID:
		return groupSource{keys: [2]string{"v.value", noKey},
			join: ` JOIN resource_attributes v ON v.account = f.account AND v.resource = f.resource AND v.name = '` + string(criteria.InstanceImageID) + `'`}
	case GroupRepository:
		return groupSource{keys: [2]string{"f.repository", noKey}, require: "f.repository IS NOT NULL"}
	case GroupLayer:
		return groupSource{keys: [2]string{"CAST(f.resource AS TEXT)", "p.layer"}, join: packages, require: "p.layer <> ''"}
	case GroupLambdaLayer:
		return groupSource{keys: [2]string{"CAST(f.resource AS TEXT)", "p.lambda_layer"}, join: packages, require: "p.lambda_layer <> ''"}
	}
	return groupSource{keys: [2]string{noKey, noKey}}
}

// severityRank is a severity's number in the column.
func severityRank(s finding.Severity) int { return s.Rank() }

// Aggregate counts ACTIVE findings in groups. A finding counts once in a
// group, even if several of its packages fall into it.
func Aggregate(ctx context.Context, tx *store.Tx, a Aggregation) ([]Counted, error) {
	src := sourceOf(a.By)
	var w store.Where
	w.Add("f.region = ?", a.Region)
	w.Add("f.status = ?", finding.Active)
	if src.require != "" {
		w.Add(src.require)
	}
	a.Scope.Where(&w, "f.account")
	addCriteria(&w, &a.Criteria)
	join := src.join
	criteriasql.Strings(&w, "p.name", a.PackageNames)
	criteriasql.Strings(&w, "p.layer", a.Layers)
	criteriasql.Strings(&w, "p.lambda_layer", a.LambdaLayers)
	if len(a.Platforms) > 0 {
		criteriasql.Values(&w, `SELECT 1 FROM resource_attributes o WHERE o.account = f.account AND o.resource = f.resource AND o.name = 'platform'`, "o.value", a.Platforms)
	}
	inner := `SELECT DISTINCT f.account, f.id, f.severity, f.exploit, f.fix, f.resource, f.type, ` + src.keys[0] + ` AS k1, ` + src.keys[1] + ` AS k2
		FROM findings f` + join + w.SQL()
	rows, err := tx.Query(ctx, outer(&w, inner, &a), w.Args()...)
	list, err := all(rows, err, scanCounted)
	if err != nil {
		return nil, fmt.Errorf("aggregate findings by %s: %w", a.By, err)
	}
	return list, nil
}

// outer counts the findings of the inner query by group and takes a page.
func outer(w *store.Where, inner string, a *Aggregation) string {
	sum := func(condition string) string { return `SUM(CASE WHEN ` + condition + ` THEN 1 ELSE 0 END)` }
	severity := func(s finding.Severity) string { return sum(fmt.Sprintf("g.severity = %d", severityRank(s))) }
	query := `WITH g AS (` + inner + `), c AS (SELECT g.account AS account, g.k1 AS k1, g.k2 AS k2, COUNT(*) AS total, ` +
		severity(finding.Critical) + ` AS critical, ` + severity(finding.High) + ` AS high, ` + severity(finding.Medium) + ` AS medium, ` +
		sum("g.exploit = 'YES'") + ` AS exploitable, ` + sum("g.fix = 'YES'") + ` AS fixable, COUNT(DISTINCT g.resource) AS resources, ` +
		sum("g.type = '"+string(finding.NetworkReachability)+"'") + ` AS network FROM g GROUP BY g.account, g.k1, g.k2)
		SELECT c.account, c.k1, c.k2, c.total, c.critical, c.high, c.medium, c.exploitable, c.fixable, c.resources, c.network FROM c`
	measure, by, beyond := "c."+string(a.Measure), " DESC", " < "
	if a.Ascending {
		by, beyond = " ASC", " > "
	}
	if c := a.After; c != nil {
		value := w.Arg(c.Value)
		query += ` WHERE (` + measure + beyond + value + ` OR (` + measure + ` = ` + value + ` AND (c.account, c.k1, c.k2) > (` +
			strings.Join([]string{w.Arg(c.Account), w.Arg(c.Keys[0]), w.Arg(c.Keys[1])}, ", ") + `)))`
	}
	return query + ` ORDER BY ` + measure + by + `, c.account, c.k1, c.k2 LIMIT ` + w.Arg(a.Limit)
}

func scanCounted(s scanner) (c Counted, err error) {
	return c, s.Scan(&c.Account, &c.Keys[0], &c.Keys[1], &c.Total, &c.Critical, &c.High, &c.Medium, &c.Exploitable, &c.Fixable, &c.Resources, &c.Network)
}
