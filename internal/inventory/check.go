package inventory

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Limits bound an inventory that somebody else hands in. Lengths count bytes.
type Limits struct {
	Items, Notes                int
	Name, Version, Path, Short  int
	Note, OwnedBy, Architecture int
}

// DefaultLimits are what muster accepts and what its own extractors keep to.
// Two hundred thousand packages are ten times the largest machine seen.
func DefaultLimits() Limits {
	return Limits{
		Items: 200_000, Notes: 100,
		Name: 512, Version: 256, Path: 4096, Short: 128,
		Note: 1024, OwnedBy: 512, Architecture: 32,
	}
}

// Violations names everything in the inventory that breaks the limits or the
// rules of its types, each with where it stands; at most atMost of them, then
// one line that counts the rest. Nil means the inventory is acceptable.
func (inv *Inventory) Violations(l Limits, atMost int) []string {
	c := checker{atMost: atMost}
	if len(inv.Items) > l.Items {
		c.add("packages: %d given, at most %d allowed", len(inv.Items), l.Items)
		return c.found
	}
	if len(inv.Notes) > l.Notes {
		c.add("notes: %d given, at most %d allowed", len(inv.Notes), l.Notes)
		return c.found
	}
	for i, n := range inv.Notes {
		c.text(place{"notes", i, ""}, n, l.Note)
	}
	c.system(inv.OS, l)
	for i := range inv.Items {
		c.item(i, &inv.Items[i], l)
	}
	return c.result()
}

// Clean keeps a foreign word within what the short texts of an inventory may
// hold: no control characters, no broken UTF-8, and no more bytes than Short.
func (l Limits) Clean(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == unicode.ReplacementChar {
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, ""))
	if len(s) > l.Short {
		s = strings.ToValidUTF8(s[:l.Short], "")
	}
	return s
}

// Fits reports whether a single item keeps the limits, for extractors that
// drop what would make the whole inventory unacceptable.
func (l Limits) Fits(it Item) bool {
	c := checker{atMost: 1}
	c.item(0, &it, l)
	return len(c.found) == 0
}

// place is where a checked text stands; its words are made only for a
// violation, because an inventory has a million texts and seldom one.
type place struct {
	list   string
	index  int
	member string
}

func (p place) String() string {
	switch {
	case p.list == "":
		return p.member
	case p.member == "":
		return fmt.Sprintf("%s[%d]", p.list, p.index)
	}
	return fmt.Sprintf("%s[%d].%s", p.list, p.index, p.member)
}

type checker struct {
	found  []string
	atMost int
	more   int
}

func (c *checker) add(format string, args ...any) {
	if len(c.found) >= c.atMost {
		c.more++
		return
	}
	c.found = append(c.found, fmt.Sprintf(format, args...))
}

func (c *checker) result() []string {
	if c.more > 0 {
		return append(c.found, fmt.Sprintf("and %d more", c.more))
	}
	return c.found
}

// text refuses what no store keeps unchanged: too long, not UTF-8, control
// characters (PostgreSQL has no NUL in text).
func (c *checker) text(at place, s string, limit int) {
	switch {
	case len(s) > limit:
		c.add("%s: %d bytes, at most %d allowed", at, len(s), limit)
	case !utf8.ValidString(s):
		c.add("%s: not UTF-8", at)
	default:
		for _, r := range s {
			if unicode.IsControl(r) {
				c.add("%s: control character %U", at, r)
				return
			}
		}
	}
}

func (c *checker) required(at place, s string, limit int) {
	if s == "" {
		c.add("%s: missing", at)
		return
	}
	c.text(at, s, limit)
}

func (c *checker) system(o OS, l Limits) {
	for _, f := range []struct{ name, value string }{
		{"id", o.ID}, {"versionId", o.VersionID}, {"codename", o.Codename}, {"prettyName", o.PrettyName},
		{"ecosystem", o.Ecosystem}, {"platform", o.Platform}, {"kernel", o.Kernel}, {"arch", o.Arch},
	} {
		c.text(place{member: "os." + f.name}, f.value, l.Short)
	}
}

func (c *checker) item(i int, it *Item, l Limits) {
	at := func(member string) place { return place{"packages", i, member} }
	c.text(at("ecosystem"), it.Ecosystem, l.Short)
	c.required(at("name"), it.Name, l.Name)
	c.required(at("version"), it.Version, l.Version)
	c.text(at("arch"), it.Arch, l.Architecture)
	c.text(at("source"), it.Source, l.Name)
	c.text(at("sourceVersion"), it.SourceVersion, l.Version)
	c.text(at("module"), it.Module, l.Version)
	c.text(at("path"), it.Path, l.Path)
	c.text(at("ownedBy"), it.OwnedBy, l.OwnedBy)
	if (it.Source == "") != (it.SourceVersion == "") {
		c.add("%s: source and sourceVersion go together", at("source"))
	}
	if !it.Manager.Known() {
		c.add("%s: %q is none of the package managers", at("manager"), clip(string(it.Manager)))
	}
	if !it.Role.Known() {
		c.add("%s: %q is none of the roles", at("role"), clip(string(it.Role)))
	}
	if it.Layer != "" && !isDigest(it.Layer) {
		c.add("%s: %q is no sha256 digest", at("layer"), clip(it.Layer))
	}
}

// clip keeps a quoted foreign value short.
func clip(s string) string {
	if len(s) > 40 {
		return s[:40] + "…"
	}
	return s
}

func isDigest(s string) bool {
	const prefix = "sha256:"
	if len(s) != len(prefix)+64 || s[:len(prefix)] != prefix {
		return false
	}
	for _, r := range s[len(prefix):] {
		if (r < '0' || r > '9') && (r < 'a' || r > 'f') {
			return false
		}
	}
	return true
}

// Known reports whether the manager is empty or one that muster emits.
func (m Manager) Known() bool {
	switch m {
	case "", ManagerOS, ManagerNodePkg, ManagerNPM, ManagerYarn, ManagerPythonPkg, ManagerPIP, ManagerPipenv,
		ManagerPoetry, ManagerGoBinary, ManagerGoMod, ManagerJAR, ManagerPOM, ManagerGemSpec, ManagerBundler,
		ManagerCargo, ManagerComposer, ManagerNuGet, ManagerDotnetCore:
		return true
	}
	return false
}

// Known reports whether the role is empty or one of the declared ones.
func (r Role) Known() bool {
	return slices.Contains([]Role{"", RoleKernelHeaders, RoleKernelIdle, RoleOwned, RoleThirdParty, RoleToolchain, RoleDevelopment, RoleNotDeployed}, r)
}
