package store_test

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"muster/internal/store"
	"muster/internal/store/storetest"
)

func TestWhere(t *testing.T) {
	var w store.Where
	if w.SQL() != "" {
		t.Errorf("empty: %q", w.SQL())
	}
	w.Add("a = ? OR b = ?", 1, 2)
	store.In(&w, "c", "x", "y")
	store.In[string](&w, "d")
	w.After([]string{"e", "f"}, 3, 4)
	w.Before([]string{"g"}, 5)
	limit := w.Arg(6)
	want := " WHERE a = $1 OR b = $2 AND c IN ($3, $4) AND FALSE AND (e, f) > ($5, $6) AND (g) < ($7)"
	if w.SQL() != want || limit != "$8" || fmt.Sprint(w.Args()) != "[1 2 x y 3 4 5 6]" {
		t.Errorf("%q, %q, %v", w.SQL(), limit, w.Args())
	}
	defer func() {
		if recover() == nil {
			t.Error("a wrong number of values went unnoticed")
		}
	}()
	w.Add("a = ?", 1, 2)
}

// TestInRows: rows are found by several columns together, on either engine, and
// no rows find nothing.
func TestInRows(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		for _, id := range []string{"a", "b", "c"} {
			update(t, s, func(tx *store.Tx) error { return put(t.Context(), tx, id, "of "+id) })
		}
		for _, tc := range []struct {
			rows [][]any
			want int
		}{{nil, 0}, {[][]any{{"a", "of a"}}, 1}, {[][]any{{"a", "of b"}, {"b", "of b"}, {"c", "of c"}, {"d", "of d"}}, 2}} {
			var w store.Where
			store.InRows(&w, "(name, value)", tc.rows...)
			var n int
			err := s.View(t.Context(), func(tx *store.Tx) error {
				return store.One(tx.QueryRow(t.Context(), `SELECT COUNT(*) FROM settings`+w.SQL(), w.Args()...), &n)
			})
			if err != nil || n != tc.want {
				t.Errorf("%v: %d rows, %v, expected %d", tc.rows, n, err, tc.want)
			}
		}
	})
}

// TestPagesAddUp: whatever the rows, page size and direction, the pages of a
// keyset walk are the sorted list, cut.
func TestPagesAddUp(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		rapid.Check(t, func(rt *rapid.T) {
			names := rapid.SliceOfNDistinct(rapid.StringMatching(`[a-cA-C]{1,3}`), 0, 12, rapid.ID).Draw(rt, "names")
			stamps := rapid.SliceOfN(rapid.Int64Range(0, 3), len(names), len(names)).Draw(rt, "stamps")
			size := rapid.IntRange(1, 5).Draw(rt, "page size")
			descending := rapid.Bool().Draw(rt, "descending")

			want := make([]string, len(names))
			for i := range names {
				want[i] = fmt.Sprint(stamps[i], " ", names[i])
			}
			slices.SortFunc(want, cmp.Compare)
			if descending {
				slices.Reverse(want)
			}
			replaceSettings(t, s, names, stamps)
			if got := walk(t, s, size, descending); !slices.Equal(got, want) {
				rt.Fatalf("walked %v, want %v", got, want)
			}
		})
	})
}

func replaceSettings(t *testing.T, s *store.Store, names []string, stamps []int64) {
	rows := make([][]any, len(names))
	for i := range names {
		rows[i] = []any{names[i], "", stamps[i]}
	}
	update(t, s, func(tx *store.Tx) error {
		if _, err := tx.Exec(t.Context(), `DELETE FROM settings`); err != nil {
			return err
		}
		_, err := tx.InsertRows(t.Context(), "settings", []string{"name", "value", "updated_at"}, rows, "")
		return err
	})
}

func walk(t *testing.T, s *store.Store, size int, descending bool) (all []string) {
	columns, direction := []string{"updated_at", "name"}, "ASC"
	if descending {
		direction = "DESC"
	}
	for {
		var w store.Where
		w.Add("value = ?", "")
		if n := len(all); n > 0 {
			stamp, name, _ := strings.Cut(all[n-1], " ")
			var micros int64
			_, _ = fmt.Sscan(stamp, &micros)
			if descending {
				w.Before(columns, micros, name)
			} else {
				w.After(columns, micros, name)
			}
		}
		query := `SELECT CAST(updated_at AS TEXT) || ' ' || name FROM settings` + w.SQL() +
			` ORDER BY updated_at ` + direction + `, name ` + direction + ` LIMIT ` + w.Arg(size)
		var page []string
		err := s.View(t.Context(), func(tx *store.Tx) error {
			rows, err := tx.Query(t.Context(), query, w.Args()...)
			page, err = store.All(rows, err, store.Text)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, page...)
		if len(page) < size {
			return all
		}
	}
}
