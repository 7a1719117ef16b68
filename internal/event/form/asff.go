package form

import (
	"fmt"
	"strconv"
	"strings"

	"muster/internal/finding/eventform"
)

// asff is a finding in Security Hub's format of 2018-10-08 (findings
// interfaces, 9.2).
type asff struct {
	SchemaVersion   string
	ID              string `json:"Id"`
	ProductArn      string
	ProductName     string
	CompanyName     string
	Region          string
	GeneratorID     string `json:"GeneratorId"`
	AwsAccountID    string `json:"AwsAccountId"`
	Types           []string
	FirstObservedAt string
	LastObservedAt  string
	CreatedAt       string
	UpdatedAt       string
	Severity        asffSeverity
	Title           string
	Description     string
	Remediation     asffRemediation
	ProductFields   map[string]string
	Resources       []asffResource
	Network         *asffNetwork        `json:",omitempty"`
	NetworkPath     []asffComponent     `json:",omitempty"`
	Vulnerabilities []asffVulnerability `json:",omitempty"`
	RecordState     string
	Workflow        asffWorkflow
}

type asffSeverity struct {
	Label      string
	Normalized int
}

type asffRemediation struct{ Recommendation asffRecommendation }

type asffRecommendation struct {
	Text string
	URL  string `json:"Url,omitempty"`
}

type asffWorkflow struct{ Status string }

type asffNetwork struct {
	Direction     string
	Protocol      string
	OpenPortRange asffPorts
}

type asffPorts struct{ Begin, End int32 }

type asffComponent struct {
	ComponentID   string `json:"ComponentId"`
	ComponentType string
}

type asffVulnerability struct {
	ID                     string `json:"Id"`
	VulnerablePackages     []asffPackage
	Cvss                   []asffCVSS
	RelatedVulnerabilities []string `json:",omitempty"`
	Vendor                 asffVendor
	ReferenceUrls          []string `json:",omitempty"`
	FixAvailable           string   `json:",omitempty"`
	EpssScore              *float64 `json:",omitempty"`
	ExploitAvailable       string   `json:",omitempty"`
	LastKnownExploitAt     string   `json:",omitempty"`
}

type asffPackage struct {
	Name            string
	Version         string
	Epoch           string `json:",omitempty"`
	Release         string `json:",omitempty"`
	Architecture    string `json:",omitempty"`
	PackageManager  string `json:",omitempty"`
	FilePath        string `json:",omitempty"`
	FixedInVersion  string `json:",omitempty"`
	Remediation     string `json:",omitempty"`
	SourceLayerHash string `json:",omitempty"`
	SourceLayerArn  string `json:",omitempty"`
}

type asffCVSS struct {
	Version     string
	BaseScore   float64
	BaseVector  string
	Source      string
	Adjustments []asffAdjustment `json:",omitempty"`
}

type asffAdjustment struct{ Metric, Reason string }

type asffVendor struct {
	Name            string
	URL             string `json:"Url,omitempty"`
	VendorSeverity  string `json:",omitempty"`
	VendorCreatedAt string `json:",omitempty"`
	VendorUpdatedAt string `json:",omitempty"`
}

// hubFinding is a finding for Security Hub.
func hubFinding(f *eventform.Finding, region string) asff {
	r := &f.Resources[0]
	out := asff{
		SchemaVersion: "2018-10-08", ID: f.FindingARN, ProductArn: "arn:aws:securityhub:" + region + "::product/aws/inspector",
		ProductName: "Inspector", CompanyName: "Amazon", Region: region, GeneratorID: "AWSInspector", AwsAccountID: f.Account,
		Types: []string{hubType(f)}, FirstObservedAt: iso(f.FirstObservedAt), LastObservedAt: iso(f.LastObservedAt),
		CreatedAt: iso(f.FirstObservedAt), UpdatedAt: iso(f.UpdatedAt), Severity: hubSeverity(f.Severity),
		Title: cut(f.Title, 256), Description: cut(f.Description, 1024),
		Remediation:   asffRemediation{asffRecommendation{cut(hubRemedy(f), 512), f.Remediation.Recommendation.URL}},
		ProductFields: hubFields(f), Resources: []asffResource{hubResource(r, f.Account)},
		RecordState: "ACTIVE", Workflow: asffWorkflow{"NEW"},
	}
	if f.Status != "ACTIVE" {
		out.RecordState = "ARCHIVED"
	}
	if f.Package != nil {
		out.Vulnerabilities = []asffVulnerability{hubVulnerability(f)}
	}
	if n := f.Network; n != nil {
		out.Network = &asffNetwork{"IN", n.Protocol, asffPorts(n.Ports)}
		for _, s := range n.Path.Steps {
			out.NetworkPath = append(out.NetworkPath, asffComponent{s.ID, s.Type})
		}
	}
	return out
}

