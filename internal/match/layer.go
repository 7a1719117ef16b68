package match

import (
	"strings"

	"muster/internal/advisory"
	"muster/internal/inventory"
	"muster/internal/version"
)

// layer is a set of keys whose records judge a component together. A
// component has one layer, or several in order of precedence: what an earlier
// layer says about a vulnerability, affected or not, silences the later ones.
type layer struct {
	keys    []advisory.Key
	version string
	// component is what is judged.
	component inventory.Component
	// feed is where the records that count here came by.
	feed string
	// source: the keys name the package's source package.
	source bool
	// acquits: the records only count where they say that the version is not
	// affected (a fix of the stream that it was built for).
	acquits bool
	// paid: the records' fixes come through a channel that the host does not
	// have (Ubuntu Pro).
	paid bool
}

// hears reports whether a record counts in the layer.
func (l *layer) hears(a *advisory.Advisory) bool { return a.Feed == l.feed }

// feedLayers are the layers of every feed: what a publisher's own feed says
// about a vulnerability silences the feeds of lower precedence, which tell the
// same with less detail.
func feedLayers(c inventory.Component, lookup Lookup) []layer {
	plain := layersOf(c)
	feeds := lookup.Feeds(c.Ecosystem)
	if len(feeds) == 1 {
		for i := range plain {
			plain[i].feed = feeds[0]
		}
		return plain
	}
	var out []layer
	for _, feed := range feeds {
		for _, l := range plain {
			l.feed = feed
			out = append(out, l)
		}
	}
	return out
}

// layersOf says which records judge a component (feeds specification 7.1 and
// 7.2): an operating-system package only those of its distribution and
// release, by source package where the distribution goes by source.
func layersOf(c inventory.Component) []layer {
	if c.Ecosystem == "" || c.Name == "" || c.Version == "" {
		return nil
	}
	out := layersBySystem(c)
	for i := range out {
		out[i].component = c
	}
	return out
}

func layersBySystem(c inventory.Component) []layer {
	scheme, _ := version.SchemeOf(c.Ecosystem)
	base, release, hasRelease := strings.Cut(c.Ecosystem, ":")
	switch {
	case base == "Ubuntu" && hasRelease:
		return ubuntuLayers(c, release)
	case scheme == version.Dpkg:
		name, v := dpkgSource(c, base)
		return []layer{{keys: keys(name, c.Ecosystem), version: v}}
	case base == "Red Hat":
		return redHatLayers(c)
	case base == "Amazon Linux":
		return []layer{{keys: amazonKeys(c), version: c.Version}}
	case base == "SUSE":
		return rpmLayers(c, suseProducts(c.Ecosystem))
	case scheme == version.RPM:
		return rpmLayers(c, []string{c.Ecosystem})
	case scheme == version.APK:
		return []layer{{keys: apkKeys(c, base), version: c.Version}}
	case c.Ecosystem == advisory.Upstream:
		return []layer{{keys: keys(c.Name, c.Ecosystem), version: upstreamVersion(c.Name, c.Version)}}
	case base == "Bitnami":
		return []layer{{keys: keys(c.Name, c.Ecosystem), version: bitnamiVersion(c.Version)}}
	case base == "Go" && (c.Name == "stdlib" || c.Name == "toolchain"):
		return []layer{{keys: keys(c.Name, c.Ecosystem), version: goRelease(c.Version)}}
	}
	return []layer{{keys: keys(c.Name, c.Ecosystem), version: c.Version}}
}

func keys(name string, ecosystems ...string) []advisory.Key {
	out := make([]advisory.Key, 0, len(ecosystems))
	for _, e := range ecosystems {
		out = append(out, advisory.NewKey(e, name))
	}
	return out
}

// dpkgSource is the source package that advisories name, and its version. The
// signed kernels are built from a source of their own that only repacks the
// kernel's; their binary packages carry the kernel's version.
func dpkgSource(c inventory.Component, distribution string) (name, v string) {
	if rest, ok := strings.CutPrefix(c.Source, "linux-signed"); ok {
		return signedKernel(rest, distribution), c.Version
	}
	if c.Source == "" {
		return c.Name, c.Version
	}
	if c.SourceVersion == "" {
		return c.Source, c.Version
	}
	return c.Source, c.SourceVersion
}

