package store

import (
	"fmt"
	"math/bits"
	"strconv"
	"strings"
)

// Where builds the condition of a query whose filters vary. The zero value
// has no condition.
//
//	var w store.Where
//	w.Add("account = ?", account)
//	store.In(&w, "status", "ACTIVE", "CLOSED")
//	w.After([]string{"score", "id"}, lastScore, lastID)
//	rows, err := tx.Query(ctx, "SELECT … FROM findings"+w.SQL()+" ORDER BY score, id LIMIT "+w.Arg(100), w.Args()...)
type Where struct {
	conditions []string
	args       []any
}

// WhereFrom is for the condition of a query around another: it has the values
// of the inner one already, and none of its conditions.
func WhereFrom(inner *Where) *Where { return &Where{args: inner.args} }

// Arg adds a value and returns its placeholder.
func (w *Where) Arg(v any) string {
	w.args = append(w.args, v)
	return "$" + strconv.Itoa(len(w.args))
}

// Add adds a condition; every ? in it stands for the next value. It panics
// when their numbers differ, which is a mistake in the program.
func (w *Where) Add(condition string, values ...any) {
	parts := strings.Split(condition, "?")
	if len(parts) != len(values)+1 {
		panic(fmt.Sprintf("store: %d values for %q", len(values), condition))
	}
	var b strings.Builder
	b.WriteString(parts[0])
	for i, v := range values {
		b.WriteString(w.Arg(v))
		b.WriteString(parts[i+1])
	}
	w.conditions = append(w.conditions, b.String())
}

// In adds "column is one of the values"; without values nothing matches. The
// last value is repeated until their number is a power of two, so that queries
// for different numbers of values share a few texts, which both engines keep
// prepared.
func In[T any](w *Where, column string, values ...T) {
	if len(values) == 0 {
		w.conditions = append(w.conditions, "FALSE")
		return
	}
	marks := make([]string, repeated(len(values)))
	for i := range marks {
		marks[i] = w.Arg(values[min(i, len(values)-1)])
	}
	w.conditions = append(w.conditions, column+" IN ("+strings.Join(marks, ", ")+")")
}

// InRows is In for several columns together: "(account, id)", each row having a
// value for every one of them. Both engines look the rows up one by one in an
// index that begins with the columns.
func InRows(w *Where, columns string, rows ...[]any) {
	if len(rows) == 0 {
		w.conditions = append(w.conditions, "FALSE")
		return
	}
	marks := make([]string, repeated(len(rows)))
	for i := range marks {
		row := rows[min(i, len(rows)-1)]
		values := make([]string, len(row))
		for j, v := range row {
			values[j] = w.Arg(v)
		}
		marks[i] = "(" + strings.Join(values, ", ") + ")"
	}
	w.conditions = append(w.conditions, columns+" IN (VALUES "+strings.Join(marks, ", ")+")")
}

// repeated is the number of placeholders for n values, n > 0. Lists longer
// than any that comes often stay as they are.
func repeated(n int) int {
	if n > 1024 {
		return n
	}
	return 1 << bits.Len(uint(n-1))
}

// After adds the keyset condition of the page that follows the row with the
// values given, for ORDER BY the same columns, all ascending.
func (w *Where) After(columns []string, values ...any) { w.keyset(columns, ">", values) }

// Before is After for ORDER BY the columns all descending.
func (w *Where) Before(columns []string, values ...any) { w.keyset(columns, "<", values) }

func (w *Where) keyset(columns []string, op string, values []any) {
	if len(columns) != len(values) {
		panic(fmt.Sprintf("store: %d values for columns %v", len(values), columns))
	}
	marks := make([]string, len(values))
	for i, v := range values {
		marks[i] = w.Arg(v)
	}
	w.conditions = append(w.conditions, "("+strings.Join(columns, ", ")+") "+op+" ("+strings.Join(marks, ", ")+")")
}

// SQL is " WHERE …", or nothing without conditions.
func (w *Where) SQL() string {
	if len(w.conditions) == 0 {
		return ""
	}
	return " WHERE " + strings.Join(w.conditions, " AND ")
}

// Args are the values in the order of their placeholders.
func (w *Where) Args() []any { return w.args }
