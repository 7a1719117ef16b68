// Package msrc reads the monthly documents of Microsoft's Security Response
// Center: CVRF in JSON, as its API answers. Of every update (KB) it makes one
// advisory, which covers CVEs, fixes products from a build on, and contains
// the updates that it supersedes.
package msrc

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"muster/internal/advisory"
	"muster/internal/extract/windows"
	"muster/internal/feed"
)

// Bounds of a document. Real ones have 20 MB, 300 vulnerabilities and 500
// products.
const (
	maxBytes           = 512 << 20
	maxVulnerabilities = 50_000
	maxProducts        = 100_000
)

// ErrDocument says that bytes are no document of Microsoft's; the wrapping
// error says why.
var ErrDocument = errors.New("not a CVRF document of Microsoft's")

func refuse(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{ErrDocument}, args...)...)
}

type document struct {
	Tracking struct {
		Initial string `json:"InitialReleaseDate"`
		Current string `json:"CurrentReleaseDate"`
	} `json:"DocumentTracking"`
	Products struct {
		Names []struct {
			ID   string `json:"ProductID"`
			Name string `json:"Value"`
		} `json:"FullProductName"`
	} `json:"ProductTree"`
	Vulnerabilities []vulnerability `json:"Vulnerability"`
}

type vulnerability struct {
	CVE    string        `json:"CVE"`
	Title  value         `json:"Title"`
	Scores []scoreSet    `json:"CVSSScoreSets"`
	Words  []threat      `json:"Threats"`
	Fixes  []remediation `json:"Remediations"`
}

type value struct {
	Value string `json:"Value"`
}

type scoreSet struct {
	Base     float64  `json:"BaseScore"`
	Vector   string   `json:"Vector"`
	Products []string `json:"ProductID"`
}

// threat of type 3 is Microsoft's own rating for products.
type threat struct {
	Type        int      `json:"Type"`
	Description value    `json:"Description"`
	Products    []string `json:"ProductID"`
}

const ratingThreat = 3

// remediation of type 2 is an update: its description is the number.
type remediation struct {
	Type        int      `json:"Type"`
	SubType     string   `json:"SubType"`
	Description value    `json:"Description"`
	Build       string   `json:"FixedBuild"`
	Supersedes  string   `json:"Supercedence"`
	Products    []string `json:"ProductID"`
}

const vendorFix = 2

// Parse reads a document and calls each for every update in it, by number.
func Parse(r io.Reader, each func(*advisory.Advisory) error) error {
	var d document
	if err := json.NewDecoder(feed.Bounded(r, maxBytes)).Decode(&d); err != nil {
		return refuse("%w", err)
	}
	switch {
	case len(d.Vulnerabilities) > maxVulnerabilities:
		return refuse("%d vulnerabilities, at most %d", len(d.Vulnerabilities), maxVulnerabilities)
	case len(d.Products.Names) > maxProducts:
		return refuse("%d products, at most %d", len(d.Products.Names), maxProducts)
	case len(d.Products.Names) == 0 && len(d.Vulnerabilities) > 0:
		return refuse("it names no products")
	}
	updates := d.updates()
	for _, id := range slices.Sorted(maps.Keys(updates)) {
		a := updates[id].advisory()
		a.Published, a.Modified = date(d.Tracking.Initial), date(d.Tracking.Current)
		if err := each(&a); err != nil {
			return err
		}
	}
	return nil
}

// date reads a time with or without zone; zero for others.
func date(s string) time.Time {
	for _, form := range []string{time.RFC3339, "2006-01-02T15:04:05"} {
		if t, err := time.Parse(form, s); err == nil {
			return t.UTC().Truncate(time.Second)
		}
	}
	return time.Time{}
}

// update is what the document says of one KB.
type update struct {
	id       string
	cves     map[string]bool
	titles   []string
	products map[string]*product
	score    float64
	vector   string
}

// product is one that an update is for.
type product struct {
	build    string
	word     string
	contains map[string]bool
}

// updates joins what the vulnerabilities say of each update.
func (d *document) updates() map[string]*update {
	names := map[string]string{}
	for _, p := range d.Products.Names {
		names[p.ID] = windows.ProductName(p.Name)
	}
	all := map[string]*update{}
	for i := range d.Vulnerabilities {
		v := &d.Vulnerabilities[i]
		if !advisory.IsCVE(v.CVE) {
			continue
		}
		for j := range v.Fixes {
			v.add(&v.Fixes[j], names, all)
		}
		v.hotPatches(names, all)
	}
	return all
}

