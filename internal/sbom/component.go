package sbom

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"muster/internal/extract/dpkg"
	"muster/internal/extract/kernel"
	"muster/internal/extract/program"
	"muster/internal/extract/rpm"
	"muster/internal/extract/windows"
	"muster/internal/inventory"
)

// The prefixes of the properties that producers write.
const (
	ownPrefix       = "muster:"
	syftPrefix      = "syft:"
	trivyPrefix     = "aquasecurity:trivy:"
	inspectorPrefix = "amazon:inspector:sbom_generator:"
)

// inventory makes items of the components and tells visit, if given, what
// became of each; the item of one that nobody could judge is nil.
func (d *document) inventory(visit func(component, *inventory.Item)) inventory.Inventory {
	var inv inventory.Inventory
	r := resolver{document: d, running: kernel.Running{Release: d.kernel, None: d.container && d.kernel == ""}}
	inv.OS = r.system()
	limits := inventory.DefaultLimits()
	nameless, malformed := 0, 0
	for i := range d.components {
		it, known := r.item(i)
		made := &it
		switch {
		case !known:
			made = nil
			nameless++
		case !limits.Fits(it):
			made = nil
			malformed++
		default:
			inv.Items = append(inv.Items, it)
		}
		if visit != nil {
			visit(d.components[i], made)
		}
	}
	if inv.OS == (inventory.OS{}) {
		inv.OS = r.dominant()
	}
	addWindows(&inv)
	inv.OS.Kernel = inventory.DefaultLimits().Clean(d.kernel)
	if inv.ShowsPro() || strings.HasPrefix(inv.OS.Ecosystem, "Ubuntu:Pro:") { // package URLs do not say it
		inv.AttachPro()
	}
	if nameless > 0 {
		inv.Notes = append(inv.Notes, fmt.Sprintf("%d components could not be judged: they have no package URL, version or type that muster knows", nameless))
	}
	if malformed > 0 {
		inv.Notes = append(inv.Notes, fmt.Sprintf("%d components left out: a name, version or path is malformed or too long", malformed))
	}
	inv.Sort()
	return inv
}

// resolver knows what the components stand in.
type resolver struct {
	*document
	running kernel.Running
	// stated is the document's operating system; seen counts those that
	// package URLs name.
	stated *inventory.OS
	seen   map[inventory.OS]int
}

// item makes an item of a component; false when nobody could judge it.
func (r *resolver) item(i int) (inventory.Item, bool) {
	c := &r.components[i]
	p, err := parsePURL(c.purl)
	if err != nil {
		return inventory.Item{}, false
	}
	if p.version == "" {
		p.version = c.version
	}
	if p.version == "" {
		return inventory.Item{}, false
	}
	it, ok := language(p)
	if !ok {
		if it, ok = r.systemPackage(p, c); !ok {
			return inventory.Item{}, false
		}
	} else {
		if name := c.properties[ownPrefix+"name"]; name != "" {
			it.Name = name
		}
		it.Path = first(c.properties, ownPrefix+"path", inspectorPrefix+"source_path", syftPrefix+"location:0:path", trivyPrefix+"FilePath")
	}
	it.Layer = digest(first(c.properties, ownPrefix+"layer", syftPrefix+"location:0:layerID", trivyPrefix+"LayerDiffID", inspectorPrefix+"layer_diff_id"))
	it.OwnedBy = c.properties[ownPrefix+"owned_by"]
	r.role(&it, c)
	if m := inventory.Manager(c.properties[ownPrefix+"manager"]); m != "" && m.Known() {
		it.Manager = m
	}
	return it, true
}

// role takes the producer's word for what is not judged.
func (r *resolver) role(it *inventory.Item, c *component) {
	switch own := inventory.Role(c.properties[ownPrefix+"role"]); {
	case own != "" && own.Known():
		it.Role = own
	case c.properties[inspectorPrefix+"is_duplicate_package"] == "true" && it.Manager != inventory.ManagerOS:
		it.Role, it.OwnedBy = inventory.RoleOwned, ""
		if p, err := parsePURL(c.properties[inspectorPrefix+"duplicate_purl"]); err == nil {
			it.OwnedBy = p.name
		}
	case it.Role == "" && it.Manager == inventory.ManagerOS:
		if r.foreign(it, c) {
			it.Role = inventory.RoleThirdParty
		}
	case it.Role == "" && c.properties["cdx:npm:package:development"] == "true":
		it.Role = inventory.RoleDevelopment
	case it.Role == "" && r.belongs(it.Path):
		it.Role = inventory.RoleOwned
	}
}

