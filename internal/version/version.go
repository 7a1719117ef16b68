// Package version orders version strings, each ecosystem by its own rules
// (feeds specification 6). The orders of dpkg, rpm and apk and the common
// forms of the others are implemented here, without allocation; the rest is
// osv-scalibr's semantic package. Every order is total on what it accepts.
package version

import (
	"cmp"
	"errors"
	"fmt"
	"strings"

	"github.com/google/osv-scalibr/semantic"
)

// Scheme names an order of version strings.
type Scheme string

// The schemes. A Scheme's text is what evidence shows as the comparator.
const (
	Dpkg      Scheme = "dpkg"
	RPM       Scheme = "rpm"
	APK       Scheme = "apk"
	SemVer    Scheme = "semver"
	Go        Scheme = "go"
	PEP440    Scheme = "pep440"
	Maven     Scheme = "maven"
	RubyGems  Scheme = "rubygems"
	NuGet     Scheme = "nuget"
	Packagist Scheme = "packagist"
	Pub       Scheme = "pub"
	CRAN      Scheme = "cran"
	Hackage   Scheme = "hackage"
	// Approximate is SemVer for ecosystems that declare no order: it holds
	// only where both strings parse as SemVer.
	Approximate Scheme = "semver (approximate)"
)

// ErrNoOrder says that the ecosystem is unknown or has no order of versions.
var ErrNoOrder = errors.New("versions of this ecosystem have no order")

// ErrInvalid says that a string is not a version of its ecosystem.
var ErrInvalid = errors.New("not a version")

// maxLength bounds a version string; longer ones are refused as invalid. The
// longest real ones (Debian, with many suffixes) stay under 100 bytes.
const maxLength = 256

// SchemeOf returns the order of an OSV ecosystem, whose ":release" suffix
// does not matter; false when the ecosystem is unknown.
func SchemeOf(ecosystem string) (Scheme, bool) {
	base, _, _ := strings.Cut(ecosystem, ":")
	switch base {
	case "Debian", "Ubuntu", "Echo", "opam":
		return Dpkg, true
	case "AlmaLinux", "Azure Linux", "Mageia", "openEuler", "openSUSE", "Red Hat", "Rocky Linux", "SUSE",
		"Amazon Linux", "Bottlerocket", "Oracle Linux", "Photon OS": // OSV's, then those of publishers' own feeds
		return RPM, true
	case "Alpine", "Alpaquita", "BellSoft Hardened Containers", "Chainguard", "CleanStart", "MinimOS", "Wolfi":
		return APK, true
	}
	return languageScheme(base)
}

func languageScheme(base string) (Scheme, bool) {
	switch base {
	case "npm", "crates.io", "Hex", "Julia", "SwiftURL", "Bitnami", "Docker Hardened Images", "GHC", "Bioconductor":
		return SemVer, true
	case "Go":
		return Go, true
	case "PyPI":
		return PEP440, true
	case "Maven":
		return Maven, true
	case "RubyGems":
		return RubyGems, true
	case "NuGet", "Windows": // builds are up to four numbers, as NuGet's versions are
		return NuGet, true
	case "Packagist":
		return Packagist, true
	case "Pub":
		return Pub, true
	case "CRAN":
		return CRAN, true
	case "Hackage":
		return Hackage, true
	case "GitHub Actions", "ConanCenter", "Kubernetes", "VSCode", "Photon OS", "Android":
		return Approximate, true
	}
	return "", false
}

// Version is a parsed version string. The zero value is not a version.
type Version struct {
	scheme Scheme
	// text is the normalised string; raw the string as it was given.
	text, raw string
	// parsed is filled on first use of the general path.
	parsed semantic.Version
}

// Scheme returns the order that v belongs to.
func (v Version) Scheme() Scheme { return v.scheme }

// String returns the version as it was given to Parse.
func (v Version) String() string { return v.raw }

