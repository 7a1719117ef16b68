package main

import (
	"strings"
	"unicode"
)

// exported upper-cases the first letter: the Go name of a shape or member.
func exported(name string) string {
	if name == "" {
		return ""
	}
	return strings.ToUpper(name[:1]) + name[1:]
}

// camel is an enum value as the end of a constant's name: parts of letters and
// digits, each capitalised; a part all in capitals is lowered first, so that
// DISABLE_IN_PROGRESS becomes DisableInProgress and quotaName QuotaName.
func camel(value string) string {
	var b strings.Builder
	for _, part := range strings.FieldsFunc(value, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
		if part == strings.ToUpper(part) {
			part = strings.ToLower(part)
		}
		b.WriteString(exported(part))
	}
	return b.String()
}
