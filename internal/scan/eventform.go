package scan

import "muster/internal/finding"

// eventOf puts a finding into the form of its event.
func eventOf(f *finding.Finding) event {
	e := event{
		FindingARN: string(f.ARN), Account: string(f.Account), Type: string(f.Type), Title: f.Title, Description: f.Description,
		Severity: string(f.Severity), Status: string(f.Status), Fix: string(f.Fix), Exploit: string(f.Exploit),
		FirstObservedAt: eventTime(f.FirstObservedAt), LastObservedAt: eventTime(f.LastObservedAt), UpdatedAt: eventTime(f.UpdatedAt),
		Remediation: eventRemediation{eventRecommendation{f.Recommendation.Text, f.Recommendation.URL}},
		Resources:   []eventResource{eventResourceOf(f)},
	}
	if !f.LastExploitAt.IsZero() {
		e.Exploitability = &eventExploitability{eventTime(f.LastExploitAt)}
	}
	if f.EPSS != nil {
		e.EPSS = &eventEPSS{*f.EPSS}
	}
	if s := f.Score; s != nil {
		e.Score = &s.Value
		e.ScoreDetails = &eventScoreDetails{eventAdjusted{
			Adjustments: list(s.Adjustments), CVSSSource: s.Source, Score: s.Value, ScoreSource: s.Source, Vector: s.Vector, Version: s.Version,
		}}
	}
	if f.Package != nil {
		e.Package = eventDetailsOf(f.Package)
	}
	return e
}

func eventDetailsOf(p *finding.PackageDetails) *eventPackageDetails {
	d := &eventPackageDetails{
		VulnerabilityID: p.VulnerabilityID, Source: p.Source, SourceURL: p.SourceURL, VendorSeverity: p.VendorSeverity,
		VendorCreatedAt: eventTime(p.VendorCreatedAt), VendorUpdatedAt: eventTime(p.VendorUpdatedAt),
		Related: list(p.Related), CVSS: []eventCVSS{}, ReferenceURLs: list(p.ReferenceURLs), Packages: []eventPackage{},
	}
	for _, c := range p.CVSS {
		d.CVSS = append(d.CVSS, eventCVSS{c.BaseScore, c.Vector, c.Source, c.Version})
	}
	for _, k := range p.Packages {
		d.Packages = append(d.Packages, eventPackage{
			Name: k.Name, Version: k.Version, Release: k.Release, Epoch: k.Epoch, Arch: k.Arch, Manager: k.Manager, Path: k.Path,
			FixedIn: k.FixedIn, Remediation: k.Remediation, Layer: k.Layer, LambdaLayer: k.LambdaLayer,
		})
	}
	return d
}

func eventResourceOf(f *finding.Finding) eventResource {
	r := eventResource{
		Type: string(f.Resource.Type), ID: f.Resource.ID, Partition: "aws", Region: string(f.Region),
		Tags: f.Resource.Tags, Details: map[string]eventHost{},
	}
	if r.Tags == nil {
		r.Tags = map[string]string{}
	}
	if i := f.Resource.Instance; i != nil {
		r.Details["awsEc2Instance"] = eventHost{
			Type: i.Type, ImageID: i.ImageID, IPv4: list(i.IPv4), IPv6: list(i.IPv6), KeyName: i.KeyName, ProfileARN: i.ProfileARN,
			VPC: i.VPC, Subnet: i.Subnet, LaunchedAt: eventTime(i.LaunchedAt), Platform: i.Platform,
		}
	}
	return r
}

// list is never nil, because events write empty lists.
func list[T any](s []T) []T {
	if s == nil {
		return []T{}
	}
	return s
}
