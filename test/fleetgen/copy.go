package fleetgen

import (
	"context"
	"database/sql/driver"
	"fmt"
	"strings"

	"modernc.org/sqlite"

	"muster/internal/arn"
	"muster/internal/finding"
	"muster/internal/store"
	"muster/internal/store/bulktest"
	"muster/internal/store/catalog"
)

// The machines that are not scanned are made by the database: they are listed
// in a table of their own, beside the machine whose rows each gets a copy of.
// What differs in the copy is its account, its number, its id and the ids of
// its findings.

// copied is a table whose rows are copied from machine to machine.
type copied struct {
	name string
	// models is the query of the rows that are copied, with the machine that
	// they belong to as model.
	models string
	// changed are the columns that differ in a copy, in terms of the model's
	// row m and the machine r.
	changed map[string]string
}

func copies() []copied {
	const id = `fleet_finding_id(r.account, m.region, m.type, r.id, m.vulnerability_id)`
	hanging := map[string]string{"account": "r.account", "resource": "r.number"}
	return []copied{
		{"resources", `SELECT t.*, t.number AS model FROM resources t`,
			map[string]string{"account": "r.account", "number": "r.number", "id": "r.id", "details": "replace(m.details, m.id, r.id)"}},
		{"resource_attributes", `SELECT t.*, t.resource AS model FROM resource_attributes t`, hanging},
		{"resource_tags", `SELECT t.*, t.resource AS model FROM resource_tags t`,
			map[string]string{"account": "r.account", "resource": "r.number", "value": "r.id"}},
		{"resource_inventories", `SELECT t.*, t.resource AS model FROM resource_inventories t`, hanging},
		{"findings", `SELECT t.*, t.resource AS model FROM findings t`,
			map[string]string{"account": "r.account", "resource": "r.number", "id": id}},
		{"finding_history", `SELECT t.*, f.resource AS model, f.type, f.vulnerability_id FROM finding_history t
			JOIN findings f ON f.account = t.account AND f.region = t.region AND f.id = t.finding`,
			map[string]string{"account": "r.account", "finding": id}},
	}
}

// postgresFindingID is finding.ID for findings of packages, for SQL.
const postgresFindingID = `CREATE FUNCTION fleet_finding_id(account text, region text, type text, resource text, vulnerability text) RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$ SELECT left(encode(sha256(
		int4send(octet_length(account)) || account::bytea || int4send(octet_length(region)) || region::bytea || int4send(octet_length(type)) || type::bytea ||
		int4send(octet_length(resource)) || resource::bytea || int4send(octet_length(vulnerability)) || vulnerability::bytea), 'hex'), 32) $$`

// registerFindingID makes the same function known to SQLite's connections that
// are opened from now on. That it is known already is no error.
func registerFindingID() {
	_ = sqlite.RegisterDeterministicScalarFunction("fleet_finding_id", 5, func(_ *sqlite.FunctionContext, args []driver.Value) (driver.Value, error) {
		texts := make([]string, len(args))
		for i, a := range args {
			texts[i], _ = a.(string)
		}
		c := finding.Content{Type: finding.Type(texts[2]), Package: &finding.PackageDetails{VulnerabilityID: texts[4]}}
		return finding.ID(arn.AccountID(texts[0]), arn.Region(texts[1]), texts[3], &c), nil
	})
}

// copyAtOnce is how many machines one statement copies rows for.
const copyAtOnce = 25_000

// copyRest gives every machine that was not scanned what the one of its
// inventory got.
func (s Shape) copyRest(ctx context.Context, to Target, l *bulktest.Loader, first []int) error {
	if err := l.Run(ctx, []string{`CREATE TABLE fleet_rest (number BIGINT NOT NULL PRIMARY KEY, model BIGINT NOT NULL, account TEXT NOT NULL, id TEXT NOT NULL)`}); err != nil {
		return err
	}
	if err := s.listRest(ctx, to.Store, l, first); err != nil {
		return err
	}
	if to.Store.Engine() == store.PostgreSQL {
		if err := l.Run(ctx, []string{postgresFindingID, `ANALYZE fleet_rest`}); err != nil {
			return err
		}
	}
	for _, c := range copies() {
		if err := s.copyTable(ctx, to.Store, l, c); err != nil {
			return fmt.Errorf("copy %s: %w", c.name, err)
		}
		to.say("%s copied", c.name)
	}
	end := []string{`DROP TABLE fleet_rest`}
	if to.Store.Engine() == store.PostgreSQL {
		end = append(end, `DROP FUNCTION fleet_finding_id`)
	}
	return l.Run(ctx, end)
}

