package oval

import (
	"io"
	"slices"
	"strings"
	"time"

	"muster/internal/advisory"
)

// ParseOracle reads Oracle Linux's unpacked definitions and calls each for
// every erratum.
func ParseOracle(r io.Reader, each func(*advisory.Advisory) error) error {
	return parse(r, "patch", oracleID, oracleRelease, each)
}

// ParseSUSE reads the unpacked definitions of a SUSE or openSUSE product and
// calls each for every vulnerability, or every update in the files that go by
// updates. Several files may have parts of one record.
func ParseSUSE(r io.Reader, each func(*advisory.Advisory) error) error {
	return parse(r, "", suseID, suseRelease, each)
}

func parse(r io.Reader, class string, id func(*definition) string, ecosystem func(string) string, each func(*advisory.Advisory) error) error {
	f, err := read(r)
	if err != nil {
		return err
	}
	for i := range f.definitions {
		d := &f.definitions[i]
		name := id(d)
		if name == "" || class != "" && d.class != class {
			continue
		}
		a := d.record(name)
		a.Affected = f.affected(d, severityWord(d.severity), ecosystem)
		if len(a.Affected) == 0 {
			continue
		}
		if err := each(&a); err != nil {
			return err
		}
	}
	return nil
}

// oracleID is "ELSA-2007-0057".
func oracleID(d *definition) string {
	for _, r := range d.references {
		if r.Source == "elsa" && plain(r.ID) {
			return r.ID
		}
	}
	return ""
}

// suseID is the CVE, or the id of an update.
func suseID(d *definition) string {
	if advisory.IsCVE(d.title) {
		return d.title
	}
	for _, r := range d.references {
		if strings.HasPrefix(r.ID, "SUSE-") || strings.HasPrefix(r.ID, "openSUSE-") {
			if plain(r.ID) {
				return r.ID
			}
		}
	}
	if number := strings.TrimPrefix(d.id, "oval:org.opensuse.security:def:"); number != d.id && plain(number) {
		return "SUSE-OVAL-" + number
	}
	return ""
}

func plain(id string) bool {
	return id != "" && len(id) < 100 && !strings.ContainsAny(id, "/\\\x00\r\n")
}

// oracleRelease is "Oracle Linux:8" of "Oracle Linux 8".
func oracleRelease(product string) string {
	release, ok := strings.CutPrefix(product, "Oracle Linux ")
	if !ok || release == "" || strings.Trim(release, "0123456789") != "" {
		return ""
	}
	return "Oracle Linux:" + release
}

// suseRelease writes a product's name as OSV does: the pretty name of
// os-release without the vendor.
func suseRelease(product string) string {
	if name, ok := strings.CutPrefix(product, "openSUSE "); ok {
		return "openSUSE:" + name
	}
	if name, ok := strings.CutPrefix(product, "SUSE "); ok {
		return "SUSE:" + name
	}
	return ""
}

// record is what a definition says beside the packages.
func (d *definition) record(id string) advisory.Advisory {
	a := advisory.Advisory{ID: id, Summary: clip(strings.Join(strings.Fields(d.title), " ")), Details: clip(d.description)}
	a.Published, a.Modified = date(d.issued), date(d.updated)
	if a.Modified.Before(a.Published) {
		a.Modified = a.Published
	}
	for _, r := range d.references {
		if advisory.IsCVE(r.ID) && r.ID != id && !slices.Contains(a.Upstream, r.ID) {
			a.Upstream = append(a.Upstream, r.ID)
		}
		if len(a.References) < 100 && strings.HasPrefix(r.URL, "https://") && len(r.URL) < 1000 {
			a.References = append(a.References, advisory.Reference{Type: "ADVISORY", URL: r.URL})
		}
	}
	if advisory.IsCVE(id) || len(a.Upstream) == 1 {
		a.Severity = d.score()
	}
	return a
}

// score is the publisher's own CVSS rating of a record about one CVE.
func (d *definition) score() []advisory.Severity {
	for _, c := range d.cves {
		_, vector, ok := strings.Cut(c.CVSS3, "/")
		if ok && strings.HasPrefix(vector, "CVSS:3") && !strings.Contains(c.URL, "nvd.nist.gov") {
			return []advisory.Severity{{Type: "CVSS_V3", Score: clip(vector)}}
		}
	}
	return nil
}

func date(s string) time.Time {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		return time.Time{}
	}
	return t
}

func clip(s string) string {
	if len(s) > maxText {
		s = s[:maxText]
	}
	return strings.ToValidUTF8(s, "")
}

// severityWord writes a publisher's word with a capital.
func severityWord(word string) string {
	switch w := strings.ToLower(word); w {
	case "low", "moderate", "important", "critical":
		return strings.ToUpper(w[:1]) + w[1:]
	case "high":
		return "Important"
	}
	return ""
}
