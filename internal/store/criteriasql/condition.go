package criteriasql

import (
	"strings"
	"unicode/utf8"

	"muster/internal/finding/criteria"
	"muster/internal/store"
)

// condition is a piece of SQL, with a mark "?" for each of its values. An
// empty one says nothing.
type condition struct {
	sql    string
	values []any
}

// join combines conditions by a word, in brackets, without the empty ones.
func join(parts []condition, word string) condition {
	var c condition
	for _, p := range parts {
		if p.sql == "" {
			continue
		}
		if c.sql != "" {
			c.sql += " " + word + " "
		}
		c.sql += p.sql
		c.values = append(c.values, p.values...)
	}
	if c.sql != "" {
		c.sql = "(" + c.sql + ")"
	}
	return c
}

// within makes "EXISTS (rows AND condition)" of a query of rows.
func (c condition) within(rows string) condition {
	if rows == "" {
		return c
	}
	return condition{"EXISTS (" + rows + " AND " + c.sql + ")", c.values}
}

func (c condition) addTo(w *store.Where) {
	if c.sql != "" {
		w.Add(c.sql, c.values...)
	}
}

// text combines EQUALS and PREFIX by "or" and the negated rest by "and".
func text(filters []criteria.String, is, not func(criteria.String) condition) condition {
	var wanted, all []condition
	for _, f := range filters {
		if f.Comparison == criteria.NotEquals {
			all = append(all, not(f))
		} else {
			wanted = append(wanted, is(f))
		}
	}
	return join(append(all, join(wanted, "OR")), "AND")
}

// column is the filters of one criterion over a text column.
func column(name string, filters []criteria.String) condition {
	return text(filters, func(f criteria.String) condition { return compare(name, f) },
		func(f criteria.String) condition {
			c := compare(name, f)
			return condition{"(" + name + " IS NULL OR NOT " + c.sql + ")", c.values}
		})
}

// compare is the comparison that a filter names, whichever way it counts. A
// text with a NUL is in no database, and PostgreSQL refuses to be asked.
func compare(column string, f criteria.String) condition {
	switch {
	case strings.ContainsRune(f.Value, 0):
		return condition{"FALSE", nil}
	case f.Comparison == criteria.Prefix:
		return condition{"substr(" + column + ", 1, ?) = ?", []any{utf8.RuneCountInString(f.Value), f.Value}}
	}
	return condition{column + " = ?", []any{f.Value}}
}

// spans combines ranges by "or". A range without bounds holds for everything.
func spans[T any](filters []T, bounds func(T) (lower, upper any), rows, column string) condition {
	var alternatives []condition
	for _, f := range filters {
		lower, upper := bounds(f)
		if lower == nil && upper == nil {
			return condition{}
		}
		alternatives = append(alternatives, span(column, lower, column, upper).within(rows))
	}
	return join(alternatives, "OR")
}

// span asks that high is at least lower and low at most upper; for one column
// both are the same.
func span(high string, lower any, low string, upper any) condition {
	parts := []condition{{high + " IS NOT NULL", nil}}
	if lower != nil {
		parts = append(parts, condition{high + " >= ?", []any{lower}})
	}
	if upper != nil {
		parts = append(parts, condition{low + " <= ?", []any{upper}})
	}
	return join(parts, "AND")
}
