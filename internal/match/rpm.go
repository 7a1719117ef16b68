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
// installed everywhere. A host that has that support is of its ecosystem.
func redHatLayers(c inventory.Component) []layer {
	product, _, _ := strings.Cut(c.Ecosystem, "::")
	main, minor := redHatProduct(product, c.Version)
	out := slices.Concat(rpmLayers(c, redHatRepositories(main)), rpmLayers(c, []string{main}))
	if minor != "" {
		extended := rpmLayers(c, extendedSupport(minor))
		for i := range extended {
			extended[i].acquits = product == main
		}
		out = append(extended, out...)
	}
	return out
}

// redHatProduct splits the host's product: the distribution that everybody
// gets, and the minor release whose extended support concerns the package: the
// host's where it has that support, else the one it was built for.
func redHatProduct(product, installed string) (main, minor string) {
	name, release, _ := strings.Cut(strings.TrimPrefix(product, "Red Hat:"), ":")
	major, _, _ := strings.Cut(release, ".")
	main = "Red Hat:enterprise_linux:" + major
	if name != "enterprise_linux" {
		return main, release
	}
	return main, distMinor(installed, major)
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
	for _, r := range []string{"baseos", "appstream", "crb", "highavailability", "nfv", "realtime", "resilientstorage", "sap", "sap_hana", "supplementary"} {
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

// amazonKeys: Amazon lists every binary package of a build, so that the source
// package adds nothing. A kernel of Amazon Linux 2 is judged by the topic of
// its series, not by what is said of the distribution's first kernel.
func amazonKeys(c inventory.Component) []advisory.Key {
	ecosystem := c.Ecosystem
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
