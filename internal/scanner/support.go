package scanner

import (
	"strings"
	"time"

	"muster/internal/advisory"
	"muster/internal/advisorydb"
	"muster/internal/inventory"
)

// support is until when a release of an operating system has updates. What
// "now" is comes from the newest date in the set, so that a scan depends on its
// input only.
type support struct {
	// until is the day on which the publisher's support ends, zero where it is
	// not known; ended that it is past.
	until time.Time
	ended bool
	// paid is until when updates are to be had by a subscription; zero where
	// there is none, or the system has it.
	paid time.Time
}

func supportOf(system inventory.OS, set *advisorydb.Set) (support, error) {
	product := productOf(system)
	if product == "" {
		return support{}, nil
	}
	p, _, err := set.Product(product)
	if err != nil {
		return support{}, err
	}
	for _, c := range p.Cycles {
		if c.Name == system.VersionID || strings.HasPrefix(system.VersionID, c.Name+".") {
			return supportIn(c, system, newest(set)), nil
		}
	}
	return support{}, nil
}

// supportIn reads a release's dates. Debian's extended support, LTS, is for
// everybody; Ubuntu's is for systems that are attached to Pro.
func supportIn(c advisory.Cycle, system inventory.OS, now time.Time) support {
	s := support{until: c.EOL}
	pro := strings.HasPrefix(system.Ecosystem, "Ubuntu:Pro:")
	switch {
	case c.Extended.Before(c.EOL):
	case system.ID == "debian", pro:
		s.until = c.Extended
	case system.ID == "ubuntu":
		s.paid = c.Extended
	}
	s.ended = c.Ended || !s.until.IsZero() && s.until.Before(now)
	return s
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
