package match

import (
	"slices"
	"strings"

	"muster/internal/advisory"
	"muster/internal/inventory"
)

// redHatLayers: records about a repository know more than those about the
// product as a whole, which list what is not fixed yet. What the extended
// support of the package's own minor release says goes before both, but only
// where it says that the version is not affected: its fixes cannot be
// installed everywhere. A host that has that support is of its ecosystem. The
// extended life of a major release is a paid channel, as Ubuntu Pro is.
func redHatLayers(c inventory.Component) []layer {
	product, _, _ := strings.Cut(c.Ecosystem, "::")
	name, release, _ := strings.Cut(strings.TrimPrefix(product, "Red Hat:"), ":")
	if name != "enterprise_linux" && !strings.HasPrefix(name, "rhel_") {
		return rpmLayers(c, []string{c.Ecosystem}) // a product of its own
	}
	major, _, _ := strings.Cut(release, ".")
	main := "Red Hat:enterprise_linux:" + major
	out := slices.Concat(rpmLayers(c, redHatRepositories(main)), rpmLayers(c, []string{main}))
	els := "Red Hat:rhel_els:" + major
	if name == "enterprise_linux" {
		acquitting := []string{els}
		if minor := distMinor(c.Version, major); minor != "" {
			acquitting = append(extendedSupport(minor), els)
		}
		paid := marked(rpmLayers(c, []string{els}), func(l *layer) { l.paid = true })
		return slices.Concat(marked(rpmLayers(c, acquitting), func(l *layer) { l.acquits = true }), out, paid)
	}
	if name == "rhel_els" {
		return append(rpmLayers(c, []string{els}), out...)
	}
	return append(rpmLayers(c, extendedSupport(release)), out...)
}

func marked(list []layer, mark func(*layer)) []layer {
	for i := range list {
		mark(&list[i])
	}
	return list
}

// distMinor is "9.2" of a build for el9_2.
func distMinor(installed, major string) string {
	_, rest, ok := strings.Cut(installed, ".el"+major+"_")
	if !ok {
		return ""
	}
	end := strings.IndexFunc(rest, func(r rune) bool { return r < '0' || r > '9' })
	if end >= 0 {
		rest = rest[:end]
	}
	if rest == "" {
		return ""
	}
	return major + "." + rest
}

func redHatRepositories(product string) []string {
	var list []string
	repositories := []string{
		"baseos", "appstream", "crb", "highavailability", "nfv", "realtime", "resilientstorage", "sap", "sap_hana", "supplementary",
	}
	if strings.HasSuffix(product, ":6") || strings.HasSuffix(product, ":7") {
		repositories = []string{"server", "client", "workstation", "computenode"}
	}
	for _, r := range repositories {
		list = append(list, product+"::"+r)
	}
	return list
}

// extendedSupport are the products that keep a minor release supported.
func extendedSupport(minor string) []string {
	var list []string
	for _, name := range []string{"rhel_eus", "rhel_e4s", "rhel_aus", "rhel_tus"} {
		list = append(list, "Red Hat:"+name+":"+minor)
	}
	return list
}

// rpmLayers: an advisory's binary package first, then its source package.
func rpmLayers(c inventory.Component, ecosystems []string) []layer {
	out := []layer{{keys: keys(c.Name, ecosystems...), version: c.Version}}
	if c.Source != "" && c.Source != c.Name {
		out = append(out, layer{keys: keys(c.Source, ecosystems...), version: rpmSourceVersion(c), source: true})
	}
	return out
}

// rpmSourceVersion takes the epoch from the binary package: the source
// package's file name, where its version comes from, has none.
func rpmSourceVersion(c inventory.Component) string {
	if c.SourceVersion == "" {
		return c.Version
	}
	epoch, _, ok := strings.Cut(c.Version, ":")
	if ok && !strings.Contains(c.SourceVersion, ":") {
		return epoch + ":" + c.SourceVersion
	}
	return c.SourceVersion
}

// extras begins the module of packages of Amazon Linux 2's extras, which are
// judged by the advisories of their topic.
const extras = "amzn2extra:"

// amazonKeys: Amazon lists every binary package of a build, so that the source
// package adds nothing. A kernel of Amazon Linux 2 is judged by the topic of
// its series, not by what is said of the distribution's first kernel.
func amazonKeys(c inventory.Component) []advisory.Key {
	ecosystem := c.Ecosystem
	if topic, ok := strings.CutPrefix(c.Module, extras); ok {
		return keys(c.Name, ecosystem+":"+topic)
	}
	if ecosystem == "Amazon Linux:2" && sourceName(c) == "kernel" {
		if series := kernelSeries(c.Version); series != "4.14" {
			ecosystem += ":kernel-" + series
		}
	}
	return keys(c.Name, ecosystem)
}

// kernelSeries is "5.10" of "5.10.118-111.515.amzn2".
func kernelSeries(v string) string {
	parts := strings.SplitN(v, ".", 3)
	return strings.Join(parts[:min(2, len(parts))], ".")
}

// suseProducts are the product and, for SUSE Linux Enterprise 15, the modules
// that make it up: OSV's records name those. Their packages have names of
// their own, so that a module that is not installed does no harm.
func suseProducts(ecosystem string) []string {
	out := []string{ecosystem}
	_, release, ok := strings.Cut(ecosystem, "SUSE:Linux Enterprise Server ")
	release = strings.TrimPrefix(release, "for SAP Applications ")
	if !ok || !strings.HasPrefix(release, "15") {
		return out
	}
	for _, module := range []string{
		"Basesystem", "Certifications", "Containers", "Desktop Applications", "Development Tools", "Legacy", "Live Patching",
		"Public Cloud", "Python 3", "SAP Applications", "Server Applications", "Web and Scripting",
	} {
		out = append(out, "SUSE:Linux Enterprise Module for "+module+" "+release)
	}
	return out
}

// sameLine keeps lines of builds apart that Oracle maintains side by side
// under the same names: those for Ksplice, those validated for FIPS, and the
// series of its own kernel.
func sameLine(l *layer, entry *advisory.Affected) bool {
	if !strings.HasPrefix(entry.Ecosystem, "Oracle Linux:") {
		return true
	}
	for _, r := range entry.Ranges {
		for _, e := range r.Events {
			if e.Kind == advisory.Fixed && oracleLine(entry.Name, e.Version) != oracleLine(entry.Name, l.version) {
				return false
			}
		}
	}
	return true
}

func oracleLine(name, v string) string {
	switch {
	case strings.Contains(v, ".ksplice"):
		return "ksplice"
	case strings.HasSuffix(v, "_fips"):
		return "fips"
	case strings.HasPrefix(name, "kernel-uek"):
		series, _, _ := strings.Cut(v, "-")
		return series
	}
	return ""
}
