package main

import (
	"fmt"
	"slices"
	"strings"
)

// shapeLiteral is the inside of the composite literal of a shape. Patterns were
// checked when the package was made, so an error here is a programming error.
func (p *goPackage) shapeLiteral(name string) string {
	s := p.Shapes[name]
	var b strings.Builder
	fmt.Fprintf(&b, "Name: %q, Kind: awsmodel.%s", name, kind(s))
	switch {
	case s.Type == "list":
		fmt.Fprintf(&b, ", Elem: %d", p.index[s.Member.Shape])
	case s.Type == "map":
		fmt.Fprintf(&b, ", Key: %d, Elem: %d", p.index[s.Key.Shape], p.index[s.Value.Shape])
	}
	if s.Min != nil {
		fmt.Fprintf(&b, ", HasMin: true, Min: %s", number(*s.Min))
	}
	if s.Max != nil {
		fmt.Fprintf(&b, ", HasMax: true, Max: %s", number(*s.Max))
	}
	b.WriteString(patternLiteral(s))
	if s.Enum != nil {
		fmt.Fprintf(&b, ", Enum: %#v", s.Enum)
	}
	if s.Sensitive {
		b.WriteString(", Sensitive: true")
	}
	if s.Union {
		b.WriteString(", Union: true")
	}
	if len(s.Members.keys) > 0 && !s.Document {
		b.WriteString(", Members: []awsmodel.Member{\n")
		for _, m := range s.Members.keys {
			b.WriteString("{" + p.memberLiteral(s, m) + "},\n")
		}
		b.WriteString("}")
	}
	return b.String()
}

func patternLiteral(s shape) string {
	if s.Pattern == "" {
		return ""
	}
	match, not, err := convertPattern(s.Pattern)
	if err != nil {
		panic(err)
	}
	lit := fmt.Sprintf(", Pattern: %q, Match: %q", s.Pattern, match)
	if not != "" {
		lit += fmt.Sprintf(", NotMatch: %q", not)
	}
	return lit
}

func (p *goPackage) memberLiteral(s shape, name string) string {
	r := s.Members.values[name]
	lit := fmt.Sprintf("Name: %q, Shape: %d", name, p.index[r.Shape])
	if slices.Contains(s.Required, name) {
		lit += ", Required: true"
	}
	if r.IdempotencyToken {
		lit += ", IdempotencyToken: true"
	}
	if where := map[string]string{"uri": "InPath", "querystring": "InQuery", "header": "InHeader"}[r.Location]; where != "" {
		lit += fmt.Sprintf(", Location: awsmodel.%s, LocationName: %q", where, r.LocationName)
	}
	return lit
}

func kind(s shape) string {
	if s.Document {
		return "Document"
	}
	return exported(s.Type)
}
