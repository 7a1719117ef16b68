package store_test

import (
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"muster/internal/store"
	"muster/internal/store/storetest"
)

// TestTablesCanBeDistributed holds the schema to docs/distribution.md: the
// account is in every key, unique ones included, of a table that can be spread
// by account; every other table is named there, with how it would be placed.
func TestTablesCanBeDistributed(t *testing.T) {
	page, err := os.ReadFile("../../docs/distribution.md")
	if err != nil {
		t.Fatal(err)
	}
	// A line of the tables there begins with the table's name, or with that
	// of a key, as table(columns).
	named := map[string]bool{}
	for _, m := range regexp.MustCompile("(?m)^\\| `([a-z_(), 0-9]+)`").FindAllStringSubmatch(string(page), -1) {
		named[m[1]] = false
	}
	s := storetest.Open(t, storetest.Postgres(t), store.Options{})
	for _, k := range uniqueKeys(t, s) {
		table, columns, _ := strings.Cut(strings.TrimSuffix(k, ")"), "(")
		if slices.Contains(strings.Split(columns, ", "), "account") {
			continue
		}
		_, whole := named[table]
		_, key := named[k]
		switch {
		case whole:
			named[table] = true
		case key:
			named[k] = true
		default:
			t.Errorf("%s has no account, and docs/distribution.md says nothing about it", k)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(named)) {
		if !named[name] {
			t.Errorf("docs/distribution.md names %s, which is not there or has the account in its keys", name)
		}
	}
}

// uniqueKeys lists the primary and unique keys of all tables, as
// table(column, column).
func uniqueKeys(t *testing.T, s *store.Store) (keys []string) {
	t.Helper()
	err := s.View(t.Context(), func(tx *store.Tx) error {
		rows, err := tx.Query(t.Context(), `SELECT c.relname || '(' || (SELECT string_agg(a.attname, ', ' ORDER BY k.n)
				FROM unnest(i.indkey::int[]) WITH ORDINALITY k(attnum, n) JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.attnum) || ')'
			FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid JOIN pg_namespace n ON n.oid = c.relnamespace
			WHERE i.indisunique AND n.nspname = current_schema() AND c.relname <> 'schema_version' ORDER BY 1`)
		keys, err = store.All(rows, err, store.Text)
		return err
	})
	if err != nil || len(keys) < 40 {
		t.Fatalf("%d keys, %v", len(keys), err)
	}
	return keys
}
