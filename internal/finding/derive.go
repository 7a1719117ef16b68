package finding

import (
	"cmp"
	"slices"
	"time"

	"muster/internal/inventory"
)

// Affected is one package of a resource that has a vulnerability.
type Affected struct {
	Item inventory.Item
	// VulnerabilityID is the CVE where there is one, else the advisory's id;
	// Related are the other names of the defect.
	VulnerabilityID string
	Related         []string
	// FixedVersion is "" where no fix is known.
	FixedVersion string
	// SubscriptionFix is the version that only a paid channel fixes it in.
	SubscriptionFix string
	// Source and VendorSeverity are the detection source and its own word.
	Source, VendorSeverity string
	Evidence               []Evidence
}

// Intel is what is known about a vulnerability beside its packages.
type Intel struct {
	Description string
	// CVSS are all scores known.
	CVSS          []CVSS
	CWEs          []string
	ReferenceURLs []string
	// PublishedAt and ModifiedAt are the vulnerability's dates.
	PublishedAt, ModifiedAt time.Time
	// EPSS is nil where unknown.
	EPSS *float64
	// KEV is the entry in CISA's catalogue, if any.
	KEV *KEV
	// Exploit says that a public exploit is known, LastExploitAt when one was
	// last seen, where that is known.
	Exploit       bool
	LastExploitAt time.Time
	// ExploitSources say where exploits are known from: "Metasploit
	// exploit/…", "Exploit-DB EDB-16929", "CISA KEV"; Maturity how far.
	ExploitSources []string
	Maturity       Maturity
	// ScoredAt is the day of EPSS.
	ScoredAt time.Time
	// Rejected: the id was taken back, and makes no findings.
	Rejected bool
	// Disputed: somebody denies that it is a vulnerability. It is reported,
	// and marked.
	Disputed bool
}

// KEV is an entry of CISA's catalogue of exploited vulnerabilities.
type KEV struct {
	AddedAt, DueAt time.Time
	Action         string
	Ransomware     bool
}

// Draft is a finding as one evaluation wants it, before its life.
type Draft struct {
	Content
	EPSS *float64
}

// maxReferences bounds the reference URLs of one finding.
const maxReferences = 100

// FromPackages makes the drafts of a resource's package findings: one for
// every vulnerability, however many packages have it (4.4). Items that the
// noise rules exclude make none, nor do rejected vulnerabilities. The answer is sorted by vulnerability and
// does not depend on the order of affected.
func FromPackages(affected []Affected, intel func(id string) Intel) []Draft {
	groups := map[string][]Affected{}
	for _, a := range affected {
		if a.Item.Role.Judged() {
			groups[a.VulnerabilityID] = append(groups[a.VulnerabilityID], a)
		}
	}
	drafts := make([]Draft, 0, len(groups))
	for id, group := range groups {
		if in := intel(id); !in.Rejected {
			drafts = append(drafts, draft(id, group, in))
		}
	}
	slices.SortFunc(drafts, func(a, b Draft) int {
		return cmp.Compare(a.Package.VulnerabilityID, b.Package.VulnerabilityID)
	})
	return drafts
}

func draft(id string, group []Affected, in Intel) Draft {
	slices.SortFunc(group, compareAffected)
	lead := group[0]
	d := &PackageDetails{
		VulnerabilityID: id, Source: cmp.Or(lead.Source, NVD), VendorSeverity: vendorWord(group),
		VendorCreatedAt: in.PublishedAt.UTC(), VendorUpdatedAt: in.ModifiedAt.UTC(),
		Related: related(id, group), CVSS: sortedScores(in.CVSS),
		ReferenceURLs: in.ReferenceURLs[:min(len(in.ReferenceURLs), maxReferences)],
		Packages:      packages(group),
	}
	d.SourceURL = sourceURL(d.Source, id, d.Related)
	c := Content{
		Type: PackageVulnerability, Package: d,
		Title: title(id, d.Packages), Description: description(id, in.Description),
		Recommendation: Recommendation{Text: noneProvided},
		Fix:            fixOf(d.Packages), Exploit: No,
	}
	c.Severity, c.Score = rate(in.CVSS, d.Source, d.VendorSeverity)
	if in.Exploit || in.KEV != nil {
		c.Exploit, c.LastExploitAt = Yes, in.LastExploitAt.UTC()
	}
	return Draft{Content: c, EPSS: in.EPSS}
}

