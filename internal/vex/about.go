package vex

import (
	"cmp"
	"slices"
	"strings"

	"muster/internal/inventory"
	"muster/internal/sbom"
	"muster/internal/version"
)

// about reports whether the statement speaks of a package of a target.
func (st *Statement) about(t *Target, it inventory.Item, url string, s *Set) bool {
	return slices.ContainsFunc(st.products, func(p product) bool {
		switch {
		case len(p.parts) == 0 && p.isPackage(t, it, url):
			return true
		case !p.isTarget(t):
			return false
		case len(p.parts) > 0 && !slices.ContainsFunc(p.parts, func(part identity) bool { return part.isPackage(t, it, url) }):
			return false
		}
		if _, known := onPlatform(p.platform, t.System); !known && !t.named() {
			if len(p.parts) == 0 && !p.own {
				return false
			}
			s.assumed[p.String()] = true
		}
		return true
	})
}

// String names the product.
func (i identity) String() string {
	return cmp.Or(i.PURL, strings.Trim(i.Name+" "+i.Version, " "), i.Ref, i.Document)
}

// isPackage reports whether the identity is of the package.
func (i identity) isPackage(t *Target, it inventory.Item, url string) bool {
	switch {
	case i.PURL != "" && sbom.Covers(i.PURL, url):
	case i.Ref != "" && t.Subject.Document != "" && sameDocument(i.Document, t.Subject.Document) && slices.Contains(t.Refs[it], i.Ref):
	default:
		return false
	}
	return i.versions == nil || slices.ContainsFunc(i.versions, func(v versions) bool { return v.contain(it.Ecosystem, it.Version) })
}

// isTarget reports whether the identity is of the whole target. Of a target
// without a name it is not known, so it may be.
func (i identity) isTarget(t *Target) bool {
	o := t.Subject
	if is, known := onPlatform(i.platform, t.System); known {
		return is
	}
	switch {
	case !t.named():
		return true
	case i.PURL != "" && o.PURL != "":
		return sbom.Covers(i.PURL, o.PURL)
	case i.Ref != "" && i.Ref == o.Ref && sameDocument(i.Document, o.Document):
		return true
	case i.Name != "":
		return strings.EqualFold(i.Name, o.Name) && (i.Version == "" || o.Version == "" || i.Version == o.Version)
	}
	return i.Ref != "" && (i.Ref == o.Name || i.Ref == o.PURL)
}

// sameDocument compares CycloneDX's serial numbers as they stand in documents
// ("urn:uuid:…") and in links to them ("urn:cdx:…/1").
func sameDocument(a, b string) bool {
	bare := func(s string) string {
		s = strings.TrimPrefix(strings.TrimPrefix(strings.ToLower(s), "urn:uuid:"), "urn:cdx:")
		s, _, _ = strings.Cut(s, "/")
		return s
	}
	return a != "" && b != "" && (a == b || bare(a) == bare(b))
}

// versions is one version, or a range in the form "vers:npm/>=1.0|<2.0".
type versions struct{ one, span string }

// contain reports whether a version is meant. What cannot be ordered is not.
func (v versions) contain(ecosystem, text string) bool {
	if v.one != "" {
		return v.one == text || strings.TrimPrefix(v.one, "v") == strings.TrimPrefix(text, "v")
	}
	_, span, ok := strings.Cut(strings.TrimPrefix(v.span, "vers:"), "/")
	if !ok {
		return false
	}
	bounds := strings.Split(span, "|")
	if len(bounds) > 1000 {
		return false
	}
	return spans(ecosystem, text, bounds)
}

// spans goes through the bounds in their order: one from below and the next
// from above make an interval, either alone a half-open one.
func spans(ecosystem, text string, bounds []string) bool {
	inside, open := false, false
	for _, b := range bounds {
		b = strings.TrimSpace(b)
		if b == "*" {
			return true
		}
		bound := strings.TrimLeft(b, "<>=!")
		operator := b[:len(b)-len(bound)]
		order, err := version.Compare(ecosystem, text, strings.TrimSpace(bound))
		if err != nil {
			return false
		}
		switch operator {
		case "", "=":
			if order == 0 {
				return true
			}
		case "!=":
			if order == 0 {
				return false
			}
		case ">", ">=":
			inside, open = order > 0 || (operator == ">=" && order == 0), true
		case "<", "<=":
			below := order < 0 || (operator == "<=" && order == 0)
			if below && (inside || !open) {
				return true
			}
			inside, open = false, true
		}
	}
	return inside
}
