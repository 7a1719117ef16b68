package store_test

import (
	"bytes"
	"database/sql"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"muster/internal/store"
	"muster/internal/store/storetest"
)

type name string // as arn.AccountID is: a kind of string

var columns = []string{"id", "t", "n", "f", "b", "raw", "void"}

func createThings(t *testing.T, s *store.Store) {
	t.Helper()
	update(t, s, func(tx *store.Tx) error {
		_, err := tx.Exec(t.Context(), `CREATE TABLE things (id BIGINT PRIMARY KEY, t TEXT, n BIGINT, f DOUBLE PRECISION, b BOOLEAN, raw BYTEA, void BIGINT)`)
		return err
	})
}

func things(n int) (rows [][]any) {
	for i := range n {
		row := []any{i, name(fmt.Sprint("ä", i)), int64(i) << 40, float64(i) / 3, i%2 == 0, []byte{byte(i), 0, 255}, nil}
		if i%10 == 3 {
			for c := 1; c < len(row); c++ {
				row[c] = nil
			}
		}
		rows = append(rows, row)
	}
	return rows
}

func TestInsertRowsKeepsEveryValue(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		createThings(t, s)
		const n = 1234 // several statements on either engine, and a rest
		update(t, s, func(tx *store.Tx) error {
			got, err := tx.InsertRows(t.Context(), "things", columns, things(n), "")
			if got != n {
				t.Errorf("inserted %d", got)
			}
			return err
		})
		err := s.View(t.Context(), func(tx *store.Tx) error {
			rows, err := tx.Query(t.Context(), `SELECT id, t, n, f, b, raw, void FROM things ORDER BY id`)
			list, err := store.All(rows, err, scanThing)
			for i, want := range things(n) {
				if !sameThing(list[i], want) {
					return fmt.Errorf("row %d is %v, want %v", i, list[i], want)
				}
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

func scanThing(rows *sql.Rows) ([]any, error) {
	var id int
	var text *name
	var n *int64
	var f *float64
	var b *bool
	var raw []byte
	var nothing *int64
	err := rows.Scan(&id, &text, &n, &f, &b, &raw, &nothing)
	return []any{&id, text, n, f, b, raw, nothing}, err
}

func sameThing(got, want []any) bool {
	for c := range want {
		if raw, ok := got[c].([]byte); ok {
			if w, _ := want[c].([]byte); !bytes.Equal(raw, w) {
				return false
			}
			continue
		}
		if p := reflect.ValueOf(got[c]); p.IsNil() != (want[c] == nil) || !p.IsNil() && p.Elem().Interface() != want[c] {
			return false
		}
	}
	return true
}

func TestInsertRowsUpdatesOnConflict(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		createThings(t, s)
		insert := func(suffix string) (n int64, err error) {
			err = s.Update(t.Context(), func(tx *store.Tx) (err error) {
				n, err = tx.InsertRows(t.Context(), "things", []string{"id", "t"}, [][]any{{1, "a"}, {2, "b"}}, suffix)
				return err
			})
			return n, err
		}
		for _, tt := range []struct {
			suffix string
			n      int64
			err    error
		}{
			{"", 2, nil},
			{"", 0, store.ErrConflict},
			{"ON CONFLICT (id) DO NOTHING", 0, nil},
			{"ON CONFLICT (id) DO UPDATE SET t = excluded.t", 2, nil},
		} {
			if n, err := insert(tt.suffix); n != tt.n || !errors.Is(err, tt.err) {
				t.Errorf("%q: %d rows, %v; want %d, %v", tt.suffix, n, err, tt.n, tt.err)
			}
		}
	})
}

func TestInsertRowsRefusesWhatItCannotStore(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		createThings(t, s)
		for what, rows := range map[string][][]any{
			"too few values":   {{1}},
			"a struct":         {{1, struct{}{}}},
			"a list of others": {{1, []string{"x"}}},
		} {
			err := s.Update(t.Context(), func(tx *store.Tx) error {
				_, err := tx.InsertRows(t.Context(), "things", []string{"id", "t"}, rows, "")
				return err
			})
			if err == nil {
				t.Errorf("%s: accepted", what)
			}
		}
		update(t, s, func(tx *store.Tx) error {
			n, err := tx.InsertRows(t.Context(), "things", columns, nil, "")
			if n != 0 {
				t.Errorf("no rows: inserted %d", n)
			}
			return err
		})
	})
}

