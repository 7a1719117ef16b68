package catalog

import (
	"context"
	"fmt"

	"muster/internal/store"
)

// Match is a vulnerability of a component.
type Match struct {
	Component     int64
	Vulnerability string
	// Body is the evidence, as JSON.
	Body string
}

// MatchesOf returns the matches of the components, in no order.
func MatchesOf(ctx context.Context, tx *store.Tx, components []int64) ([]Match, error) {
	var list []Match
	err := chunks(components, func(part []int64) error {
		var w store.Where
		store.In(&w, "component", part...)
		rows, err := tx.Query(ctx, `SELECT component, vulnerability, body FROM matches`+w.SQL(), w.Args()...)
		return each(rows, err, func(s store.Scanner) error {
			var m Match
			err := s.Scan(&m.Component, &m.Vulnerability, &m.Body)
			list = append(list, m)
			return err
		})
	})
	if err != nil {
		return nil, fmt.Errorf("read matches: %w", err)
	}
	return list, nil
}

// SetMatches replaces the matches of one component and notes the advisories
// that gave them and the keys they were looked up by.
func SetMatches(ctx context.Context, tx *store.Tx, component, generation int64, keys []Key, matches []Match) error {
	if _, err := tx.Exec(ctx, `UPDATE components SET generation = $2 WHERE id = $1`, component, generation); err != nil {
		return fmt.Errorf("component %d: %w", component, err)
	}
	if _, err := tx.Exec(ctx, `DELETE FROM matches WHERE component = $1`, component); err != nil {
		return fmt.Errorf("matches of component %d: %w", component, err)
	}
	rows := make([][]any, len(matches))
	for i, m := range matches {
		rows[i] = []any{component, m.Vulnerability, m.Body}
	}
	if _, err := tx.InsertRows(ctx, "matches", []string{"component", "vulnerability", "body"}, rows, ""); err != nil {
		return err
	}
	rows = make([][]any, len(keys))
	for i, k := range keys {
		rows[i] = []any{k.Ecosystem, k.Name, component}
	}
	_, err := tx.InsertRows(ctx, "component_keys", []string{"ecosystem", "name", "component"}, rows,
		`ON CONFLICT (ecosystem, name, component) DO NOTHING`)
	return err
}

// MarkMatched notes that the components have been matched against a
// generation with the same outcome as before.
func MarkMatched(ctx context.Context, tx *store.Tx, components []int64, generation int64) error {
	return chunks(components, func(part []int64) error {
		var w store.Where
		mark := w.Arg(generation)
		store.In(&w, "id", part...)
		_, err := tx.Exec(ctx, `UPDATE components SET generation = `+mark+w.SQL(), w.Args()...)
		return err
	})
}

// ComponentsWith returns the components that have one of the vulnerabilities.
func ComponentsWith(ctx context.Context, tx *store.Tx, vulnerabilities []string) ([]int64, error) {
	return numbers(ctx, tx, vulnerabilities, `SELECT DISTINCT component FROM matches`, "vulnerability")
}

// numbers runs a query of one column for many values, each number once.
func numbers[T any](ctx context.Context, tx *store.Tx, values []T, query, column string) ([]int64, error) {
	var list []int64
	seen := map[int64]bool{}
	err := chunks(values, func(part []T) error {
		var w store.Where
		store.In(&w, column, part...)
		rows, err := tx.Query(ctx, query+w.SQL(), w.Args()...)
		return each(rows, err, func(s store.Scanner) error {
			var n int64
			err := s.Scan(&n)
			if !seen[n] {
				seen[n] = true
				list = append(list, n)
			}
			return err
		})
	})
	return list, err
}

// Vulnerabilities lists the vulnerabilities that any component has.
func Vulnerabilities(ctx context.Context, tx *store.Tx) ([]string, error) {
	rows, err := tx.Query(ctx, `SELECT DISTINCT vulnerability FROM matches`)
	return store.All(rows, err, store.Text)
}
