package findings

import (
	"context"
	"fmt"
	"strings"

	"muster/internal/arn"
	"muster/internal/finding"
	"muster/internal/finding/criteria"
	"muster/internal/store"
	"muster/internal/store/catalog"
	"muster/internal/store/criteriasql"
)

// Grouping is what ACTIVE findings are counted by, always within an account.
type Grouping string

// The groupings, in Inspector's words.
const (
	PerAccount    Grouping = "ACCOUNT"
	PerType       Grouping = "FINDING_TYPE"
	PerAMI        Grouping = "AMI"
	PerInstance   Grouping = "AWS_EC2_INSTANCE"
	PerImage      Grouping = "AWS_ECR_CONTAINER"
	PerLayer      Grouping = "IMAGE_LAYER"
	PerRepository Grouping = "REPOSITORY"
	PerPackage    Grouping = "PACKAGE"
	PerTitle      Grouping = "TITLE"
	PerFunction   Grouping = "AWS_LAMBDA_FUNCTION"
	PerFuncLayer  Grouping = "LAMBDA_LAYER"
	PerProject    Grouping = "CODE_REPOSITORY"
)

// Metric is the number that groups are sorted by.
type Metric string

// The metrics. Extra is a grouping's own number: affected instances or images,
// network findings.
const (
	ByCritical Metric = "critical"
	ByHigh     Metric = "high"
	ByAll      Metric = "findings"
	ByExtra    Metric = "extra"
)

// Aggregation asks for one page of groups.
type Aggregation struct {
	Grouping Grouping
	Scope    Scope
	// Single is the account if the scope is just one, else "".
	Single arn.AccountID
	Region arn.Region
	// Criteria choose the findings that are counted.
	Criteria criteria.Criteria
	// Platforms choose them by their instance's operating system.
	Platforms []criteria.String
	// Keys choose groups by the last part of their key: package names, layers.
	Keys []criteria.String
	// Metric and Descending are the order; ties go by account and key, rising
	// in a falling order and falling in a rising one.
	Metric     Metric
	Descending bool
	After      *GroupCursor
	Limit      int
}

// GroupCursor is the place of the last group of a page. The JSON form travels
// in page tokens.
type GroupCursor struct {
	Metric  int64         `json:"m"`
	Account arn.AccountID `json:"a"`
	Keys    [3]string     `json:"k"`
}

// Group is a group with its counts.
type Group struct {
	Account arn.AccountID
	// Keys are the group's key: for resources their id, for layers repository
	// or function, resource and layer, for titles title and vulnerability.
	Keys [3]string
	// All counts every severity; low ones are counted nowhere else.
	All, Critical, High, Medium int64
	Exploitable, Fixable        int64
	// Extra is the grouping's own number.
	Extra int64
	// Resource is set where a group is one resource.
	Resource finding.Resource

	number, metric int64
}

// Cursor is the place of the group in the order it was listed in.
func (g *Group) Cursor() *GroupCursor { return &GroupCursor{g.metric, g.Account, g.Keys} }

// plan is how a grouping is put into SQL.
type plan struct {
	// joins follow "FROM findings f"; keys are up to three columns.
	joins string
	keys  []string
	extra string
	// where holds for every finding that has the group's key.
	where string
	// resource is set where a group is one resource.
	resource bool
}

const (
	joinResource = ` JOIN resources r ON r.number = f.resource`
	joinPackages = ` JOIN (SELECT DISTINCT content, %[1]s FROM content_packages WHERE %[1]s <> '') p ON p.content = f.content`
)

func joinAttribute(a criteria.Attribute) string {
	return ` JOIN resource_attributes v ON v.account = f.account AND v.resource = f.resource AND v.name = '` + string(a) + `'`
}

func planOf(g Grouping) plan {
	const affected = `COUNT(DISTINCT f.resource)`
	switch g {
	case PerAccount:
		return plan{}
	case PerType:
		return plan{keys: []string{"f.type"}}
	case PerAMI:
		return plan{joins: joinAttribute(criteria.InstanceImageID), keys: []string{"v.value"}, extra: affected}
	case PerInstance:
		return plan{joins: joinResource, keys: []string{"r.id"}, resource: true, where: "f.resource_type = 'AWS_EC2_INSTANCE'",
			extra: `SUM(CASE WHEN f.type = 'NETWORK_REACHABILITY' THEN 1 ELSE 0 END)`}
	case PerImage:
		return plan{joins: joinResource, keys: []string{"r.id"}, resource: true, where: "f.resource_type = 'AWS_ECR_CONTAINER_IMAGE'"}
	case PerLayer:
		return plan{joins: joinResource + fmt.Sprintf(joinPackages, "layer"), keys: []string{"f.repository", "r.id", "p.layer"},
			where: "f.resource_type = 'AWS_ECR_CONTAINER_IMAGE' AND f.repository IS NOT NULL"}
	case PerRepository:
		return plan{keys: []string{"f.repository"}, where: "f.repository IS NOT NULL", extra: affected}
	case PerPackage:
		return plan{joins: fmt.Sprintf(joinPackages, "name"), keys: []string{"p.name"}}
	case PerTitle:
		return plan{keys: []string{"f.title", "COALESCE(f.vulnerability_id, '')"}}
	case PerFunction:
		return plan{joins: joinResource, keys: []string{"r.id"}, resource: true, where: "f.resource_type = 'AWS_LAMBDA_FUNCTION'"}
	case PerFuncLayer:
		return plan{joins: joinResource + joinAttribute(criteria.FunctionName) + fmt.Sprintf(joinPackages, "lambda_layer"),
			keys: []string{"v.value", "r.id", "p.lambda_layer"}, where: "f.resource_type = 'AWS_LAMBDA_FUNCTION'"}
	}
	return plan{joins: joinResource, keys: []string{"r.id"}, resource: true, where: "f.resource_type = 'CODE_REPOSITORY'"}
}