func BenchmarkInsertRows(b *testing.B) {
	for _, url := range benchmarkURLs(b) {
		s := storetest.Open(b, url, store.Options{})
		b.Run(string(s.Engine()), func(b *testing.B) {
			ctx := b.Context()
			err := s.Update(ctx, func(tx *store.Tx) error {
				_, err := tx.Exec(ctx, `CREATE TABLE things (id BIGINT PRIMARY KEY, t TEXT, n BIGINT, f DOUBLE PRECISION, b BOOLEAN, raw BYTEA, void BIGINT)`)
				return err
			})
			if err != nil {
				b.Fatal(err)
			}
			const n = 5000
			id := 0
			for b.Loop() {
				rows := things(n)
				for _, row := range rows {
					row[0] = id
					id++
				}
				if err := s.Update(ctx, func(tx *store.Tx) error {
					_, err := tx.InsertRows(ctx, "things", columns, rows, "")
					return err
				}); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.N)*n/b.Elapsed().Seconds(), "rows/s")
		})
	}
}

// BenchmarkInsertFew inserts as many rows as the findings of one host may be,
// a number that varies, and as wide.
func BenchmarkInsertFew(b *testing.B) {
	columns := []string{"id"}
	for i := range 31 {
		columns = append(columns, fmt.Sprint("c", i))
	}
	for _, url := range benchmarkURLs(b) {
		s := storetest.Open(b, url, store.Options{})
		ctx := b.Context()
		b.Run(string(s.Engine()), func(b *testing.B) {
			create := `CREATE TABLE IF NOT EXISTS wide (id BIGINT PRIMARY KEY, ` + strings.Join(columns[1:], " TEXT, ") + ` TEXT)`
			if err := s.Update(ctx, func(tx *store.Tx) error { _, err := tx.Exec(ctx, create); return err }); err != nil {
				b.Fatal(err)
			}
			inserted := 0
			for b.Loop() {
				err := s.Update(ctx, func(tx *store.Tx) error {
					for n := range 60 {
						rows := make([][]any, n)
						for i := range rows {
							rows[i] = []any{i}
							for range columns[1:] {
								rows[i] = append(rows[i], "value")
							}
						}
						inserted += n
						if _, err := tx.InsertRows(ctx, "wide", columns, rows, `ON CONFLICT (id) DO UPDATE SET c1 = excluded.c1`); err != nil {
							return err
						}
					}
					return nil
				})
				if err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(inserted)/b.Elapsed().Seconds(), "rows/s")
		})
	}
}

// benchmarkURLs are fresh databases on both engines.
func benchmarkURLs(b *testing.B) []string {
	return []string{storetest.SQLite(b), storetest.Postgres(b)}
}

func BenchmarkClaim(b *testing.B) {
	for _, url := range benchmarkURLs(b) {
		s := storetest.Open(b, url, store.Options{})
		b.Run(string(s.Engine()), func(b *testing.B) {
			const batch = 500
			claimed := 0
			for b.Loop() {
				b.StopTimer()
				if err := s.Update(b.Context(), func(tx *store.Tx) error {
					for range batch {
						if err := tx.Enqueue(b.Context(), store.Job{Kind: "k", Payload: []byte("{}")}); err != nil {
							return err
						}
					}
					return nil
				}); err != nil {
					b.Fatal(err)
				}
				b.StartTimer()
				jobs, err := s.Claim(b.Context(), "k", batch, 60e9)
				if err != nil || len(jobs) != batch {
					b.Fatal(len(jobs), err)
				}
				claimed += len(jobs)
				if err := s.Complete(b.Context(), jobs...); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(claimed)/b.Elapsed().Seconds(), "claimed-and-completed/s")
		})
	}
}

func BenchmarkUpdate(b *testing.B) {
	for _, url := range benchmarkURLs(b) {
		s := storetest.Open(b, url, store.Options{})
		b.Run(string(s.Engine()), func(b *testing.B) {
			i := 0
			for b.Loop() {
				i++
				if err := s.Update(b.Context(), func(tx *store.Tx) error { return put(b.Context(), tx, fmt.Sprint(i), "x") }); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkView(b *testing.B) {
	for _, url := range benchmarkURLs(b) {
		s := storetest.Open(b, url, store.Options{})
		b.Run(string(s.Engine()), func(b *testing.B) {
			for b.Loop() {
				err := s.View(b.Context(), func(tx *store.Tx) error {
					_, err := get(b.Context(), tx, "x")
					return err
				})
				if !errors.Is(err, store.ErrNotFound) {
					b.Fatal(err)
				}
			}
		})
	}
}
