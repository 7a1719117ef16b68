package match

import (
	"cmp"
	"strings"

	"muster/internal/advisory"
)

// source is Inspector's word for where a detection comes from: the
// distribution for its packages, else the database of the best record.
func (f *finder) source(advisoryID string) string {
	switch advisory.BaseEcosystem(f.component.Ecosystem) {
	case "Debian":
		return "DEBIAN_CVE"
	case "Ubuntu":
		return "UBUNTU_CVE"
	case "Red Hat":
		return "REDHAT_CVE"
	case "Alpine":
		return "ALPINE_CVE"
	case "AlmaLinux":
		return "ALMALINUX_CVE"
	case "Rocky Linux":
		return "ROCKY_CVE"
	case "Wolfi":
		return "WOLFI_CVE"
	case "Chainguard":
		return "CHAINGUARD_CVE"
	case "SUSE", "openSUSE":
		return "SUSE_CVE"
	case "Amazon Linux":
		return "AMAZON_CVE"
	case "Oracle Linux":
		return "ORACLE_CVE"
	case "Photon OS":
		return "PHOTON_CVE"
	case "Windows":
		return "MICROSOFT_CVE"
	}
	return databaseOf(advisoryID)
}

// database names the publisher of a record: that of its feed, else by its id's
// prefix.
func database(a *advisory.Advisory) string {
	publisher, _, _ := strings.Cut(a.Feed, "-")
	if publisher != "" {
		return strings.ToUpper(publisher)
	}
	return databaseOf(a.ID)
}

func databaseOf(id string) string {
	prefix, _, _ := strings.Cut(id, "-")
	switch prefix {
	case "GHSA":
		return "GITHUB"
	case "DEBIAN", "DSA", "DLA", "DTSA":
		return "DEBIAN"
	case "UBUNTU", "USN", "LSN":
		return "UBUNTU"
	case "ALSA", "ALBA", "ALEA":
		return "ALMALINUX"
	case "RLSA", "RXSA":
		return "ROCKY"
	case "RHSA", "RHBA", "RHEA":
		return "REDHAT"
	case "GO":
		return "GO_VULNDB"
	case "PYSEC", "PSF":
		return "PYPA"
	case "MAL":
		return "OSSF_MALICIOUS_PACKAGES"
	case "BIT":
		return "BITNAMI"
	case "CGA":
		return "CHAINGUARD"
	case "HSEC":
		return "HASKELL"
	case "ALPINE", "RUSTSEC", "CVE":
		return prefix
	}
	return "OSV"
}

// compareProofs puts the best record first: one about the single
// vulnerability before a notice about several, reviewed GitHub advisories
// before other databases, then by id.
func compareProofs(a, b proof) int {
	return cmp.Or(cmp.Compare(proofRank(a), proofRank(b)), cmp.Compare(a.Advisory, b.Advisory))
}

func proofRank(p proof) int {
	id := p.Advisory
	rank := 3
	switch {
	case strings.HasPrefix(id, "MAL-"):
		rank = 0
	case strings.Contains(id, "CVE-"):
		rank = 1
	case strings.HasPrefix(id, "GHSA-"):
		rank = 2
	}
	if p.paid {
		rank += 10
	}
	return rank
}
