// Package redhat reads what Red Hat publishes as CSAF 2.0 documents (feeds
// specification 5.1): one VEX document per CVE, which says of every product
// whether it is affected, fixed, not affected or not looked at yet, and one
// advisory per erratum, which says what is fixed.
package redhat

import (
	"cmp"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"muster/internal/advisory"
	"muster/internal/extract/bounded"
	"muster/internal/feed"
)

// Bounds of a document. Those about the kernel, which list every package of
// every stream, have some tens of megabytes and 300,000 products.
const (
	maxDocument = 256 << 20
	maxProducts = 5_000_000
	// maxObjects and maxTexts are what a document has of both: two or three
	// bytes each, which decoded take a hundred times as many.
	maxObjects = 6_000_000
	maxTexts   = 40_000_000
	// maxVulnerabilities is of one document; errata of the kernel have some
	// hundred.
	maxVulnerabilities = 10_000
	maxLinks           = 1000
	maxArches          = 64
	maxText            = 64 << 10
	maxIDLength        = 200
)

// ErrDocument says that bytes are not a document of that kind; the wrapping
// error says why.
var ErrDocument = errors.New("not a CSAF document of Red Hat")

func refuse(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{ErrDocument}, args...)...)
}

// ParseVEX reads the document of a CVE. Products that are no rpm packages, and
// those whose description cannot be understood, are left out. A document that
// its publisher has deleted gives nothing.
func ParseVEX(r io.Reader, each func(*advisory.Advisory) error) error {
	doc, err := read(r)
	if err != nil || doc.Document.Tracking.Status == "deleted" {
		return err
	}
	products := doc.products()
	for i := range doc.Vulnerabilities {
		v := &doc.Vulnerabilities[i]
		a := doc.record(v)
		a.ID = cmp.Or(v.CVE, doc.Document.Tracking.ID)
		a.Affected = doc.states(v, products)
		if err := each(&a); err != nil {
			return err
		}
	}
	return nil
}

// ParseAdvisory reads an erratum: what it fixes. One whose fixes differ by CVE
// makes a record for each, because each is fixed in its own packages only.
func ParseAdvisory(r io.Reader, each func(*advisory.Advisory) error) error {
	doc, err := read(r)
	if err != nil || doc.Document.Tracking.Status == "deleted" {
		return err
	}
	products := doc.products()
	records := make([]advisory.Advisory, 0, len(doc.Vulnerabilities))
	for i := range doc.Vulnerabilities {
		v := &doc.Vulnerabilities[i]
		a := doc.record(v)
		a.ID, a.Summary = doc.Document.Tracking.ID, strings.TrimPrefix(doc.Document.Title, "Red Hat Security Advisory: ")
		if v.CVE != "" {
			a.Upstream = []string{v.CVE}
		}
		a.Affected = doc.fixes(v, products)
		records = append(records, a)
	}
	for _, a := range joined(records) {
		if err := each(&a); err != nil {
			return err
		}
	}
	return nil
}

// joined makes one record of those that fix the same packages. Where there is
// more than one in the end, each is named after its CVE.
func joined(records []advisory.Advisory) []advisory.Advisory {
	var out []advisory.Advisory
	known := map[[sha256.Size]byte]int{}
	for _, a := range records {
		key := fixesKey(a.Affected)
		i, ok := known[key]
		if !ok {
			known[key] = len(out)
			out = append(out, a)
			continue
		}
		out[i].Upstream = append(out[i].Upstream, a.Upstream...)
		out[i].CWEs, out[i].Severity = nil, nil // they are of one CVE each
	}
	for i := range out {
		if len(out) > 1 && len(out[i].Upstream) > 0 {
			out[i].ID += " " + out[i].Upstream[0]
		}
	}
	return out
}

// fixesKey is equal for the same fixes of the same packages.
func fixesKey(list []advisory.Affected) (key [sha256.Size]byte) {
	h := sha256.New()
	for i := range list {
		a := &list[i]
		fmt.Fprintf(h, "%q %q %q %q\n", a.Ecosystem, a.Name, a.Module, fixOf(*a))
	}
	h.Sum(key[:0])
	return key
}

func fixOf(a advisory.Affected) string {
	events := a.Ranges[0].Events
	return events[len(events)-1].Version
}

// read decodes and checks a document.
func read(r io.Reader) (*document, error) {
	data, err := feed.ReadAll(r, maxDocument)
	if err == nil {
		err = bounded.Shape(data, maxObjects, maxTexts)
	}
	var doc document
	if err == nil {
		err = json.Unmarshal(data, &doc)
	}
	if err == nil {
		err = doc.readVulnerabilities()
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDocument, err)
	}
	id := doc.Document.Tracking.ID
	switch {
	case id == "" || len(id) > maxIDLength || strings.ContainsAny(id, "/\\\x00\r\n"):
		return nil, refuse("id %.40q", id)
	case len(doc.ProductTree.Relationships) > maxProducts:
		return nil, refuse("%s: more than %d products", id, maxProducts)
	}
	for i := range doc.Vulnerabilities {
		if cve := doc.Vulnerabilities[i].CVE; cve != "" && !advisory.IsCVE(cve) {
			return nil, refuse("%s: %.40q is no CVE", id, cve)
		}
	}
	return &doc, nil
}

