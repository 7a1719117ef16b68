package version

import (
	"cmp"
	"strings"
)

// apkKind is a token of an apk version. A version that goes on with an earlier
// kind is the newer one: 1.2.3 > 1.2a > 1.2_p1 > 1.2-r1 > 1.2.
type apkKind int

const (
	apkFirst apkKind = iota
	apkDigits
	apkLetter
	apkSuffix
	apkSuffixNumber
	apkHash
	apkRevision
	apkEnd
	// apkInvalid ends the grammar. A version that has it is older than the
	// same one without; two of them are compared by the text from there on.
	apkInvalid
)

// apkToken is one token: its kind and its text without the introducing mark.
type apkToken struct {
	kind apkKind
	text string
}

// compareAPK orders two versions as apk-tools does:
// digits(.digits)*[letter](_suffix[digits])*[~hash][-rN].
func compareAPK(a, b string) int {
	if a == b {
		return 0
	}
	ta, a := nextAPK(apkToken{kind: -1}, a)
	tb, b := nextAPK(apkToken{kind: -1}, b)
	for ta.kind == tb.kind && ta.kind != apkEnd {
		if c := compareAPKToken(ta, tb); c != 0 || ta.kind == apkInvalid {
			return c
		}
		ta, a = nextAPK(ta, a)
		tb, b = nextAPK(tb, b)
	}
	switch {
	case ta.kind == tb.kind:
		return 0
	case ta.kind == apkSuffix && suffixRank(ta.text) < 0:
		return -1
	case tb.kind == apkSuffix && suffixRank(tb.text) < 0:
		return 1
	}
	return cmp.Compare(tb.kind, ta.kind)
}

// nextAPK reads the token that follows last in s.
func nextAPK(last apkToken, s string) (apkToken, string) {
	switch {
	case s == "":
		return apkToken{kind: apkEnd}, ""
	case last.kind < 0:
		return takeDigits(apkFirst, s, s)
	case last.kind <= apkDigits && s[0] == '.':
		return takeDigits(apkDigits, s[1:], s)
	case last.kind <= apkDigits && isLower(s[0]):
		return apkToken{apkLetter, s[:1]}, s[1:]
	case last.kind == apkSuffix && isDigit(s[0]):
		return takeDigits(apkSuffixNumber, s, s)
	case last.kind <= apkSuffixNumber && s[0] == '_':
		return takeSuffix(s)
	case last.kind < apkHash && s[0] == '~':
		return takeHash(s)
	case last.kind < apkRevision && strings.HasPrefix(s, "-r"):
		return takeRevision(s)
	}
	return invalidAPK(s)
}

// invalidAPK ends the reading of a version. What follows a misplaced hyphen
// does not count.
func invalidAPK(s string) (apkToken, string) {
	if s[0] == '-' {
		s = ""
	}
	return apkToken{apkInvalid, s}, ""
}

// takeRevision reads "-rN"; "-r" alone is revision 0.
func takeRevision(s string) (apkToken, string) {
	n := 2 + digitPrefix(s[2:])
	if n < len(s) && isLower(s[n]) {
		return invalidAPK(s)
	}
	return apkToken{apkRevision, s[2:n]}, s[n:]
}

// takeDigits reads a number from rest; whole is what is invalid without one.
func takeDigits(kind apkKind, rest, whole string) (apkToken, string) {
	n := digitPrefix(rest)
	if n == 0 {
		return invalidAPK(whole)
	}
	return apkToken{kind, rest[:n]}, rest[n:]
}

func takeSuffix(s string) (apkToken, string) {
	n := 1
	for n < len(s) && isLower(s[n]) {
		n++
	}
	if suffixRank(s[1:n]) == 0 {
		return invalidAPK(s)
	}
	return apkToken{apkSuffix, s[1:n]}, s[n:]
}

func takeHash(s string) (apkToken, string) {
	n := 1
	for n < len(s) && (isDigit(s[n]) || ('a' <= s[n] && s[n] <= 'f')) {
		n++
	}
	if n == 1 {
		return invalidAPK(s)
	}
	return apkToken{apkHash, s[1:n]}, s[n:]
}

// compareAPKToken orders two tokens of the same kind. A later component with a
// leading zero is a decimal fraction: 1.02 < 1.1.
func compareAPKToken(a, b apkToken) int {
	switch a.kind {
	case apkDigits:
		if a.text[0] == '0' || b.text[0] == '0' {
			return strings.Compare(a.text, b.text)
		}
		return compareNumbers(a.text, b.text)
	case apkFirst, apkSuffixNumber, apkRevision:
		return compareNumbers(a.text, b.text)
	case apkSuffix:
		return cmp.Compare(suffixRank(a.text), suffixRank(b.text))
	}
	return strings.Compare(a.text, b.text)
}

// suffixRank orders the suffixes around none: below zero means before the
// plain version, above after it, zero unknown.
func suffixRank(s string) int {
	switch s {
	case "alpha":
		return -4
	case "beta":
		return -3
	case "pre":
		return -2
	case "rc":
		return -1
	case "cvs":
		return 1
	case "svn":
		return 2
	case "git":
		return 3
	case "hg":
		return 4
	case "p":
		return 5
	}
	return 0
}
