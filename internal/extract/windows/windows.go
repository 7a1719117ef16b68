// Package windows reads what a Windows machine says of itself: the release and
// build from its registry and the updates that are installed. Nothing here
// runs on Windows; the evidence is a small JSON document that a line of
// PowerShell writes (docs/operating.md).
package windows

import (
	"cmp"
	"regexp"
	"slices"
	"strings"
)

// Ecosystem is where Microsoft's updates lie. Names are Microsoft's names of
// products, versions are builds.
const Ecosystem = "Windows"

// ProductName brings the name of a product into one form: Microsoft writes
// "Windows Server 2019  (Server Core installation)" with one blank or two.
func ProductName(name string) string { return strings.Join(strings.Fields(name), " ") }

// IsSystem reports whether a product is Windows itself and not something that
// runs on it.
func IsSystem(name string) bool { return strings.HasPrefix(name, "Windows ") }

var (
	number = regexp.MustCompile(`^(?i:KB)?([0-9]{6,8})$`)
	build  = regexp.MustCompile(`^[0-9]{1,9}(\.[0-9]{1,9}){1,3}$`)
)

// KB is the name of an update, "KB5034127", by its name or number; false for
// what is none ("Release Notes").
func KB(text string) (string, bool) {
	m := number.FindStringSubmatch(strings.TrimSpace(text))
	if m == nil {
		return "", false
	}
	return "KB" + m[1], true
}

// IsBuild reports whether the text is a build: two to four numbers.
func IsBuild(s string) bool { return build.MatchString(s) }

// Release is the part of a build that all builds of a release share:
// "10.0.17763" of "10.0.17763.5329".
func Release(b string) string {
	parts := strings.SplitN(b, ".", 4)
	return strings.Join(parts[:min(3, len(parts))], ".")
}

// maxUpdates bounds the text of updates, in bytes, as an inventory's module
// does. The newest are kept: they supersede what falls away.
const maxUpdates = 256

// JoinUpdates writes updates in one text, separated by blanks, the newest
// (those of the highest numbers) first.
func JoinUpdates(list []string) string {
	list = slices.Clone(list)
	slices.SortFunc(list, func(a, b string) int { return cmp.Or(cmp.Compare(len(b), len(a)), cmp.Compare(b, a)) })
	var out []string
	size := 0
	for _, id := range slices.Compact(list) {
		if size += len(id) + 1; size > maxUpdates {
			break
		}
		out = append(out, id)
	}
	return strings.Join(out, " ")
}
