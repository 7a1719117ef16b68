package scanner

import (
	"strings"
	"time"

	"muster/internal/advisorydb"
	"muster/internal/inventory"
)

// support is the day on which the publisher's support for a release ends, zero
// where it is not known, and whether that is past. What "now" is comes from
// the newest date in the set, so that a scan depends on its input only.
func support(system inventory.OS, set *advisorydb.Set) (until time.Time, ended bool, err error) {
	product := productOf(system)
	if product == "" {
		return time.Time{}, false, nil
	}
	p, _, err := set.Product(product)
	if err != nil {
		return time.Time{}, false, err
	}
	for _, c := range p.Cycles {
		if c.Name == system.VersionID || strings.HasPrefix(system.VersionID, c.Name+".") {
			return c.EOL, c.Ended || !c.EOL.IsZero() && c.EOL.Before(newest(set)), nil
		}
	}
	return time.Time{}, false, nil
}

// productOf is endoflife.date's name of a distribution.
func productOf(system inventory.OS) string {
	if system.ID == "centos" && strings.Contains(system.PrettyName, "Stream") {
		return "centos-stream"
	}
	return map[string]string{
		"debian": "debian", "ubuntu": "ubuntu", "alpine": "alpine-linux", "rhel": "rhel", "almalinux": "almalinux",
		"rocky": "rocky-linux", "amzn": "amazon-linux", "centos": "centos", "fedora": "fedora", "ol": "oracle-linux",
		"sles": "sles", "sled": "sles", "sles_sap": "sles", "sle-micro": "suse-linux-micro", "sl-micro": "suse-linux-micro",
		"opensuse-leap": "opensuse", "photon": "vmware-photon", "mageia": "mageia", "linuxmint": "linuxmint",
	}[system.ID]
}

func newest(set *advisorydb.Set) time.Time {
	var out time.Time
	for _, f := range set.Files() {
		if f.PublishedAt.After(out) {
			out = f.PublishedAt
		}
	}
	return out
}
