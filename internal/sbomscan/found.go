package sbomscan

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"muster/internal/finding"
	"muster/internal/inventory"
	"muster/internal/sbom"
	"muster/internal/scanner"
)

// ownSource is whom Inspector names for what it has from nobody else.
const ownSource = "AMAZON_INSPECTOR"

// vulnerability is one entry of an answer, in the words of both forms.
type vulnerability struct {
	id, sourceName, sourceURL, description string
	// severity is critical, high, medium, low, info or unknown.
	severity            string
	related, references []string
	created, updated    time.Time
	cwes                []int
	scores              []score
	epss                *float64
	kev                 *finding.KEV
	exploit             bool
	lastExploit         time.Time
	malicious           bool
	affects             []affect
}

// score is a CVSS score; severity is its source's own word where it has one.
type score struct {
	finding.CVSS
	severity string
}

// affect is one component that has a vulnerability.
type affect struct {
	node *node
	// fixed is the version without it, "" for none; lines are those of a file.
	fixed, lines string
}

// annotate says of every component what became of it, and of the whole what
// was found. Now decides whether an operating system has outlived its support.
func (d *document) annotate(r *scanner.Result, now time.Time) {
	for i := range r.Findings {
		d.found = append(d.found, d.vulnerability(&r.Findings[i]))
	}
	d.found = append(d.found, d.discontinued(r, now)...)
	d.found = append(d.found, d.remarks()...)
	slices.SortStableFunc(d.found, func(a, b vulnerability) int {
		return cmp.Compare(slices.Index(severities(), a.severity), slices.Index(severities(), b.severity))
	})
	d.say(r)
}

func severities() []string { return []string{"critical", "high", "medium", "low", "info", "unknown"} }

// say tells of every package without vulnerabilities whether it was judged.
func (d *document) say(r *scanner.Result) {
	vulnerable := map[*node]bool{}
	for _, v := range d.found {
		for _, a := range v.affects {
			vulnerable[a.node] = true
		}
	}
	gaps := map[string]bool{"": true}
	for _, c := range r.Gaps() {
		gaps[c.Ecosystem] = true
	}
	for _, n := range d.nodes {
		switch {
		case vulnerable[n] || n.kind == "operating-system" || n.kind == "file":
		case n.purl == "":
			n.level, n.text = "warn", "Component skipped: no purl provided."
		case n.item == nil:
			n.level, n.text = "warn", "Component skipped: invalid purl, or unsupported package type."
		case !n.item.Role.Judged():
			n.level, n.text = "info", "Component skipped: "+string(n.item.Role)+"."
		case gaps[n.item.Ecosystem]:
			n.level, n.text = "info", "Component skipped: no rules found."
		default:
			n.level, n.text = "info", "Component scanned: no vulnerabilities found."
		}
	}
}

// discontinued is the finding that an operating system has outlived its
// publisher's support; none while the time is not known.
func (d *document) discontinued(r *scanner.Result, now time.Time) []vulnerability {
	var out []vulnerability
	for _, c := range r.Coverage {
		if c.SupportedUntil.IsZero() || now.Before(c.SupportedUntil) || len(out) > 0 {
			continue
		}
		v := vulnerability{
			id: "IN-DISCONTINUED-001", severity: "critical", sourceName: ownSource, sourceURL: "https://endoflife.date/", cwes: []int{1104},
			description: "The operating system's publisher ended its support on " + c.SupportedUntil.Format(time.DateOnly) +
				". What has been found since then is told nowhere, so nothing found does not mean nothing there.",
			references: []string{"https://docs.aws.amazon.com/inspector/latest/user/supported.html"},
			created:    c.SupportedUntil, updated: c.SupportedUntil,
		}
		for _, n := range d.nodes {
			if n.kind == "operating-system" {
				n.endOfLife = c.SupportedUntil.UTC().Format(time.RFC3339)
				v.affects = append(v.affects, affect{node: n})
			}
		}
		if len(v.affects) > 0 {
			out = append(out, v)
		}
	}
	return out
}

func (d *document) vulnerability(f *scanner.Finding) vulnerability {
	p := f.Package
	v := vulnerability{
		id: p.VulnerabilityID, severity: sbom.SeverityWord(f.Severity), sourceName: p.Source, sourceURL: p.SourceURL, description: f.Description,
		related: p.Related, references: p.ReferenceURLs, created: p.VendorCreatedAt, updated: p.VendorUpdatedAt, cwes: sbom.CWENumbers(f.CWEs),
		epss: f.EPSS, kev: f.KEV, exploit: f.Exploit == finding.Yes, lastExploit: f.LastExploitAt,
		malicious: strings.HasPrefix(p.VulnerabilityID, "MAL-"),
	}
	if strings.HasPrefix(v.id, "CVE-") {
		v.sourceName, v.sourceURL = finding.NVD, "https://nvd.nist.gov/vuln/detail/"+v.id
	}
	for _, c := range p.CVSS {
		s := score{c, sbom.SeverityWord(finding.SeverityOfScore(c.BaseScore))}
		if c.Source != finding.NVD && strings.HasPrefix(p.Source, c.Source) {
			if own := finding.SeverityOfWord(p.VendorSeverity); own != finding.Untriaged {
				s.severity = sbom.SeverityWord(own)
			}
		}
		v.scores = append(v.scores, s)
	}
	for _, a := range f.Affects {
		for _, n := range d.byItem[a.Item] {
			v.affects = append(v.affects, affect{node: n, fixed: fixedIn(a)})
		}
	}
	return v
}

// fixedIn is the fixed version as findings write it, "" for none.
func fixedIn(a scanner.Affect) string {
	if a.FixedVersion == "" || a.Item.Manager != inventory.ManagerOS {
		return a.FixedVersion
	}
	return finding.FullVersion(a.Item.Ecosystem, a.FixedVersion)
}

// counts are by severity; what is none of the first four is "other".
func (d *document) counts() map[string]int {
	out := map[string]int{"critical": 0, "high": 0, "medium": 0, "low": 0, "other": 0}
	for _, v := range d.found {
		if _, ok := out[v.severity]; ok {
			out[v.severity]++
		} else {
			out["other"]++
		}
	}
	return out
}

// priority says how soon to act and whether anybody has seen the need: at once
// for what is known to be exploited in earnest, soon where an exploit is public
// or likely and the damage great.
func (v *vulnerability) priority() (priority, intelligence string) {
	grave := v.severity == "critical" || v.severity == "high"
	likely := v.exploit || (v.epss != nil && *v.epss >= 0.1)
	intelligence = "unverified"
	if v.kev != nil || v.exploit {
		intelligence = "verified"
	}
	switch {
	case v.kev != nil:
		return "immediate", intelligence
	case grave && likely:
		return "urgent", intelligence
	case grave || likely:
		return "moderate", intelligence
	}
	return "standard", intelligence
}

// stamp writes a date, "" for none.
func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}
