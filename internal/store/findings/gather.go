package findings

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"muster/internal/arn"
	"muster/internal/finding"
	"muster/internal/finding/criteria"
	"muster/internal/store"
	"muster/internal/store/catalog"
	"muster/internal/store/groups"
)

// fewFindings is how many findings are gathered and sorted rather than walked
// past: among ten million, the walk to a page of what so many have takes as
// long.
const fewFindings = 10_000

// fewOfAccounts is fewFindings for those of accounts: among equal findings the
// order goes by account, so all of an account's may lie at the end of a walk.
const fewOfAccounts = 100_000

// gathering leads to the few findings that can pass: it adds conditions and
// names the index they are for, "" for the primary key.
type gathering func(w *store.Where) (index string)

// gatherNamed returns the way to the few findings that are named or the caller
// has, nil where there may be many.
func gatherNamed(ctx context.Context, tx *store.Tx, q *Query) (gathering, error) {
	if arns := equalTo(&q.Criteria, criteria.FindingARN); arns != nil {
		return gatherARNs(arns), nil
	}
	if resources := equalTo(&q.Criteria, criteria.ResourceID); resources != nil {
		return gatherResources(q.Region, resources), nil
	}
	own, err := gatherOwn(ctx, tx, q, fewFindings)
	if own != nil || err != nil {
		return own, err
	}
	if ids := equalTo(&q.Criteria, criteria.VulnerabilityID); ids != nil {
		way, err := gatherVulnerabilities(ctx, tx, q.Region, ids)
		if way != nil || err != nil {
			return way, err
		}
	}
	return gatherOwn(ctx, tx, q, fewOfAccounts)
}

// gatherOwn leads to the findings of the one account that asks: what everybody
// has, a small account has, too, at the end of a long walk.
func gatherOwn(ctx context.Context, tx *store.Tx, q *Query, few int64) (gathering, error) {
	if q.Single == "" {
		return nil, nil
	}
	return gatherAccounts(ctx, tx, q.Region, []string{string(q.Single)}, few)
}

// gatherFew looks for a way to few findings by what else the criteria name.
// none is true where kept numbers say that nothing passes.
func gatherFew(ctx context.Context, tx *store.Tx, q *Query) (way gathering, none bool, err error) {
	way, none, err = gatherCounted(ctx, tx, q)
	if way != nil || none || err != nil {
		return way, none, err
	}
	for _, try := range []func(context.Context, *store.Tx, *Query) (gathering, error){gatherByAccount, gatherAttributes, gatherPackages, gatherTitles} {
		if way, err = try(ctx, tx, q); way != nil || err != nil {
			return way, false, err
		}
	}
	return nil, false, nil
}

func gatherByAccount(ctx context.Context, tx *store.Tx, q *Query) (gathering, error) {
	accounts := equalTo(&q.Criteria, criteria.AccountID)
	if accounts == nil {
		return nil, nil
	}
	return gatherAccounts(ctx, tx, q.Region, accounts, fewOfAccounts)
}

func gatherAccounts(ctx context.Context, tx *store.Tx, region arn.Region, accounts []string, few int64) (gathering, error) {
	var sum int64
	for _, a := range accounts {
		n, err := Total(ctx, tx, arn.AccountID(a), region)
		if err != nil {
			return nil, err
		}
		if sum += n; sum > few {
			return nil, nil
		}
	}
	return func(w *store.Where) string {
		store.In(w, "f.account", accounts...)
		return ""
	}, nil
}

func gatherVulnerabilities(ctx context.Context, tx *store.Tx, region arn.Region, ids []string) (gathering, error) {
	way := func(w *store.Where) string {
		store.In(w, "f.vulnerability_id", ids...)
		return orderOf(ByVulnerabilityID).index()
	}
	few, err := fewBy(ctx, tx, region, way)
	if !few || err != nil {
		return nil, err
	}
	return way, nil
}

// fewBy tells whether a way leads to few findings, by reading a bounded part of
// an index. What everybody has is met soon on the walk.
func fewBy(ctx context.Context, tx *store.Tx, region arn.Region, way gathering) (bool, error) {
	var w store.Where
	w.Add("f.region = ?", region)
	index := way(&w)
	var n int
	err := store.One(tx.QueryRow(ctx, `SELECT COUNT(*) FROM (SELECT 1 FROM findings f`+use(tx, index)+w.SQL()+` LIMIT `+w.Arg(fewFindings+1)+`) g`, w.Args()...), &n)
	return n <= fewFindings, err
}

