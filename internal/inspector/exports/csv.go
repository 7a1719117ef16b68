package exports

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"muster/internal/finding"
)

// columns of the CSV report, in Inspector's order (findings interfaces, 10.1).
func columns() []column {
	return slices.Concat(ownColumns(), packageColumns(), vendorColumns(), resourceColumns(), lastColumns())
}

type column struct {
	name  string
	value func(*cells) string
}

// cells is a finding on its way into a row.
type cells struct {
	*finding.Finding
	now      time.Time
	packages []finding.Package
	details  finding.PackageDetails
	score    finding.Score
	instance finding.InstanceDetails
	image    finding.ImageDetails
	function finding.FunctionDetails
}

func header() []string {
	var names []string
	for _, c := range columns() {
		names = append(names, c.name)
	}
	return names
}

// row is a finding's row; now is when the report was asked for.
func row(f *finding.Finding, now time.Time) []string {
	c := &cells{Finding: f, now: now}
	if f.Package != nil {
		c.details, c.packages = *f.Package, f.Package.Packages
	}
	if f.Score != nil {
		c.score = *f.Score
	}
	if f.Resource.Instance != nil {
		c.instance = *f.Resource.Instance
	}
	if f.Resource.Image != nil {
		c.image = *f.Resource.Image
	}
	if f.Resource.Function != nil {
		c.function = *f.Resource.Function
	}
	var values []string
	for _, k := range columns() {
		values = append(values, k.value(c))
	}
	return values
}

func ownColumns() []column {
	return []column{
		{"AWS Account Id", func(c *cells) string { return string(c.Account) }},
		{"Severity", func(c *cells) string { return string(c.Severity) }},
		{"Fix Available", func(c *cells) string { return string(c.Fix) }},
		{"Finding Type", func(c *cells) string { return string(c.Type) }},
		{"Title", func(c *cells) string { return c.Title }},
		{"Description", func(c *cells) string { return c.Description }},
		{"Finding ARN", func(c *cells) string { return string(c.ARN) }},
		{"First Seen", func(c *cells) string { return date(c.FirstObservedAt) }},
		{"Last Seen", func(c *cells) string { return date(c.LastObservedAt) }},
		{"Last Updated", func(c *cells) string { return date(c.UpdatedAt) }},
		{"Resource ID", func(c *cells) string { return c.Resource.ID }},
		{"Container Image Tags", func(c *cells) string { return list(c.image.Tags) }},
		{"Region", func(c *cells) string { return string(c.Region) }},
		{"Platform", func(c *cells) string { return c.Resource.Platform() }},
		{"Resource Tags", func(c *cells) string { return pairs(c.Resource.Tags) }},
	}
}

func packageColumns() []column {
	of := func(name string, get func(*finding.Package) string) column {
		return column{name, func(c *cells) string { return joined(c.packages, get) }}
	}
	return []column{
		of("Affected Packages", func(p *finding.Package) string { return p.Name }),
		of("Package Installed Version", installed),
		of("Fixed in Version", func(p *finding.Package) string { return p.FixedIn }),
		of("Package Remediation", func(p *finding.Package) string { return p.Remediation }),
		{"File Path", func(c *cells) string {
			if c.Code != nil {
				return c.Code.Path
			}
			return joined(c.packages, func(p *finding.Package) string { return p.Path })
		}},
		{"Network Paths", networkPath},
		{"Age (Days)", func(c *cells) string {
			return strconv.Itoa(int(max(c.now.Sub(c.FirstObservedAt), 0) / (24 * time.Hour)))
		}},
		{"Remediation", func(c *cells) string { return c.Recommendation.Text }},
		{"Inspector Score", func(c *cells) string { return number(c.score.Value, c.Score != nil) }},
		{"Inspector Score Vector", func(c *cells) string { return c.score.Vector }},
		{"Status", func(c *cells) string { return string(c.Status) }},
		{"Vulnerability Id", func(c *cells) string { return c.details.VulnerabilityID }},
	}
}

// installed is the version as its package manager writes it.
func installed(p *finding.Package) string {
	text := p.Version
	if p.Epoch > 0 {
		text = strconv.Itoa(int(p.Epoch)) + ":" + text
	}
	if p.Release != "" {
		text += "-" + p.Release
	}
	return text
}

func networkPath(c *cells) string {
	if c.Network == nil {
		return ""
	}
	var steps []string
	for _, s := range c.Network.Path {
		steps = append(steps, s.ID+" ("+s.Type+")")
	}
	return strings.Join(steps, " > ")
}