// Parse reads a version of an OSV ecosystem. The error wraps ErrNoOrder or
// ErrInvalid.
func Parse(ecosystem, s string) (Version, error) {
	scheme, ok := SchemeOf(ecosystem)
	if !ok {
		return Version{}, fmt.Errorf("%q: %w", ecosystem, ErrNoOrder)
	}
	return scheme.Parse(s)
}

// Parse reads a version in this order. The error wraps ErrInvalid.
func (s Scheme) Parse(text string) (Version, error) {
	if text == "" || len(text) > maxLength {
		return Version{}, fmt.Errorf("%s version of %d bytes: %w", s, len(text), ErrInvalid)
	}
	v := Version{scheme: s, text: text, raw: text}
	if err := v.normalise(); err != nil {
		return Version{}, fmt.Errorf("%s version %q: %w", s, text, err)
	}
	return v, nil
}

// normalise rewrites the text into the form that the order compares, refuses
// what it cannot order, and parses where the order has no path of its own.
func (v *Version) normalise() error {
	switch v.scheme {
	case Dpkg:
		return checkDpkg(v.text)
	case RPM, APK:
		return nil
	case SemVer:
		v.text = trimSemVer(v.text)
		return checkSemVer(v.text)
	case Go:
		return v.normaliseGo()
	case Approximate:
		v.text = trimSemVer(v.text)
		return checkStrictSemVer(v.text)
	case RubyGems:
		v.text = trimGemPlatform(v.text)
	case Packagist:
		if strings.HasPrefix(v.text, "dev-") || strings.Contains(v.text, "#") {
			return ErrInvalid
		}
	}
	if isPlain(v.scheme, v.text) {
		return nil
	}
	return v.parse()
}

// parse prepares the general path.
func (v *Version) parse() error {
	p, err := semantic.Parse(v.text, scalibrName(v.scheme))
	if err != nil {
		return errors.Join(ErrInvalid, err)
	}
	v.parsed = p
	return nil
}

// scalibrName is the ecosystem whose order osv-scalibr gives the scheme.
func scalibrName(s Scheme) string {
	switch s {
	case PEP440:
		return "PyPI"
	case Maven:
		return "Maven"
	case RubyGems:
		return "RubyGems"
	case NuGet:
		return "NuGet"
	case Packagist:
		return "Packagist"
	case Pub:
		return "Pub"
	case CRAN:
		return "CRAN"
	}
	return "Hackage"
}

// Compare orders v and o, which must be of the same scheme: -1, 0 or 1.
func (v Version) Compare(o Version) int {
	switch v.scheme {
	case Dpkg:
		return compareDpkg(v.text, o.text)
	case RPM:
		return compareRPM(v.text, o.text)
	case APK:
		return compareAPK(v.text, o.text)
	case SemVer, Go, Approximate:
		return compareSemVer(v.text, o.text)
	}
	if v.parsed == nil && o.parsed == nil {
		return comparePlain(v.text, o.text)
	}
	return v.compareParsed(o)
}

func (v Version) compareParsed(o Version) int {
	if v.parsed == nil && v.parse() != nil {
		return strings.Compare(v.text, o.text)
	}
	c, err := v.parsed.CompareStr(o.text)
	if err != nil {
		return strings.Compare(v.text, o.text)
	}
	return cmp.Compare(c, 0)
}

// CompareBound orders v and the bound of an advisory's range. It differs from
// Compare for rpm only: a bound without a release is compared by epoch and
// version alone (feeds specification 6).
func (v Version) CompareBound(bound Version) int {
	if v.scheme == RPM && !strings.Contains(bound.text, "-") {
		v.text, _, _ = strings.Cut(v.text, "-")
	}
	return v.Compare(bound)
}

// Compare orders two versions of an OSV ecosystem: -1, 0 or 1. The error wraps
// ErrNoOrder or ErrInvalid.
func Compare(ecosystem, a, b string) (int, error) {
	va, err := Parse(ecosystem, a)
	if err != nil {
		return 0, err
	}
	vb, err := Parse(ecosystem, b)
	if err != nil {
		return 0, err
	}
	return va.Compare(vb), nil
}
