package store

import (
	"context"
	"fmt"
	"math/bits"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// InsertRows inserts many rows with few statements. Values are strings,
// integers, floats, bools and []byte (or types of those kinds); a column has
// the same kind in every row, or nil. suffix is the ON CONFLICT clause, or "".
// No two of the rows may meet the same conflict when suffix updates. It
// returns the number of rows inserted or updated.
func (tx *Tx) InsertRows(ctx context.Context, table string, columns []string, rows [][]any, suffix string) (int64, error) {
	for _, row := range rows {
		if len(row) != len(columns) {
			return 0, fmt.Errorf("insert into %s: %d values for %d columns", table, len(row), len(columns))
		}
	}
	if len(rows) == 0 {
		return 0, nil
	}
	insert := tx.insertValues
	if tx.store.engine == PostgreSQL {
		insert = tx.insertUnnest
	}
	n, err := insert(ctx, "INSERT INTO "+table+" ("+strings.Join(columns, ", ")+")", columns, rows, suffix)
	if err != nil {
		return 0, fmt.Errorf("insert into %s: %w", table, err)
	}
	return n, nil
}

// valuesPerStatement keeps one statement's parameters below SQLite's limit
// (32,766) and its text small enough to parse quickly.
const valuesPerStatement = 1000

// insertValues is for SQLite: statements for numbers of rows that are powers
// of two, so that each table has a few that are kept prepared.
func (tx *Tx) insertValues(ctx context.Context, head string, columns []string, rows [][]any, suffix string) (total int64, err error) {
	per := 1 << (bits.Len(uint(max(1, valuesPerStatement/len(columns)))) - 1)
	args := make([]any, 0, min(per, len(rows))*len(columns))
	for ; per > 0; per /= 2 {
		query := ""
		for ; len(rows) >= per; rows = rows[per:] {
			if query == "" {
				query = valuesSQL(head, len(columns), per, suffix)
			}
			args = args[:0]
			for _, row := range rows[:per] {
				args = append(args, row...)
			}
			n, err := tx.Exec(ctx, query, args...)
			if err != nil {
				return 0, err
			}
			total += n
		}
	}
	return total, nil
}

func valuesSQL(head string, columns, rows int, suffix string) string {
	group := "(?" + strings.Repeat(", ?", columns-1) + ")"
	return head + " VALUES " + group + strings.Repeat(", "+group, rows-1) + " " + suffix
}

// rowsPerArray bounds the memory of one PostgreSQL statement.
const rowsPerArray = 10000

// insertUnnest is for PostgreSQL: one array per column, one statement text
// whatever the number of rows.
func (tx *Tx) insertUnnest(ctx context.Context, head string, columns []string, rows [][]any, suffix string) (int64, error) {
	var total int64
	for group := range slices.Chunk(rows, rowsPerArray) {
		var arrays []any
		var selected, from, names []string
		for c, column := range columns {
			array, kind, err := columnArray(group, c)
			switch {
			case err != nil:
				return 0, fmt.Errorf("column %s: %w", column, err)
			case array == nil:
				selected = append(selected, "NULL")
			default:
				arrays = append(arrays, array)
				names = append(names, "v"+strconv.Itoa(len(arrays)))
				selected = append(selected, names[len(names)-1])
				from = append(from, fmt.Sprintf("$%d::%s[]", len(arrays), kind))
			}
		}
		query := fmt.Sprintf("%s SELECT %s FROM unnest(%s) AS u(%s) %s", head, strings.Join(selected, ", "),
			strings.Join(from, ", "), strings.Join(names, ", "), suffix)
		n, err := tx.Exec(ctx, query, arrays...)
		if err != nil {
			return 0, err
		}
		total += n
	}
	return total, nil
}

// columnArray turns column c into a typed array with NULLs, and names its
// PostgreSQL element type. A column of nothing but nil has no array.
func columnArray(rows [][]any, c int) (array any, kind string, err error) {
	i := slices.IndexFunc(rows, func(row []any) bool { return row[c] != nil })
	if i < 0 {
		return nil, "", nil
	}
	switch v := reflect.ValueOf(rows[i][c]); {
	case v.Kind() == reflect.String:
		array, kind = elements[string](rows, c), "text"
	case v.CanInt():
		array, kind = elements[int64](rows, c), "bigint"
	case v.CanFloat():
		array, kind = elements[float64](rows, c), "double precision"
	case v.Kind() == reflect.Bool:
		array, kind = elements[bool](rows, c), "boolean"
	case v.Type().ConvertibleTo(reflect.TypeFor[[]byte]()):
		array, kind = elements[[]byte](rows, c), "bytea"
	}
	if kind == "" || reflect.ValueOf(array).IsNil() {
		return nil, "", fmt.Errorf("cannot insert a %T, or kinds differ between rows", rows[i][c])
	}
	return array, kind, nil
}

// elements converts column c; it returns nil when a value is not of the kind.
func elements[T any](rows [][]any, c int) []*T {
	want := reflect.TypeFor[T]()
	list := make([]*T, len(rows))
	for i, row := range rows {
		if row[c] == nil {
			continue
		}
		v := reflect.ValueOf(row[c])
		if !v.CanConvert(want) || v.Kind() == reflect.String != (want.Kind() == reflect.String) {
			return nil
		}
		list[i] = new(v.Convert(want).Interface().(T))
	}
	return list
}
