// Package findings remembers findings, their history and counts.
//
// A finding is one row with everything it is sorted by and most of what it is
// filtered by. What it says beside that (texts, scores, packages) is a content,
// stored once for all findings that say the same: a fleet of equal machines
// has the same hundred contents. Attributes with several values have rows of
// their own beside their content or their resource.
//
// Listing never counts and never sorts more than some thousand rows; see
// list.go for how it chooses its way. All functions take the transaction they
// work in and decide nothing.
package findings

import (
	"fmt"
	"strconv"

	"muster/internal/store"
)

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

// newNumber is a fresh row number that rises with time, made of a store id's
// microseconds and some of its chance. Should two processes ever draw the
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

// text is a text column in which NULL means absent.
func text(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// number is a number column in which NULL means absent.
func number(f *float64) any {
	if f == nil {
		return nil
	}
	return *f
}
