package fetch

import (
	"time"

	"muster/internal/feed/layout"
)

// table is where the publishers are and how often they are asked (feeds
// specification 3 to 5). Addresses are data: configuration replaces them.
func table() []source {
	list := []source{
		{name: "alpine", base: "https://secdb.alpinelinux.org", every: 3 * time.Hour, run: fetchAlpine},
		{name: "amazon", base: "https://cdn.amazonlinux.com", every: 6 * time.Hour, run: fetchAmazon},
		{name: "bottlerocket", base: "https://advisories.bottlerocket.aws/updateinfo.xml.gz", every: 24 * time.Hour,
			run: single(layout.Amazon("bottlerocket", "core"), expectation{limit: maxIndex})},
		{name: "cvelist", base: "https://codeload.github.com/cisagov/vulnrichment/zip/refs/heads/develop", every: 24 * time.Hour, optional: true,
			run: single(layout.CVEList, expectation{count: countZIP})},
		{name: "debian", base: "https://security-tracker.debian.org/tracker/data/json", every: time.Hour,
			run: single(layout.DebianTracker, expectation{})},
		{name: "debian-notices", base: "https://salsa.debian.org/security-tracker-team/security-tracker/-/raw/master/data", every: 3 * time.Hour,
			run: several(map[string]string{layout.DebianDSA: "DSA/list", layout.DebianDLA: "DLA/list"})},
		{name: "endoflife", base: "https://endoflife.date/api/v1/products/full", every: 24 * time.Hour,
			run: single(layout.Products, expectation{limit: maxIndex})},
		{name: "epss", base: "https://epss.cyentia.com", hosts: []string{"epss.empiricalsecurity.com"}, every: 6 * time.Hour, run: fetchEPSS},
		{name: "exploitdb", base: "https://gitlab.com/exploit-database/exploitdb/-/raw/main/files_exploits.csv", every: 24 * time.Hour,
			run: single(layout.ExploitDB, expectation{limit: maxIndex, count: reading(countLines)})},
		{name: "kev", base: "https://www.cisa.gov/sites/default/files/feeds/known_exploited_vulnerabilities.json", every: time.Hour,
			run: single(layout.KEV, expectation{limit: maxIndex, count: reading(countKEV)})},
		{name: "metasploit", base: "https://raw.githubusercontent.com/rapid7/metasploit-framework/master/db/modules_metadata_base.json",
			every: 24 * time.Hour, run: single(layout.Metasploit, expectation{limit: maxIndex})},
		{name: "microsoft", base: "https://api.msrc.microsoft.com/cvrf/v3.0", every: 6 * time.Hour, run: fetchMicrosoft},
		{name: "nuclei", base: "https://raw.githubusercontent.com/projectdiscovery/nuclei-templates/main/cves.json", every: 24 * time.Hour,
			run: single(layout.NucleiIndex, expectation{limit: maxIndex, count: reading(countLines)})},
		{name: "nvd", base: "https://nvd.nist.gov/feeds/json/cve/2.0", every: 2 * time.Hour, run: fetchNVD},
		{name: "nvd-api", base: "https://services.nvd.nist.gov/rest/json/cves/2.0", every: 2 * time.Hour, optional: true, run: fetchNVDAPI},
		{name: "oracle", base: "https://linux.oracle.com/security/oval/com.oracle.elsa-all.xml.bz2", every: 24 * time.Hour,
			run: single(layout.OracleOVAL, expectation{})},
		{name: "osv", base: "https://storage.googleapis.com/osv-vulnerabilities", every: time.Hour, run: fetchOSV},
		{name: "photon", base: "https://packages.broadcom.com/photon/photon_cve_metadata", every: 24 * time.Hour, run: fetchPhoton},
		{name: "redhat-advisories", base: "https://security.access.redhat.com/data/csaf/v2/advisories", every: time.Hour, optional: true,
			run: fetchCSAF(layout.RedHatAdvisories)},
		{name: "redhat-vex", base: "https://security.access.redhat.com/data/csaf/v2/vex", every: time.Hour, run: fetchCSAF(layout.RedHatVEX)},
		{name: "rocky", base: "https://apollo.build.resf.org/api/v3/advisories", every: 6 * time.Hour, run: fetchRocky},
		{name: "suse", base: "https://ftp.suse.com/pub/projects/security/oval", every: 24 * time.Hour, run: fetchSUSE},
		{name: "ubuntu-osv", base: "https://security-metadata.canonical.com/osv/osv-all.tar.xz", every: 3 * time.Hour, run: tarXZ(layout.UbuntuOSV)},
	}
	for i := range list {
		list[i].publisher = list[i].base
	}
	return list
}

// Names are the sources that there are, by name; optional ones are fetched
// only where configuration names them.
func Names() (always, optional []string) {
	for _, s := range table() {
		if s.optional {
			optional = append(optional, s.name)
		} else {
			always = append(always, s.name)
		}
	}
	return always, optional
}
