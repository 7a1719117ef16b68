// Package match decides which vulnerabilities a package version has. It is
// pure: components and advisory records in, matches out, every match with the
// evidence that decided it. Same input, same answer.
package match

// State is what the deciding advisory says about a fix.
type State string

// States of a match (feeds specification 8).
const (
	// Fixed: a fixed version exists.
	Fixed State = "fixed"
	// Unfixed: affected, no fix recorded.
	Unfixed State = "unfixed"
	// WontFix: the vendor decided not to fix it.
	WontFix State = "wont-fix"
	// Postponed: the vendor means to fix it at some time.
	Postponed State = "postponed"
	// EndOfLife: the release or package is out of support; nobody will say.
	EndOfLife State = "end-of-life"
	// Subscription: only a paid channel that the host does not have (Ubuntu
	// Pro) carries a fix; the evidence's range names its version.
	Subscription State = "subscription"
)

// Match is one vulnerability of one component.
type Match struct {
	// VulnerabilityID is the CVE where there is one, else the advisory's id.
	VulnerabilityID string
	// Related are the other ids of the same defect and of the advisories
	// that name it (GHSA, DSA, USN …), sorted, without VulnerabilityID.
	Related []string
	// State and FixedVersion: FixedVersion is empty unless State is Fixed.
	State        State
	FixedVersion string
	// SubscriptionFix is the version that a paid channel fixes it in; empty
	// unless State is Subscription.
	SubscriptionFix string `json:",omitempty"`
	// Source is Inspector's word for where the detection comes from:
	// DEBIAN_CVE, UBUNTU_CVE, REDHAT_CVE, ALPINE_CVE, GITHUB, …
	Source string
	// VendorSeverity is the vendor's own word, "" when it has none.
	VendorSeverity string
	// Evidence is what decided, one entry per advisory, best first.
	Evidence []Evidence
}

// Evidence names the advisory, the entry in it and the order that decided.
type Evidence struct {
	// Advisory is the record's id and Database where it came from.
	Advisory, Database string
	// Package is the advisory's package name (the source package for dpkg).
	Package string
	// Range is the deciding interval in words, "[0, 1.2-3)", or
	// "version list" when the exact version was listed.
	Range string
	// Comparator names the version order used: dpkg, rpm, apk, semver, …
	Comparator string
	// Compared is the version that was compared.
	Compared string
}
