// Package findingtest draws random findings and filter criteria for property
// tests. The values are few, so that filters often hit.
package findingtest

import (
	"fmt"
	"time"

	"pgregory.net/rapid"

	"muster/internal/arn"
	"muster/internal/finding"
	"muster/internal/finding/criteria"
)

// Region is where all drawn findings are.
const Region arn.Region = "us-east-1"

// Accounts are those of the drawn findings.
func Accounts() []arn.AccountID {
	return []arn.AccountID{"111111111111", "222222222222", "333333333333"}
}

// Words are the values that most texts take; some begin others, some differ
// in case only, some are not ASCII.
func words() []string { return []string{"alpha", "alphabet", "Alpha", "Ärger", "b%_"} }

func word(t *rapid.T, label string) string { return rapid.SampledFrom(words()).Draw(t, label) }

func maybe(t *rapid.T, label string) string {
	return rapid.SampledFrom(append(words(), "", "")).Draw(t, label)
}

func several(t *rapid.T, label string) []string {
	return rapid.SliceOfNDistinct(rapid.SampledFrom(words()), 0, 3, rapid.ID[string]).Draw(t, label)
}

// moment draws one of a few times, in whole microseconds; of some only
// milliseconds are the same.
func moment(t *rapid.T, label string) time.Time {
	return time.UnixMicro(1_700_000_000_000_000 + rapid.SampledFrom([]int64{-1, 0, 1, 999, 1000, 1001, 2000}).Draw(t, label)).UTC()
}

func maybeMoment(t *rapid.T, label string) time.Time {
	if rapid.Bool().Draw(t, label+" absent") {
		return time.Time{}
	}
	return moment(t, label)
}

func fraction(t *rapid.T, label string) float64 {
	return rapid.SampledFrom([]float64{0, 0.25, 0.5, 1, 7.5, 10}).Draw(t, label)
}

func maybeFraction(t *rapid.T, label string) *float64 {
	if rapid.Bool().Draw(t, label+" absent") {
		return nil
	}
	return new(fraction(t, label))
}

// Resource draws a resource of any type; n makes its id unique.
func Resource(t *rapid.T, n int) finding.Resource {
	r := finding.Resource{ID: fmt.Sprintf("%s-%d", word(t, "resource id"), n)}
	if tags := several(t, "tag keys"); len(tags) > 0 {
		r.Tags = map[string]string{}
		for _, k := range tags {
			r.Tags[k] = maybe(t, "tag value")
		}
	}
	switch rapid.IntRange(0, 3).Draw(t, "resource type") {
	case 0:
		r.Type = finding.Instance
		r.Instance = &finding.InstanceDetails{ImageID: maybe(t, "ami"), VPC: maybe(t, "vpc"), Subnet: maybe(t, "subnet"), Platform: maybe(t, "platform")}
	case 1:
		r.Type = finding.ContainerImage
		r.Image = &finding.ImageDetails{Repository: word(t, "repository"), Registry: word(t, "registry"), Hash: word(t, "hash"),
			Tags: several(t, "image tags"), Architecture: maybe(t, "architecture"), PushedAt: maybeMoment(t, "pushed"), LastInUseAt: maybeMoment(t, "in use")}
		if rapid.Bool().Draw(t, "counted") {
			r.Image.InUseCount = new(int64(rapid.IntRange(0, 10).Draw(t, "in use count")))
		}
	case 2:
		r.Type = finding.LambdaFunction
		r.Function = &finding.FunctionDetails{Name: word(t, "function"), Runtime: word(t, "runtime"), RoleARN: word(t, "role"),
			Layers: several(t, "layers"), LastModifiedAt: maybeMoment(t, "modified")}
	default:
		r.Type = finding.CodeRepository
		r.Code = &finding.CodeRepoDetails{Project: word(t, "project"), Provider: rapid.SampledFrom([]string{"", "GITHUB"}).Draw(t, "provider")}
	}
	return r
}

