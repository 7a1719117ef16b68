package results

import (
	"reflect"
	"strings"

	"muster/internal/awsmodel/inspector2"
	"muster/internal/finding/criteria"
	"muster/internal/inspector/desk"
)

// Filter criteria have 46 members in five forms, named alike on both sides but
// for the case of the first letter. Both directions therefore go by the form
// of the member.

// criteriaOf reads the criteria of a request, refusing values that an
// enumerated attribute never has.
func criteriaOf(in *inspector2.FilterCriteria) (criteria.Criteria, error) {
	c := criteria.Criteria{
		Strings: map[criteria.Attribute][]criteria.String{}, Dates: map[criteria.Attribute][]criteria.Date{},
		Numbers: map[criteria.Attribute][]criteria.Number{},
	}
	if in == nil {
		return c, nil
	}
	members := reflect.ValueOf(in).Elem()
	for i := range members.NumField() {
		name := attribute(members.Type().Field(i).Name)
		switch list := members.Field(i).Interface().(type) {
		case []inspector2.StringFilter:
			put(c.Strings, name, texts(list))
		case []inspector2.DateFilter:
			put(c.Dates, name, each(list, func(f inspector2.DateFilter) criteria.Date {
				return criteria.Date{Start: f.StartInclusive, End: f.EndInclusive}
			}))
		case []inspector2.NumberFilter:
			put(c.Numbers, name, each(list, numberOf))
		case []inspector2.MapFilter:
			c.Tags = each(list, func(f inspector2.MapFilter) criteria.Tag { return criteria.Tag{Key: f.Key, Value: f.Value} })
		case []inspector2.PortRangeFilter:
			c.Ports = each(list, func(f inspector2.PortRangeFilter) criteria.Ports {
				return criteria.Ports{Begin: f.BeginInclusive, End: f.EndInclusive}
			})
		case []inspector2.PackageFilter:
			c.Packages = each(list, packageOf)
		}
	}
	if name, err := c.Check(); err != nil {
		return c, desk.InvalidField("filterCriteria."+string(name), "Value at 'filterCriteria.%s': %v", name, err)
	}
	return c, nil
}

// attribute is a member's name on the wire.
func attribute(field string) criteria.Attribute {
	return criteria.Attribute(strings.ToLower(field[:1]) + field[1:])
}

func put[V any](m map[criteria.Attribute][]V, name criteria.Attribute, list []V) {
	if len(list) > 0 {
		m[name] = list
	}
}

func each[A, B any](list []A, turn func(A) B) []B {
	if list == nil {
		return nil
	}
	out := make([]B, len(list))
	for i, v := range list {
		out[i] = turn(v)
	}
	return out
}

func texts(list []inspector2.StringFilter) []criteria.String { return each(list, textOf) }

func textOf(f inspector2.StringFilter) criteria.String {
	return criteria.String{Comparison: criteria.Comparison(f.Comparison), Value: f.Value}
}

func numberOf(f inspector2.NumberFilter) criteria.Number {
	return criteria.Number{Lower: f.LowerInclusive, Upper: f.UpperInclusive}
}

func packageOf(f inspector2.PackageFilter) criteria.Package {
	p := criteria.Package{Strings: map[criteria.Attribute]criteria.String{}}
	members := reflect.ValueOf(f)
	for i := range members.NumField() {
		if s, ok := members.Field(i).Interface().(*inspector2.StringFilter); ok && s != nil {
			p.Strings[attribute(members.Type().Field(i).Name)] = textOf(*s)
		}
	}
	if f.Epoch != nil {
		p.Epoch = new(numberOf(*f.Epoch))
	}
	return p
}

// wireCriteria is the form that ListFilters gives criteria back in.
func wireCriteria(c *criteria.Criteria) *inspector2.FilterCriteria {
	out := &inspector2.FilterCriteria{}
	members := reflect.ValueOf(out).Elem()
	for i := range members.NumField() {
		name := attribute(members.Type().Field(i).Name)
		switch list := members.Field(i).Addr().Interface().(type) {
		case *[]inspector2.StringFilter:
			*list = each(c.Strings[name], wireText)
		case *[]inspector2.DateFilter:
			*list = each(c.Dates[name], func(d criteria.Date) inspector2.DateFilter {
				return inspector2.DateFilter{StartInclusive: d.Start, EndInclusive: d.End}
			})
		case *[]inspector2.NumberFilter:
			*list = each(c.Numbers[name], wireNumber)
		case *[]inspector2.MapFilter:
			*list = each(c.Tags, func(t criteria.Tag) inspector2.MapFilter {
				return inspector2.MapFilter{Comparison: inspector2.MapComparisonEquals, Key: t.Key, Value: t.Value}
			})
		case *[]inspector2.PortRangeFilter:
			*list = each(c.Ports, func(p criteria.Ports) inspector2.PortRangeFilter {
				return inspector2.PortRangeFilter{BeginInclusive: p.Begin, EndInclusive: p.End}
			})
		case *[]inspector2.PackageFilter:
			*list = each(c.Packages, wirePackage)
		}
	}
	return out
}

func wireText(f criteria.String) inspector2.StringFilter {
	return inspector2.StringFilter{Comparison: inspector2.StringComparison(f.Comparison), Value: f.Value}
}

func wireNumber(n criteria.Number) inspector2.NumberFilter {
	return inspector2.NumberFilter{LowerInclusive: n.Lower, UpperInclusive: n.Upper}
}

func wirePackage(p criteria.Package) inspector2.PackageFilter {
	out := inspector2.PackageFilter{}
	members := reflect.ValueOf(&out).Elem()
	for i := range members.NumField() {
		if s, ok := members.Field(i).Addr().Interface().(**inspector2.StringFilter); ok {
			if f, given := p.Strings[attribute(members.Type().Field(i).Name)]; given {
				*s = new(wireText(f))
			}
		}
	}
	if p.Epoch != nil {
		out.Epoch = new(wireNumber(*p.Epoch))
	}
	return out
}
