package version

import (
	"cmp"
	"strings"
)

func isDigit(c byte) bool  { return '0' <= c && c <= '9' }
func isLower(c byte) bool  { return 'a' <= c && c <= 'z' }
func isLetter(c byte) bool { return isLower(c) || ('A' <= c && c <= 'Z') }

// tail is s without its first byte.
func tail(s string) string {
	if s == "" {
		return ""
	}
	return s[1:]
}

// digitPrefix is the length of the digits at the start of s.
func digitPrefix(s string) int {
	n := 0
	for n < len(s) && isDigit(s[n]) {
		n++
	}
	return n
}

func digitsOnly(s string) bool { return digitPrefix(s) == len(s) }

// compareNumbers orders two strings of digits of any length by value; the
// empty string is zero.
func compareNumbers(a, b string) int {
	a, b = strings.TrimLeft(a, "0"), strings.TrimLeft(b, "0")
	if c := cmp.Compare(len(a), len(b)); c != 0 {
		return c
	}
	return strings.Compare(a, b)
}