// Content draws a content of any type.
func Content(t *rapid.T) finding.Content {
	c := finding.Content{
		Title: word(t, "title"), Description: "d", Severity: rapid.SampledFrom(finding.Severities()).Draw(t, "severity"),
		Fix: rapid.SampledFrom([]finding.Availability{"", finding.Yes, finding.No, finding.Partial}).Draw(t, "fix"),
	}
	c.Exploit = rapid.SampledFrom([]finding.Availability{"", finding.Yes, finding.No}).Draw(t, "exploit")
	if s := maybeFraction(t, "score"); s != nil {
		c.Score = &finding.Score{Value: *s, Base: *s, Version: "3.1", Vector: "v", Source: "NVD"}
	}
	switch rapid.IntRange(0, 3).Draw(t, "type") {
	case 0:
		c.Type = finding.NetworkReachability
		c.Network = &finding.NetworkDetails{Begin: port(t, "begin"), Protocol: rapid.SampledFrom([]string{"TCP", "UDP"}).Draw(t, "protocol")}
		c.Network.End = c.Network.Begin + port(t, "width")
		for _, id := range several(t, "path") {
			c.Network.Path = append(c.Network.Path, finding.Step{ID: id, Type: word(t, "component type")})
		}
	case 1:
		c.Type = finding.CodeVulnerability
		c.Code = &finding.CodeDetails{Path: word(t, "path"), DetectorName: word(t, "detector"), DetectorTags: several(t, "detector tags")}
	default:
		c.Type = finding.PackageVulnerability
		c.Package = &finding.PackageDetails{VulnerabilityID: word(t, "vulnerability"), Source: word(t, "source"),
			VendorSeverity: maybe(t, "vendor severity"), Related: several(t, "related"),
			Packages: rapid.SliceOfN(rapid.Custom(pkg), 0, 3).Draw(t, "packages")}
	}
	return c
}

func port(t *rapid.T, label string) int32 { return int32(rapid.IntRange(0, 5).Draw(t, label)) }

func pkg(t *rapid.T) finding.Package {
	return finding.Package{Name: word(t, "name"), Version: word(t, "version"), Epoch: port(t, "epoch"), Release: maybe(t, "release"),
		Arch: maybe(t, "arch"), Path: maybe(t, "path"), Layer: maybe(t, "layer"), LambdaLayer: maybe(t, "lambda layer")}
}

// Finding draws a finding of the resource; n makes its id unique.
func Finding(t *rapid.T, account arn.AccountID, r finding.Resource, n int) finding.Finding {
	f := finding.Finding{
		Account: account, Region: Region, Resource: r, Content: Content(t), EPSS: maybeFraction(t, "epss"),
		ARN: finding.ARN(account, Region, fmt.Sprintf("%032x", n)),
	}
	f.Status = rapid.SampledFrom([]finding.Status{finding.Active, finding.Suppressed, finding.Closed}).Draw(t, "status")
	f.FirstObservedAt, f.LastObservedAt, f.UpdatedAt = moment(t, "first"), moment(t, "last"), moment(t, "updated")
	if f.Status == finding.Closed {
		f.ClosedAt, f.Cause = f.UpdatedAt, finding.PackageChanged
	}
	return f
}

// Criteria draws criteria over a few attributes of any kind.
func Criteria(t *rapid.T) criteria.Criteria {
	c := criteria.Criteria{
		Strings: map[criteria.Attribute][]criteria.String{}, Dates: map[criteria.Attribute][]criteria.Date{}, Numbers: map[criteria.Attribute][]criteria.Number{},
	}
	for range rapid.IntRange(0, 3).Draw(t, "criteria") {
		switch rapid.IntRange(0, 7).Draw(t, "kind") {
		case 0:
			a := rapid.SampledFrom(criteria.DateAttributes()).Draw(t, "date attribute")
			c.Dates[a] = rapid.SliceOfN(rapid.Custom(date), 1, 2).Draw(t, "dates")
		case 1:
			a := rapid.SampledFrom(criteria.NumberAttributes()).Draw(t, "number attribute")
			c.Numbers[a] = rapid.SliceOfN(rapid.Custom(number), 1, 2).Draw(t, "numbers")
		case 2:
			c.Tags = rapid.SliceOfN(rapid.Custom(tag), 1, 2).Draw(t, "tags")
		case 3:
			c.Ports = rapid.SliceOfN(rapid.Custom(ports), 1, 2).Draw(t, "ports")
		case 4:
			c.Packages = rapid.SliceOfN(rapid.Custom(packageFilter), 1, 2).Draw(t, "package filters")
		default:
			a := rapid.SampledFrom(stringAttributes()).Draw(t, "attribute")
			c.Strings[a] = rapid.SliceOfN(rapid.Custom(func(t *rapid.T) criteria.String { return text(t, a) }), 1, 3).Draw(t, "texts")
		}
	}
	return c
}