// sums are the counts of a group of findings.
const sums = `COUNT(*) AS findings,
	SUM(CASE WHEN f.severity = 5 THEN 1 ELSE 0 END) AS critical, SUM(CASE WHEN f.severity = 4 THEN 1 ELSE 0 END) AS high,
	SUM(CASE WHEN f.severity = 3 THEN 1 ELSE 0 END) AS medium,
	SUM(CASE WHEN f.exploit = 'YES' THEN 1 ELSE 0 END) AS exploitable, SUM(CASE WHEN f.fix = 'YES' THEN 1 ELSE 0 END) AS fixable`

// Aggregate returns a page of groups: from the counts that are kept, or, where
// the criteria look at the findings themselves, by counting.
func Aggregate(ctx context.Context, tx *store.Tx, a Aggregation) ([]Group, error) {
	none, err := dropIdle(ctx, tx, &a)
	if err != nil || none {
		return nil, err
	}
	aggregate := countedPage
	kind, kept := keptKind(&a)
	if kept {
		aggregate = func(ctx context.Context, tx *store.Tx, a *Aggregation) ([]Group, error) {
			return keptPage(ctx, tx, a, kind)
		}
	}
	list, err := aggregate(ctx, tx, &a)
	if err != nil {
		return nil, fmt.Errorf("aggregate findings by %s: %w", a.Grouping, err)
	}
	if planOf(a.Grouping).resource {
		err = addResources(ctx, tx, list)
	}
	return list, err
}

// countedPage counts findings.
func countedPage(ctx context.Context, tx *store.Tx, a *Aggregation) ([]Group, error) {
	var w store.Where
	query := `SELECT account, k1, k2, k3, number, findings, critical, high, medium, exploitable, fixable, extra FROM (` + countedGroups(&w, a) + `) g`
	by, beyond, ties, tiesAfter := a.order()
	if c := a.After; c != nil {
		m := w.Arg(c.Metric)
		query += ` WHERE ` + string(a.Metric) + beyond + m + ` OR (` + string(a.Metric) + ` = ` + m + ` AND (account, k1, k2, k3)` + tiesAfter + `(` +
			strings.Join([]string{w.Arg(c.Account), w.Arg(c.Keys[0]), w.Arg(c.Keys[1]), w.Arg(c.Keys[2])}, ", ") + `))`
	}
	query += ` ORDER BY ` + string(a.Metric) + by + `, ` + ties + ` LIMIT ` + w.Arg(a.Limit)
	rows, err := tx.Query(ctx, query, w.Args()...)
	return store.ReadAll(rows, err, func(s store.Scanner) (Group, error) { return scanGroup(s, a.Metric) })
}

// order are the words for the order of groups: what follows the metric in
// ORDER BY, how it compares beyond a place, the order of ties and how they
// compare. A rising order is the falling one read backwards.
func (a *Aggregation) order() (by, beyond, ties, tiesAfter string) {
	if a.Descending {
		return ` DESC`, ` < `, `account, k1, k2, k3`, ` > `
	}
	return ` ASC`, ` > `, `account DESC, k1 DESC, k2 DESC, k3 DESC`, ` < `
}

func scanGroup(s store.Scanner, m Metric) (g Group, err error) {
	err = s.Scan(&g.Account, &g.Keys[0], &g.Keys[1], &g.Keys[2], &g.number, &g.All, &g.Critical, &g.High, &g.Medium,
		&g.Exploitable, &g.Fixable, &g.Extra)
	g.metric = map[Metric]int64{ByCritical: g.Critical, ByHigh: g.High, ByAll: g.All, ByExtra: g.Extra}[m]
	return g, err
}

// countedGroups is the query that counts findings in groups.
func countedGroups(w *store.Where, a *Aggregation) string {
	p := planOf(a.Grouping)
	w.Add("f.region = ?", a.Region)
	w.Add("f.status = ?", finding.Active)
	a.Scope.Where(w, "f.account")
	if p.where != "" {
		w.Add(p.where)
	}
	addCriteria(w, &a.Criteria)
	if len(a.Platforms) > 0 {
		criteriasql.Values(w, attributeRows(catalog.Platform), "v.value", a.Platforms)
	}
	if len(a.Keys) > 0 {
		criteriasql.Strings(w, p.keys[len(p.keys)-1], a.Keys)
	}
	keys := []string{"''", "''", "''"}
	copy(keys, p.keys)
	number, extra := "0", "0"
	if p.resource || a.Grouping == PerLayer || a.Grouping == PerFuncLayer {
		number = "MIN(f.resource)"
	}
	if p.extra != "" {
		extra = p.extra
	}
	return `SELECT f.account AS account, ` + keys[0] + ` AS k1, ` + keys[1] + ` AS k2, ` + keys[2] + ` AS k3, ` + number + ` AS number, ` +
		sums + `, ` + extra + ` AS extra FROM findings f` + p.joins + w.SQL() + ` GROUP BY ` + strings.Join(append([]string{"f.account"}, p.keys...), ", ")
}

func addResources(ctx context.Context, tx *store.Tx, groups []Group) error {
	numbers := make([]int64, len(groups))
	for i, g := range groups {
		numbers[i] = g.number
	}
	resources, err := readResources(ctx, tx, numbers)
	for i := range groups {
		groups[i].Resource = resources[groups[i].number]
	}
	return err
}