// add notes that a vulnerability is fixed by an update.
func (v *vulnerability) add(fix *remediation, names map[string]string, all map[string]*update) {
	id, ok := windows.KB(fix.Description.Value)
	if !ok || fix.Type != vendorFix {
		return
	}
	u := all[id]
	if u == nil {
		u = &update{id: id, cves: map[string]bool{}, products: map[string]*product{}}
		all[id] = u
	}
	if !u.cves[v.CVE] {
		u.cves[v.CVE] = true
		u.titles = append(u.titles, v.CVE+": "+strings.TrimSpace(v.Title.Value))
	}
	for _, n := range fix.Products {
		name := names[n]
		if name == "" {
			continue
		}
		p := u.products[name]
		if p == nil {
			p = &product{contains: map[string]bool{}}
			u.products[name] = p
		}
		if windows.IsBuild(fix.Build) {
			p.build = fix.Build
		}
		for _, older := range strings.FieldsFunc(fix.Supersedes, func(r rune) bool { return r == ';' || r == ',' || r == ' ' }) {
			if id, ok := windows.KB(older); ok && id != u.id {
				p.contains[id] = true
			}
		}
		p.word = worse(p.word, v.rating(n))
		v.rate(u, n)
	}
}

// hotPatches: who installs the patch that needs no restart has what the
// cumulative update of the same product fixes.
func (v *vulnerability) hotPatches(names map[string]string, all map[string]*update) {
	for i := range v.Fixes {
		hot := &v.Fixes[i]
		id, ok := windows.KB(hot.Description.Value)
		if !ok || all[id] == nil || !strings.Contains(strings.ToLower(hot.SubType), "hotpatch") {
			continue
		}
		for j := range v.Fixes {
			cold := &v.Fixes[j]
			other, ok := windows.KB(cold.Description.Value)
			if !ok || other == id || cold.Type != vendorFix {
				continue
			}
			for _, n := range hot.Products {
				if p := all[id].products[names[n]]; p != nil && slices.Contains(cold.Products, n) {
					p.contains[other] = true
				}
			}
		}
	}
}

// rating is Microsoft's word for the vulnerability in a product.
func (v *vulnerability) rating(productID string) string {
	for _, t := range v.Words {
		if t.Type == ratingThreat && (len(t.Products) == 0 || slices.Contains(t.Products, productID)) {
			return t.Description.Value
		}
	}
	return ""
}

// rate keeps the highest score of what an update covers.
func (v *vulnerability) rate(u *update, productID string) {
	for _, s := range v.Scores {
		if s.Base > u.score && (len(s.Products) == 0 || slices.Contains(s.Products, productID)) {
			u.score, u.vector = s.Base, s.Vector
		}
	}
}

// worse is the graver of two of Microsoft's words.
func worse(a, b string) string {
	order := []string{"", "Low", "Moderate", "Important", "Critical"}
	if slices.Index(order, b) > slices.Index(order, a) {
		return b
	}
	return a
}

// maxText bounds the details of an advisory, in bytes.
const maxText = 8 << 10

func (u *update) advisory() advisory.Advisory {
	a := advisory.Advisory{
		ID: u.id, Upstream: slices.Sorted(maps.Keys(u.cves)),
		Summary: fmt.Sprintf("%s fixes %d vulnerabilities", u.id, len(u.cves)),
		References: []advisory.Reference{
			{Type: "ADVISORY", URL: "https://support.microsoft.com/help/" + strings.TrimPrefix(u.id, "KB")},
		},
	}
	slices.Sort(u.titles)
	a.Details = strings.Join(u.titles, "\n")
	if len(a.Details) > maxText {
		a.Details = strings.ToValidUTF8(a.Details[:maxText], "")
	}
	if strings.HasPrefix(u.vector, "CVSS:3") {
		a.Severity = []advisory.Severity{{Type: "CVSS_V3", Score: u.vector}}
	}
	for _, name := range slices.Sorted(maps.Keys(u.products)) {
		p := u.products[name]
		a.Affected = append(a.Affected, advisory.Affected{
			Ecosystem: windows.Ecosystem, Name: name, Word: p.word, Ranges: p.ranges(name),
			Module: windows.JoinUpdates(slices.Collect(maps.Keys(p.contains))),
		})
	}
	return a
}

// ranges: builds count only within the release of Windows that they belong to;
// what has no build is known by its number only.
func (p *product) ranges(name string) []advisory.Range {
	if p.build == "" {
		return advisory.Everything()
	}
	from := "0"
	if windows.IsSystem(name) {
		from = windows.Release(p.build)
	}
	return []advisory.Range{{Type: advisory.Ecosystem, Events: []advisory.Event{
		{Kind: advisory.Introduced, Version: from}, {Kind: advisory.Fixed, Version: p.build},
	}}}
}
