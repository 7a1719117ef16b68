package quality

import (
	"slices"
	"strings"

	"muster/internal/advisory"
	"muster/internal/inventory"
	"muster/internal/scanner"
)

// Right says whose answer is right where two scanners differ.
type Right string

// Whose answer is right.
const (
	Ours   Right = "ours"
	Theirs Right = "theirs"
	Both   Right = "both defensible"
)

// Reason explains a kind of difference.
type Reason struct {
	// Name is how docs/quality.md and the report call it.
	Name  string
	Right Right
	holds func(Difference, scene) bool
}

// scene is what a reason may look at.
type scene struct {
	target Target
	items  []inventory.Item
}

// Reasons lists every kind of difference from osv-scanner that was looked
// into. The first that holds explains a difference; docs/quality.md has the
// words.
func Reasons() []Reason {
	return []Reason{
		{"go.sum lists versions that were not chosen", Ours, notChosen},
		{"an operating-system package brought it", Ours, owned},
		{"a release's advisories held against another's packages", Ours, releaseIgnored},
		{"a system that does not say its release", Both, releaseUnknown},
		{"the epoch is dropped", Ours, epochDropped},
		{"a binary package's version held against its source's", Ours, sourceVersion},
		{"kernels in images", Both, kernelInImage},
		{"binary packages are not traced to their source", Ours, sourceUnknown},
		{"package URLs of the system are not understood", Ours, systemUnknown},
		{"package URLs of Haskell are not understood", Ours, func(d Difference, _ scene) bool { return d.Ours && d.Ecosystem == "Hackage" }},
	}
}

// Explain returns the reason of a difference; false when none holds.
func Explain(d Difference, t Target, r *scanner.Result) (Reason, bool) {
	c := scene{t, r.Inventory.Items}
	reasons := Reasons()
	i := slices.IndexFunc(reasons, func(r Reason) bool { return r.holds(d, c) })
	if i < 0 {
		return Reason{}, false
	}
	return reasons[i], true
}

// item reports whether an item of the hit's package satisfies the condition.
func (c scene) item(h Hit, condition func(inventory.Item) bool) bool {
	name := packageName(h)
	return slices.ContainsFunc(c.items, func(it inventory.Item) bool {
		named := packageName(Hit{Ecosystem: it.Ecosystem, Name: it.Name}) == name || it.Source != "" && strings.ToLower(it.Source) == name
		return named && condition(it)
	})
}

func system(h Hit) bool {
	switch advisory.BaseEcosystem(h.Ecosystem) {
	case "Debian", "Ubuntu", "Alpine", "AlmaLinux", "Red Hat", "Rocky Linux", "Wolfi", "Chainguard", "openSUSE", "SUSE":
		return true
	}
	return false
}

// notChosen: the hit is about a module of which ours is another version.
func notChosen(d Difference, c scene) bool {
	return !d.Ours && d.Ecosystem == "Go" && strings.HasSuffix(c.target.Name, "go.mod") &&
		c.item(d.Hit, func(it inventory.Item) bool { return strings.TrimPrefix(it.Version, "v") != d.Version })
}

func owned(d Difference, c scene) bool {
	return !d.Ours && c.item(d.Hit, func(it inventory.Item) bool { return it.Role == inventory.RoleOwned })
}

// releaseIgnored: the peer names the distribution without its release, which
// muster knows.
func releaseIgnored(d Difference, c scene) bool {
	return !d.Ours && system(d.Hit) && !strings.Contains(d.Ecosystem, ":") &&
		c.item(d.Hit, func(it inventory.Item) bool { return strings.Contains(it.Ecosystem, ":") })
}

func releaseUnknown(d Difference, c scene) bool {
	return !d.Ours && system(d.Hit) && !strings.Contains(d.Ecosystem, ":") &&
		c.item(d.Hit, func(it inventory.Item) bool { return it.Ecosystem == "" })
}

func epochDropped(d Difference, c scene) bool {
	return !d.Ours && system(d.Hit) && !strings.Contains(d.Version, ":") && c.item(d.Hit, func(it inventory.Item) bool {
		_, rest, ok := strings.Cut(it.SourceVersion, ":")
		return ok && rest == d.Version
	})
}

func sourceVersion(d Difference, c scene) bool {
	return !d.Ours && system(d.Hit) && c.item(d.Hit, func(it inventory.Item) bool { return it.Version == d.Version && it.SourceVersion != d.Version })
}

func kernelInImage(d Difference, c scene) bool {
	return d.Ours && d.Name == "linux" && c.target.Scan.Kind == scanner.Dir
}

// sourceUnknown: the peer has seen no package of the source's name.
func sourceUnknown(d Difference, _ scene) bool { return d.Ours && d.Missing && system(d.Hit) }

// systemUnknown: the peer has the packages and finds nothing at all for the
// distribution.
func systemUnknown(d Difference, _ scene) bool {
	base := advisory.BaseEcosystem(d.Ecosystem)
	return d.Ours && slices.Contains([]string{"AlmaLinux", "Red Hat", "Ubuntu"}, base)
}