// signedKernel maps what follows "linux-signed" to a kernel source: Debian
// appends the architecture, Ubuntu the flavour.
func signedKernel(rest, distribution string) string {
	if distribution == "Debian" {
		if i := strings.LastIndexByte(rest, '-'); i >= 0 {
			rest = rest[:i]
		}
	}
	return "linux" + rest
}

// ubuntuLayers: on a host that is attached to Ubuntu Pro, or where the package
// comes from there (its version says esm), Pro's records judge first; elsewhere
// they say only that a fix could be had. Packages of Pro's certified channels
// (their version says fips) have lines of versions and records of their own.
func ubuntuLayers(c inventory.Component, release string) []layer {
	release, pro := strings.CutPrefix(release, "Pro:")
	release = withLTS(release)
	name, v := dpkgSource(c, "Ubuntu")
	plain := layer{keys: keys(name, "Ubuntu:"+release), version: v}
	paid := layer{keys: keys(name, "Ubuntu:Pro:"+release), version: v}
	switch {
	case strings.Contains(strings.ToLower(v), "fips"):
		var certified []advisory.Key
		for _, channel := range []string{"FIPS-updates", "FIPS", "FIPS-preview"} {
			certified = append(certified, keys(name, "Ubuntu:Pro:"+channel+":"+release)...)
		}
		return []layer{{keys: certified, version: v}, paid, plain}
	case pro || strings.Contains(v, "esm"):
		return []layer{paid, plain}
	}
	paid.paid = true
	return []layer{plain, paid}
}

// withLTS completes a release: every second April's is long-term.
func withLTS(release string) string {
	year, month, _ := strings.Cut(release, ".")
	if month == "04" && len(year) == 2 && (year[1]-'0')%2 == 0 {
		return release + ":LTS"
	}
	return release
}

// apkKeys: Alpine's records name the origin; Wolfi's and Chainguard's either.
func apkKeys(c inventory.Component, base string) []advisory.Key {
	origin := c.Source
	if origin == "" {
		origin = c.Name
	}
	out := keys(origin, c.Ecosystem)
	if base != "Alpine" && origin != c.Name {
		out = append(out, keys(c.Name, c.Ecosystem)...)
	}
	return out
}

// bitnamiVersion drops the number of the build: "16.0.0-1" is the second
// build of 16.0.0, not what precedes it.
func bitnamiVersion(v string) string {
	upstream, build, ok := strings.Cut(v, "-")
	if !ok || build == "" || strings.Trim(build, "0123456789") != "" {
		return v
	}
	return upstream
}

// upstreamVersion writes the version of a program as Bitnami does: Java's
// without the build and, before 9, by its second number.
func upstreamVersion(name, v string) string {
	if name != "java" {
		return v
	}
	v, _, _ = strings.Cut(v, "+")
	v, _, _ = strings.Cut(v, "-")
	if rest, ok := strings.CutPrefix(v, "1."); ok {
		v = strings.Replace(rest, "_", ".", 1)
	}
	return v
}

// goRelease marks a toolchain version as such ("go1.21rc2"), so that it is
// read as a Go release and not as a module version.
func goRelease(v string) string {
	if v[0] >= '0' && v[0] <= '9' {
		return "go" + v
	}
	return v
}

// sameModularity keeps packages of rpm modules apart from others: a modular
// build is fixed only by a modular build, and the reverse (feeds specification
// 7.4). Where a record fixes a module for several minor releases, the one that
// the installed build belongs to decides.
func sameModularity(l layer, a *advisory.Advisory, fixed string) bool {
	if fixed == "" {
		return true
	}
	ours, theirs := moduleRelease(l.version), moduleRelease(fixed)
	if ours == "" || theirs == "" || ours == theirs {
		return (ours == "") == (theirs == "")
	}
	return !fixesFor(a, ours)
}

// fixesFor reports whether a record has a fix built for the minor release.
func fixesFor(a *advisory.Advisory, release string) bool {
	for _, entry := range a.Affected {
		for _, r := range entry.Ranges {
			for _, e := range r.Events {
				if e.Kind == advisory.Fixed && moduleRelease(e.Version) == release {
					return true
				}
			}
		}
	}
	return false
}

// moduleRelease is the distribution's part of a modular build: "el8.5.0" of
// "2.0-6.module_el8.5.0+94+18674043"; empty for other builds.
func moduleRelease(v string) string {
	_, rest, ok := strings.Cut(v, ".module")
	if !ok || len(rest) < 2 {
		return ""
	}
	rest, _, _ = strings.Cut(rest[1:], "+")
	return rest
}