// compareAffected puts operating-system packages first, because their
// distribution's word leads, and is total, so that the result is the same
// for every order of the input.
func compareAffected(a, b Affected) int {
	return cmp.Or(
		cmp.Compare(rankManager(a.Item.Manager), rankManager(b.Item.Manager)),
		cmp.Compare(a.Item.Name, b.Item.Name), cmp.Compare(a.Item.Version, b.Item.Version),
		cmp.Compare(a.Item.Arch, b.Item.Arch), cmp.Compare(a.Item.Path, b.Item.Path),
		cmp.Compare(a.Item.Layer, b.Item.Layer), cmp.Compare(a.Item.Manager, b.Item.Manager),
		cmp.Compare(a.Item.Ecosystem, b.Item.Ecosystem), cmp.Compare(a.Source, b.Source),
		cmp.Compare(a.VendorSeverity, b.VendorSeverity), cmp.Compare(a.FixedVersion, b.FixedVersion), cmp.Compare(a.SubscriptionFix, b.SubscriptionFix),
		slices.CompareFunc(a.Evidence, b.Evidence, compareEvidence))
}

func compareEvidence(a, b Evidence) int {
	return cmp.Or(cmp.Compare(a.Advisory, b.Advisory), cmp.Compare(a.Database, b.Database),
		cmp.Compare(a.Package, b.Package), cmp.Compare(a.Range, b.Range), cmp.Compare(a.Compared, b.Compared))
}

func rankManager(m inventory.Manager) int {
	if m == inventory.ManagerOS {
		return 0
	}
	return 1
}

func vendorWord(group []Affected) string {
	for _, a := range group {
		if a.VendorSeverity != "" {
			return a.VendorSeverity
		}
	}
	return ""
}

func related(id string, group []Affected) []string {
	var all []string
	for _, a := range group {
		for _, r := range a.Related {
			if r != id {
				all = append(all, r)
			}
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

func sortedScores(scores []CVSS) []CVSS {
	sorted := slices.Clone(scores)
	slices.SortFunc(sorted, func(a, b CVSS) int {
		return cmp.Or(cmp.Compare(b.Version, a.Version), cmp.Compare(a.Source, b.Source), cmp.Compare(a.Vector, b.Vector))
	})
	return slices.Compact(sorted)
}

// packages lists the group's packages; entries that would look the same are
// one, and the first evidence stands for it.
func packages(group []Affected) []Package {
	var list []Package
	for _, a := range group {
		p := newPackage(a)
		if !slices.ContainsFunc(list, p.looksLike) {
			list = append(list, p)
		}
	}
	return list
}

// looksLike compares everything but the evidence.
func (p Package) looksLike(q Package) bool {
	return p.Name == q.Name && p.Version == q.Version && p.Epoch == q.Epoch && p.Release == q.Release &&
		p.Arch == q.Arch && p.Manager == q.Manager && p.Path == q.Path && p.FixedIn == q.FixedIn &&
		p.Remediation == q.Remediation && p.Layer == q.Layer && p.LambdaLayer == q.LambdaLayer
}

// fixOf is YES when every package has a fixed version, NO when none has.
func fixOf(packages []Package) Availability {
	fixed := 0
	for _, p := range packages {
		if p.FixedIn != NotAvailable {
			fixed++
		}
	}
	switch fixed {
	case 0:
		return No
	case len(packages):
		return Yes
	}
	return Partial
}
