package advisory

import "strings"

// BaseEcosystem is the ecosystem without its suffix: "Debian" of "Debian:12".
// OSV's files and comparators go by it.
func BaseEcosystem(ecosystem string) string {
	base, _, _ := strings.Cut(ecosystem, ":")
	return base
}

// Upstream is the ecosystem of programs that no package manager installed:
// Bitnami's records are about the versions of what is upstream.
const Upstream = "Bitnami:upstream"

// Key is what records are looked up by: an ecosystem, with the release where
// the ecosystem has releases, and a package name, both in normal form.
type Key struct{ Ecosystem, Name string }

// NewKey normalises the ecosystem and the name of a package. Language
// ecosystems lose their suffix (a repository's address): names are unique
// across an ecosystem's repositories.
func NewKey(ecosystem, name string) Key {
	base := BaseEcosystem(ecosystem)
	switch base {
	case "PyPI":
		return Key{base, normalisePyPI(name)}
	case "NuGet", "Packagist", "GitHub Actions", "SwiftURL", "Windows":
		return Key{base, strings.ToLower(name)}
	case "Maven", "npm", "Go", "crates.io", "RubyGems", "Hex", "Pub", "CRAN", "Bioconductor", "Hackage",
		"GHC", "Bitnami", "ConanCenter", "Julia", "VSCode":
		return Key{base, name}
	}
	return Key{ecosystem, name}
}

// normalisePyPI lower-cases and joins runs of "-", "_" and "." by one hyphen.
func normalisePyPI(name string) string {
	if !strings.ContainsAny(name, "-_.ABCDEFGHIJKLMNOPQRSTUVWXYZ") {
		return name
	}
	parts := strings.FieldsFunc(strings.ToLower(name), func(r rune) bool { return r == '-' || r == '_' || r == '.' })
	return strings.Join(parts, "-")
}
