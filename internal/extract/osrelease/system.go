package osrelease

import (
	"strings"

	"muster/internal/inventory"
)

// System maps the fields of os-release to an operating system. Ecosystem is
// OSV's name of the distribution release that judges its packages, empty where
// OSV has none; Platform is Inspector's word (scanning specification 3.1).
func System(fields map[string]string) inventory.OS {
	o := inventory.OS{
		ID: fields["ID"], VersionID: fields["VERSION_ID"],
		Codename: fields["VERSION_CODENAME"], PrettyName: fields["PRETTY_NAME"],
	}
	if o.ID == "debian" && o.VersionID == "" {
		o.VersionID = debianNumber(o.Codename)
	}
	if o.PrettyName == "" {
		o.PrettyName = strings.TrimSpace(fields["NAME"] + " " + fields["VERSION"])
	}
	o.PrettyName = inventory.DefaultLimits().Clean(o.PrettyName)
	o.Ecosystem = inventory.DefaultLimits().Clean(ecosystem(o, fields["CPE_NAME"]))
	o.Platform = inventory.DefaultLimits().Clean(platform(o))
	return o
}

// debianNumber is the release number of a codename, for testing and unstable,
// whose os-release has no number.
func debianNumber(codename string) string { return Number("debian", codename) }

// Number is the release number of a codename of Debian or Ubuntu, "" for any
// other word.
func Number(id, codename string) string {
	return map[string]map[string]string{
		"debian": {
			"wheezy": "7", "jessie": "8", "stretch": "9", "buster": "10", "bullseye": "11", "bookworm": "12", "trixie": "13", "forky": "14",
		},
		"ubuntu": {
			"trusty": "14.04", "xenial": "16.04", "bionic": "18.04", "focal": "20.04", "jammy": "22.04", "mantic": "23.10",
			"noble": "24.04", "oracular": "24.10", "plucky": "25.04", "questing": "25.10", "resolute": "26.04",
		},
	}[id][codename]
}

// ecosystem follows the suffix rules of the OSV schema (feeds specification 2).
func ecosystem(o inventory.OS, cpe string) string {
	switch o.ID {
	case "wolfi":
		return "Wolfi"
	case "chainguard":
		return "Chainguard"
	case "minimos":
		return "MinimOS"
	case "echo":
		return "Echo"
	case "bottlerocket":
		return "Bottlerocket"
	case "rhel", "rhcos":
		return redHat(o.VersionID, cpe)
	case "alpaquita":
		return alpaquita(o.VersionID)
	}
	if o.VersionID == "" {
		if o.ID == "opensuse-tumbleweed" {
			return "openSUSE:Tumbleweed"
		}
		return ""
	}
	switch o.ID {
	case "debian":
		return "Debian:" + major(o.VersionID)
	case "ubuntu":
		return "Ubuntu:" + o.VersionID + ubuntuSupport(o.VersionID)
	case "alpine":
		return alpine(o.VersionID)
	case "almalinux":
		return "AlmaLinux:" + major(o.VersionID)
	case "amzn":
		return "Amazon Linux:" + amazon(o.VersionID)
	case "centos":
		return centOS(o)
	case "ol":
		return "Oracle Linux:" + major(o.VersionID)
	case "rocky":
		return "Rocky Linux:" + major(o.VersionID)
	case "mageia":
		return "Mageia:" + o.VersionID
	case "photon":
		return "Photon OS:" + o.VersionID
	case "azurelinux", "mariner":
		return "Azure Linux:" + major(o.VersionID)
	case "openEuler":
		return openEuler(o.PrettyName, o.VersionID)
	case "sles", "sled", "sles_sap", "sle-micro", "sle-micro-rancher", "sl-micro":
		return "SUSE:" + strings.TrimPrefix(o.PrettyName, "SUSE ")
	case "opensuse-leap":
		return "openSUSE:Leap " + o.VersionID
	}
	return ""
}

func major(version string) string {
	m, _, _ := strings.Cut(version, ".")
	return m
}

// majorMinor cuts "3.19.1" to "3.19".
func majorMinor(version string) string {
	parts := strings.SplitN(version, ".", 3)
	return strings.Join(parts[:min(2, len(parts))], ".")
}

// ubuntuSupport is ":LTS" for the April releases of even years.
func ubuntuSupport(version string) string {
	year, month, _ := strings.Cut(version, ".")
	if month == "04" && len(year) == 2 && strings.ContainsRune("02468", rune(year[1])) {
		return ":LTS"
	}
	return ""
}

// alpine drops the patch level; edge ("3.20_alpha20240329") is judged like the
// release it becomes.
func alpine(version string) string {
	version, _, _ = strings.Cut(version, "_")
	return "Alpine:v" + majorMinor(version)
}

// redHat is the CPE without its fixed start; without a CPE, the base
// repository of the major release.
func redHat(version, cpe string) string {
	if _, rest, ok := strings.Cut(cpe, ":redhat:"); ok && rest != "" {
		return "Red Hat:" + rest
	}
	if version == "" {
		return ""
	}
	return "Red Hat:enterprise_linux:" + major(version) + "::baseos"
}

// centOS is judged as what it was built from, with the same versions. CentOS
// Stream runs ahead of that, and nobody publishes advisories for it.
func centOS(o inventory.OS) string {
	if m := major(o.VersionID); strings.Contains(o.PrettyName, "Stream") || len(m) > 1 || m > "8" {
		return "" // there is no other than Stream above 8
	}
	return redHat(o.VersionID, "")
}

// amazon is the release by which updates go: the first one's versions are
// dates ("2018.03").
func amazon(version string) string {
	m := major(version)
	if len(m) == 4 && m < "2022" {
		return "1"
	}
	return m
}

// alpaquita is a release by its number, else the stream.
func alpaquita(version string) string {
	if m := major(version); m != "" && strings.Trim(m, "0123456789") == "" {
		return "Alpaquita:" + m
	}
	return "Alpaquita:stream"
}

// openEuler writes "24.03-LTS-SP1" of the pretty name "openEuler 24.03 (LTS-SP1)".
func openEuler(pretty, version string) string {
	if _, edition, ok := strings.Cut(pretty, "("); ok {
		return "openEuler:" + version + "-" + strings.TrimSuffix(edition, ")")
	}
	return "openEuler:" + version
}

// platform is the distribution's word and version, upper case with
// underscores: DEBIAN_12, UBUNTU_22_04, ALPINE_LINUX_3_21.
func platform(o inventory.OS) string {
	word, version := o.ID, o.VersionID
	switch o.ID {
	case "":
		return ""
	case "alpine":
		word, version = "ALPINE_LINUX", strings.TrimPrefix(alpine(version), "Alpine:v")
	case "amzn":
		word, version = "AMAZON_LINUX", major(version)
		if amazon(version) == "1" {
			version = ""
		}
	case "debian", "almalinux", "centos":
		version = major(version)
	case "rocky":
		word, version = "ROCKY_LINUX", major(version)
	case "rhel":
		version = major(version)
	case "ol":
		word, version = "ORACLE_LINUX", major(version)
	case "azurelinux", "mariner":
		word, version = "AZURE_LINUX", major(version)
	case "wolfi", "chainguard", "minimos", "opensuse-tumbleweed", "echo":
		version = "" // rolling: the number is a date
	}
	if version != "" {
		word += "_" + version
	}
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' {
			return r - 'a' + 'A'
		}
		if (r >= 'A' && r <= 'Z') || (r >= '0' && r <= '9') {
			return r
		}
		return '_'
	}, word)
}
