// Package finding is the life of a finding: what makes two observations the
// same finding, when it opens, changes, closes and reopens, which severity and
// score it gets and what its texts say (scanning specification, 4 and 5). It
// is pure: the time is passed in, nothing reaches out, and the order of the
// input never matters.
package finding

import (
	"time"

	"muster/internal/arn"
)

// Type is the kind of a finding, in Inspector's words.
type Type string

// The types of findings.
const (
	PackageVulnerability Type = "PACKAGE_VULNERABILITY"
	NetworkReachability  Type = "NETWORK_REACHABILITY"
	CodeVulnerability    Type = "CODE_VULNERABILITY"
)

// Status is where a finding stands in its life.
type Status string

// The states of a finding; the empty Status means that there is none.
const (
	Active     Status = "ACTIVE"
	Suppressed Status = "SUPPRESSED"
	Closed     Status = "CLOSED"
)

// Availability answers "is there a fix" and "is there an exploit"; the empty
// value means that the question does not apply.
type Availability string

// The answers. Partial is used for fixes only: some packages have one.
const (
	Yes     Availability = "YES"
	No      Availability = "NO"
	Partial Availability = "PARTIAL"
)

// Finding is one problem of one resource, with its life.
type Finding struct {
	ARN     arn.ARN
	Account arn.AccountID
	Region  arn.Region
	// Resource is the one resource it belongs to.
	Resource Resource
	Content
	// EPSS is the probability of exploitation, 0 to 1; nil where unknown. It
	// is no part of Content because it moves daily for every vulnerability.
	EPSS *float64
	Life
}

// Life is what changes while the content stays.
type Life struct {
	Status Status
	// FirstObservedAt is kept over a reopening within ReopenWithin.
	// LastObservedAt moves when the content changes, not when a scan merely
	// sees the same again. UpdatedAt moves with content and with status.
	FirstObservedAt, LastObservedAt, UpdatedAt time.Time
	// ClosedAt and Cause are set while the finding is closed.
	ClosedAt time.Time
	Cause    Cause
}

// Content is what a finding says, without whose it is: equal for every
// resource with the same packages and the same vulnerability, so that it can
// be stored once. Its JSON form is stored; add members, never rename them.
type Content struct {
	Type           Type           `json:"type"`
	Title          string         `json:"title"`
	Description    string         `json:"description"`
	Recommendation Recommendation `json:"recommendation"`
	Severity       Severity       `json:"severity"`
	// Score is Inspector's score; nil where no source has one.
	Score         *Score       `json:"score,omitempty"`
	Fix           Availability `json:"fix,omitempty"`
	Exploit       Availability `json:"exploit,omitempty"`
	LastExploitAt time.Time    `json:"lastExploitAt,omitzero"`
	// One of the three, by Type.
	Package *PackageDetails `json:"package,omitempty"`
	Network *NetworkDetails `json:"network,omitempty"`
	Code    *CodeDetails    `json:"code,omitempty"`
}

// Recommendation says what to do.
type Recommendation struct {
	Text string `json:"text"`
	URL  string `json:"url,omitempty"`
}

// PackageDetails describe a vulnerability and the packages that have it.
type PackageDetails struct {
	VulnerabilityID string `json:"vulnerabilityId"`
	// Source is where the detection comes from: DEBIAN_CVE, NVD, GITHUB, …
	Source         string `json:"source"`
	SourceURL      string `json:"sourceUrl,omitempty"`
	VendorSeverity string `json:"vendorSeverity,omitempty"`
	// VendorCreatedAt and VendorUpdatedAt are the vulnerability's dates.
	VendorCreatedAt time.Time `json:"vendorCreatedAt,omitzero"`
	VendorUpdatedAt time.Time `json:"vendorUpdatedAt,omitzero"`
	Related         []string  `json:"related,omitempty"`
	CVSS            []CVSS    `json:"cvss,omitempty"`
	ReferenceURLs   []string  `json:"referenceUrls,omitempty"`
	Packages        []Package `json:"packages,omitempty"`
}

// CVSS is one score of a vulnerability with its source.
type CVSS struct {
	// Version is "2.0", "3.0", "3.1" or "4.0".
	Version   string  `json:"version"`
	Vector    string  `json:"vector"`
	BaseScore float64 `json:"baseScore"`
	// Source is who scored: NVD, REDHAT, GITHUB, a numbering authority.
	Source string `json:"source"`
}

// Package is one vulnerable package as Inspector shows it (4.1).
type Package struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	Epoch   int32  `json:"epoch,omitempty"`
	Release string `json:"release,omitempty"`
	// Arch is upper case: X86_64, ARM64, ALL, NOARCH.
	Arch    string `json:"arch,omitempty"`
	Manager string `json:"manager,omitempty"`
	// Path is the manifest or archive of a language package.
	Path string `json:"path,omitempty"`
	// FixedIn is the fixed version, or NotAvailable.
	FixedIn string `json:"fixedIn,omitempty"`
	// Remediation is the command that installs the fix.
	Remediation string `json:"remediation,omitempty"`
	// Layer ("sha256:…") and LambdaLayer (an ARN) brought the package.
	Layer       string `json:"layer,omitempty"`
	LambdaLayer string `json:"lambdaLayer,omitempty"`
	// Evidence is why the package counts as vulnerable. It is kept for the
	// reader and is no change of the finding when it is worded anew.
	Evidence []Evidence `json:"evidence,omitempty"`
}

// Evidence names the advisory, the entry in it and the order that decided.
type Evidence struct {
	Advisory   string `json:"advisory"`
	Database   string `json:"database,omitempty"`
	Package    string `json:"package,omitempty"`
	Range      string `json:"range,omitempty"`
	Comparator string `json:"comparator,omitempty"`
	Compared   string `json:"compared,omitempty"`
}

// NetworkDetails describe ports that can be reached.
type NetworkDetails struct {
	// Begin and End are the open ports, both included.
	Begin int32 `json:"begin"`
	End   int32 `json:"end"`
	// Protocol is TCP or UDP.
	Protocol string `json:"protocol"`
	// Path leads from the edge to the instance.
	Path []Step `json:"path,omitempty"`
	// Interface and Edge are what is reached and the way in; they make the
	// finding the same one while the components between them change.
	Interface string `json:"interface,omitempty"`
	Edge      string `json:"edge,omitempty"`
	// Evidence says what decided, and what listens there.
	Evidence []NetworkEvidence `json:"evidence,omitempty"`
}

// NetworkEvidence is one thing that is known of a network path. Rule names the
// kind, such as muster/security-group.
type NetworkEvidence struct {
	Rule   string `json:"rule"`
	Detail string `json:"detail"`
}

// Step is one component of a network path.
type Step struct {
	ID   string `json:"id"`
	Type string `json:"type"`
	ARN  string `json:"arn,omitempty"`
}

// CodeDetails describe a flaw in code.
type CodeDetails struct {
	FileName      string   `json:"fileName"`
	Path          string   `json:"path"`
	StartLine     int32    `json:"startLine"`
	EndLine       int32    `json:"endLine"`
	DetectorID    string   `json:"detectorId"`
	DetectorName  string   `json:"detectorName"`
	DetectorTags  []string `json:"detectorTags,omitempty"`
	RuleID        string   `json:"ruleId,omitempty"`
	CWEs          []string `json:"cwes,omitempty"`
	ReferenceURLs []string `json:"referenceUrls,omitempty"`
	LambdaLayer   string   `json:"lambdaLayer,omitempty"`
}