func hubType(f *eventform.Finding) string {
	if f.Network != nil {
		return "Software and Configuration Checks/Network Reachability"
	}
	return "Software and Configuration Checks/Vulnerabilities/CVE"
}

// hubSeverity gives the number that Security Hub has for a severity; it has no
// word for what nobody has rated yet.
func hubSeverity(s string) asffSeverity {
	switch s {
	case "CRITICAL":
		return asffSeverity{s, 90}
	case "HIGH":
		return asffSeverity{s, 70}
	case "MEDIUM":
		return asffSeverity{s, 40}
	case "LOW":
		return asffSeverity{s, 1}
	}
	return asffSeverity{"INFORMATIONAL", 0}
}

func hubRemedy(f *eventform.Finding) string {
	switch {
	case f.Package == nil:
		return f.Remediation.Recommendation.Text
	case f.Fix == "YES" || f.Fix == "PARTIAL":
		return "Install the fixed versions that are named with the vulnerable packages, or newer ones."
	}
	return "No fixed version is known for the vulnerable packages."
}

func hubFields(f *eventform.Finding) map[string]string {
	fields := map[string]string{"aws/inspector/ProductVersion": "2", "aws/inspector/FindingStatus": f.Status}
	if f.Score != nil {
		fields["aws/inspector/inspectorScore"] = strconv.FormatFloat(*f.Score, 'f', -1, 64)
	}
	if i := f.Resources[0].Details.Instance; i != nil {
		fields["aws/inspector/instanceId"] = f.Resources[0].ID
		if i.Platform != "" {
			fields["aws/inspector/resources/1/resourceDetails/awsEc2InstanceDetails/platform"] = i.Platform
		}
	}
	return fields
}

func hubVulnerability(f *eventform.Finding) asffVulnerability {
	p := f.Package
	v := asffVulnerability{
		ID: p.VulnerabilityID, RelatedVulnerabilities: p.Related, ReferenceUrls: p.ReferenceURLs, FixAvailable: f.Fix, ExploitAvailable: f.Exploit,
		Vendor: asffVendor{p.Source, p.SourceURL, p.VendorSeverity, iso(p.VendorCreatedAt), iso(p.VendorUpdatedAt)},
		Cvss:   []asffCVSS{}, VulnerablePackages: []asffPackage{},
	}
	if f.EPSS != nil {
		v.EpssScore = &f.EPSS.Score
	}
	if f.Exploitability != nil {
		v.LastKnownExploitAt = iso(f.Exploitability.LastKnownExploitAt)
	}
	for _, c := range p.CVSS {
		v.Cvss = append(v.Cvss, asffCVSS{c.Version, c.BaseScore, c.Vector, c.Source, nil})
	}
	if s := f.ScoreDetails; s != nil && len(s.Adjusted.Adjustments) > 0 {
		adjusted := asffCVSS{s.Adjusted.Version, s.Adjusted.Score, s.Adjusted.Vector, s.Adjusted.ScoreSource, nil}
		for _, a := range s.Adjusted.Adjustments {
			adjusted.Adjustments = append(adjusted.Adjustments, asffAdjustment{a.Metric, a.Reason})
		}
		v.Cvss = append(v.Cvss, adjusted)
	}
	for _, k := range p.Packages {
		v.VulnerablePackages = append(v.VulnerablePackages, asffPackage{
			Name: k.Name, Version: k.Version, Epoch: strconv.Itoa(int(k.Epoch)), Release: k.Release, Architecture: k.Arch,
			PackageManager: k.Manager, FilePath: k.Path, FixedInVersion: k.FixedIn, Remediation: k.Remediation,
			SourceLayerHash: k.Layer, SourceLayerArn: k.LambdaLayer,
		})
	}
	return v
}

// resourceARN names a host by its ARN; everything else has one for its id.
func resourceARN(r *eventform.Resource, account string) string {
	if r.Details.Instance == nil && r.Type != "AWS_EC2_INSTANCE" || strings.HasPrefix(r.ID, "arn:") {
		return r.ID
	}
	return fmt.Sprintf("arn:aws:ec2:%s:%s:instance/%s", r.Region, account, r.ID)
}