func gatherARNs(arns []string) gathering {
	var ids, accounts []string
	for _, a := range arns {
		if account, _, id, ok := finding.ParseARN(arn.ARN(a)); ok {
			accounts, ids = append(accounts, string(account)), append(ids, id)
		}
	}
	return func(w *store.Where) string {
		store.In(w, "f.account", accounts...)
		store.In(w, "f.id", ids...)
		return ""
	}
}

func gatherResources(region arn.Region, ids []string) gathering {
	return func(w *store.Where) string {
		marks := make([]string, len(ids))
		for i, id := range ids {
			marks[i] = w.Arg(id)
		}
		w.Add(`f.resource IN (SELECT number FROM resources WHERE region = ? AND id IN (`+strings.Join(marks, ", ")+`))`, region)
		return "findings_by_resource"
	}
}

const (
	// fewResources and fewContents are how many resources and contents are
	// looked up by what they hold.
	fewResources = 500
	fewContents  = 500
)

// gatherAttributes leads through the few resources that have an attribute or a
// tag.
func gatherAttributes(ctx context.Context, tx *store.Tx, q *Query) (gathering, error) {
	numbers, few, err := holders(ctx, tx, q.Criteria.Strings, q.Criteria.Tags)
	if !few || err != nil {
		return nil, err
	}
	way := func(w *store.Where) string {
		store.In(w, "f.resource", numbers...)
		return "findings_by_resource"
	}
	return way, nil
}

// holders returns the resources that have one of the values of an attribute, or
// one of the tags, where those are few.
func holders(ctx context.Context, tx *store.Tx, attributes map[criteria.Attribute][]criteria.String, tags []criteria.Tag) (numbers []int64, few bool, err error) {
	asked := criteria.Criteria{Strings: attributes}
	for _, a := range sorted(attributes) {
		values := equalTo(&asked, a)
		if values == nil || a == criteria.ResourceID || !criteria.OfResource(a) && a != catalog.Platform || slices.Contains(values, "") {
			continue
		}
		var w store.Where
		w.Add("name = ?", string(a))
		w.Add("value <> ''")
		store.In(&w, "value", values...)
		if numbers, few, err = readHolders(ctx, tx, `SELECT resource FROM resource_attributes`, &w); few || err != nil {
			return numbers, few, err
		}
	}
	if len(tags) == 0 {
		return nil, false, nil
	}
	var w store.Where
	var conditions []string
	for _, t := range tags {
		condition := `key = ` + w.Arg(t.Key)
		if t.Value != nil {
			condition += ` AND value = ` + w.Arg(*t.Value)
		}
		conditions = append(conditions, condition)
	}
	w.Add(strings.Join(conditions, " OR "))
	return readHolders(ctx, tx, `SELECT resource FROM resource_tags`, &w)
}

func readHolders(ctx context.Context, tx *store.Tx, query string, w *store.Where) (numbers []int64, few bool, err error) {
	rows, err := tx.Query(ctx, query+w.SQL()+` LIMIT `+w.Arg(fewResources+1), w.Args()...)
	numbers, err = store.ReadAll(rows, err, scanNumber)
	return numbers, err == nil && len(numbers) <= fewResources, err
}

func scanNumber(s store.Scanner) (n int64, err error) {
	err = s.Scan(&n)
	return n, err
}

// gatherPackages leads through the contents that name a package.
func gatherPackages(ctx context.Context, tx *store.Tx, q *Query) (gathering, error) {
	var names []string
	for _, p := range q.Criteria.Packages {
		f, asked := p.Strings[criteria.PackageName]
		if !asked || f.Comparison != criteria.Equals || strings.ContainsRune(f.Value, 0) {
			return nil, nil
		}
		names = append(names, f.Value)
	}
	if len(names) == 0 {
		return nil, nil
	}
	var w store.Where
	store.In(&w, "name", names...)
	rows, err := tx.Query(ctx, `SELECT content FROM content_packages`+w.SQL()+` LIMIT `+w.Arg(fewContents+1), w.Args()...)
	contents, err := store.ReadAll(rows, err, scanNumber)
	if err != nil || len(contents) > fewContents {
		return nil, err
	}
	way := func(w *store.Where) string {
		store.In(w, "f.content", contents...)
		return "findings_by_content"
	}
	few, err := fewBy(ctx, tx, q.Region, way)
	if !few || err != nil {
		return nil, err
	}
	return way, nil
}

