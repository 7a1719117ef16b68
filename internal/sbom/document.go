package sbom

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"

	"muster/internal/inventory"
)

// Document is what is written: what was found on one target, and optionally
// the vulnerabilities of it. The same document is always written the same.
type Document struct {
	// Target names what was looked at; Container says that it is an image.
	Target    string
	Container bool
	// Tool is the program's version.
	Tool string
	// Created is the date that SPDX demands; CycloneDX does without.
	Created         time.Time
	Inventory       inventory.Inventory
	Vulnerabilities []Vulnerability
	// Properties are names and values about the target: CycloneDX's metadata.
	Properties [][2]string
}

// Vulnerability is one vulnerability and the items that have it.
type Vulnerability struct {
	ID, SourceName, SourceURL   string
	Description, Recommendation string
	Related                     []string
	Ratings                     []Rating
	CWEs                        []int
	Advisories                  []string
	Published, Updated          time.Time
	EPSS                        *float64
	Affects                     []Affect
	KEVAdded, KEVDue            time.Time
	ExploitAvailable, IsWontFix bool
	Severity                    string
	// Analysis is what somebody has found out about it here, nil for nothing.
	Analysis *Analysis
}

// Analysis is in CycloneDX's words; Justification and Detail may be "".
type Analysis struct{ State, Justification, Detail string }

// Rating is one CVSS score. Version is "2.0", "3.0", "3.1" or "4.0".
type Rating struct {
	Source, Version, Vector, Severity string
	Score                             float64
}

// Affect is one affected item and the version that fixes it, "" for none.
type Affect struct {
	Item         inventory.Item
	FixedVersion string
}

// Ref is the reference of an item within a document: the same for the same
// item in every document.
func Ref(it inventory.Item) string {
	h := sha256.New()
	for _, field := range []string{
		it.Ecosystem, it.Name, it.Version, it.Arch, it.Source, it.SourceVersion, it.Module, string(it.Manager), it.Path, it.Layer, string(it.Role), it.OwnedBy,
	} {
		fmt.Fprintf(h, "%d:%s", len(field), field)
	}
	return "package-" + hex.EncodeToString(h.Sum(nil)[:12])
}

// serial is an identifier of the document's content in the form of a UUID.
func (d *Document) serial() string {
	inv := d.Inventory
	sum := sha256.New()
	fmt.Fprintf(sum, "%s\n%s\n", d.Target, inv.Hash())
	for _, v := range d.Vulnerabilities {
		fmt.Fprintf(sum, "%s %s %d\n", v.ID, v.Updated, len(v.Affects))
	}
	b := sum.Sum(nil)[:16]
	b[6], b[8] = b[6]&0x0f|0x80, b[8]&0x3f|0x80 // version 8: made by a rule of our own
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