func stringAttributes() []criteria.Attribute {
	return []criteria.Attribute{
		criteria.FindingARN, criteria.AccountID, criteria.FindingType, criteria.Severity, criteria.FindingStatus, criteria.Title,
		criteria.ResourceType, criteria.ResourceID, criteria.InstanceImageID, criteria.InstanceVPC, criteria.InstanceSubnet,
		criteria.ImageArchitecture, criteria.ImageRegistry, criteria.ImageRepository, criteria.ImageTags, criteria.ImageHash,
		criteria.NetworkProtocol, criteria.ComponentID, criteria.ComponentType, criteria.VulnerabilityID, criteria.VulnerabilitySource,
		criteria.VendorSeverity, criteria.RelatedVulnerabilities, criteria.FixAvailable, criteria.FunctionName, criteria.FunctionLayers,
		criteria.FunctionRuntime, criteria.FunctionRole, criteria.ExploitAvailable, criteria.DetectorName, criteria.DetectorTags,
		criteria.CodeFilePath, criteria.ProjectName, criteria.ProviderType,
	}
}

// text draws a filter with a value that the attribute may have.
func text(t *rapid.T, a criteria.Attribute) criteria.String {
	values := append(criteria.StringAttributes()[a], words()...)
	values = append(values, "a", "alpha-0", "alpha-1", string(Accounts()[0]), "11", "H", "AWS_",
		string(finding.ARN(Accounts()[0], Region, fmt.Sprintf("%032x", 3))), "arn:aws:inspector2:us-east-1:2", "nul\x00")
	return criteria.String{
		Comparison: rapid.SampledFrom([]criteria.Comparison{criteria.Equals, criteria.Equals, criteria.Prefix, criteria.NotEquals}).Draw(t, "comparison"),
		Value:      rapid.SampledFrom(values).Draw(t, "value"),
	}
}

func date(t *rapid.T) (d criteria.Date) {
	if rapid.Bool().Draw(t, "from") {
		d.Start = new(moment(t, "start"))
	}
	if rapid.Bool().Draw(t, "to") {
		d.End = new(moment(t, "end"))
	}
	return d
}

func number(t *rapid.T) criteria.Number {
	return criteria.Number{Lower: maybeFraction(t, "lower"), Upper: maybeFraction(t, "upper")}
}

func tag(t *rapid.T) criteria.Tag {
	f := criteria.Tag{Key: word(t, "key")}
	if rapid.Bool().Draw(t, "with value") {
		f.Value = new(maybe(t, "value"))
	}
	return f
}

func ports(t *rapid.T) (p criteria.Ports) {
	if rapid.Bool().Draw(t, "from") {
		p.Begin = new(port(t, "begin"))
	}
	if rapid.Bool().Draw(t, "to") {
		p.End = new(port(t, "end"))
	}
	return p
}

func packageFilter(t *rapid.T) criteria.Package {
	p := criteria.Package{Strings: map[criteria.Attribute]criteria.String{}}
	for _, a := range rapid.SliceOfNDistinct(rapid.SampledFrom(criteria.PackageAttributes()), 0, 2, rapid.ID[criteria.Attribute]).Draw(t, "members") {
		p.Strings[a] = text(t, a)
	}
	if rapid.Bool().Draw(t, "by epoch") {
		p.Epoch = new(number(t))
	}
	return p
}
