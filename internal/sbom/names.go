package sbom

import (
	"strings"

	"muster/internal/advisory"
	"muster/internal/extract/rpm"
	"muster/internal/inventory"
	"muster/internal/version"
)

// PURL is the package URL of an item on a system, with what other tools need
// to judge it: distribution release, architecture, epoch and source package.
func PURL(it inventory.Item, system inventory.OS) string {
	if it.Manager == inventory.ManagerOS {
		return systemPURL(it, system).String()
	}
	return languagePURL(it.Component).String()
}

func systemPURL(it inventory.Item, system inventory.OS) purl {
	p := purl{
		kind: packageFormat(it.Ecosystem, system.ID), namespace: namespace(system.ID), name: it.Name, version: it.Version,
		qualifiers: map[string]string{"arch": it.Arch, "distro": distro(system)},
	}
	if epoch, rest, ok := strings.Cut(it.Version, ":"); ok && p.kind == "rpm" {
		p.version, p.qualifiers["epoch"] = rest, epoch
	}
	if it.Module != "" && p.kind == "rpm" && !strings.HasPrefix(it.Module, rpm.Extras) {
		p.qualifiers["rpmmod"] = it.Module
	}
	if it.Source != "" && it.Source != it.Name || it.SourceVersion != it.Version {
		p.qualifiers["upstream"] = it.Source
		if it.SourceVersion != it.Version {
			p.qualifiers["upstream"] += "@" + it.SourceVersion
		}
		if p.kind == "rpm" { // the form that rpm's own tools write
			_, v, found := strings.Cut(it.SourceVersion, ":")
			if !found {
				v = it.SourceVersion
			}
			p.qualifiers["upstream"] = it.Source + "-" + v + ".src.rpm"
		}
	}
	return p
}

// packageFormat is the type of a distribution's package URLs.
func packageFormat(ecosystem, id string) string {
	scheme, _ := version.SchemeOf(advisory.BaseEcosystem(ecosystem))
	switch scheme {
	case version.Dpkg:
		return "deb"
	case version.APK:
		return "apk"
	case version.RPM:
		return "rpm"
	}
	switch id {
	case "windows":
		return "generic"
	case "debian", "ubuntu", "raspbian", "linuxmint", "kali":
		return "deb"
	case "alpine", "wolfi", "postmarketos":
		return "apk"
	case "":
		return "generic"
	}
	return "rpm"
}

// microsoft is the namespace of Microsoft's products, which have no type of
// package URLs of their own.
const microsoft = "microsoft"

// namespace is the vendor's name in package URLs.
func namespace(id string) string {
	switch id {
	case "windows":
		return microsoft
	case "rhel":
		return "redhat"
	case "amzn":
		return "amazon"
	case "ol":
		return "oracle"
	case "opensuse-leap", "opensuse-tumbleweed":
		return "opensuse"
	case "sles", "sled":
		return "suse"
	}
	return strings.ToLower(id)
}

func distro(system inventory.OS) string {
	if system.ID == "" || system.VersionID == "" {
		return system.ID
	}
	return system.ID + "-" + system.VersionID
}

// languagePURL is the inverse of language.
func languagePURL(c inventory.Component) purl {
	p := purl{kind: "generic", name: c.Name, version: c.Version}
	if c.Ecosystem == advisory.Upstream {
		return p
	}
	for _, kind := range kinds() {
		if name, _ := ecosystem(kind); name == advisory.BaseEcosystem(c.Ecosystem) {
			p.kind = kind
		}
	}
	separator := "/"
	switch p.kind {
	case "maven":
		separator = ":"
	case "pypi":
		p.name = advisory.NewKey(c.Ecosystem, c.Name).Name
	case "generic", "gem", "cargo", "nuget", "hackage", "cran", "pub", "julia", "conda", "cocoapods":
		return p
	}
	if i := strings.LastIndex(p.name, separator); i > 0 && i < len(p.name)-1 {
		p.namespace, p.name = p.name[:i], p.name[i+1:]
	}
	return p
}

// kinds are the types of package URLs that ecosystem knows.
func kinds() []string {
	return []string{
		"npm", "pypi", "maven", "golang", "gem", "nuget", "composer", "cargo", "hex", "pub", "swift", "hackage", "cran",
		"conan", "bitnami", "githubactions", "julia", "cocoapods", "conda",
	}
}

// properties are what a package URL cannot say; empty ones are left out.
func properties(it inventory.Item) [][2]string {
	var out [][2]string
	add := func(name, value string) {
		if value != "" {
			out = append(out, [2]string{ownPrefix + name, value})
		}
	}
	add("layer", it.Layer)
	add("manager", string(it.Manager))
	add("module", it.Module)
	if p := languagePURL(it.Component); it.Manager != inventory.ManagerOS && nameIn(p) != it.Name {
		add("name", it.Name)
	}
	add("owned_by", it.OwnedBy)
	add("path", it.Path)
	add("role", string(it.Role))
	if it.Manager == inventory.ManagerOS {
		add("source", it.Source)
		add("source_version", it.SourceVersion)
	}
	return out
}

// nameIn is the name that a reader makes of a package URL.
func nameIn(p purl) string {
	it, _ := language(p)
	return it.Name
}

// systemProperties are what the component of an operating system cannot say.
func systemProperties(o inventory.OS) [][2]string {
	var out [][2]string
	for _, p := range [][2]string{
		{"arch", o.Arch}, {"codename", o.Codename}, {"ecosystem", o.Ecosystem}, {"id", o.ID}, {"kernel", o.Kernel},
		{"pretty_name", o.PrettyName}, {"version_id", o.VersionID},
	} {
		if p[1] != "" {
			out = append(out, [2]string{ownPrefix + p[0], p[1]})
		}
	}
	return out
}
