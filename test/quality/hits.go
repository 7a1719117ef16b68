package quality

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"muster/internal/scanner"
)

// Hit is one vulnerability that a scanner reports of one package.
type Hit struct {
	// Ecosystem, Name, Version and Source are the package's as the scanner
	// writes them; Source is empty where it does not say.
	Ecosystem, Name, Version, Source string
	// IDs are all that it calls the vulnerability by, the chosen one first.
	IDs []string
	// Note is what else it says that explains the hit.
	Note string
}

// hits are what muster reports.
func hits(r *scanner.Result) []Hit {
	var list []Hit
	for _, f := range r.Findings {
		ids := append([]string{f.Package.VulnerabilityID}, f.Package.Related...)
		for _, a := range f.Affects {
			list = append(list, Hit{Ecosystem: a.Item.Ecosystem, Name: a.Item.Name, Version: a.Item.Version, Source: a.Item.Source, IDs: ids})
		}
	}
	return list
}

// Digest is a short hash of what was found: it changes when any package or
// vulnerability appears or goes.
func Digest(list []Hit) string {
	lines := make([]string, len(list))
	for i, h := range list {
		lines[i] = fmt.Sprintf("%s %s %s %s\n", h.Ecosystem, h.Name, h.Version, h.IDs[0])
	}
	slices.Sort(lines)
	sum := sha256.Sum256([]byte(strings.Join(slices.Compact(lines), "")))
	return hex.EncodeToString(sum[:6])
}

// index finds hits by vulnerability.
type index map[string][]Hit

func newIndex(list []Hit) index {
	x := index{}
	for _, h := range list {
		for _, id := range h.IDs {
			x[id] = append(x[id], h)
		}
	}
	return x
}

// has reports whether the claim was reported.
func (x index) has(c Claim) bool {
	for _, id := range c.IDs {
		if slices.ContainsFunc(x[id], func(h Hit) bool { return h.about(c) }) {
			return true
		}
	}
	return false
}

// about reports whether hit and claim mean the same package.
func (h Hit) about(c Claim) bool {
	if c.Version != "" && h.Version != c.Version {
		return false
	}
	name := strings.ToLower(c.Name)
	return strings.ToLower(h.Name) == name || strings.ToLower(h.Source) == name
}
