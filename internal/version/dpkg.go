package version

import (
	"cmp"
	"strings"
)

// checkDpkg refuses what dpkg itself refuses to compare: an epoch that is no
// number of at most nine digits, an empty version, blanks. Other oddities
// (no leading digit, foreign characters) dpkg orders, and so do we.
func checkDpkg(s string) error {
	epoch, rest, ok := strings.Cut(s, ":")
	if !ok {
		rest = s
	} else if epoch == "" || len(epoch) > 9 || !digitsOnly(epoch) {
		return ErrInvalid
	}
	if rest == "" || strings.ContainsAny(rest, " \t\r\n") {
		return ErrInvalid
	}
	return nil
}

// compareDpkg orders two Debian versions as dpkg does: epoch, then upstream
// version, then revision (Debian policy 5.6.12).
func compareDpkg(a, b string) int {
	if a == b {
		return 0
	}
	ea, a := splitEpoch(a)
	eb, b := splitEpoch(b)
	if c := compareNumbers(ea, eb); c != 0 {
		return c
	}
	va, ra := splitRevision(a)
	vb, rb := splitRevision(b)
	if c := compareDpkgPart(va, vb); c != 0 {
		return c
	}
	return compareDpkgPart(ra, rb)
}

// splitEpoch cuts "2:1.0-1" into "2" and "1.0-1"; without an epoch it is "0".
func splitEpoch(s string) (epoch, rest string) {
	if i := strings.IndexByte(s, ':'); i >= 0 {
		return s[:i], s[i+1:]
	}
	return "0", s
}

// splitRevision cuts at the last hyphen; a missing revision is empty, which
// orders as "0".
func splitRevision(s string) (upstream, revision string) {
	if i := strings.LastIndexByte(s, '-'); i >= 0 {
		return s[:i], s[i+1:]
	}
	return s, ""
}

// compareDpkgPart alternates between the longest prefix without digits,
// compared by dpkgOrder, and the longest prefix of digits, compared as a
// number of any length.
func compareDpkgPart(a, b string) int {
	for a != "" || b != "" {
		for (a != "" && !isDigit(a[0])) || (b != "" && !isDigit(b[0])) {
			if c := cmp.Compare(dpkgOrder(a), dpkgOrder(b)); c != 0 {
				return c
			}
			a, b = tail(a), tail(b)
		}
		na, nb := digitPrefix(a), digitPrefix(b)
		if c := compareNumbers(a[:na], b[:nb]); c != 0 {
			return c
		}
		a, b = a[na:], b[nb:]
	}
	return 0
}

// dpkgOrder is the weight of the first character: tilde before the end of the
// part (and before a digit, which ends the prefix), then letters, then the rest.
func dpkgOrder(s string) int {
	switch {
	case s == "" || isDigit(s[0]):
		return 0
	case s[0] == '~':
		return -1
	case isLetter(s[0]):
		return int(s[0])
	}
	return int(s[0]) + 256
}
