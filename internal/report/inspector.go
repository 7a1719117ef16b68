package report

import (
	"fmt"
	"io"
	"strings"
	"time"

	"muster/internal/finding"
	"muster/internal/inventory"
	"muster/internal/sbom"
	"muster/internal/scanner"
)

// The answer of ScanSbom in its form INSPECTOR (findings specification 10.3).
type (
	inspectorAnswer struct {
		Messages        []inspectorMessage `json:"messages"`
		Count           map[string]int     `json:"vulnerability_count"`
		Vulnerabilities []inspectorVuln    `json:"vulnerabilities"`
	}
	inspectorMessage struct {
		Name string `json:"name"`
		PURL string `json:"purl"`
		Info string `json:"info"`
	}
	inspectorVuln struct {
		ID          string              `json:"id"`
		Severity    string              `json:"severity"`
		Source      string              `json:"source"`
		Related     []string            `json:"related,omitempty"`
		Description string              `json:"description"`
		References  []string            `json:"references,omitempty"`
		Created     string              `json:"created,omitempty"`
		Updated     string              `json:"updated,omitempty"`
		Properties  inspectorProperties `json:"properties"`
		Affects     []inspectorAffect   `json:"affects"`
	}
	inspectorProperties struct {
		KEVAdded string          `json:"cisa_kev_date_added,omitempty"`
		KEVDue   string          `json:"cisa_kev_date_due,omitempty"`
		CWEs     []int           `json:"cwes,omitempty"`
		CVSS     []inspectorCVSS `json:"cvss,omitempty"`
		EPSS     *float64        `json:"epss,omitempty"`
		Exploit  bool            `json:"exploit_available,omitempty"`
		LastSeen string          `json:"exploit_last_seen_in_public,omitempty"`
	}
	inspectorCVSS struct {
		Source   string   `json:"source"`
		Severity string   `json:"severity"`
		Score3   *float64 `json:"cvss3_base_score,omitempty"`
		Vector3  string   `json:"cvss3_base_vector,omitempty"`
		Score2   *float64 `json:"cvss2_base_score,omitempty"`
		Vector2  string   `json:"cvss2_base_vector,omitempty"`
		Score4   *float64 `json:"cvss4_base_score,omitempty"`
		Vector4  string   `json:"cvss4_base_vector,omitempty"`
	}
	inspectorAffect struct {
		Installed string `json:"installed_version"`
		Fixed     string `json:"fixed_version,omitempty"`
		Path      string `json:"path,omitempty"`
	}
)

func writeInspector(w io.Writer, r *scanner.Result, _ Options) error {
	out := inspectorAnswer{
		Messages: []inspectorMessage{}, Vulnerabilities: []inspectorVuln{},
		Count: map[string]int{"critical": 0, "high": 0, "medium": 0, "low": 0, "other": 0},
	}
	found := map[inventory.Item]bool{}
	for i := range r.Findings {
		f := &r.Findings[i]
		severity := strings.ToLower(string(f.Severity))
		if _, ok := out.Count[severity]; !ok {
			severity = "other"
		}
		out.Count[severity]++
		out.Vulnerabilities = append(out.Vulnerabilities, inspectorOf(r, f))
		for _, a := range f.Affects {
			found[a.Item] = true
		}
	}
	out.Messages = append(out.Messages, messages(r, found)...)
	return encode(w, out)
}

// messages say of each package without vulnerabilities whether it was judged.
func messages(r *scanner.Result, found map[inventory.Item]bool) []inspectorMessage {
	gaps := map[string]bool{"": true}
	for _, c := range r.Gaps() {
		gaps[c.Ecosystem] = true
	}
	var out []inspectorMessage
	for _, it := range r.Inventory.Items {
		info := "Component scanned: no vulnerabilities found."
		switch {
		case found[it]:
			continue
		case !it.Role.Judged():
			info = fmt.Sprintf("Component skipped: %s.", it.Role)
		case gaps[it.Ecosystem]:
			info = "Component skipped: no rules found."
		}
		out = append(out, inspectorMessage{it.Name, sbom.PURL(it, r.Inventory.OS), info})
	}
	return out
}

func inspectorOf(r *scanner.Result, f *scanner.Finding) inspectorVuln {
	p := f.Package
	out := inspectorVuln{
		ID: p.VulnerabilityID, Severity: word(f.Severity), Source: p.SourceURL, Related: p.Related,
		Description: f.Description, References: p.ReferenceURLs, Created: date(p.VendorCreatedAt), Updated: date(p.VendorUpdatedAt),
		Properties: inspectorProperties{CWEs: cweNumbers(f.CWEs), EPSS: f.EPSS, Exploit: f.Exploit == finding.Yes, LastSeen: date(f.LastExploitAt)},
	}
	if f.KEV != nil {
		out.Properties.KEVAdded, out.Properties.KEVDue = date(f.KEV.AddedAt), date(f.KEV.DueAt)
	}
	for _, c := range p.CVSS {
		out.Properties.CVSS = append(out.Properties.CVSS, inspectorScore(c))
	}
	for _, a := range f.Affects {
		out.Affects = append(out.Affects, inspectorAffect{sbom.PURL(a.Item, r.Inventory.OS), a.FixedVersion, a.Item.Path})
	}
	return out
}

func inspectorScore(c finding.CVSS) inspectorCVSS {
	out := inspectorCVSS{Source: c.Source, Severity: word(finding.SeverityOfScore(c.BaseScore))}
	switch c.Version {
	case "2.0":
		out.Score2, out.Vector2 = new(c.BaseScore), c.Vector
	case "4.0":
		out.Score4, out.Vector4 = new(c.BaseScore), c.Vector
	default:
		out.Score3, out.Vector3 = new(c.BaseScore), c.Vector
	}
	return out
}

func date(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}
