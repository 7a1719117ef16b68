package sbom

import (
	"errors"
	"maps"
	"net/url"
	"slices"
	"strings"
)

// maxPURL bounds a package URL in bytes.
const maxPURL = 8 << 10

// errPURL says that a text is no package URL.
var errPURL = errors.New("not a package URL")

// purl is a package URL taken apart: pkg:type/namespace/name@version?qualifiers.
// The sub-path is dropped: it says nothing about what is installed.
type purl struct {
	kind, namespace, name, version string
	qualifiers                     map[string]string
}

// parsePURL is lenient where producers are careless: an unescaped "@" in a
// namespace, escapes that are none, a leading "//".
func parsePURL(text string) (purl, error) {
	rest, ok := strings.CutPrefix(text, "pkg:")
	if !ok || len(text) > maxPURL {
		return purl{}, errPURL
	}
	rest, _, _ = strings.Cut(strings.TrimLeft(rest, "/"), "#")
	rest, query, _ := strings.Cut(rest, "?")
	kind, rest, ok := strings.Cut(rest, "/")
	if !ok || kind == "" {
		return purl{}, errPURL
	}
	p := purl{kind: strings.ToLower(kind), qualifiers: map[string]string{}}
	if i := strings.LastIndexByte(rest, '@'); i > 0 && !strings.Contains(rest[i:], "/") {
		rest, p.version = rest[:i], unescape(rest[i+1:])
	}
	parts := strings.Split(strings.Trim(rest, "/"), "/")
	for i := range parts {
		parts[i] = unescape(parts[i])
	}
	p.namespace, p.name = strings.Join(parts[:len(parts)-1], "/"), parts[len(parts)-1]
	for pair := range strings.SplitSeq(query, "&") {
		if key, value, ok := strings.Cut(pair, "="); ok && len(p.qualifiers) < 64 {
			p.qualifiers[strings.ToLower(key)] = unescape(value)
		}
	}
	if p.name == "" {
		return purl{}, errPURL
	}
	return p, nil
}

// unescape leaves a text as it is when its escapes are none.
func unescape(s string) string {
	if !strings.Contains(s, "%") {
		return s
	}
	if plain, err := url.PathUnescape(s); err == nil {
		return plain
	}
	return s
}

// String writes the canonical form: parts escaped, qualifiers sorted, empty
// ones left out.
func (p purl) String() string {
	var b strings.Builder
	b.WriteString("pkg:" + p.kind + "/")
	if p.namespace != "" {
		for part := range strings.SplitSeq(p.namespace, "/") {
			b.WriteString(escape(part) + "/")
		}
	}
	b.WriteString(escape(p.name))
	if p.version != "" {
		b.WriteString("@" + escape(p.version))
	}
	separator := "?"
	for _, key := range slices.Sorted(maps.Keys(p.qualifiers)) {
		if p.qualifiers[key] != "" {
			b.WriteString(separator + key + "=" + escape(p.qualifiers[key]))
			separator = "&"
		}
	}
	return b.String()
}

// escape keeps what the specification of package URLs leaves unescaped.
func escape(s string) string {
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte(".-_~:", c) >= 0 {
			b.WriteByte(c)
			continue
		}
		b.Write([]byte{'%', hex[c>>4], hex[c&15]})
	}
	return b.String()
}
