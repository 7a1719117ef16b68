// Package criteriasql writes filter criteria as SQL conditions that mean what
// package suppress means by them. Every condition is true or false, never
// unknown, for every row. In text columns both NULL and the empty text mean
// that the attribute is absent, in other columns NULL does.
//
// Where an attribute has rows of its own, the parameter rows is a query of
// them, "SELECT 1 FROM … WHERE …", to which a condition is added by AND.
package criteriasql

import (
	"muster/internal/finding/criteria"
	"muster/internal/store"
)

// Strings adds the filters of one criterion over a text column.
func Strings(w *store.Where, name string, filters []criteria.String) {
	column(name, filters).addTo(w)
}

// Values adds the filters of one criterion over an attribute with any number
// of values.
func Values(w *store.Where, rows, name string, filters []criteria.String) {
	text(filters, func(f criteria.String) condition { return compare(name, f).within(rows) },
		func(f criteria.String) condition {
			c := compare(name, f).within(rows)
			return condition{"NOT " + c.sql, c.values}
		}).addTo(w)
}

// Dates adds the filters of one criterion over a column of microseconds.
func Dates(w *store.Where, name string, filters []criteria.Date) {
	spans(filters, micros, "", name).addTo(w)
}

// DateRows is Dates for microseconds that have rows of their own, in a column
// of numbers.
func DateRows(w *store.Where, rows, name string, filters []criteria.Date) {
	spans(filters, func(d criteria.Date) (lower, upper any) {
		lower, upper = micros(d)
		return float(lower), float(upper)
	}, rows, name).addTo(w)
}

// Numbers adds the filters of one criterion over a column of numbers.
func Numbers(w *store.Where, name string, filters []criteria.Number) {
	spans(filters, bounds, "", name).addTo(w)
}

// NumberRows is Numbers for numbers that have rows of their own.
func NumberRows(w *store.Where, rows, name string, filters []criteria.Number) {
	spans(filters, bounds, rows, name).addTo(w)
}

func bounds(n criteria.Number) (lower, upper any) {
	if n.Lower != nil {
		lower = *n.Lower
	}
	if n.Upper != nil {
		upper = *n.Upper
	}
	return lower, upper
}

func micros(d criteria.Date) (lower, upper any) {
	first, last := d.Micros()
	if first != nil {
		lower = *first
	}
	if last != nil {
		upper = *last
	}
	return lower, upper
}

// float makes whole microseconds comparable with a column of numbers; they
// are exact until the year 2255.
func float(v any) any {
	if n, ok := v.(int64); ok {
		return float64(n)
	}
	return nil
}

// Tags adds the filters over tags that have rows of their own.
func Tags(w *store.Where, rows, key, value string, filters []criteria.Tag) {
	var alternatives []condition
	for _, t := range filters {
		parts := []condition{compare(key, criteria.String{Value: t.Key})}
		if t.Value != nil {
			parts = append(parts, compare(value, criteria.String{Value: *t.Value}))
		}
		alternatives = append(alternatives, join(parts, "AND").within(rows))
	}
	join(alternatives, "OR").addTo(w)
}

// Ports adds filters for overlap with the range of ports in two columns.
func Ports(w *store.Where, begin, end string, filters []criteria.Ports) {
	var alternatives []condition
	for _, p := range filters {
		if p.Begin == nil && p.End == nil {
			return
		}
		alternatives = append(alternatives, span(end, port(p.Begin), begin, port(p.End)))
	}
	join(alternatives, "OR").addTo(w)
}

func port(p *int32) any {
	if p == nil {
		return nil
	}
	return int64(*p)
}

// Packages adds package filters: one package must meet all members given.
// name tells the column of a member, epoch is that of the epoch.
func Packages(w *store.Where, rows string, name func(criteria.Attribute) string, epoch string, filters []criteria.Package) {
	var alternatives []condition
	for _, p := range filters {
		if len(p.Strings) == 0 && p.Epoch == nil {
			return
		}
		parts := []condition{{"TRUE", nil}}
		for _, a := range criteria.PackageAttributes() {
			if f, ok := p.Strings[a]; ok {
				parts = append(parts, column(name(a), []criteria.String{f}))
			}
		}
		if p.Epoch != nil {
			parts = append(parts, spans([]criteria.Number{*p.Epoch}, bounds, "", epoch))
		}
		alternatives = append(alternatives, join(parts, "AND").within(rows))
	}
	join(alternatives, "OR").addTo(w)
}
