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

// Matched is what came of matching a component: its matches, and the keys that
// advisories were looked up by.
type Matched struct {
	Component int64
	Keys      []Key
	Matches   []Match
}

// SetMatches replaces the matches of components, each of which is named once,
// and notes the advisories that gave them and the keys they were looked up by.
func SetMatches(ctx context.Context, tx *store.Tx, generation int64, list []Matched) error {
	ids := make([]int64, len(list))
	var matches, keys [][]any
	for i, m := range list {
		ids[i] = m.Component
		for _, found := range m.Matches {
			matches = append(matches, []any{m.Component, found.Vulnerability, found.Body})
		}
		for _, k := range m.Keys {
			keys = append(keys, []any{k.Ecosystem, k.Name, m.Component})
		}
	}
	if err := MarkMatched(ctx, tx, ids, generation); err != nil {
		return fmt.Errorf("note what was matched: %w", err)
	}
	err := chunks(ids, func(part []int64) error {
		var w store.Where
		store.In(&w, "component", part...)
		_, err := tx.Exec(ctx, `DELETE FROM matches`+w.SQL(), w.Args()...)
		return err
	})
	if err != nil {
		return fmt.Errorf("replace matches: %w", err)
	}
	if _, err := tx.InsertRows(ctx, "matches", []string{"component", "vulnerability", "body"}, matches, ""); err != nil {
		return err
	}
	_, err = tx.InsertRows(ctx, "component_keys", []string{"ecosystem", "name", "component"}, keys,
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