// document is a CSAF document, as far as it is read.
type document struct {
	Document struct {
		Title    string `json:"title"`
		Severity struct {
			Text string `json:"text"`
		} `json:"aggregate_severity"`
		Tracking struct {
			ID       string    `json:"id"`
			Status   string    `json:"status"`
			Initial  time.Time `json:"initial_release_date"`
			Current  time.Time `json:"current_release_date"`
			Revision []struct {
				Date    time.Time `json:"date"`
				Summary string    `json:"summary"`
			} `json:"revision_history"`
		} `json:"tracking"`
		Notes      []note      `json:"notes"`
		References []reference `json:"references"`
	} `json:"document"`
	ProductTree struct {
		Branches      []branch       `json:"branches"`
		Relationships []relationship `json:"relationships"`
	} `json:"product_tree"`
	List            bounded.Raw     `json:"vulnerabilities"`
	Vulnerabilities []vulnerability `json:"-"`
}

func (d *document) readVulnerabilities() error {
	return bounded.Elements(d.List, maxVulnerabilities, func(element bounded.Raw) error {
		var v vulnerability
		err := json.Unmarshal(element, &v)
		d.Vulnerabilities = append(d.Vulnerabilities, v)
		return err
	})
}

type note struct {
	Category string `json:"category"`
	Text     string `json:"text"`
}

type reference struct {
	Category string `json:"category"`
	URL      string `json:"url"`
}

// vulnerability is one CVE of a document. Product ids are those of the
// product tree's relationships.
type vulnerability struct {
	CVE string `json:"cve"`
	CWE struct {
		ID string `json:"id"`
	} `json:"cwe"`
	Title      string      `json:"title"`
	Notes      []note      `json:"notes"`
	References []reference `json:"references"`
	Released   time.Time   `json:"release_date"`
	Status     struct {
		Fixed         []string `json:"fixed"`
		Affected      []string `json:"known_affected"`
		NotAffected   []string `json:"known_not_affected"`
		Investigation []string `json:"under_investigation"`
	} `json:"product_status"`
	Remediations []statement `json:"remediations"`
	Threats      []statement `json:"threats"`
	Scores       []struct {
		CVSS3 struct {
			Vector string `json:"vectorString"`
		} `json:"cvss_v3"`
		CVSS4 struct {
			Vector string `json:"vectorString"`
		} `json:"cvss_v4"`
	} `json:"scores"`
}

// statement is a remediation or a threat of some products; of all where it
// names none.
type statement struct {
	Category string   `json:"category"`
	Details  string   `json:"details"`
	Products []string `json:"product_ids"`
}

// record is what a document says of a vulnerability beside the packages.
func (d *document) record(v *vulnerability) advisory.Advisory {
	a := advisory.Advisory{
		Modified: d.changed().UTC(), Published: d.Document.Tracking.Initial.UTC(),
		Summary: clip(cmp.Or(v.Title, d.Document.Title)), Details: clip(description(v.Notes)),
	}
	if !v.Released.IsZero() {
		a.Published = v.Released.UTC()
	}
	if v.CWE.ID != "" && len(v.CWE.ID) < 20 {
		a.CWEs = []string{v.CWE.ID}
	}
	for _, s := range v.Scores {
		if s.CVSS3.Vector != "" && len(a.Severity) == 0 {
			a.Severity = append(a.Severity, advisory.Severity{Type: "CVSS_V3", Score: clip(s.CVSS3.Vector)})
		}
	}
	own, about := d.Document.References, v.References
	for _, r := range slices.Concat(own[:min(len(own), maxLinks)], about[:min(len(about), maxLinks)]) {
		if len(a.References) < 100 && len(r.URL) < 1000 && strings.HasPrefix(r.URL, "https://") {
			a.References = append(a.References, advisory.Reference{Type: referenceType(r), URL: r.URL})
		}
	}
	return a
}

// changed is when the content last changed: the date of the document is that
// of its last generation, which may have changed nothing.
func (d *document) changed() time.Time {
	revisions := d.Document.Tracking.Revision
	for _, r := range slices.Backward(revisions[max(0, len(revisions)-maxLinks):]) {
		if r.Summary == "Current version" {
			return r.Date
		}
	}
	return d.Document.Tracking.Current
}

func referenceType(r reference) string {
	if r.Category == "self" {
		return "ADVISORY"
	}
	return "WEB"
}

func description(notes []note) string {
	for _, category := range []string{"description", "summary", "general"} {
		for _, n := range notes {
			if n.Category == category {
				return n.Text
			}
		}
	}
	return ""
}

// clip bounds a text and keeps it UTF-8.
func clip(s string) string {
	if len(s) > maxText {
		s = s[:maxText]
	}
	return strings.ToValidUTF8(s, "")
}
