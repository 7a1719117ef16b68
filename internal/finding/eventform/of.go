package eventform

import "muster/internal/finding"

// Of puts a finding into the form of its event.
func Of(f *finding.Finding) Finding {
	e := Finding{
		FindingARN: string(f.ARN), Account: string(f.Account), Type: string(f.Type), Title: f.Title, Description: f.Description,
		Severity: string(f.Severity), Status: string(f.Status), Fix: string(f.Fix), Exploit: string(f.Exploit),
		FirstObservedAt: Time(f.FirstObservedAt), LastObservedAt: Time(f.LastObservedAt), UpdatedAt: Time(f.UpdatedAt),
		Remediation: Remediation{Recommendation{f.Recommendation.Text, f.Recommendation.URL}},
		Resources:   []Resource{resourceOf(f)},
	}
	if !f.LastExploitAt.IsZero() {
		e.Exploitability = &Exploitability{Time(f.LastExploitAt)}
	}
	if f.EPSS != nil {
		e.EPSS = &EPSS{*f.EPSS}
	}
	if s := f.Score; s != nil {
		e.Score = &s.Value
		e.ScoreDetails = &ScoreDetails{AdjustedCVSS{
			Adjustments: list(s.Adjustments), CVSSSource: s.Source, Score: s.Value, ScoreSource: s.Source, Vector: s.Vector, Version: s.Version,
		}}
	}
	if f.Package != nil {
		e.Package = packageDetailsOf(f.Package)
	}
	if f.Network != nil {
		e.Network = networkDetailsOf(f.Network)
	}
	if f.Code != nil {
		e.Code = codeDetailsOf(f.Code)
	}
	return e
}

func packageDetailsOf(p *finding.PackageDetails) *PackageDetails {
	d := &PackageDetails{
		VulnerabilityID: p.VulnerabilityID, Source: p.Source, SourceURL: p.SourceURL, VendorSeverity: p.VendorSeverity,
		VendorCreatedAt: Time(p.VendorCreatedAt), VendorUpdatedAt: Time(p.VendorUpdatedAt),
		Related: list(p.Related), CVSS: []CVSS{}, ReferenceURLs: list(p.ReferenceURLs), Packages: []Package{},
	}
	for _, c := range p.CVSS {
		d.CVSS = append(d.CVSS, CVSS{c.BaseScore, c.Vector, c.Source, c.Version})
	}
	for _, k := range p.Packages {
		d.Packages = append(d.Packages, Package{
			Name: k.Name, Version: k.Version, Release: k.Release, Epoch: k.Epoch, Arch: k.Arch, Manager: k.Manager, Path: k.Path,
			FixedIn: k.FixedIn, Remediation: k.Remediation, Layer: k.Layer, LambdaLayer: k.LambdaLayer,
		})
	}
	return d
}

func networkDetailsOf(n *finding.NetworkDetails) *NetworkDetails {
	d := &NetworkDetails{Ports: Ports{n.Begin, n.End}, Protocol: n.Protocol, Path: NetworkPath{[]Step{}}}
	for _, s := range n.Path {
		d.Path.Steps = append(d.Path.Steps, Step{s.ID, s.Type, s.ARN})
	}
	return d
}

func codeDetailsOf(c *finding.CodeDetails) *CodeDetails {
	return &CodeDetails{
		File: CodeFile{c.FileName, c.Path, c.StartLine, c.EndLine}, DetectorID: c.DetectorID, DetectorName: c.DetectorName,
		DetectorTags: c.DetectorTags, RuleID: c.RuleID, CWEs: list(c.CWEs), ReferenceURLs: c.ReferenceURLs, LambdaLayer: c.LambdaLayer,
	}
}