// listRest lists the machines that were not scanned.
func (s Shape) listRest(ctx context.Context, st *store.Store, l *bulktest.Loader, first []int) error {
	models := make([]int64, len(first))
	err := st.View(ctx, func(tx *store.Tx) error {
		for inv, n := range first {
			r := s.Resource(n)
			stored, err := catalog.LookupResource(ctx, tx, catalog.Place{Account: r.Account, Region: Region, Type: finding.Instance, ID: r.ID})
			if err != nil {
				return err
			}
			models[inv] = stored.Number
		}
		return nil
	})
	if err != nil {
		return err
	}
	for n := range s.Resources {
		r := s.Resource(n)
		if first[r.Inventory] == n {
			continue
		}
		row := []any{firstNumber + int64(n), models[r.Inventory], string(r.Account), r.ID}
		if err := l.Add(ctx, "fleet_rest", []string{"number", "model", "account", "id"}, row); err != nil {
			return err
		}
	}
	return l.Flush(ctx)
}

// firstNumber is below all numbers that a store gives.
const firstNumber = 1 << 40

func (s Shape) copyTable(ctx context.Context, st *store.Store, l *bulktest.Loader, c copied) error {
	columns, err := columnsOf(ctx, st, c.name)
	if err != nil {
		return err
	}
	values := make([]string, len(columns))
	for i, name := range columns {
		values[i] = "m." + name
		if changed, ok := c.changed[name]; ok {
			values[i] = changed
		}
	}
	models := "fleet_of_" + c.name
	err = l.Run(ctx, []string{
		`CREATE TABLE ` + models + ` AS ` + c.models,
		`CREATE INDEX ` + models + `_model ON ` + models + ` (model)`,
	})
	if err != nil {
		return err
	}
	var statements []string
	for from := 0; from < s.Resources; from += copyAtOnce {
		statements = append(statements, fmt.Sprintf(`INSERT INTO %s (%s) SELECT %s FROM fleet_rest r JOIN %s m ON m.model = r.model
			WHERE r.number >= %d AND r.number < %d ORDER BY r.number`,
			c.name, strings.Join(columns, ", "), strings.Join(values, ", "), models, firstNumber+from, firstNumber+from+copyAtOnce))
	}
	if err := l.RunAtOnce(ctx, statements); err != nil {
		return err
	}
	return l.Run(ctx, []string{`DROP TABLE ` + models})
}

func columnsOf(ctx context.Context, st *store.Store, table string) (columns []string, err error) {
	err = st.View(ctx, func(tx *store.Tx) error {
		columns, _, err = bulktest.Rows(ctx, tx, `SELECT * FROM `+table+` LIMIT 0`)
		return err
	})
	return columns, err
}

// recount makes the kept counts of all accounts, by statements that share
// nothing with how they are kept.
func (s Shape) recount(ctx context.Context, l *bulktest.Loader) error {
	err := l.Run(ctx, []string{
		`DELETE FROM finding_counts`, `DELETE FROM finding_groups`, `DELETE FROM coverage_counts`,
		`INSERT INTO coverage_counts (account, region, type, scan_type, scan_mode, status, reason, total)
			SELECT account, region, type, scan_type, scan_mode, status, reason, COUNT(*) FROM resources WHERE covered
			GROUP BY account, region, type, scan_type, scan_mode, status, reason`,
		`DELETE FROM finding_days`,
		`INSERT INTO finding_days (account, region, day, opened, closed, severe_opened, severe_closed)
			SELECT h.account, h.region, h.at / 86400000000, COUNT(*), 0, SUM(CASE WHEN f.severity >= 4 THEN 1 ELSE 0 END), 0
			FROM finding_history h JOIN findings f ON f.account = h.account AND f.region = h.region AND f.id = h.finding
			WHERE h.after = 'ACTIVE' AND h.before <> 'ACTIVE' GROUP BY h.account, h.region, h.at / 86400000000`,
	})
	if err != nil {
		return err
	}
	var statements []string
	at := max(1, s.Accounts/40)
	for from := 0; from < s.Accounts; from += at {
		in := fmt.Sprintf(`f.account >= '%s' AND f.account < '%s'`, Member(from), Member(min(s.Accounts, from+at)))
		statements = append(statements, counting(in)...)
	}
	if err := l.RunAtOnce(ctx, statements); err != nil {
		return err
	}
	return l.Run(ctx, slicing())
}

