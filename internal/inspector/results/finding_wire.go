package results

import (
	"muster/internal/awsmodel/inspector2"
	"muster/internal/finding"
)

// wireFinding is a finding as Inspector shows it (scanning specification 4.1).
func wireFinding(f *finding.Finding) inspector2.Finding {
	out := inspector2.Finding{
		FindingArn: string(f.ARN), AwsAccountId: string(f.Account), Type: inspector2.FindingType(f.Type),
		Title: optional(f.Title), Description: f.Description,
		Remediation: &inspector2.Remediation{Recommendation: &inspector2.Recommendation{Text: optional(f.Recommendation.Text), Url: optional(f.Recommendation.URL)}},
		Severity:    inspector2.Severity(f.Severity), Status: inspector2.FindingStatus(f.Status),
		FirstObservedAt: f.FirstObservedAt, LastObservedAt: f.LastObservedAt, UpdatedAt: when(f.UpdatedAt),
		FixAvailable: inspector2.FixAvailable(f.Fix), ExploitAvailable: inspector2.ExploitAvailable(f.Exploit),
		Resources: []inspector2.Resource{wireResource(f)},
	}
	if s := f.Score; s != nil {
		out.InspectorScore, out.InspectorScoreDetails = new(s.Value), wireScore(s)
	}
	if f.EPSS != nil {
		out.Epss = &inspector2.EpssDetails{Score: f.EPSS}
	}
	if !f.LastExploitAt.IsZero() {
		out.ExploitabilityDetails = &inspector2.ExploitabilityDetails{LastKnownExploitAt: when(f.LastExploitAt)}
	}
	switch {
	case f.Package != nil:
		out.PackageVulnerabilityDetails = wirePackages(f.Package)
	case f.Network != nil:
		out.NetworkReachabilityDetails = wireNetwork(f.Network)
	case f.Code != nil:
		out.CodeVulnerabilityDetails = wireCode(f.Code)
	}
	return out
}

func wireScore(s *finding.Score) *inspector2.InspectorScoreDetails {
	d := &inspector2.CvssScoreDetails{
		ScoreSource: s.Source, CvssSource: optional(s.Source), Version: s.Version, Score: s.Value, ScoringVector: s.Vector,
		Adjustments: []inspector2.CvssScoreAdjustment{},
	}
	for _, a := range s.Adjustments {
		d.Adjustments = append(d.Adjustments, inspector2.CvssScoreAdjustment{Metric: a.Metric, Reason: a.Reason})
	}
	return &inspector2.InspectorScoreDetails{AdjustedCvss: d}
}

func wirePackages(d *finding.PackageDetails) *inspector2.PackageVulnerabilityDetails {
	out := &inspector2.PackageVulnerabilityDetails{
		VulnerabilityId: d.VulnerabilityID, Source: d.Source, SourceUrl: optional(d.SourceURL), VendorSeverity: optional(d.VendorSeverity),
		VendorCreatedAt: when(d.VendorCreatedAt), VendorUpdatedAt: when(d.VendorUpdatedAt),
		RelatedVulnerabilities: append([]string{}, d.Related...), ReferenceUrls: append([]string{}, d.ReferenceURLs...),
		Cvss: []inspector2.CvssScore{}, VulnerablePackages: []inspector2.VulnerablePackage{},
	}
	for _, c := range d.CVSS {
		out.Cvss = append(out.Cvss, inspector2.CvssScore{BaseScore: c.BaseScore, ScoringVector: c.Vector, Version: c.Version, Source: c.Source})
	}
	for _, p := range d.Packages {
		out.VulnerablePackages = append(out.VulnerablePackages, inspector2.VulnerablePackage{
			Name: p.Name, Version: p.Version, Epoch: new(p.Epoch), Release: optional(p.Release), Arch: optional(p.Arch),
			PackageManager: inspector2.PackageManager(p.Manager), FilePath: optional(p.Path), FixedInVersion: optional(p.FixedIn),
			Remediation: optional(p.Remediation), SourceLayerHash: optional(p.Layer), SourceLambdaLayerArn: optional(p.LambdaLayer),
		})
	}
	return out
}

func wireNetwork(n *finding.NetworkDetails) *inspector2.NetworkReachabilityDetails {
	path := &inspector2.NetworkPath{}
	for _, s := range n.Path {
		path.Steps = append(path.Steps, inspector2.Step{ComponentId: s.ID, ComponentType: s.Type, ComponentArn: optional(s.ARN)})
	}
	return &inspector2.NetworkReachabilityDetails{
		OpenPortRange: &inspector2.PortRange{Begin: n.Begin, End: n.End}, Protocol: inspector2.NetworkProtocol(n.Protocol), NetworkPath: path,
	}
}

func wireCode(c *finding.CodeDetails) *inspector2.CodeVulnerabilityDetails {
	return &inspector2.CodeVulnerabilityDetails{
		FilePath:   &inspector2.CodeFilePath{FileName: c.FileName, FilePath: c.Path, StartLine: c.StartLine, EndLine: c.EndLine},
		DetectorId: c.DetectorID, DetectorName: c.DetectorName, DetectorTags: c.DetectorTags, RuleId: optional(c.RuleID),
		Cwes: c.CWEs, ReferenceUrls: c.ReferenceURLs, SourceLambdaLayerArn: optional(c.LambdaLayer),
	}
}