func vendorColumns() []column {
	of := func(name string, nvd bool, version string, get func(finding.CVSS) string) column {
		return column{name, func(c *cells) string {
			for _, s := range c.details.CVSS {
				if (s.Source == "NVD") == nvd && strings.HasPrefix(s.Version, version) {
					return get(s)
				}
			}
			return ""
		}}
	}
	score := func(s finding.CVSS) string { return number(s.BaseScore, true) }
	vector := func(s finding.CVSS) string { return s.Vector }
	return []column{
		{"Vendor", func(c *cells) string { return c.details.Source }},
		{"Vendor Severity", func(c *cells) string { return c.details.VendorSeverity }},
		{"Vendor Advisory", func(c *cells) string { return c.details.SourceURL }},
		{"Vendor Advisory Published", func(c *cells) string { return date(c.details.VendorCreatedAt) }},
		of("NVD CVSS3 Score", true, "3", score), of("NVD CVSS3 Vector", true, "3", vector),
		of("NVD CVSS2 Score", true, "2", score), of("NVD CVSS2 Vector", true, "2", vector),
		of("Vendor CVSS3 Score", false, "3", score), of("Vendor CVSS3 Vector", false, "3", vector),
		of("Vendor CVSS2 Score", false, "2", score), of("Vendor CVSS2 Vector", false, "2", vector),
	}
}

func resourceColumns() []column {
	return []column{
		{"Resource Type", func(c *cells) string { return string(c.Resource.Type) }},
		{"Ami", func(c *cells) string { return c.instance.ImageID }},
		{"Resource Public Ipv4", func(c *cells) string { return list(addresses(c.instance.IPv4, false)) }},
		{"Resource Private Ipv4", func(c *cells) string { return list(addresses(c.instance.IPv4, true)) }},
		{"Resource Ipv6", func(c *cells) string { return list(c.instance.IPv6) }},
		{"Resource Vpc", func(c *cells) string { return c.instance.VPC + c.function.VPC }},
		{"Port Range", func(c *cells) string {
			if c.Network == nil {
				return ""
			}
			return fmt.Sprintf("%d-%d", c.Network.Begin, c.Network.End)
		}},
	}
}

func addresses(all []string, private bool) (some []string) {
	for _, text := range all {
		if a, err := netip.ParseAddr(text); err == nil && a.IsPrivate() == private {
			some = append(some, text)
		}
	}
	return some
}

func lastColumns() []column {
	return []column{
		{"Epss Score", func(c *cells) string {
			if c.EPSS == nil {
				return ""
			}
			return number(*c.EPSS, true)
		}},
		{"Exploit Available", func(c *cells) string { return string(c.Exploit) }},
		{"Last Exploited At", func(c *cells) string { return date(c.LastExploitAt) }},
		{"Lambda Layers", func(c *cells) string { return list(c.function.Layers) }},
		{"Lambda Package Type", func(c *cells) string { return c.function.PackageType }},
		{"Lambda Last Updated At", func(c *cells) string { return date(c.function.LastModifiedAt) }},
		{"Reference Urls", func(c *cells) string {
			if c.Code != nil {
				return list(c.Code.ReferenceURLs)
			}
			return list(c.details.ReferenceURLs)
		}},
		{"Detector Name", func(c *cells) string {
			if c.Code != nil {
				return c.Code.DetectorName
			}
			return ""
		}},
		{"Package Manager", func(c *cells) string {
			return joined(c.packages, func(p *finding.Package) string { return p.Manager })
		}},
	}
}

func list(items []string) string { return strings.Join(items, ", ") }

func pairs(m map[string]string) string {
	var items []string
	for _, k := range slices.Sorted(maps.Keys(m)) {
		items = append(items, k+":"+m[k])
	}
	return list(items)
}

// joined lists a text of every package, so that the columns of a row tell of
// the packages in the same order; nothing at all where none has it.
func joined(packages []finding.Package, get func(*finding.Package) string) string {
	items := make([]string, len(packages))
	for i := range packages {
		items[i] = get(&packages[i])
	}
	if strings.Join(items, "") == "" {
		return ""
	}
	return list(items)
}

func date(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02T15:04:05.000Z")
}

func number(v float64, known bool) string {
	if !known {
		return ""
	}
	return strconv.FormatFloat(v, 'f', -1, 64)
}
