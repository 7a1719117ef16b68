// Package catalog remembers what is installed where: components (distinct
// package versions) with their matches, inventories (sets of components,
// shared by equal machines) and resources with their coverage.
//
// An inventory is one packed row of items plus one row per component that
// leads from a component back to the inventories it is in. Measured on SQLite
// with 2,000 inventories of 500 items out of 20,000 components, against a row
// per item with an index per direction: 1.6 times as many inventories stored
// per second, 60 % of the size, and an inventory read in a twenty-fifth of the
// time. Lists of inventories per component, appended to in place, would save
// another half of the writing and five sixths of the size, but would make all
// machines contend for the rows of the packages that everybody has. The rows
// are written later, for many inventories at once; see posting.go.
//
// Functions take the transaction they work in and decide nothing.
package catalog

import (
	"database/sql"
	"fmt"
	"strconv"
	"strings"

	"muster/internal/store"
)

// newNumber is a fresh row number: the microseconds and some of the chance of
// a store id, so numbers rise with time. Should two processes ever draw the
// same, the insert fails as a conflict and its work is done again.
func newNumber(tx *store.Tx) (int64, error) {
	id := tx.NewID()
	micros, err := strconv.ParseUint(id[:16], 16, 64)
	if err != nil {
		return 0, fmt.Errorf("row number from %q: %w", id, err)
	}
	chance, err := strconv.ParseUint(id[16:20], 16, 16)
	if err != nil {
		return 0, fmt.Errorf("row number from %q: %w", id, err)
	}
	return int64(micros<<11 | chance&0x7ff), nil
}

// perStatement bounds the values of one IN list.
const perStatement = 500

// chunks calls do with at most perStatement values at a time.
func chunks[T any](values []T, do func([]T) error) error {
	for len(values) > 0 {
		n := min(len(values), perStatement)
		if err := do(values[:n]); err != nil {
			return err
		}
		values = values[n:]
	}
	return nil
}

// each runs a query and hands every row to scan.
func each(rows *sql.Rows, err error, scan func(store.Scanner) error) error {
	_, err = store.All(rows, err, func(r *sql.Rows) (struct{}, error) { return struct{}{}, scan(r) })
	return err
}

// columns prefixes every column of a comma-separated list.
func columns(prefix, list string) string {
	return prefix + strings.ReplaceAll(list, ", ", ", "+prefix)
}
