package version

import "strings"

// compareRPM orders two [epoch:]version[-release] strings as rpm does. A
// missing epoch is zero (a defined choice of the feeds specification 6); a
// missing release orders before any release.
func compareRPM(a, b string) int {
	if a == b {
		return 0
	}
	ea, a := splitEpochRPM(a)
	eb, b := splitEpochRPM(b)
	if c := compareRPMPart(ea, eb); c != 0 {
		return c
	}
	va, ra, hasA := strings.Cut(a, "-")
	vb, rb, hasB := strings.Cut(b, "-")
	if c := compareRPMPart(va, vb); c != 0 {
		return c
	}
	switch {
	case hasA && !hasB:
		return 1
	case hasB && !hasA:
		return -1
	}
	return compareRPMPart(ra, rb)
}

func splitEpochRPM(s string) (epoch, rest string) {
	epoch, rest = splitEpoch(s)
	if epoch == "" {
		epoch = "0"
	}
	return epoch, rest
}

// compareRPMPart is rpmvercmp: segments of digits or letters, separated by
// anything else; tilde sorts before the end, caret after the end but before
// any segment.
func compareRPMPart(a, b string) int {
	for a != "" || b != "" {
		a, b = trimSeparators(a), trimSeparators(b)
		if c, marked := compareMark(a, b, '~', -1); marked {
			if c != 0 {
				return c
			}
			a, b = a[1:], b[1:]
			continue
		}
		if c, marked := compareCaret(a, b); marked {
			if c != 0 {
				return c
			}
			a, b = a[1:], b[1:]
			continue
		}
		if a == "" || b == "" {
			break
		}
		na, nb := segment(a, isDigit(a[0])), segment(b, isDigit(a[0]))
		if c := compareSegment(a[:na], b[:nb]); c != 0 {
			return c
		}
		a, b = a[na:], b[nb:]
	}
	switch {
	case a == "" && b == "":
		return 0
	case a == "":
		return -1
	}
	return 1
}

// trimSeparators drops what separates segments.
func trimSeparators(s string) string {
	for s != "" && !isDigit(s[0]) && !isLetter(s[0]) && s[0] != '~' && s[0] != '^' {
		s = s[1:]
	}
	return s
}

// compareMark handles a leading mark that makes its side lose (sign -1).
func compareMark(a, b string, mark byte, sign int) (c int, marked bool) {
	ma, mb := a != "" && a[0] == mark, b != "" && b[0] == mark
	switch {
	case ma && mb:
		return 0, true
	case ma:
		return sign, true
	case mb:
		return -sign, true
	}
	return 0, false
}

// compareCaret handles a leading caret: it wins over the end and loses to
// everything else.
func compareCaret(a, b string) (c int, marked bool) {
	sign := -1
	if a == "" || b == "" {
		sign = 1
	}
	return compareMark(a, b, '^', sign)
}

// segment is the length of the leading run of digits or of letters.
func segment(s string, digits bool) int {
	n := 0
	for n < len(s) && ((digits && isDigit(s[n])) || (!digits && isLetter(s[n]))) {
		n++
	}
	return n
}

// compareSegment orders two segments of the kind of a; b is empty when it is
// of the other kind. Numbers are newer than letters.
func compareSegment(a, b string) int {
	digits := isDigit(a[0])
	switch {
	case b == "" && digits:
		return 1
	case b == "":
		return -1
	case digits:
		return compareNumbers(a, b)
	}
	return strings.Compare(a, b)
}