// foreign reports whether a package of the system comes from another publisher
// than the distribution, as far as the producer names one.
func (r *resolver) foreign(it *inventory.Item, c *component) bool {
	p, err := parsePURL(c.purl)
	if err != nil {
		return false
	}
	switch p.kind {
	case "deb", "dpkg":
		return dpkg.Stanza{Version: it.Version, Maintainer: c.publisher}.ThirdParty()
	case "rpm": // of others than syft and trivy it is not known that they mean the vendor
		known := first(c.properties, syftPrefix+"package:type", trivyPrefix+"PkgType") != ""
		return known && rpm.ThirdParty(r.systemOf(p).ID, c.publisher)
	}
	return false
}

// belongs reports whether a file lies in a folder that only packages of the
// operating system write to, which producers do not tell of language packages.
func (r *resolver) belongs(path string) bool {
	if r.stated == nil || path == "" {
		return false
	}
	path = "/" + strings.TrimLeft(path, "/")
	folders := map[string][]string{
		"deb": {"/usr/lib/python3/dist-packages/", "/usr/lib/python2.7/dist-packages/", "/usr/share/rubygems-integration/", "/usr/share/nodejs/", "/usr/share/java/", "/usr/share/maven-repo/"},
	}[packageFormat(r.stated.Ecosystem, r.stated.ID)]
	return slices.ContainsFunc(folders, func(f string) bool { return strings.HasPrefix(path, f) })
}

// first returns the first property that is there.
func first(properties map[string]string, names ...string) string {
	for _, n := range names {
		if v := properties[n]; v != "" {
			return v
		}
	}
	return ""
}

// digest drops what is no layer digest.
func digest(s string) string {
	if len(s) == len("sha256:")+64 && strings.HasPrefix(s, "sha256:") && strings.Trim(s[7:], "0123456789abcdef") == "" {
		return s
	}
	return ""
}

// ecosystems maps the types of package URLs to OSV's ecosystems and the
// manager that most often stands behind them.
func ecosystem(kind string) (name string, manager inventory.Manager) {
	switch kind {
	case "npm":
		return "npm", inventory.ManagerNPM
	case "pypi":
		return "PyPI", inventory.ManagerPythonPkg
	case "maven":
		return "Maven", inventory.ManagerJAR
	case "golang":
		return "Go", inventory.ManagerGoMod
	case "gem":
		return "RubyGems", inventory.ManagerGemSpec
	case "nuget":
		return "NuGet", inventory.ManagerNuGet
	case "composer":
		return "Packagist", inventory.ManagerComposer
	case "cargo":
		return "crates.io", inventory.ManagerCargo
	case "hex":
		return "Hex", ""
	case "pub":
		return "Pub", ""
	case "swift":
		return "SwiftURL", ""
	case "hackage":
		return "Hackage", ""
	case "cran":
		return "CRAN", ""
	case "conan":
		return "ConanCenter", ""
	case "bitnami":
		return "Bitnami", ""
	case "githubactions":
		return "GitHub Actions", ""
	case "julia":
		return "Julia", ""
	case "cocoapods":
		return "CocoaPods", ""
	case "conda":
		return "Conda", ""
	}
	return "", ""
}

// language makes the item of a language package.
func language(p purl) (inventory.Item, bool) {
	if p.kind == "generic" && p.namespace != microsoft {
		c, ok := program.Named(p.name, p.version)
		return inventory.Item{Component: c}, ok
	}
	name, manager := ecosystem(p.kind)
	if name == "" {
		return inventory.Item{}, false
	}
	it := inventory.Item{Component: inventory.Component{Ecosystem: name, Name: p.name, Version: p.version, Manager: manager}}
	separator := "/"
	if p.kind == "maven" {
		separator = ":"
	}
	if p.namespace != "" {
		it.Name = p.namespace + separator + p.name
	}
	if p.kind == "golang" {
		it.Version = goVersion(it.Name, p.version)
	}
	return it, true
}

// goVersion writes a module's version with v and the toolchain's without go.
func goVersion(module, version string) string {
	if module == "stdlib" || module == "toolchain" {
		return strings.TrimPrefix(strings.TrimPrefix(version, "go"), "v")
	}
	if version != "" && version[0] >= '0' && version[0] <= '9' {
		return "v" + version
	}
	return version
}

// systemPackage makes the item of an operating-system package.
func (r *resolver) systemPackage(p purl, c *component) (inventory.Item, bool) {
	switch p.kind {
	case "dpkg": // Inspector's exports
		p.kind = "deb"
	case "deb", "rpm", "apk":
	case "generic":
		return r.windowsProduct(p, c)
	default:
		return inventory.Item{}, false
	}
	o := r.systemOf(p)
	it := inventory.Item{Component: inventory.Component{
		Ecosystem: o.Ecosystem, Name: p.name, Version: withEpoch(p.kind, p.version, p.qualifiers["epoch"]),
		Arch: p.qualifiers["arch"], Manager: inventory.ManagerOS, Module: moduleStream(p, c),
	}}
	it.Source, it.SourceVersion = r.source(p, c, it.Version)
	switch p.kind {
	case "deb":
		it.Role = r.running.Dpkg(it.Name)
	case "apk":
		it.Role = r.running.Apk(it.Name, it.Version)
	case "rpm":
		version, release, _ := cutLast(p.version, '-')
		it.Role = r.running.RPM(it.Name, version, release, it.Arch)
	}
	return it, true
}

