package sbom

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"muster/internal/extract/osrelease"
	"muster/internal/extract/windows"
	"muster/internal/inventory"
)

// system is the operating system that the document states.
func (r *resolver) system() inventory.OS {
	for _, s := range r.systems {
		if o := s.resolve(); o.ID != "" {
			r.stated = &o
			return o
		}
	}
	return inventory.OS{}
}

// resolve maps the words of a component to those of os-release.
func (s system) resolve() inventory.OS {
	fields := map[string]string{
		"ID":               cmp.Or(s.properties[ownPrefix+"id"], s.properties[syftPrefix+"distro:id"], distribution(s.name)),
		"VERSION_ID":       cmp.Or(s.properties[ownPrefix+"version_id"], s.properties[syftPrefix+"distro:versionID"], s.version),
		"PRETTY_NAME":      cmp.Or(s.properties[ownPrefix+"pretty_name"], s.properties[syftPrefix+"distro:prettyName"], windowsName(s.name)),
		"CPE_NAME":         s.properties[syftPrefix+"distro:cpeName"],
		"VERSION_CODENAME": s.properties[ownPrefix+"codename"],
	}
	o := resolve(fields)
	if e := s.properties[ownPrefix+"ecosystem"]; e != "" {
		o.Ecosystem = inventory.DefaultLimits().Clean(e)
	}
	o.Arch = inventory.DefaultLimits().Clean(s.properties[ownPrefix+"arch"])
	return o
}

// windowsName is the name of a release of Windows, which os-release's other
// fields do not say; "" for other systems.
func windowsName(name string) string {
	if distribution(name) != "windows" {
		return ""
	}
	return name
}

// resolve accepts a codename where a number should be.
func resolve(fields map[string]string) inventory.OS {
	for key, value := range fields {
		fields[key] = inventory.DefaultLimits().Clean(value)
	}
	if number := osrelease.Number(fields["ID"], fields["VERSION_ID"]); number != "" {
		fields["VERSION_ID"] = number
	}
	if id := fields["ID"]; (id == "sles" || id == "sled") && fields["PRETTY_NAME"] == "" {
		fields["PRETTY_NAME"] = suseName(fields["VERSION_ID"])
	}
	if fields["ID"] == "windows" {
		return windows.System(fields["PRETTY_NAME"], fields["VERSION_ID"], "")
	}
	return osrelease.System(fields)
}

// addWindows makes an item of Windows itself where a document says only that
// it is the operating system, with its build.
func addWindows(inv *inventory.Inventory) {
	o := inv.OS
	isWindows := func(it inventory.Item) bool { return it.Ecosystem == windows.Ecosystem && windows.IsSystem(it.Name) }
	if o.ID != "windows" || slices.ContainsFunc(inv.Items, isWindows) {
		return
	}
	name := windows.ProductOf(o)
	if name == "" {
		inv.Notes = append(inv.Notes, fmt.Sprintf("nothing judges %q: its version %q is no known build of Windows", o.PrettyName, o.VersionID))
		return
	}
	inv.Items = append(inv.Items, inventory.Item{Component: inventory.Component{
		Ecosystem: windows.Ecosystem, Name: name, Version: o.VersionID, Arch: o.Arch, Source: name, SourceVersion: o.VersionID, Manager: inventory.ManagerOS,
	}})
}

// suseName is what os-release calls a service pack.
func suseName(version string) string {
	major, pack, ok := strings.Cut(version, ".")
	if !ok || pack == "0" {
		return "SUSE Linux Enterprise Server " + major
	}
	return "SUSE Linux Enterprise Server " + major + " SP" + pack
}

// distribution is os-release's ID of what people and package URLs call a
// distribution; the word itself in lower case where nothing better is known.
func distribution(name string) string {
	n := strings.ToLower(strings.TrimSpace(name))
	for _, known := range []struct{ begins, id string }{
		{"debian", "debian"}, {"ubuntu", "ubuntu"}, {"alpine", "alpine"}, {"wolfi", "wolfi"}, {"chainguard", "chainguard"},
		{"minimos", "minimos"}, {"almalinux", "almalinux"}, {"alma", "almalinux"}, {"rocky", "rocky"},
		{"red hat", "rhel"}, {"redhat", "rhel"}, {"rhel", "rhel"}, {"centos", "centos"}, {"fedora", "fedora"},
		{"amazon", "amzn"}, {"amzn", "amzn"}, {"oracle", "ol"}, {"opensuse tumbleweed", "opensuse-tumbleweed"},
		{"opensuse-tumbleweed", "opensuse-tumbleweed"}, {"opensuse", "opensuse-leap"}, {"sles", "sles"}, {"suse", "sles"},
		{"mageia", "mageia"}, {"openeuler", "openEuler"}, {"azurelinux", "azurelinux"}, {"azure linux", "azurelinux"},
		{"windows", "windows"}, {"microsoft windows", "windows"}, {"cbl-mariner", "mariner"}, {"mariner", "mariner"}, {"photon", "photon"}, {"bottlerocket", "bottlerocket"},
	} {
		if strings.HasPrefix(n, known.begins) {
			return known.id
		}
	}
	return n
}

// systemOf is the operating system of one package: what its package URL says,
// else what the document says.
func (r *resolver) systemOf(p purl) inventory.OS {
	id := distribution(p.namespace)
	if r.stated != nil && (id == "" || id == r.stated.ID || p.qualifiers["distro"] == "") {
		return *r.stated
	}
	distro := p.qualifiers["distro"]
	version := distro
	if name, v, ok := cutLast(distro, '-'); ok && distribution(name) != "" && !isNumber(name) {
		version = v
		if id == "" {
			id = distribution(name)
		}
	}
	o := resolve(map[string]string{"ID": id, "VERSION_ID": version})
	if o.Ecosystem == "" && r.stated != nil {
		return *r.stated
	}
	if r.seen == nil {
		r.seen = map[inventory.OS]int{}
	}
	r.seen[o]++
	return o
}

func isNumber(s string) bool { return s != "" && s[0] >= '0' && s[0] <= '9' }

// dominant is the operating system that most package URLs name.
func (r *resolver) dominant() inventory.OS {
	var best inventory.OS
	for o, n := range r.seen {
		if n > r.seen[best] || (n == r.seen[best] && o.Platform < best.Platform) {
			best = o
		}
	}
	return best
}
