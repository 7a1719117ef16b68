// Package advisory says what is known of a flaw: its names, the packages and
// versions it affects, and how bad its publishers say it is. The form is OSV's
// schema 1.7 (feeds specification 2), reduced to what muster uses; the order
// of versions comes from package version.
package advisory

import (
	"slices"
	"time"
)

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
	// Feed names the publisher's own feed that the record came by
	// ("redhat-vex"); empty for what came as OSV. Filled by who reads it.
	Feed string
}

// Severity is a publisher's rating: a CVSS vector (types CVSS_V2, CVSS_V3,
// CVSS_V4) or a vendor's own word (type Ubuntu).
type Severity struct {
	Type  string `json:"type"`
	Score string `json:"score"`
}

// Reference is a web address with OSV's type (ADVISORY, FIX, EVIDENCE, …).
type Reference struct {
	Type string `json:"type"`
	URL  string `json:"url"`
}

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
	// Status is what the publisher says of the versions that the entry covers.
	Status Status
	// Module is the stream of an rpm module, "nodejs:18", that the entry is
	// about; several, separated by blanks, where it is known only that it is
	// one of them. "" says nothing about modules: an entry of a publisher that
	// never names them may be about a modular build all the same.
	Module string
	// Arches are the architectures of the packages it is about, sorted, in the
	// package manager's words ("src" means the source package); none means any.
	Arches   []string
	Severity []Severity
}

// Status is a publisher's word about a package (feeds specification 8). How
// bad it is, Debian's "unimportant" included, is Affected.Word.
type Status string

// The statuses. Every one holds for the versions that the entry covers; one
// that holds for all of them has the range [0, …).
const (
	// StatusAffected: they have the flaw; where the range ends, it is fixed.
	StatusAffected Status = ""
	// StatusWontFix: they have it, and the publisher decided not to fix it.
	StatusWontFix Status = "wont_fix"
	// StatusPostponed: they have it, and the fix waits.
	StatusPostponed Status = "postponed"
	// StatusEndOfLife: they are out of support, and taken to have it.
	StatusEndOfLife Status = "end_of_life"
	// StatusNotAffected: they do not have it, whatever others say.
	StatusNotAffected Status = "not_affected"
	// StatusInvestigated: nobody knows yet.
	StatusInvestigated Status = "under_investigation"
)

// Affects reports whether a version with this status has the flaw.
func (s Status) Affects() bool { return s != StatusNotAffected && s != StatusInvestigated }

// statuses in the order of the numbers that they are stored by.
func statuses() [6]Status {
	return [...]Status{
		StatusAffected, StatusWontFix, StatusPostponed, StatusEndOfLife, StatusNotAffected, StatusInvestigated,
	}
}

// Number is the status's number in stored files; -1 for one that is unknown.
func (s Status) Number() int {
	all := statuses()
	return slices.Index(all[:], s)
}

// StatusNumbered is the status of a stored number; false for other numbers.
func StatusNumbered(n uint64) (Status, bool) {
	all := statuses()
	if n >= uint64(len(all)) {
		return "", false
	}
	return all[n], true
}

// Everything is the range [0, …): all versions there are and will be.
func Everything() []Range {
	return []Range{{Type: Ecosystem, Events: []Event{{Introduced, "0"}}}}
}

// Below is the range [0, fixed).
func Below(fixed string) []Range {
	return []Range{{Type: Ecosystem, Events: []Event{{Introduced, "0"}, {Fixed, fixed}}}}
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
