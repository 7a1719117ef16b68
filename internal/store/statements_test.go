package store_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"muster/internal/store"
	"muster/internal/store/storetest"
)

// limits are how many statements the connections of a test keep: the usual
// number, so few that they keep pushing each other out, and none.
var limits = map[string]int{"usual": 0, "one": 1, "none": -1}

// eachLimit runs the test on SQLite with every limit.
func eachLimit(t *testing.T, fn func(t *testing.T, s *store.Store)) {
	for name, n := range limits {
		t.Run(name, func(t *testing.T) {
			fn(t, storetest.Open(t, storetest.SQLite(t), store.Options{Statements: n}))
		})
	}
}

// TestStatementInsideItself: while the rows of a statement are read, another
// transaction of the same goroutine runs the same text.
func TestStatementInsideItself(t *testing.T) {
	eachLimit(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		update(t, s, func(tx *store.Tx) error {
			return errors.Join(put(ctx, tx, "a", "1"), put(ctx, tx, "b", "2"), put(ctx, tx, "c", "3"))
		})
		const query = `SELECT name FROM settings WHERE name >= $1 ORDER BY name`
		for range 3 {
			var seen string
			err := s.View(ctx, func(tx *store.Tx) error {
				outer, err := tx.Query(ctx, query, "a")
				if err != nil {
					return err
				}
				defer outer.Close()
				for outer.Next() {
					name, err := store.Text(outer)
					if err != nil {
						return err
					}
					inner, err := tx.Query(ctx, query, name)
					names, err := store.All(inner, err, store.Text)
					if err != nil {
						return err
					}
					seen += fmt.Sprint(names)
				}
				return outer.Err()
			})
			if want := "[a b c][b c][c]"; seen != want || err != nil {
				t.Fatalf("read %s, %v; want %s", seen, err, want)
			}
		}
	})
}

// TestFailedStatementWorksAgain: a statement that failed, or that was left
// before its end, starts over the next time, without its old values.
func TestFailedStatementWorksAgain(t *testing.T) {
	eachLimit(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		update(t, s, func(tx *store.Tx) error { return put(ctx, tx, "a", "1") })
		for range 3 {
			err := s.Update(ctx, func(tx *store.Tx) error { return put(ctx, tx, "a", "2") })
			if !errors.Is(err, store.ErrConflict) {
				t.Fatalf("a second row: %v", err)
			}
			if err := s.View(ctx, func(tx *store.Tx) error { return leaveEarly(ctx, tx) }); err != nil {
				t.Fatal(err)
			}
		}
		update(t, s, func(tx *store.Tx) error { return put(ctx, tx, "b", "3") })
		if a, b := value(t, s, "a"), value(t, s, "b"); a != "1" || b != "3" {
			t.Errorf("a is %q, b is %q", a, b)
		}
	})
}

// leaveEarly reads one row of many.
func leaveEarly(ctx context.Context, tx *store.Tx) error {
	rows, err := tx.Query(ctx, `WITH RECURSIVE n (i) AS (SELECT $1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000) SELECT i FROM n`, 1)
	if err != nil {
		return err
	}
	defer rows.Close()
	var i int
	if !rows.Next() {
		return errors.New("no row")
	}
	if err := rows.Scan(&i); err != nil || i != 1 {
		return fmt.Errorf("first row %d, %w", i, err)
	}
	return nil
}

// TestStatementsFollowTheSchema: a kept statement sees columns that came after
// it was prepared.
func TestStatementsFollowTheSchema(t *testing.T) {
	eachLimit(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		columns := func() (n int) {
			err := s.View(ctx, func(tx *store.Tx) error {
				rows, err := tx.Query(ctx, `SELECT * FROM growing`)
				if err != nil {
					return err
				}
				defer rows.Close()
				names, err := rows.Columns()
				n = len(names)
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
		exec := func(query string) {
			update(t, s, func(tx *store.Tx) error { _, err := tx.Exec(ctx, query); return err })
		}
		exec(`CREATE TABLE growing (a BIGINT)`)
		before := columns()
		exec(`ALTER TABLE growing ADD COLUMN b BIGINT`)
		if after := columns(); before != 1 || after != 2 {
			t.Errorf("%d columns, then %d", before, after)
		}
	})
}

// TestManyTextsAreBounded: more texts than are kept push each other out, and
// all give their own answers.
func TestManyTextsAreBounded(t *testing.T) {
	eachLimit(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		for range 2 {
			for i := range 300 {
				var got int
				err := s.View(ctx, func(tx *store.Tx) error {
					return store.One(tx.QueryRow(ctx, fmt.Sprintf(`SELECT %d + $1`, i), 1), &got)
				})
				if got != i+1 || err != nil {
					t.Fatalf("text %d gives %d, %v", i, got, err)
				}
			}
		}
	})
}

// BenchmarkStatements is a transaction of many short statements with and
// without keeping them prepared.
func BenchmarkStatements(b *testing.B) {
	const each = 100
	for _, c := range []struct {
		name  string
		limit int
	}{{"kept", 0}, {"anew", -1}} {
		s := storetest.Open(b, storetest.SQLite(b), store.Options{Statements: c.limit})
		ctx := b.Context()
		b.Run("write/"+c.name, func(b *testing.B) {
			for b.Loop() {
				err := s.Update(ctx, func(tx *store.Tx) error {
					for i := range each {
						if err := tx.Enqueue(ctx, store.Job{Kind: "k", Key: fmt.Sprint(i), Payload: []byte("{}")}); err != nil {
							return err
						}
					}
					return nil
				})
				if err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(each*float64(b.N)/b.Elapsed().Seconds(), "statements/s")
		})
		b.Run("list/"+c.name, func(b *testing.B) {
			for b.Loop() {
				err := s.View(ctx, func(tx *store.Tx) error {
					for range each {
						rows, err := tx.Query(ctx, `SELECT name FROM settings WHERE name > $1 ORDER BY name LIMIT $2`, "x", 10)
						if _, err := store.All(rows, err, store.Text); err != nil {
							return err
						}
					}
					return nil
				})
				if err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(each*float64(b.N)/b.Elapsed().Seconds(), "statements/s")
		})
		b.Run("read/"+c.name, func(b *testing.B) {
			for b.Loop() {
				err := s.View(ctx, func(tx *store.Tx) error {
					for range each {
						if _, err := get(ctx, tx, "x"); !errors.Is(err, store.ErrNotFound) {
							return err
						}
					}
					return nil
				})
				if err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(each*float64(b.N)/b.Elapsed().Seconds(), "statements/s")
		})
	}
}