const (
	intoGroups = `INSERT INTO finding_groups (account, region, kind, k1, k2, k3, resource, findings, critical, high, medium, exploitable, fixable, extra) `
	groupSums  = `COUNT(*), SUM(CASE WHEN f.severity = 5 THEN 1 ELSE 0 END), SUM(CASE WHEN f.severity = 4 THEN 1 ELSE 0 END),
		SUM(CASE WHEN f.severity = 3 THEN 1 ELSE 0 END), SUM(CASE WHEN f.exploit = 'YES' THEN 1 ELSE 0 END), SUM(CASE WHEN f.fix = 'YES' THEN 1 ELSE 0 END)`
)

// counting counts the findings of instances in a range of accounts.
func counting(accounts string) []string {
	where := ` WHERE ` + accounts + ` AND f.status = 'ACTIVE' GROUP BY f.account, f.region, `
	return []string{
		`INSERT INTO finding_counts (account, region, status, type, resource_type, severity, total, exploitable, fixable)
			SELECT f.account, f.region, f.status, f.type, f.resource_type, f.severity, COUNT(*), SUM(CASE WHEN f.exploit = 'YES' THEN 1 ELSE 0 END),
			SUM(CASE WHEN f.fix = 'YES' THEN 1 ELSE 0 END) FROM findings f WHERE ` + accounts + `
			GROUP BY f.account, f.region, f.status, f.type, f.resource_type, f.severity`,
		intoGroups + `SELECT f.account, f.region, 'title', f.title, f.vulnerability_id, '', 0, ` + groupSums + `, 0 FROM findings f` + where + `f.title, f.vulnerability_id`,
		intoGroups + `SELECT f.account, f.region, 'package', p.name, '', '', 0, ` + groupSums + `, 0 FROM findings f
			JOIN (SELECT DISTINCT content, name FROM content_packages WHERE name <> '') p ON p.content = f.content` + where + `p.name`,
		intoGroups + `SELECT f.account, f.region, 'instance', r.id, '', '', f.resource, ` + groupSums + `, 0 FROM findings f
			JOIN resources r ON r.number = f.resource` + where + `r.id, f.resource`,
		intoGroups + `SELECT f.account, f.region, 'ami', a.value, '', '', 0, ` + groupSums + `, COUNT(DISTINCT f.resource) FROM findings f
			JOIN resource_attributes a ON a.account = f.account AND a.resource = f.resource AND a.name = 'ec2InstanceImageId'` + where + `a.value`,
	}
}

// slicing adds up the groups by account and type from what was counted.
func slicing() []string {
	const sums = `SUM(total), SUM(CASE WHEN severity = 5 THEN total ELSE 0 END), SUM(CASE WHEN severity = 4 THEN total ELSE 0 END),
		SUM(CASE WHEN severity = 3 THEN total ELSE 0 END), SUM(exploitable), SUM(fixable), 0 FROM finding_counts WHERE status = 'ACTIVE' GROUP BY account, region`
	var list []string
	for _, x := range [][3]string{
		{`'account'`, `''`, ``}, {`'account|' || type || '|'`, `''`, `, type`}, {`'account||' || resource_type`, `''`, `, resource_type`},
		{`'account|' || type || '|' || resource_type`, `''`, `, type, resource_type`}, {`'type'`, `type`, `, type`}, {`'type||' || resource_type`, `type`, `, type, resource_type`},
	} {
		list = append(list, intoGroups+`SELECT account, region, `+x[0]+`, `+x[1]+`, '', '', 0, `+sums+x[2])
	}
	return list
}