// windowsProduct makes the item of a product of Microsoft's.
func (r *resolver) windowsProduct(p purl, c *component) (inventory.Item, bool) {
	if p.namespace != microsoft || !windows.IsBuild(p.version) {
		return inventory.Item{}, false
	}
	name := windows.ProductName(p.name)
	return inventory.Item{Component: inventory.Component{
		Ecosystem: windows.Ecosystem, Name: name, Version: p.version, Arch: p.qualifiers["arch"],
		Source: name, SourceVersion: p.version, Module: c.properties[ownPrefix+"module"], Manager: inventory.ManagerOS,
	}}, true
}

// withEpoch puts the epoch where package databases have it.
func withEpoch(kind, version, epoch string) string {
	if kind == "apk" || epoch == "" || epoch == "0" || strings.Contains(version, ":") {
		return version
	}
	return epoch + ":" + version
}

// moduleStream is the name and stream of a modularity label, which producers
// write in full.
func moduleStream(p purl, c *component) string {
	label := cmp.Or(c.properties[ownPrefix+"module"], p.qualifiers["rpmmod"], c.properties[trivyPrefix+"Modularitylabel"],
		c.properties[syftPrefix+"metadata:modularityLabel"])
	parts := strings.SplitN(label, ":", 3)
	if len(parts) < 2 {
		return ""
	}
	return parts[0] + ":" + parts[1]
}

// source finds the source package: producers write it in many places. Without
// any word the package is taken for its own source, as its database would.
func (r *resolver) source(p purl, c *component, version string) (name, sourceVersion string) {
	if name = c.properties[ownPrefix+"source"]; name != "" {
		return name, cmp.Or(c.properties[ownPrefix+"source_version"], version)
	}
	if name = c.properties[trivyPrefix+"SrcName"]; name != "" {
		return name, cmp.Or(trivyVersion(c.properties), version)
	}
	if text := cmp.Or(p.qualifiers["upstream"], p.qualifiers["source"]); text != "" {
		return upstream(p.kind, text, version)
	}
	if text := c.properties[syftPrefix+"metadata:sourceRpm"]; text != "" {
		return upstream(p.kind, text, version)
	}
	if name = first(c.properties, syftPrefix+"metadata:source", syftPrefix+"metadata:originPackage"); name != "" {
		return name, cmp.Or(c.properties[syftPrefix+"metadata:sourceVersion"], version)
	}
	if c.parent >= 0 {
		return r.parentSource(p, c.parent, version)
	}
	return p.name, version
}

// parentSource: Inspector's generator nests binary packages in their source.
func (r *resolver) parentSource(p purl, parent int, version string) (string, string) {
	q, err := parsePURL(r.components[parent].purl)
	if err != nil || q.kind != p.kind || q.version == "" {
		return p.name, version
	}
	return q.name, withEpoch(q.kind, q.version, q.qualifiers["epoch"])
}

// trivyVersion joins the parts that trivy writes apart.
func trivyVersion(properties map[string]string) string {
	v := properties[trivyPrefix+"SrcVersion"]
	if release := properties[trivyPrefix+"SrcRelease"]; v != "" && release != "" {
		v += "-" + release
	}
	if v == "" {
		return ""
	}
	return withEpoch("", v, properties[trivyPrefix+"SrcEpoch"])
}

// upstream reads "name", "name@version", "name-version-release.src.rpm" and
// "name-version.src.dpkg".
func upstream(kind, text, version string) (string, string) {
	for _, suffix := range []string{".src.rpm", ".nosrc.rpm", ".src.dpkg"} {
		stem, ok := strings.CutSuffix(text, suffix)
		if !ok {
			continue
		}
		rest, release, ok := cutLast(stem, '-')
		name, v, ok2 := cutLast(rest, '-')
		if ok && ok2 {
			epoch, _, has := strings.Cut(version, ":")
			if has && kind == "rpm" {
				return name, epoch + ":" + v + "-" + release
			}
			return name, v + "-" + release
		}
		if ok {
			return rest, release
		}
		return stem, version
	}
	if name, v, ok := strings.Cut(text, "@"); ok && v != "" {
		return name, v
	}
	return strings.TrimSuffix(text, "@"), version
}

func cutLast(s string, sep byte) (before, after string, ok bool) {
	if i := strings.LastIndexByte(s, sep); i > 0 {
		return s[:i], s[i+1:], true
	}
	return s, "", false
}
