package form

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"muster/internal/finding/eventform"
	"muster/internal/store"
)

// schemaVersion is the version of OCSF that findings are written in.
const schemaVersion = "1.4.0"

// ocsf is a finding of OCSF: class 2002, Vulnerability Finding, for packages
// and code; class 2004, Detection Finding, for what can be reached, which is
// no vulnerability.
type ocsf struct {
	ActivityID      int                 `json:"activity_id"`
	ActivityName    string              `json:"activity_name"`
	CategoryUID     int                 `json:"category_uid"`
	CategoryName    string              `json:"category_name"`
	ClassUID        int                 `json:"class_uid"`
	ClassName       string              `json:"class_name"`
	TypeUID         int                 `json:"type_uid"`
	TypeName        string              `json:"type_name"`
	Time            int64               `json:"time"`
	SeverityID      int                 `json:"severity_id"`
	Severity        string              `json:"severity"`
	StatusID        int                 `json:"status_id"`
	Status          string              `json:"status"`
	Message         string              `json:"message"`
	Metadata        ocsfMetadata        `json:"metadata"`
	Cloud           ocsfCloud           `json:"cloud"`
	FindingInfo     ocsfInfo            `json:"finding_info"`
	Resources       []ocsfResource      `json:"resources"`
	Vulnerabilities []ocsfVulnerability `json:"vulnerabilities,omitempty"`
}

type ocsfMetadata struct {
	Version  string      `json:"version"`
	UID      string      `json:"uid"`
	Profiles []string    `json:"profiles"`
	Product  ocsfProduct `json:"product"`
}

type ocsfProduct struct {
	Name       string `json:"name"`
	VendorName string `json:"vendor_name"`
	UID        string `json:"uid,omitempty"`
}

type ocsfCloud struct {
	Provider string      `json:"provider"`
	Region   string      `json:"region"`
	Account  ocsfAccount `json:"account"`
}

type ocsfAccount struct {
	UID    string `json:"uid"`
	Type   string `json:"type"`
	TypeID int    `json:"type_id"`
}

type ocsfInfo struct {
	UID       string   `json:"uid"`
	Title     string   `json:"title"`
	Desc      string   `json:"desc,omitempty"`
	Types     []string `json:"types"`
	SourceURL string   `json:"src_url,omitempty"`
	Created   int64    `json:"created_time,omitempty"`
	FirstSeen int64    `json:"first_seen_time,omitempty"`
	LastSeen  int64    `json:"last_seen_time,omitempty"`
	Modified  int64    `json:"modified_time,omitempty"`
}

type ocsfResource struct {
	UID       string    `json:"uid"`
	Type      string    `json:"type"`
	Region    string    `json:"region"`
	Partition string    `json:"cloud_partition"`
	Tags      []ocsfTag `json:"tags,omitempty"`
}

type ocsfTag struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

type ocsfVulnerability struct {
	CVE         *ocsfCVE         `json:"cve,omitempty"`
	Advisory    *ocsfAdvisory    `json:"advisory,omitempty"`
	CWE         *ocsfCWE         `json:"cwe,omitempty"`
	Title       string           `json:"title"`
	Desc        string           `json:"desc,omitempty"`
	Severity    string           `json:"severity,omitempty"`
	VendorName  string           `json:"vendor_name,omitempty"`
	Exploit     *bool            `json:"is_exploit_available,omitempty"`
	Fix         *bool            `json:"is_fix_available,omitempty"`
	FirstSeen   int64            `json:"first_seen_time,omitempty"`
	LastSeen    int64            `json:"last_seen_time,omitempty"`
	References  []string         `json:"references,omitempty"`
	Related     []string         `json:"related_vulnerabilities,omitempty"`
	Packages    []ocsfPackage    `json:"affected_packages,omitempty"`
	Code        []ocsfCode       `json:"affected_code,omitempty"`
	Remediation *ocsfRemediation `json:"remediation,omitempty"`
}

type ocsfCVE struct {
	UID      string     `json:"uid"`
	CVSS     []ocsfCVSS `json:"cvss,omitempty"`
	EPSS     *ocsfEPSS  `json:"epss,omitempty"`
	Created  int64      `json:"created_time,omitempty"`
	Modified int64      `json:"modified_time,omitempty"`
}

type ocsfAdvisory struct {
	UID string `json:"uid"`
}

type ocsfCWE struct {
	UID string `json:"uid"`
}

type ocsfCVSS struct {
	Version    string  `json:"version"`
	BaseScore  float64 `json:"base_score"`
	Vector     string  `json:"vector_string"`
	VendorName string  `json:"vendor_name,omitempty"`
}

type ocsfEPSS struct {
	Score string `json:"score"`
}

type ocsfPackage struct {
	Name        string           `json:"name"`
	Version     string           `json:"version"`
	Epoch       int32            `json:"epoch,omitempty"`
	Release     string           `json:"release,omitempty"`
	Arch        string           `json:"architecture,omitempty"`
	Manager     string           `json:"package_manager,omitempty"`
	Path        string           `json:"path,omitempty"`
	FixedIn     string           `json:"fixed_in_version,omitempty"`
	Remediation *ocsfRemediation `json:"remediation,omitempty"`
}

type ocsfCode struct {
	File  ocsfFile `json:"file"`
	Start int32    `json:"start_line"`
	End   int32    `json:"end_line"`
}

type ocsfFile struct {
	Name   string `json:"name"`
	Path   string `json:"path,omitempty"`
	TypeID int    `json:"type_id"`
}

type ocsfRemediation struct {
	Desc string `json:"desc"`
}