// gatherTitles leads through the vulnerabilities that ACTIVE findings of a title
// have.
func gatherTitles(ctx context.Context, tx *store.Tx, q *Query) (gathering, error) {
	titles, statuses := equalTo(&q.Criteria, criteria.Title), equalTo(&q.Criteria, criteria.FindingStatus)
	if titles == nil || len(statuses) != 1 || statuses[0] != string(finding.Active) {
		return nil, nil
	}
	var w store.Where
	w.Add("region = ?", q.Region)
	w.Add("kind = '" + string(groups.Title) + "'")
	store.In(&w, "k1", titles...)
	rows, err := tx.Query(ctx, `SELECT DISTINCT k2 FROM finding_groups`+use(tx, "finding_groups_by_k1")+w.SQL()+` LIMIT `+w.Arg(fewContents), w.Args()...)
	ids, err := store.ReadAll(rows, err, store.ScanText)
	if err != nil || len(ids) == fewContents || slices.Contains(ids, "") {
		return nil, err
	}
	if len(ids) == 0 {
		return func(w *store.Where) string { w.Add("FALSE"); return "" }, nil
	}
	return gatherVulnerabilities(ctx, tx, q.Region, ids)
}

// numbered is a criterion whose findings are counted all along: how many there
// are, and the index that leads to them.
type numbered struct {
	count string
	way   gathering
}

// gatherCounted asks the kept numbers how many findings can pass by status,
// type, resource type, severity, exploit and fix.
func gatherCounted(ctx context.Context, tx *store.Tx, q *Query) (way gathering, none bool, err error) {
	list := countedCriteria(&q.Criteria)
	if len(list) == 0 {
		return nil, false, nil
	}
	var w store.Where
	w.Add("f.region = ?", q.Region)
	q.Scope.Where(&w, "f.account")
	sums, into := make([]string, len(list)), make([]any, len(list))
	numbers := make([]int64, len(list))
	for i, n := range list {
		sums[i], into[i] = `CAST(COALESCE(SUM(`+n.count+`), 0) AS BIGINT)`, &numbers[i]
	}
	if err := store.One(tx.QueryRow(ctx, `SELECT `+strings.Join(sums, ", ")+` FROM finding_counts f`+w.SQL(), w.Args()...), into...); err != nil {
		return nil, false, fmt.Errorf("numbers of findings: %w", err)
	}
	for i, n := range numbers {
		if n == 0 {
			return nil, true, nil
		}
		if n <= fewFindings && list[i].way != nil {
			way = list[i].way
		}
	}
	return way, false, nil
}

func countedCriteria(c *criteria.Criteria) (list []numbered) {
	for _, x := range []struct {
		of     criteria.Attribute
		column string
		index  string
	}{
		{criteria.FindingStatus, "status", orderOf(ByStatus).index()}, {criteria.FindingType, "type", orderOf(ByType).index()},
		{criteria.ResourceType, "resource_type", orderOf(ByResourceType).index()},
	} {
		if values := equalTo(c, x.of); values != nil {
			is := x.column + ` IN ('` + strings.Join(plain(values), `', '`) + `')`
			list = append(list, numbered{`CASE WHEN ` + is + ` THEN total ELSE 0 END`, func(w *store.Where) string {
				w.Add("f." + is)
				return x.index
			}})
		}
	}
	if filters := c.Strings[criteria.Severity]; len(filters) > 0 {
		is := `severity IN (-1`
		for _, r := range ranks(filters) {
			is += fmt.Sprintf(", %d", r)
		}
		is += `)`
		list = append(list, numbered{`CASE WHEN ` + is + ` THEN total ELSE 0 END`, func(w *store.Where) string {
			w.Add("f." + is)
			return orderOf(BySeverity).index()
		}})
	}
	if v := equalTo(c, criteria.ExploitAvailable); len(v) == 1 && v[0] == string(finding.Yes) {
		list = append(list, numbered{`exploitable`, func(w *store.Where) string {
			w.Add("f.exploit = 'YES'")
			return "findings_exploitable"
		}})
	}
	if v := equalTo(c, criteria.FixAvailable); len(v) > 0 {
		count := `total - fixable`
		if slices.Contains(v, string(finding.Yes)) {
			count = `total`
			if len(v) == 1 {
				count = `fixable`
			}
		}
		list = append(list, numbered{count: count})
	}
	return list
}

// plain are those of the values that can be written into a statement: words of
// the interface.
func plain(values []string) []string {
	return slices.DeleteFunc(slices.Clone(values), func(v string) bool {
		return strings.ContainsFunc(v, func(r rune) bool { return r != '_' && (r < 'A' || r > 'Z') && (r < '0' || r > '9') })
	})
}
