// Package layout says where in a feeds folder the files of each publisher lie,
// what form they have and on what terms they may be passed on. Fetchers write
// that folder, bundles carry it, parsers read it; docs/operating.md shows it.
//
// Files are as published, with one exception: what a publisher keeps as very
// many documents (one per vulnerability) lies in one zip file, a member per
// document, so that deltas are folded in where they are fetched and a parser
// sees each document once. A file is replaced as a whole, by renaming.
package layout

import (
	"path"
	"strings"
)

// Manifest is the file that lists the others, with their origin and hashes.
const Manifest = "feeds.json"

// Single files.
const (
	KEV      = "kev.json"
	EPSS     = "epss.csv.gz"
	CVE      = "cve.ndjson.gz"
	Exploits = "exploits.json"
	EOL      = "eol.json"

	DebianTracker    = "debian/tracker.json"
	DebianDSA        = "debian/DSA.list"
	DebianDLA        = "debian/DLA.list"
	UbuntuTracker    = "ubuntu/cve-tracker.zip"
	CVEList          = "cvelist/cves.zip"
	Nuclei           = "nuclei/templates.json"
	NucleiIndex      = "nuclei/cves.json"
	UbuntuOSV        = "ubuntu/osv.zip"
	RedHatVEX        = "redhat/vex.zip"
	RedHatAdvisories = "redhat/advisories.zip"
	RockyErrata      = "rocky/errata.zip"
	OracleOVAL       = "oracle/com.oracle.elsa-all.xml.bz2"
	ExploitDB        = "exploitdb/files_exploits.csv"
	Metasploit       = "metasploit/modules_metadata_base.json"
	Products         = "endoflife/products.json"
)

// OSV is the archive of an ecosystem ("Red Hat").
func OSV(ecosystem string) string { return "osv/" + ecosystem + ".zip" }

// Alpine is the secdb of a release ("v3.20", "edge") and repository ("main").
func Alpine(release, repository string) string {
	return "alpine/" + release + "/" + repository + ".json"
}

// Amazon is the updateinfo of a release ("1", "2", "2022", "2023") and
// repository: "core", a topic of the extras ("docker"), "kernel-livepatch".
func Amazon(release, repository string) string {
	if repository == "core" {
		return "amazon/" + release + "/updateinfo.xml.gz"
	}
	return "amazon/" + release + "/" + repository + "-updateinfo.xml.gz"
}

// SUSE is an OVAL file by its published name.
func SUSE(name string) string { return "suse/" + name }

// Photon is the CVE list of a version ("5.0").
func Photon(version string) string { return "photon/cve_data_photon" + version + ".json" }

// Microsoft is a monthly document ("2024-Jan").
func Microsoft(month string) string { return "microsoft/" + month + ".json" }

// NVD is a file of API 2.0 answers: "2024" for a yearly file, or any other name.
func NVD(name string) string { return "nvd/" + name + ".json.gz" }

// Source is a publisher's data set: one file or several of the same form.
type Source struct {
	// Name is how people and commands call it: "redhat-vex".
	Name string
	// Files is the pattern of its files in the folder (path.Match).
	Files string
	// Form says what a file holds, Schema which version of a form.
	Form, Schema string
	// Licence is an SPDX identifier or words; Attribution is what has to be
	// said beside the data.
	Licence, Attribution string
}

// None is the licence of data whose publisher states none.
const None = "none stated"

// All are the sources, by name.
func All() []Source {
	return []Source{
		{"alpine", "alpine/*/*.[jy]*", "secdb of a release and repository, JSON or YAML", "secdb", None, "Alpine Linux security team"},
		{"amazon", "amazon/*/*updateinfo.xml.gz", "updateinfo of a release and repository", "updateinfo", None, "Amazon Linux Security Center"},
		{"cve", CVE, "details of CVEs, one JSON object a line", "muster 1", "CC0-1.0", "CVE Program; CISA Vulnrichment"},
		{"cvelist", CVEList, "members <CVE>.json with the containers of numbering authorities and CISA", "CVE JSON 5", "CVE Program terms of use", "CVE Program; CISA Vulnrichment"},
		{"debian", DebianTracker, "tracker, all releases", "tracker", None, "Debian security team"},
		{"debian-notices", "debian/D[LS]A.list", "lists of notices (data/DSA/list, data/DLA/list)", "tracker lists", None, "Debian security team"},
		{"endoflife", Products, "products with their cycles", "endoflife.date v1", "MIT", "endoflife.date"},
		{"eol", EOL, "products with their cycles, by name", "muster 1", "MIT", "endoflife.date"},
		{"epss", EPSS, "scores by CVE", "EPSS CSV", "free to use with attribution", "EPSS by FIRST.org, https://www.first.org/epss"},
		{"exploitdb", ExploitDB, "index of exploits", "CSV", "GPL-2.0-or-later", "Exploit-DB, OffSec"},
		{"exploits", Exploits, "known exploits by CVE", "muster 1", None, "Metasploit; CISA"},
		{"kev", KEV, "catalogue of exploited vulnerabilities", "KEV", "CC0-1.0", "CISA"},
		{"metasploit", Metasploit, "modules by name", "modules_metadata_base", "BSD-3-Clause", "Rapid7 Metasploit Framework"},
		{"microsoft", "microsoft/*.json", "updates of a month", "CVRF JSON", "Microsoft API terms of use", "Microsoft Security Response Center"},
		{"nuclei", "nuclei/*.json", "templates as the API answers, or the index cves.json", "Nuclei templates", "MIT", "ProjectDiscovery"},
		{"nvd", "nvd/*.json*", "answers of the CVE API in any number of files; of several records of a CVE the one modified last counts", "CVE API 2.0",
			"public domain", "This product uses the NVD API but is not endorsed or certified by the NVD."},
		{"oracle", OracleOVAL, "ELSA definitions", "OVAL 5", None, "Oracle Linux security"},
		{"osv", "osv/*.zip", "records of an ecosystem, members <ID>.json", "OSV 1", "that of each database: https://google.github.io/osv.dev/data/", "OSV and the databases it joins"},
		{"photon", "photon/cve_data_photon*.json", "CVEs of a version", "Photon CVE metadata", None, "VMware Photon OS"},
		{"redhat-advisories", RedHatAdvisories, "members <year>/<advisory>.json", "CSAF 2.0", "CC-BY-4.0", "Red Hat Product Security"},
		{"redhat-vex", RedHatVEX, "members <year>/<cve>.json", "CSAF 2.0 VEX", "CC-BY-4.0", "Red Hat Product Security"},
		{"rocky", RockyErrata, `members <advisory>.json, each {"advisories":[…]} as the API answers`, "Apollo API v3", None, "Rocky Enterprise Software Foundation"},
		{"suse", "suse/*.xml.*", "definitions of a product (gzip or bzip2)", "OVAL 5", None, "SUSE security team"},
		{"ubuntu-osv", UbuntuOSV, "members <ID>.json", "OSV 1", "CC-BY-SA-4.0", "Canonical"},
		{"ubuntu-tracker", UbuntuTracker, "members <CVE>, in any folders", "CVE tracker", None, "Canonical"},
	}
}

// Of is the source that a file of the folder belongs to; ok is false for any
// other name, such as one that leads out of the folder.
func Of(name string) (s Source, ok bool) {
	if name != path.Clean(name) || strings.Contains(name, `\`) {
		return s, false
	}
	for _, s := range All() {
		if match, err := path.Match(s.Files, name); err == nil && match && !strings.HasPrefix(path.Base(name), ".") {
			return s, true
		}
	}
	return s, false
}
