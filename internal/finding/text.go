package finding

import (
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"muster/internal/inventory"
)

// Texts that clients look for literally (4.1, 4.2).
const (
	// NotAvailable stands for the fixed version where there is none.
	NotAvailable = "NotAvailable"
	// noneProvided is the recommendation of package findings; the useful
	// text is each package's.
	noneProvided = "None Provided"
)

// maxText bounds titles and descriptions, in characters.
const maxText = 1024

// cut shortens a text to what the interface can carry.
func cut(s string) string {
	if utf8.RuneCountInString(s) <= maxText {
		return s
	}
	return string([]rune(s)[:maxText])
}

// title is "<id> - <package>, <package>…", every name once, sorted.
func title(id string, packages []Package) string {
	names := make([]string, len(packages))
	for i, p := range packages {
		names[i] = p.Name
	}
	slices.Sort(names)
	return cut(id + " - " + strings.Join(slices.Compact(names), ", "))
}

// description falls back to a sentence of our own, because the member must
// not be empty.
func description(id, text string) string {
	if text = strings.TrimSpace(text); text == "" {
		text = "No description of " + id + " has been published yet."
	}
	return cut(text)
}

// newPackage shows an affected item as Inspector does.
func newPackage(a Affected) Package {
	p := Package{
		Name: a.Item.Name, Version: a.Item.Version, Manager: string(a.Item.Manager),
		Arch: archWord(a.Item.Arch), Path: a.Item.Path,
		FixedIn: NotAvailable, Evidence: a.Evidence,
	}
	// A function's layers are named by ARN, an image's by digest.
	if strings.HasPrefix(a.Item.Layer, "arn:") {
		p.LambdaLayer = a.Item.Layer
	} else {
		p.Layer = a.Item.Layer
	}
	os := a.Item.Manager == inventory.ManagerOS
	if os {
		p.Epoch, p.Version, p.Release = splitVersion(a.Item.Version)
	}
	if a.FixedVersion != "" {
		p.FixedIn = a.FixedVersion
		if os {
			p.FixedIn = FullVersion(a.Item.Ecosystem, a.FixedVersion)
			p.Remediation = updateCommand(a.Item.Ecosystem, a.Item.Name)
		}
	} else if a.SubscriptionFix != "" {
		p.Remediation = subscriptionText(a.Item.Ecosystem, a.SubscriptionFix)
	}
	return p
}

// subscriptionText says where a fix that costs something is to be had.
func subscriptionText(ecosystem, fixed string) string {
	if strings.HasPrefix(ecosystem, "Ubuntu:") {
		return "available with Ubuntu Pro: " + fixed + " (pro attach)"
	}
	return "available with extended support: " + fixed
}

// splitVersion takes [epoch:]version[-release] apart. The release is what
// follows the last hyphen, as dpkg, rpm and apk have it.
func splitVersion(s string) (epoch int32, version, release string) {
	if e, rest, ok := strings.Cut(s, ":"); ok {
		if n, err := strconv.ParseInt(e, 10, 32); err == nil {
			epoch, s = int32(n), rest
		}
	}
	if i := strings.LastIndexByte(s, '-'); i > 0 && i < len(s)-1 {
		return epoch, s[:i], s[i+1:]
	}
	return epoch, s, ""
}

// FullVersion writes the epoch out where the package format has one, as
// Inspector shows fixed versions of operating-system packages.
func FullVersion(ecosystem, version string) string {
	if isAPK(ecosystem) || family(ecosystem) == "Windows" || strings.Contains(version, ":") {
		return version
	}
	return "0:" + version
}

func family(ecosystem string) string {
	name, _, _ := strings.Cut(ecosystem, ":")
	return name
}

func isAPK(ecosystem string) bool {
	switch family(ecosystem) {
	case "Alpine", "Alpaquita", "BellSoft Hardened Containers", "Chainguard", "CleanStart", "MinimOS", "Wolfi":
		return true
	}
	return false
}

// updateCommand is what an administrator types to install the fix.
func updateCommand(ecosystem, name string) string {
	switch f := family(ecosystem); {
	case isAPK(ecosystem):
		return "apk update && apk upgrade " + name
	case f == "Debian" || f == "Ubuntu" || f == "Echo":
		return "apt-get update && apt-get upgrade"
	case f == "Windows":
		return "install the update"
	case f == "SUSE" || f == "openSUSE":
		return "zypper update " + name
	}
	return "yum update " + name
}

// archWord is the architecture in Inspector's spelling.
func archWord(arch string) string {
	switch strings.ToLower(arch) {
	case "amd64", "x86_64", "x86-64":
		return "X86_64"
	case "arm64", "aarch64":
		return "ARM64"
	}
	return strings.ToUpper(arch)
}

// sourceURL is the page of the detection source about the vulnerability.
func sourceURL(source, id string, related []string) string {
	cve := strings.HasPrefix(id, "CVE-")
	switch {
	case source == "DEBIAN_CVE":
		return "https://security-tracker.debian.org/tracker/" + id
	case source == "UBUNTU_CVE" && cve:
		return "https://ubuntu.com/security/" + id
	case source == "REDHAT_CVE" && cve:
		return "https://access.redhat.com/security/cve/" + id
	case source == "AMAZON_CVE" && cve:
		return "https://alas.aws.amazon.com/cve/html/" + id + ".html"
	case source == "ALPINE_CVE" && cve:
		return "https://security.alpinelinux.org/vuln/" + id
	case source == "MICROSOFT_CVE" && strings.HasPrefix(id, "KB"):
		return "https://support.microsoft.com/help/" + id[len("KB"):]
	case source == "GITHUB":
		for _, other := range append([]string{id}, related...) {
			if strings.HasPrefix(other, "GHSA-") {
				return "https://github.com/advisories/" + other
			}
		}
	}
	if cve {
		return "https://nvd.nist.gov/vuln/detail/" + id
	}
	return "https://osv.dev/vulnerability/" + id
}

// Show is an installed item as findings show packages, without anything about
// a vulnerability.
func Show(item inventory.Item) Package { return newPackage(Affected{Item: item}) }
