package quality

import (
	"slices"
	"strings"

	"muster/internal/advisory"
)

// Difference is a hit that only one of the two scanners has.
type Difference struct {
	Hit
	// Ours: muster has it and the peer has not.
	Ours bool
	// Missing: the other one did not even see the package.
	Missing bool
}

// Compare returns how many hits both have, and the others. Hits of
// operating-system packages count once for a source package, because the peer
// judges sources.
func Compare(ours, theirs []Hit, ourPackages, theirPackages map[string]bool) (common int, differences []Difference) {
	ours, theirs = perSource(ours), perSource(theirs)
	common, differences = only(ours, theirs, theirPackages, true)
	_, more := only(theirs, ours, ourPackages, false)
	return common, append(differences, more...)
}

func only(list, others []Hit, seen map[string]bool, ours bool) (common int, differences []Difference) {
	x := newIndex(others)
	for _, h := range list {
		if slices.ContainsFunc(h.IDs, func(id string) bool {
			return slices.ContainsFunc(x[id], func(o Hit) bool { return samePackage(o, h) })
		}) {
			common++
			continue
		}
		differences = append(differences, Difference{Hit: h, Ours: ours, Missing: !seen[packageName(h)]})
	}
	return common, differences
}

// perSource names hits after the source package where there is one, and drops
// those that are then the same.
func perSource(list []Hit) []Hit {
	seen := map[string]bool{}
	var out []Hit
	for _, h := range list {
		if h.Source != "" {
			h.Name, h.Version = h.Source, ""
		}
		key := h.Name + " " + h.Version + " " + h.IDs[0]
		if !seen[key] {
			seen[key] = true
			out = append(out, h)
		}
	}
	return out
}

func samePackage(a, b Hit) bool {
	if packageName(a) != packageName(b) || advisory.BaseEcosystem(a.Ecosystem) != advisory.BaseEcosystem(b.Ecosystem) {
		return false
	}
	plain := func(v string) string { return strings.TrimPrefix(v, "v") }
	return a.Version == "" || b.Version == "" || plain(a.Version) == plain(b.Version)
}

// packageName is the name as both may write it: of a document's package URLs
// the peer keeps neither Maven's group nor Composer's vendor.
func packageName(h Hit) string {
	name := advisory.NewKey(h.Ecosystem, h.Name).Name
	switch advisory.BaseEcosystem(h.Ecosystem) {
	case "Maven":
		name = name[strings.LastIndexByte(name, ':')+1:]
	case "Packagist":
		name = name[strings.LastIndexByte(name, '/')+1:]
	}
	return name
}
