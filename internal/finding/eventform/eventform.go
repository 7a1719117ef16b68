// Package eventform is the form in which events tell of findings: a Finding of
// Inspector's interface, but for the times, which are text (findings
// interfaces, 9.1). What sinks send is made of it.
package eventform

import (
	"encoding/json"
	"fmt"
	"time"

	"muster/internal/finding"
)

// The kinds of events about findings. Inspector's own kind tells of every
// change; the others, which AWS does not have, of what has become known about
// the vulnerability of an open finding.
const (
	FindingType = "Inspector2 Finding"
	FixType     = "Muster Fix Available"
	ExploitType = "Muster Exploit Known"
)

// timeForm is the layout of times.
const timeForm = "Mon Jan 02 15:04:05.000 MST 2006"

// Time is a time as events write it: "Thu Sep 05 13:06:56.334 UTC 2024".
type Time time.Time

// MarshalJSON writes the text; a zero time is left out by omitzero.
func (t Time) MarshalJSON() ([]byte, error) {
	return json.Marshal(time.Time(t).UTC().Format(timeForm))
}

// UnmarshalJSON reads the text.
func (t *Time) UnmarshalJSON(body []byte) error {
	var text string
	if err := json.Unmarshal(body, &text); err != nil {
		return err
	}
	at, err := time.Parse(timeForm, text)
	if err != nil {
		return fmt.Errorf("time of an event: %w", err)
	}
	*t = Time(at)
	return nil
}

// IsZero makes omitzero work.
func (t Time) IsZero() bool { return time.Time(t).IsZero() }

// Finding is the detail of a finding's event: a Finding of the interface, but
// for the times.
type Finding struct {
	FindingARN      string          `json:"findingArn"`
	Account         string          `json:"awsAccountId"`
	Type            string          `json:"type"`
	Title           string          `json:"title"`
	Description     string          `json:"description"`
	Severity        string          `json:"severity"`
	Status          string          `json:"status"`
	Fix             string          `json:"fixAvailable,omitempty"`
	Exploit         string          `json:"exploitAvailable,omitempty"`
	Exploitability  *Exploitability `json:"exploitabilityDetails,omitempty"`
	EPSS            *EPSS           `json:"epss,omitempty"`
	Score           *float64        `json:"inspectorScore,omitempty"`
	ScoreDetails    *ScoreDetails   `json:"inspectorScoreDetails,omitempty"`
	FirstObservedAt Time            `json:"firstObservedAt"`
	LastObservedAt  Time            `json:"lastObservedAt"`
	UpdatedAt       Time            `json:"updatedAt"`
	Package         *PackageDetails `json:"packageVulnerabilityDetails,omitempty"`
	Network         *NetworkDetails `json:"networkReachabilityDetails,omitempty"`
	Code            *CodeDetails    `json:"codeVulnerabilityDetails,omitempty"`
	Remediation     Remediation     `json:"remediation"`
	Resources       []Resource      `json:"resources"`
}

// Exploitability says when an exploit was last seen in public.
type Exploitability struct {
	LastKnownExploitAt Time `json:"lastKnownExploitAt,omitzero"`
}

// EPSS is the probability of exploitation, 0 to 1.
type EPSS struct {
	Score float64 `json:"score"`
}

// ScoreDetails say where the score comes from.
type ScoreDetails struct {
	Adjusted AdjustedCVSS `json:"adjustedCvss"`
}

// AdjustedCVSS is the score with what was changed of it.
type AdjustedCVSS struct {
	Adjustments []finding.Adjustment `json:"adjustments"`
	CVSSSource  string               `json:"cvssSource"`
	Score       float64              `json:"score"`
	ScoreSource string               `json:"scoreSource"`
	Vector      string               `json:"scoringVector"`
	Version     string               `json:"version"`
}

// Remediation says what to do.
type Remediation struct {
	Recommendation Recommendation `json:"recommendation"`
}

// Recommendation is the text of a remediation.
type Recommendation struct {
	Text string `json:"text"`
	URL  string `json:"Url,omitempty"`
}

// PackageDetails describe a vulnerability and the packages that have it.
type PackageDetails struct {
	VulnerabilityID string    `json:"vulnerabilityId"`
	Source          string    `json:"source"`
	SourceURL       string    `json:"sourceUrl,omitempty"`
	VendorSeverity  string    `json:"vendorSeverity,omitempty"`
	VendorCreatedAt Time      `json:"vendorCreatedAt,omitzero"`
	VendorUpdatedAt Time      `json:"vendorUpdatedAt,omitzero"`
	Related         []string  `json:"relatedVulnerabilities"`
	CVSS            []CVSS    `json:"cvss"`
	ReferenceURLs   []string  `json:"referenceUrls"`
	Packages        []Package `json:"vulnerablePackages"`
}

// CVSS is one score of a vulnerability with its source.
type CVSS struct {
	BaseScore float64 `json:"baseScore"`
	Vector    string  `json:"scoringVector"`
	Source    string  `json:"source"`
	Version   string  `json:"version"`
}

// Package is one vulnerable package.
type Package struct {
	Name        string `json:"name"`
	Version     string `json:"version"`
	Release     string `json:"release,omitempty"`
	Epoch       int32  `json:"epoch"`
	Arch        string `json:"arch,omitempty"`
	Manager     string `json:"packageManager,omitempty"`
	Path        string `json:"filePath,omitempty"`
	FixedIn     string `json:"fixedInVersion,omitempty"`
	Remediation string `json:"remediation,omitempty"`
	Layer       string `json:"sourceLayerHash,omitempty"`
	LambdaLayer string `json:"sourceLambdaLayerArn,omitempty"`
}

// NetworkDetails describe ports that can be reached.
type NetworkDetails struct {
	Ports    Ports       `json:"openPortRange"`
	Protocol string      `json:"protocol"`
	Path     NetworkPath `json:"networkPath"`
}

// Ports are a range, both ends included.
type Ports struct {
	Begin int32 `json:"begin"`
	End   int32 `json:"end"`
}

// NetworkPath leads from the edge to the instance.
type NetworkPath struct {
	Steps []Step `json:"steps"`
}

// Step is one component of a path.
type Step struct {
	ID   string `json:"componentId"`
	Type string `json:"componentType"`
	ARN  string `json:"componentArn,omitempty"`
}

// CodeDetails describe a flaw in code.
type CodeDetails struct {
	File          CodeFile `json:"filePath"`
	DetectorID    string   `json:"detectorId"`
	DetectorName  string   `json:"detectorName"`
	DetectorTags  []string `json:"detectorTags,omitempty"`
	RuleID        string   `json:"ruleId,omitempty"`
	CWEs          []string `json:"cwes"`
	ReferenceURLs []string `json:"referenceUrls,omitempty"`
	LambdaLayer   string   `json:"sourceLambdaLayerArn,omitempty"`
}

// CodeFile is where in the code it is.
type CodeFile struct {
	Name  string `json:"fileName"`
	Path  string `json:"filePath"`
	Start int32  `json:"startLine"`
	End   int32  `json:"endLine"`
}
