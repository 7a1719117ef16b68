package agentwire

import (
	"slices"
	"strings"
)

// Bounds of DeepInspection: an account's own paths and its organization's,
// with room for more, and the bytes of one.
const (
	MaxPackagePaths = 20
	MaxPackagePath  = 512
)

// DeepInspection is what an account has set for language packages on its
// hosts.
type DeepInspection struct {
	// Active is false where none are to be looked for at all.
	Active bool `json:"active"`
	// Paths are absolute folders to look below, besides the default ones.
	Paths []string `json:"paths,omitempty"`
}

// NewDeepInspection puts the paths into their canonical order, so that equal
// settings are equal values.
func NewDeepInspection(active bool, paths ...string) DeepInspection {
	d := DeepInspection{Active: active}
	for _, p := range paths {
		if p = "/" + strings.Trim(p, "/"); p != "/" && len(p) <= MaxPackagePath {
			d.Paths = append(d.Paths, p)
		}
	}
	slices.Sort(d.Paths)
	d.Paths = slices.Compact(d.Paths)
	d.Paths = d.Paths[:min(len(d.Paths), MaxPackagePaths)]
	return d
}

// Equal reports whether both say the same.
func (d DeepInspection) Equal(other DeepInspection) bool {
	return d.Active == other.Active && slices.Equal(d.Paths, other.Paths)
}
