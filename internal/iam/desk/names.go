package desk

import (
	"strings"

	"muster/internal/arn"
)

// PathAndName splits a policy's ARN.
func PathAndName(a arn.ARN) (path, name string) {
	_, rest, _ := strings.Cut(string(a), ":policy/")
	slash := strings.LastIndexByte(rest, '/')
	return "/" + rest[:slash+1], rest[slash+1:]
}

// UnderPath reports whether a path begins with a prefix; no prefix means all.
func UnderPath(path string, prefix *string) bool {
	return prefix == nil || strings.HasPrefix(path, *prefix)
}
