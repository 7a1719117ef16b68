package scan

import (
	"encoding/json"
	"fmt"
	"time"

	"muster/internal/finding"
	"muster/internal/store"
)

// announcement is the event of a finding as it now is, in EventBridge's form
// (findings interfaces, 9.1).
func announcement(f *finding.Finding) (store.Event, error) {
	detail, err := json.Marshal(eventOf(f))
	if err != nil {
		return store.Event{}, fmt.Errorf("event of %s: %w", f.ARN, err)
	}
	return store.Event{
		Account: string(f.Account), Region: string(f.Region), Source: "aws.inspector2", DetailType: "Inspector2 Finding",
		Resources: []string{f.Resource.ID}, Detail: detail, Time: f.UpdatedAt,
	}, nil
}

// eventTime is a time as events write it: "Thu Sep 05 13:06:56.334 UTC 2024".
type eventTime time.Time

// MarshalJSON writes the text; a zero time is left out by omitzero.
func (t eventTime) MarshalJSON() ([]byte, error) {
	return json.Marshal(time.Time(t).UTC().Format("Mon Jan 02 15:04:05.000 MST 2006"))
}

// IsZero makes omitzero work.
func (t eventTime) IsZero() bool { return time.Time(t).IsZero() }

// event is the detail of a finding's event: a Finding of the interface, but
// for the times.
type event struct {
	FindingARN      string               `json:"findingArn"`
	Account         string               `json:"awsAccountId"`
	Type            string               `json:"type"`
	Title           string               `json:"title"`
	Description     string               `json:"description"`
	Severity        string               `json:"severity"`
	Status          string               `json:"status"`
	Fix             string               `json:"fixAvailable,omitempty"`
	Exploit         string               `json:"exploitAvailable,omitempty"`
	Exploitability  *eventExploitability `json:"exploitabilityDetails,omitempty"`
	EPSS            *eventEPSS           `json:"epss,omitempty"`
	Score           *float64             `json:"inspectorScore,omitempty"`
	ScoreDetails    *eventScoreDetails   `json:"inspectorScoreDetails,omitempty"`
	FirstObservedAt eventTime            `json:"firstObservedAt"`
	LastObservedAt  eventTime            `json:"lastObservedAt"`
	UpdatedAt       eventTime            `json:"updatedAt"`
	Package         *eventPackageDetails `json:"packageVulnerabilityDetails,omitempty"`
	Remediation     eventRemediation     `json:"remediation"`
	Resources       []eventResource      `json:"resources"`
}

type eventExploitability struct {
	LastKnownExploitAt eventTime `json:"lastKnownExploitAt,omitzero"`
}

type eventEPSS struct {
	Score float64 `json:"score"`
}

type eventScoreDetails struct {
	Adjusted eventAdjusted `json:"adjustedCvss"`
}

type eventAdjusted struct {
	Adjustments []finding.Adjustment `json:"adjustments"`
	CVSSSource  string               `json:"cvssSource"`
	Score       float64              `json:"score"`
	ScoreSource string               `json:"scoreSource"`
	Vector      string               `json:"scoringVector"`
	Version     string               `json:"version"`
}

type eventRemediation struct {
	Recommendation eventRecommendation `json:"recommendation"`
}

type eventRecommendation struct {
	Text string `json:"text"`
	URL  string `json:"Url,omitempty"`
}

type eventPackageDetails struct {
	VulnerabilityID string         `json:"vulnerabilityId"`
	Source          string         `json:"source"`
	SourceURL       string         `json:"sourceUrl,omitempty"`
	VendorSeverity  string         `json:"vendorSeverity,omitempty"`
	VendorCreatedAt eventTime      `json:"vendorCreatedAt,omitzero"`
	VendorUpdatedAt eventTime      `json:"vendorUpdatedAt,omitzero"`
	Related         []string       `json:"relatedVulnerabilities"`
	CVSS            []eventCVSS    `json:"cvss"`
	ReferenceURLs   []string       `json:"referenceUrls"`
	Packages        []eventPackage `json:"vulnerablePackages"`
}

type eventCVSS struct {
	BaseScore float64 `json:"baseScore"`
	Vector    string  `json:"scoringVector"`
	Source    string  `json:"source"`
	Version   string  `json:"version"`
}

type eventPackage struct {
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

type eventResource struct {
	Type      string               `json:"type"`
	ID        string               `json:"id"`
	Partition string               `json:"partition"`
	Region    string               `json:"region"`
	Tags      map[string]string    `json:"tags"`
	Details   map[string]eventHost `json:"details"`
}

type eventHost struct {
	Type       string    `json:"type,omitempty"`
	ImageID    string    `json:"imageId,omitempty"`
	IPv4       []string  `json:"ipV4Addresses"`
	IPv6       []string  `json:"ipV6Addresses"`
	KeyName    string    `json:"keyName,omitempty"`
	ProfileARN string    `json:"iamInstanceProfileArn,omitempty"`
	VPC        string    `json:"vpcId,omitempty"`
	Subnet     string    `json:"subnetId,omitempty"`
	LaunchedAt eventTime `json:"launchedAt,omitzero"`
	Platform   string    `json:"platform,omitempty"`
}
