// Package vex reads what people have found out about vulnerabilities of their
// products (Vulnerability Exploitability eXchange) in OpenVEX, CSAF and CycloneDX,
// decides which statement speaks about a package, and writes OpenVEX (feeds
// specification 7.6). It is pure: documents in, decisions out.
package vex

import (
	"errors"
	"fmt"
	"time"

	"muster/internal/inventory"
	"muster/internal/sbom"
)

// Status is what a statement says, in OpenVEX's words.
type Status string

// The states.
const (
	NotAffected        Status = "not_affected"
	Affected           Status = "affected"
	Fixed              Status = "fixed"
	UnderInvestigation Status = "under_investigation"
)

// Suppresses reports whether a package with this status has no vulnerability.
func (s Status) Suppresses() bool { return s == NotAffected || s == Fixed }

// Statement is what somebody says about vulnerabilities of products.
type Statement struct {
	// IDs are the vulnerability's names.
	IDs    []string
	Status Status
	// Justification is OpenVEX's or CycloneDX's word, Detail the reason in
	// sentences, Action what to do.
	Justification, Detail, Action string
	// At is when it was said last.
	At time.Time
	// Origin names the document and the statement's place in it.
	Origin string

	products []product
	used     bool
}

// product is what a statement is about: a package, or a whole that a scan may
// be of with the parts that are meant.
type product struct {
	identity
	parts []identity
}

// identity names a package or a whole.
type identity struct {
	sbom.Subject
	// own: the document is about this and says so.
	own bool
	// versions are those meant, nil for whatever Subject says.
	versions []versions
	// platform is the CPE of an operating system that the packages are for.
	platform string
}

// Target is what a scan is of.
type Target struct {
	// Subject names it; the zero value where nothing is known, as of folders.
	Subject sbom.Subject
	// Refs are the references of the packages in the document they come from.
	Refs map[inventory.Item][]string
	// System is the operating system around the packages.
	System inventory.OS
}

func (t *Target) named() bool { return t.Subject != sbom.Subject{} }

// ErrFormat says that a document is none that is read here; the wrapping error
// says why.
var ErrFormat = errors.New("not a VEX document")

func refuse(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{ErrFormat}, args...)...)
}

// Bounds of a document.
const (
	MaxFile       = 64 << 20
	maxStatements = 200_000
	maxIdentities = 1_000_000
)

// Set are the statements of any number of documents.
type Set struct {
	statements []*Statement
	byID       map[string][]*Statement
	notes      []string
	assumed    map[string]bool
	// identities counts the products of all statements.
	identities int
}

// NewSet makes an empty set.
func NewSet() *Set { return &Set{byID: map[string][]*Statement{}, assumed: map[string]bool{}} }

// add takes a statement, unless it says nothing that could be relied on.
func (s *Set) add(st *Statement) {
	if st.Status == NotAffected && st.Justification == "" && st.Detail == "" {
		s.notes = append(s.notes, st.Origin+" is left out: it says not_affected without a justification")
		return
	}
	s.statements = append(s.statements, st)
	seen := map[string]bool{}
	for _, id := range st.IDs {
		if id != "" && !seen[id] {
			seen[id] = true
			s.byID[id] = append(s.byID[id], st)
		}
	}
}

// Decide finds the statement about a package of a target and a vulnerability
// by any of its ids: the latest that was said, of equally late ones the last
// read. It is nil when nobody speaks about it.
func (s *Set) Decide(t *Target, it inventory.Item, ids []string) *Statement {
	if s == nil {
		return nil
	}
	var best *Statement
	url := ""
	for _, id := range ids {
		for _, st := range s.byID[id] {
			if url == "" {
				url = sbom.PURL(it, t.System)
			}
			if st.about(t, it, url, s) {
				st.used = true
				if best == nil || !st.At.Before(best.At) {
					best = st
				}
			}
		}
	}
	return best
}

// Notes are what to know: statements left out, those that spoke about nothing
// in the scan, and targets that were taken to be the product.
func (s *Set) Notes() []string {
	if s == nil {
		return nil
	}
	notes := append([]string(nil), s.notes...)
	idle, sample := 0, ""
	for _, st := range s.statements {
		if !st.used {
			if idle++; sample == "" {
				sample = st.Origin
			}
		}
	}
	if idle > 0 {
		notes = append(notes, fmt.Sprintf("%d of %d VEX statements speak of nothing that was found here, the first is %s", idle, len(s.statements), sample))
	}
	for _, st := range s.statements {
		for _, p := range st.products {
			if name := p.String(); s.assumed[name] {
				delete(s.assumed, name)
				notes = append(notes, "VEX: the target has no name of its own and is taken to be the product "+name)
			}
		}
	}
	return notes
}
