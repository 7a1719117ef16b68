// Package recount compares with its source what the store keeps beside it for
// the sake of speed, where the room that keeps it does not do so itself: the
// columns of findings, what filters can ask of contents, what happened on a day
// and what rules did.
//
// Every function describes what differs in words, nil meaning that nothing
// does, and with mend replaces what differs by what the source says. Those
// that read much take a part at a time.
package recount

import (
	"context"
	"fmt"
	"slices"

	"muster/internal/store"
	"muster/internal/store/findings"
)

// Rows compares the columns by which up to limit findings of a place are
// sorted and filtered, after the id given, with what the findings say. It
// returns how many it saw and the last one's id.
func Rows(ctx context.Context, tx *store.Tx, at findings.Place, after string, limit int, mend bool) (wrong []string, seen int, last string, err error) {
	list, err := findings.After(ctx, tx, at, after, limit)
	if err != nil || len(list) == 0 {
		return nil, 0, after, err
	}
	last = list[len(list)-1].ID()
	stored, err := findings.StoredRows(ctx, tx, at, after, last)
	if err != nil {
		return nil, 0, after, err
	}
	var right [][]any
	for i := range list {
		want := findings.Row(&list[i])
		if got := stored[list[i].ID()]; !sameRow(got, want) {
			wrong = append(wrong, fmt.Sprintf("%s has the columns %v, its row has %v", list[i].ARN, want, got))
			right = append(right, want)
		}
	}
	if mend {
		err = findings.PutRows(ctx, tx, right)
	}
	return wrong, len(list), last, err
}

// sameRow compares values as text where their types differ: a database has
// fewer of them.
func sameRow(got, want []any) bool {
	return slices.EqualFunc(got, want, func(a, b any) bool {
		switch x := a.(type) {
		case string:
			y, ok := b.(string)
			return ok && x == y || !ok && fmt.Sprint(a) == fmt.Sprint(b)
		case int64:
			switch y := b.(type) {
			case int64:
				return x == y
			case int:
				return x == int64(y)
			}
		case nil:
			if b == nil {
				return true
			}
		}
		return fmt.Sprint(a) == fmt.Sprint(b)
	})
}

// Contents compares what filters can ask of up to limit contents, after the id
// given, with the contents. It returns how many it saw and the last one's id.
func Contents(ctx context.Context, tx *store.Tx, after int64, limit int, mend bool) (wrong []string, seen int, last int64, err error) {
	list, err := findings.ContentsAfter(ctx, tx, after, limit)
	if err != nil || len(list) == 0 {
		return nil, 0, after, err
	}
	last = list[len(list)-1].ID
	for _, c := range list {
		if !c.Sound {
			wrong = append(wrong, fmt.Sprintf("content %d is not what was stored: no recount mends that", c.ID))
			continue
		}
		values, packages := findings.ContentRows(c.ID, &c.Content)
		keptValues, keptPackages, err := findings.StoredContentRows(ctx, tx, c.ID)
		if err != nil {
			return nil, 0, after, err
		}
		if same(values, keptValues) && same(packages, keptPackages) {
			continue
		}
		wrong = append(wrong, fmt.Sprintf("content %d says %v and %v, kept are %v and %v", c.ID, values, packages, keptValues, keptPackages))
		if mend {
			if err := findings.PutContentRows(ctx, tx, c.ID, values, packages); err != nil {
				return nil, 0, after, err
			}
		}
	}
	return wrong, len(list), last, nil
}

// same compares rows in any order.
func same(a, b [][]any) bool {
	words := func(rows [][]any) (list []string) {
		for _, r := range rows {
			list = append(list, fmt.Sprint(r...))
		}
		slices.Sort(list)
		return list
	}
	return slices.Equal(words(a), words(b))
}
