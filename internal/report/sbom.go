package report

import (
	"io"
	"time"

	"muster/internal/finding"
	"muster/internal/match"
	"muster/internal/sbom"
	"muster/internal/scanner"
)

func writeCycloneDX(w io.Writer, spec string, r *scanner.Result, opts Options) error {
	return sbom.WriteCycloneDX(w, spec, documentOf(r, opts))
}

func writeSPDXTags(w io.Writer, r *scanner.Result, opts Options) error {
	return sbom.WriteSPDXTags(w, documentOf(r, opts))
}

func writeSPDX(w io.Writer, r *scanner.Result, opts Options) error {
	return sbom.WriteSPDX(w, documentOf(r, opts))
}

// documentOf is the result as an SBOM with vulnerabilities.
func documentOf(r *scanner.Result, opts Options) *sbom.Document {
	d := &sbom.Document{
		Target: r.Target.Name, Container: r.Target.Container(), Tool: opts.Version, Inventory: r.Inventory, Created: opts.Created,
	}
	if d.Created.IsZero() {
		d.Created = newest(r)
	}
	for _, findings := range [][]scanner.Finding{r.Findings, r.Suppressed} {
		for i := range findings {
			d.Vulnerabilities = append(d.Vulnerabilities, vulnerability(&findings[i]))
		}
	}
	return d
}

// newest is the date of the newest advisory that was at hand.
func newest(r *scanner.Result) time.Time {
	at := time.Unix(0, 0).UTC()
	for _, c := range r.Coverage {
		if c.Newest.After(at) {
			at = c.Newest
		}
	}
	return at
}

func vulnerability(f *scanner.Finding) sbom.Vulnerability {
	p := f.Package
	v := sbom.Vulnerability{
		ID: p.VulnerabilityID, SourceName: p.Source, SourceURL: p.SourceURL, Description: f.Description, Related: p.Related,
		Advisories: p.ReferenceURLs, Published: p.VendorCreatedAt, Updated: p.VendorUpdatedAt, EPSS: f.EPSS, CWEs: sbom.CWENumbers(f.CWEs),
		ExploitAvailable: f.Exploit == finding.Yes, IsWontFix: f.State == match.WontFix, Severity: string(f.Severity),
		Recommendation: action(f), Analysis: analysis(f),
	}
	for _, c := range p.CVSS {
		v.Ratings = append(v.Ratings, sbom.Rating{
			Source: c.Source, Version: c.Version, Vector: c.Vector, Score: c.BaseScore, Severity: sbom.SeverityWord(finding.SeverityOfScore(c.BaseScore)),
		})
	}
	for _, a := range f.Affects {
		v.Affects = append(v.Affects, sbom.Affect{Item: a.Item, FixedVersion: a.FixedVersion})
	}
	if f.KEV != nil {
		v.KEVAdded, v.KEVDue = f.KEV.AddedAt, f.KEV.DueAt
	}
	return v
}
