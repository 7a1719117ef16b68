package version

import (
	"cmp"
	"strings"
)

// trimSemVer drops what people write before a semantic version.
func trimSemVer(s string) string { return strings.TrimLeft(s, "vV= ") }

// checkSemVer refuses what does not begin with a number: branches, hashes,
// addresses. Missing minor and patch numbers are zero, further numbers count.
func checkSemVer(s string) error {
	if s == "" || !isDigit(s[0]) {
		return ErrInvalid
	}
	return nil
}

// checkStrictSemVer asks for one to three numbers and well-formed pre-release
// and build parts, as tags of ecosystems without an order must have.
func checkStrictSemVer(s string) error {
	if err := checkSemVer(s); err != nil {
		return err
	}
	numbers, pre := splitSemVer(s)
	if strings.Count(numbers, ".") > 2 || (pre != "" && pre[0] != '-') {
		return ErrInvalid
	}
	return nil
}

// compareSemVer orders by SemVer 2.0.0, numbers of any size, build ignored.
func compareSemVer(a, b string) int {
	na, pa := splitSemVer(a)
	nb, pb := splitSemVer(b)
	if c := comparePlain(na, nb); c != 0 {
		return c
	}
	switch {
	case pa == pb:
		return 0
	case pa == "":
		return 1
	case pb == "":
		return -1
	}
	return comparePreRelease(strings.TrimPrefix(pa, "-"), strings.TrimPrefix(pb, "-"))
}

// splitSemVer cuts "1.2.3-rc.1+b" into "1.2.3" and "-rc.1".
func splitSemVer(s string) (numbers, pre string) {
	s, _, _ = strings.Cut(s, "+")
	i := 0
	for i < len(s) && (isDigit(s[i]) || (s[i] == '.' && i+1 < len(s) && isDigit(s[i+1]))) {
		i++
	}
	return s[:i], strings.TrimPrefix(s[i:], ".")
}

// comparePreRelease orders dot-separated identifiers: numbers by value and
// below words, words by bytes, the shorter list first.
func comparePreRelease(a, b string) int {
	for a != "" && b != "" {
		var x, y string
		x, a, _ = strings.Cut(a, ".")
		y, b, _ = strings.Cut(b, ".")
		if c := compareIdentifier(x, y); c != 0 {
			return c
		}
	}
	return cmp.Compare(len(a), len(b))
}

func compareIdentifier(x, y string) int {
	dx, dy := x != "" && digitsOnly(x), y != "" && digitsOnly(y)
	switch {
	case dx && dy:
		return compareNumbers(x, y)
	case dx:
		return -1
	case dy:
		return 1
	}
	return strings.Compare(x, y)
}

// isPlain reports whether s is only numbers and dots, and no more of them than
// the scheme gives meaning to: then all the remaining schemes agree with
// comparePlain.
func isPlain(scheme Scheme, s string) bool {
	dots, last := 0, byte('.')
	for i := range len(s) {
		if s[i] == '.' {
			dots++
		} else if !isDigit(s[i]) {
			return false
		}
		if s[i] == '.' && last == '.' {
			return false
		}
		last = s[i]
	}
	if last == '.' {
		return false
	}
	switch scheme {
	case PEP440, Maven, RubyGems:
		return true
	case NuGet:
		return dots < 4
	case Pub:
		return dots < 3
	}
	return false
}

// comparePlain orders dotted numbers; missing ones are zero.
func comparePlain(a, b string) int {
	for a != "" || b != "" {
		var x, y string
		x, a, _ = strings.Cut(a, ".")
		y, b, _ = strings.Cut(b, ".")
		if c := compareNumbers(x, y); c != 0 {
			return c
		}
	}
	return 0
}
