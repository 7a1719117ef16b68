// Package inventory says what is installed on a resource: packages with the
// evidence of where they were seen, and the operating system around them.
package inventory

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"slices"
)

// Manager is the packageManager value that Inspector's findings carry
// (scanning specification 3.3); empty where Inspector has no value.
type Manager string

// The managers that muster emits.
const (
	ManagerOS         Manager = "OS"
	ManagerNodePkg    Manager = "NODEPKG"
	ManagerNPM        Manager = "NPM"
	ManagerYarn       Manager = "YARN"
	ManagerPythonPkg  Manager = "PYTHONPKG"
	ManagerPIP        Manager = "PIP"
	ManagerPipenv     Manager = "PIPENV"
	ManagerPoetry     Manager = "POETRY"
	ManagerGoBinary   Manager = "GOBINARY"
	ManagerGoMod      Manager = "GOMOD"
	ManagerJAR        Manager = "JAR"
	ManagerPOM        Manager = "POM"
	ManagerGemSpec    Manager = "GEMSPEC"
	ManagerBundler    Manager = "BUNDLER"
	ManagerCargo      Manager = "CARGO"
	ManagerComposer   Manager = "COMPOSER"
	ManagerNuGet      Manager = "NUGET"
	ManagerDotnetCore Manager = "DOTNET_CORE"
)

// Component is a distinct package version. It is what muster matches and
// stores once, however many resources carry it. All fields are part of its
// identity; it is comparable and can be a map key.
type Component struct {
	// Ecosystem is OSV's, with the release suffix for operating-system
	// packages: "Debian:12", "Ubuntu:22.04:LTS", "Alpine:v3.20", "npm".
	Ecosystem string
	// Name and Version are as installed (binary package for dpkg, rpm, apk).
	// A dpkg or rpm version is complete: [epoch:]version-release.
	Name, Version string
	// Arch is the package architecture as its database writes it, or "".
	Arch string
	// Source and SourceVersion name the source package an operating-system
	// package was built from; both empty for language packages. Where the
	// database leaves them out they equal Name and Version.
	Source, SourceVersion string
	// Module is the stream of the rpm module that the package belongs to,
	// "nodejs:18"; "" for packages outside modules and where it is not known.
	// Of Windows it lists the installed updates, the newest first:
	// "KB5034127 KB5034619"; of Amazon Linux 2 it names the topic of the extras
	// that the package is from: "amzn2extra:docker".
	Module string
	// Manager is Inspector's packageManager value.
	Manager Manager
}

// Role marks a package that the noise rules of the feeds specification
// (7.1, 7.2) keep from becoming a finding.
type Role string

// Roles. The zero value is an ordinary package.
const (
	// RoleKernelHeaders holds no running code although built from a kernel.
	RoleKernelHeaders Role = "kernel-headers"
	// RoleKernelIdle is an installed kernel that is not the running one.
	RoleKernelIdle Role = "kernel-not-running"
	// RoleOwned is a language package whose files an operating-system
	// package owns: the distribution's advisories judge it.
	RoleOwned Role = "os-owned"
	// RoleThirdParty did not come from the distribution: its advisories say
	// nothing about it and no other source is known to (feeds 7.1 rule 3).
	RoleThirdParty Role = "third-party"
	// RoleToolchain is the standard library of a binary on an instance, which
	// is judged in images only (scanning specification 3.3), or that of a
	// go.mod, which names the oldest Go that may build it and not the one that
	// does.
	RoleToolchain Role = "toolchain"
	// RoleDevelopment is what a lock file lists for development or tests only.
	// It is judged, and marked.
	RoleDevelopment Role = "development"
	// RoleNotDeployed is such a package where what is deployed counts: in
	// images.
	RoleNotDeployed Role = "development-not-deployed"
)

// Judged reports whether packages of this role can become findings.
func (r Role) Judged() bool { return r == "" || r == RoleDevelopment }

// Deployed is the role where only what is deployed counts.
func (r Role) Deployed() Role {
	if r == RoleDevelopment {
		return RoleNotDeployed
	}
	return r
}

// Developed is the role where what is needed for development counts, too.
func (r Role) Developed() Role {
	if r == RoleNotDeployed {
		return RoleDevelopment
	}
	return r
}

// Item is one package on one resource: a component and where it was seen.
type Item struct {
	Component
	// Path is the file that proves it (manifest, archive, lock file);
	// empty for operating-system packages.
	Path string
	// Layer is the digest "sha256:…" of the image layer that brought it, or the
	// ARN of the layer version of a function.
	Layer string
	// Role says why the package is not judged, if it is not.
	Role Role
	// OwnedBy names the operating-system package that owns Path.
	OwnedBy string
}

// OS identifies the operating system around the packages.
type OS struct {
	// ID, VersionID, Codename and PrettyName are os-release's fields.
	ID, VersionID, Codename, PrettyName string
	// Ecosystem is the OSV ecosystem of its packages ("Debian:12"); empty
	// where no advisories exist for it.
	Ecosystem string
	// Platform is Inspector's word: "DEBIAN_12", "UBUNTU_22_04".
	Platform string
	// Kernel is the running kernel's release (uname -r); hosts only.
	Kernel string
	// Arch is the machine's, in Inspector's words: X86_64, ARM64.
	Arch string
}

// Inventory is everything found on a resource at one time.
type Inventory struct {
	OS    OS
	Items []Item
	// Notes are limits that were met while looking (for example
	// DEEP_INSPECTION_PACKAGE_COLLECTION_LIMIT_EXCEEDED), for coverage.
	Notes []string
}

// Sort puts the items in their canonical order and drops exact duplicates.
func (inv *Inventory) Sort() {
	slices.SortFunc(inv.Items, compareItems)
	inv.Items = slices.Compact(inv.Items)
}

// Hash is the hexadecimal SHA-256 of the sorted content. Inventories with the
// same hash are interchangeable, so a fleet of equal machines stores one.
func (inv *Inventory) Hash() string {
	inv.Sort()
	h := sha256.New()
	put := func(fields ...string) {
		var n [4]byte
		for _, f := range fields {
			binary.BigEndian.PutUint32(n[:], uint32(len(f)))
			h.Write(n[:])
			h.Write([]byte(f))
		}
	}
	o := inv.OS
	put(o.ID, o.VersionID, o.Codename, o.PrettyName, o.Ecosystem, o.Platform, o.Kernel, o.Arch)
	for _, it := range inv.Items {
		put(it.Ecosystem, it.Name, it.Version, it.Arch, it.Source, it.SourceVersion, it.Module, string(it.Manager),
			it.Path, it.Layer, string(it.Role), it.OwnedBy)
	}
	if len(inv.Notes) > 0 {
		// Limits that were met are content: coverage tells of them.
		put("notes")
		put(inv.Notes...)
	}
	return hex.EncodeToString(h.Sum(nil))
}

func compareItems(a, b Item) int {
	return cmp.Or(
		cmp.Compare(a.Ecosystem, b.Ecosystem), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Version, b.Version),
		cmp.Compare(a.Arch, b.Arch), cmp.Compare(a.Source, b.Source), cmp.Compare(a.SourceVersion, b.SourceVersion),
		cmp.Compare(a.Module, b.Module), cmp.Compare(a.Manager, b.Manager), cmp.Compare(a.Path, b.Path), cmp.Compare(a.Layer, b.Layer),
		cmp.Compare(a.Role, b.Role), cmp.Compare(a.OwnedBy, b.OwnedBy))
}