// schemaFinding is a finding of OCSF.
func schemaFinding(f *eventform.Finding, e *store.Event) ocsf {
	out := ocsf{
		CategoryUID: 2, CategoryName: "Findings", ClassUID: 2002, ClassName: "Vulnerability Finding",
		Time: time.Time(f.UpdatedAt).UnixMilli(), Message: f.Title,
		Metadata: ocsfMetadata{schemaVersion, UUID(e.ID), []string{"cloud"}, ocsfProduct{"Inspector", "Amazon", "arn:aws:securityhub:" + e.Region + "::product/aws/inspector"}},
		Cloud:    ocsfCloud{"AWS", e.Region, ocsfAccount{f.Account, "AWS Account", 10}},
		FindingInfo: ocsfInfo{
			UID: f.FindingARN, Title: f.Title, Desc: f.Description, Types: []string{hubType(f)}, Created: millis(f.FirstObservedAt),
			FirstSeen: millis(f.FirstObservedAt), LastSeen: millis(f.LastObservedAt), Modified: millis(f.UpdatedAt),
		},
	}
	out.ActivityID, out.ActivityName = activity(f)
	out.SeverityID, out.Severity = rank(f.Severity)
	out.StatusID, out.Status = standing(f.Status)
	for i := range f.Resources {
		out.Resources = append(out.Resources, schemaResource(&f.Resources[i], f.Account))
	}
	switch {
	case f.Network != nil:
		out.ClassUID, out.ClassName = 2004, "Detection Finding"
	case f.Package != nil:
		out.FindingInfo.SourceURL = f.Package.SourceURL
		out.Vulnerabilities = []ocsfVulnerability{packageVulnerability(f)}
	case f.Code != nil:
		out.Vulnerabilities = []ocsfVulnerability{codeVulnerability(f)}
	}
	out.TypeUID = out.ClassUID*100 + out.ActivityID
	out.TypeName = out.ClassName + ": " + out.ActivityName
	return out
}

// activity is what happened to the finding. A finding that is new was never
// updated.
func activity(f *eventform.Finding) (int, string) {
	switch {
	case f.Status == "CLOSED":
		return 3, "Close"
	case time.Time(f.FirstObservedAt).Equal(time.Time(f.UpdatedAt)):
		return 1, "Create"
	}
	return 2, "Update"
}

func rank(severity string) (int, string) {
	switch severity {
	case "INFORMATIONAL":
		return 1, "Informational"
	case "LOW":
		return 2, "Low"
	case "MEDIUM":
		return 3, "Medium"
	case "HIGH":
		return 4, "High"
	case "CRITICAL":
		return 5, "Critical"
	}
	return 0, "Unknown"
}

func standing(status string) (int, string) {
	switch status {
	case "SUPPRESSED":
		return 3, "Suppressed"
	case "CLOSED":
		return 4, "Resolved"
	}
	return 1, "New"
}

func schemaResource(r *eventform.Resource, account string) ocsfResource {
	out := ocsfResource{UID: resourceARN(r, account), Type: r.Type, Region: r.Region, Partition: r.Partition}
	for _, k := range slices.Sorted(maps.Keys(r.Tags)) {
		out.Tags = append(out.Tags, ocsfTag{k, r.Tags[k]})
	}
	return out
}

func packageVulnerability(f *eventform.Finding) ocsfVulnerability {
	p := f.Package
	v := ocsfVulnerability{
		Title: f.Title, Desc: f.Description, Severity: p.VendorSeverity, VendorName: p.Source, References: p.ReferenceURLs, Related: p.Related,
		FirstSeen: millis(f.FirstObservedAt), LastSeen: millis(f.LastObservedAt), Exploit: truth(f.Exploit), Fix: truth(f.Fix),
		Remediation: &ocsfRemediation{hubRemedy(f)},
	}
	if strings.HasPrefix(p.VulnerabilityID, "CVE-") {
		v.CVE = schemaCVE(f)
	} else {
		v.Advisory = &ocsfAdvisory{p.VulnerabilityID}
	}
	for _, k := range p.Packages {
		a := ocsfPackage{k.Name, k.Version, k.Epoch, k.Release, k.Arch, k.Manager, k.Path, k.FixedIn, nil}
		if k.Remediation != "" {
			a.Remediation = &ocsfRemediation{k.Remediation}
		}
		v.Packages = append(v.Packages, a)
	}
	return v
}

func schemaCVE(f *eventform.Finding) *ocsfCVE {
	p := f.Package
	c := &ocsfCVE{UID: p.VulnerabilityID, Created: millis(p.VendorCreatedAt), Modified: millis(p.VendorUpdatedAt)}
	for _, s := range p.CVSS {
		c.CVSS = append(c.CVSS, ocsfCVSS{s.Version, s.BaseScore, s.Vector, s.Source})
	}
	if f.EPSS != nil {
		c.EPSS = &ocsfEPSS{strconv.FormatFloat(f.EPSS.Score, 'f', -1, 64)}
	}
	return c
}

func codeVulnerability(f *eventform.Finding) ocsfVulnerability {
	c := f.Code
	v := ocsfVulnerability{
		Title: f.Title, Desc: f.Description, References: c.ReferenceURLs, FirstSeen: millis(f.FirstObservedAt), LastSeen: millis(f.LastObservedAt),
		Code: []ocsfCode{{ocsfFile{c.File.Name, c.File.Path, 1}, c.File.Start, c.File.End}},
	}
	if len(c.CWEs) > 0 {
		v.CWE = &ocsfCWE{c.CWEs[0]}
	}
	return v
}

// truth is the answer to a question of availability; nil where it was not put.
// A fix for some packages is a fix.
func truth(answer string) *bool {
	if answer == "" {
		return nil
	}
	return new(answer != "NO")
}

// millis is a time as OCSF writes it, 0 for none.
func millis(t eventform.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return time.Time(t).UnixMilli()
}
