// Package advisory says what is known of a flaw: its names, the packages and
// versions it affects, and how bad its publishers say it is. The form is OSV's
// schema 1.7 (feeds specification 2), reduced to what muster uses; the order
// of versions comes from package version.
package advisory

import "time"

// Advisory is one record of one publisher.
type Advisory struct {
	ID string
	// Aliases name the same defect, Upstream the records this one derives
	// from, Related merely similar ones (never merged on).
	Aliases, Upstream, Related []string
	// Modified, Published and Withdrawn are zero where absent. A withdrawn
	// record was never valid.
	Modified, Published, Withdrawn time.Time
	Summary, Details               string
	Severity                       []Severity
	Affected                       []Affected
	References                     []Reference
	CWEs                           []string

	// Vulnerabilities are the names the record's defects go by: for each the
	// CVE where there is one. A notice of a distribution may name several; a
	// group of aliases is one. Filled by Group.Resolve.
	Vulnerabilities []string
	// Synonyms are the other names of the defect, the record's own id
	// included where it is not the name; sorted. Filled by Group.Resolve.
	Synonyms []string
}

// Severity is a publisher's rating: a CVSS vector (types CVSS_V2, CVSS_V3,
// CVSS_V4) or a vendor's own word (type Ubuntu).
type Severity struct{ Type, Score string }

// Reference is a web address with OSV's type (ADVISORY, FIX, EVIDENCE, …).
type Reference struct{ Type, URL string }

// Affected is one package that the flaw is in, and its versions.
type Affected struct {
	// Ecosystem is OSV's, with its suffix: "Debian:12", "npm".
	Ecosystem, Name string
	// Versions are affected exactly as listed, Ranges by order.
	Versions []string
	Ranges   []Range
	// Word is the publisher's own severity for this package ("medium",
	// "unimportant", "MODERATE"), empty where it has none.
	Word string
	// WontFix: the publisher has decided not to fix it.
	WontFix  bool
	Severity []Severity
}

// RangeType is how the events of a range are ordered.
type RangeType string

// The range types. Git ranges need a commit graph and never match a version.
const (
	Ecosystem RangeType = "ECOSYSTEM"
	SemVer    RangeType = "SEMVER"
	Git       RangeType = "GIT"
)

// Range is a list of events along the versions of a package, in any order.
type Range struct {
	Type   RangeType
	Events []Event
}

// EventKind is what happens at a version.
type EventKind byte

// The events of OSV's schema. Their order here is the order in which events
// at the same version are processed, so that adjoining intervals join.
const (
	Fixed EventKind = iota + 1
	Introduced
	LastAffected
	Limit
)

// Event is one change along the versions.
type Event struct {
	Kind    EventKind
	Version string
}
