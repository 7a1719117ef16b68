package fleetgen_test

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"muster/internal/server"
	"muster/internal/store"
	"muster/internal/store/storetest"
	"muster/test/fleetgen"
)

// damages are what happens to everything that is kept beside its source, by
// table: each is noticed, and mended.
func damages() map[string][]string {
	return map[string][]string{
		"finding_counts":          {`UPDATE finding_counts SET total = total + 1`, `DELETE FROM finding_counts`},
		"finding_groups":          {`UPDATE finding_groups SET critical = critical + 1 WHERE kind = 'title'`, `DELETE FROM finding_groups WHERE kind = 'package'`},
		"finding_days":            {`UPDATE finding_days SET opened = opened - 1`, `DELETE FROM finding_days`},
		"filter_effects":          {`UPDATE filter_effects SET hidden = hidden - 1`, `DELETE FROM filter_effects`},
		"coverage_counts":         {`UPDATE coverage_counts SET total = total + 1`, `DELETE FROM coverage_counts`},
		"inspector_member_counts": {`UPDATE inspector_member_counts SET members = members + 1`, `DELETE FROM inspector_member_counts`},
		"findings": {`UPDATE findings SET severity = 0, score = NULL`, `UPDATE findings SET title = 'x', vulnerability_id = NULL`,
			`UPDATE findings SET fix = 'NO', exploit = 'YES' WHERE status = 'ACTIVE'`, `UPDATE findings SET expires_at = 1`},
		"contents":            {`INSERT INTO contents (id, digest, body) SELECT 1, digest, '{}' FROM contents WHERE FALSE UNION SELECT 1, CAST('unused' AS BYTEA), '{}'`},
		"content_values":      {`DELETE FROM content_values`, `UPDATE content_values SET value = 'x' || value`},
		"content_packages":    {`DELETE FROM content_packages`, `UPDATE content_packages SET version = 'x'`},
		"resource_attributes": {`DELETE FROM resource_attributes`, `UPDATE resource_attributes SET value = 'x'`},
		"resource_tags":       {`INSERT INTO resource_tags (account, resource, key, value) SELECT account, number, 'k', 'v' FROM resources`},
		"inventories":         {`UPDATE inventories SET state = 2`},
	}
}

// TestKeptNumbersAreRecounted damages whatever is kept beside its source.
func TestKeptNumbersAreRecounted(t *testing.T) {
	storetest.EachURL(t, func(t *testing.T, url string) {
		s := fleetgen.Shape{Accounts: 3, Resources: 12, Inventories: 3, Packages: 20, Affected: 3, OneIn: 2, Seed: 5}
		c := configOf(t, url, t.TempDir())
		if err := s.Publish(c.Feeds, "2.0.0", fleetgen.Epoch); err != nil {
			t.Fatal(err)
		}
		running, err := fleetgen.Start(t.Context(), c, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		st := storetest.Open(t, url, store.Options{})
		if err := s.Organize(t.Context(), st); err != nil {
			t.Fatal(err)
		}
		if err := s.Load(t.Context(), fleetgen.Target{Store: st, URL: url, Settle: running.Settle}); err != nil {
			t.Fatal(err)
		}
		hide(t, st)
		if err := running.Stop(); err != nil {
			t.Fatal(err)
		}
		operate(t, c, func(op *server.Operator) error {
			told, all := 0, 0
			op.Progress = func(done, of int) { told, all = done, of }
			v, err := op.Verify(t.Context(), false)
			if err != nil || len(v.Wrong) > 0 || v.Accounts == 0 || told != v.Accounts || all != v.Accounts {
				t.Fatalf("before any damage: %+v, told of %d of %d accounts, %v", v, told, all, err)
			}
			for table, statements := range damages() {
				for _, damage := range statements {
					mends(t, op, st, table, damage)
				}
			}
			return nil
		})
	})
}

// hide has every finding of an account hidden by a rule that is remembered.
func hide(t *testing.T, st *store.Store) {
	t.Helper()
	const rule = `'arn:aws:inspector2:us-east-1:' || account || ':owner/' || account || '/filter/0123456789abcdef'`
	err := st.Update(t.Context(), func(tx *store.Tx) error {
		for _, statement := range []string{
			`INSERT INTO filter_history (account, region, filter, entry, at, change, principal, source_ip, request, previous, owner, name, action, criteria, description, reason, expires_at)
				SELECT DISTINCT account, region, '0123456789abcdef', '1', 1, 'CREATED', '', '', '', '', account, 'all', 'SUPPRESS', '{}', '', '', 0 FROM findings`,
			`UPDATE finding_history SET rule = ` + rule,
			`INSERT INTO filter_effects (account, region, rule, entry, hidden, returned)
				SELECT account, region, ` + rule + `, '1', COUNT(*), 0 FROM finding_history GROUP BY account, region`,
		} {
			if _, err := tx.Exec(t.Context(), statement); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// mends does some damage, has it noticed and mended, and looks again.
func mends(t *testing.T, op *server.Operator, st *store.Store, table, damage string) {
	t.Helper()
	err := st.Update(t.Context(), func(tx *store.Tx) error {
		n, err := tx.Exec(context.WithoutCancel(t.Context()), strings.ReplaceAll(damage, "CAST('unused' AS BYTEA)", map[store.Engine]string{
			store.SQLite: "CAST('unused' AS BLOB)", store.PostgreSQL: "CAST('unused' AS BYTEA)"}[tx.Engine()]))
		if err == nil && n == 0 {
			t.Errorf("%s: %s does no damage", table, damage)
		}
		return err
	})
	if err != nil {
		t.Fatalf("%s: %v", damage, err)
	}
	if v, err := op.Verify(t.Context(), true); err != nil || len(v.Wrong) == 0 {
		t.Errorf("%s: %s is not noticed: %v", table, damage, err)
	}
	if v, err := op.Verify(t.Context(), false); err != nil || len(v.Wrong) > 0 {
		t.Errorf("%s: %s is not mended: %.500q, %v", table, damage, v.Wrong, err)
	}
}

// counters are tables with numbers that change with something else and that no
// source tells again.
func counters() map[string]string {
	return map[string]string{
		"iam_policies":      "the number of the last version, which may be deleted",
		"agent_activations": "how often a code was used, by hosts that may be gone",
		"sink_positions":    "the last place that was given away",
		"image_scans":       "how often something was done, which is kept nowhere else",
		"jobs":              "not a count: times, moved with the clock",
	}
}

// TestEveryKeptNumberHasARecount reads the statements of the store: a table
// that is added to in place is among those that are recounted, or it is said
// why nobody can.
func TestEveryKeptNumberHasARecount(t *testing.T) {
	adds := regexp.MustCompile(`\b([a-z_]+)\.[a-z_]+ [+-] excluded\.|UPDATE ([a-z_]+) SET ([a-z_]+) = ([a-z_]+) [+-] `)
	recounted, excused, found := damages(), counters(), map[string]bool{}
	err := filepath.WalkDir("../../internal/store", func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		for _, m := range adds.FindAllStringSubmatch(string(text), -1) {
			if m[3] == m[4] {
				found[m[1]+m[2]] = true
			}
		}
		return err
	})
	if err != nil || len(found) < 8 {
		t.Fatalf("found %v, %v", found, err)
	}
	for table := range found {
		if recounted[table] == nil && excused[table] == "" {
			t.Errorf("%s is added to in place, and `muster admin verify` does not recount it", table)
		}
	}
	for table := range excused {
		if !found[table] {
			t.Errorf("%s is excused for nothing", table)
		}
	}
}
