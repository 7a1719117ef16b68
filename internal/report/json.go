package report

import (
	"io"
	"time"

	"muster/internal/finding"
	"muster/internal/indent"
	"muster/internal/inventory"
	"muster/internal/match"
	"muster/internal/scanner"
	"muster/internal/vex"
)

// schema names the form of the JSON report; a change that breaks readers
// raises it.
const schema = "muster-scan-1"

type jsonReport struct {
	Schema   string         `json:"schema"`
	Target   jsonTarget     `json:"target"`
	System   *jsonSystem    `json:"operatingSystem,omitempty"`
	Summary  map[string]int `json:"summary"`
	Coverage []jsonCoverage `json:"coverage"`
	Notes    []string       `json:"notes,omitempty"`
	Findings []jsonFinding  `json:"findings"`
	// Suppressed are packages that statements speak free.
	Suppressed []jsonFinding `json:"suppressed,omitempty"`
	Baseline   *jsonBaseline `json:"baseline,omitempty"`
	Explain    *jsonExplain  `json:"explanation,omitempty"`
}

// jsonBaseline is how the result differs from an earlier one.
type jsonBaseline struct {
	New   int     `json:"new"`
	Fixed []Known `json:"fixed"`
}

// jsonStatement is what somebody says about a package and the vulnerability.
type jsonStatement struct {
	Package       string     `json:"package"`
	Version       string     `json:"version"`
	Path          string     `json:"path,omitempty"`
	Status        vex.Status `json:"status"`
	Justification string     `json:"justification,omitempty"`
	Detail        string     `json:"detail,omitempty"`
	Action        string     `json:"action,omitempty"`
	Said          time.Time  `json:"said,omitzero"`
	Origin        string     `json:"origin"`
}

type jsonTarget struct {
	Kind string `json:"kind"`
	Name string `json:"name"`
}

type jsonSystem struct {
	ID         string `json:"id,omitempty"`
	VersionID  string `json:"versionId,omitempty"`
	PrettyName string `json:"prettyName,omitempty"`
	Ecosystem  string `json:"ecosystem,omitempty"`
	Platform   string `json:"platform,omitempty"`
	Kernel     string `json:"kernel,omitempty"`
	Arch       string `json:"arch,omitempty"`
}

type jsonCoverage struct {
	Ecosystem  string    `json:"ecosystem"`
	State      string    `json:"state"`
	Packages   int       `json:"packages"`
	Excluded   int       `json:"excluded"`
	Advisories int       `json:"advisories"`
	Newest     time.Time `json:"newest,omitzero"`
	Supported  time.Time `json:"supportedUntil,omitzero"`
	Ended      bool      `json:"supportEnded,omitempty"`
	Paid       time.Time `json:"paidUntil,omitzero"`
	Reason     string    `json:"reason,omitempty"`
}

type jsonFinding struct {
	ID             string            `json:"id"`
	Related        []string          `json:"related,omitempty"`
	Severity       finding.Severity  `json:"severity"`
	Score          *finding.Score    `json:"score,omitempty"`
	Adjusted       *finding.Score    `json:"adjustedScore,omitempty"`
	CVSS           []finding.CVSS    `json:"cvss,omitempty"`
	EPSS           *float64          `json:"epss,omitempty"`
	KEV            *jsonKEV          `json:"kev,omitempty"`
	Disputed       bool              `json:"disputed,omitempty"`
	Development    bool              `json:"developmentOnly,omitempty"`
	Exploit        string            `json:"exploitAvailable,omitempty"`
	Exploits       []string          `json:"exploits,omitempty"`
	Fix            string            `json:"fixAvailable,omitempty"`
	State          match.State       `json:"state"`
	Source         string            `json:"source"`
	SourceURL      string            `json:"sourceUrl,omitempty"`
	VendorSeverity string            `json:"vendorSeverity,omitempty"`
	Title          string            `json:"title"`
	Description    string            `json:"description"`
	CWEs           []string          `json:"cwes,omitempty"`
	Published      time.Time         `json:"published,omitzero"`
	Modified       time.Time         `json:"modified,omitzero"`
	References     []string          `json:"references,omitempty"`
	Packages       []finding.Package `json:"packages"`
	Statements     []jsonStatement   `json:"statements,omitempty"`
	New            bool              `json:"new,omitempty"`
}

type jsonKEV struct {
	Added      time.Time `json:"dateAdded,omitzero"`
	Due        time.Time `json:"dateDue,omitzero"`
	Ransomware bool      `json:"ransomware,omitempty"`
}

type jsonExplain struct {
	ID        string         `json:"id"`
	Reported  bool           `json:"reported"`
	Withdrawn []string       `json:"withdrawn,omitempty"`
	Disputed  bool           `json:"disputed,omitempty"`
	Decisions []jsonDecision `json:"decisions"`
}

type jsonDecision struct {
	Ecosystem  string          `json:"ecosystem"`
	Name       string          `json:"name"`
	Version    string          `json:"version"`
	Path       string          `json:"path,omitempty"`
	Layer      string          `json:"layer,omitempty"`
	Role       inventory.Role  `json:"role,omitempty"`
	Reported   bool            `json:"reported"`
	Reason     string          `json:"reason,omitempty"`
	Statement  string          `json:"statement,omitempty"`
	Judgements []jsonJudgement `json:"judgements"`
}

type jsonJudgement struct {
	Advisory   string `json:"advisory"`
	Database   string `json:"database"`
	Package    string `json:"package"`
	Affected   bool   `json:"affected"`
	Reason     string `json:"reason"`
	Range      string `json:"range,omitempty"`
	Comparator string `json:"comparator"`
	Compared   string `json:"compared"`
	Fixed      string `json:"fixed,omitempty"`
}

func writeJSON(w io.Writer, r *scanner.Result, opts Options) error {
	out := jsonReport{
		Schema: schema, Target: jsonTarget{string(r.Target.Kind), r.Target.Name}, Summary: map[string]int{},
		Coverage: []jsonCoverage{}, Notes: r.Notes, Findings: make([]jsonFinding, len(r.Findings)),
	}
	if o := r.Inventory.OS; o != (inventory.OS{}) {
		out.System = &jsonSystem{o.ID, o.VersionID, o.PrettyName, o.Ecosystem, o.Platform, o.Kernel, o.Arch}
	}
	for _, c := range r.Coverage {
		out.Coverage = append(out.Coverage, jsonCoverage{c.Ecosystem, string(c.State), c.Packages, c.Excluded, c.Records, c.Newest, c.SupportedUntil, c.SupportEnded, c.PaidUntil, c.Reason})
	}
	for i := range r.Findings {
		out.Findings[i] = jsonOf(&r.Findings[i])
		out.Findings[i].New = opts.isNew(i)
		out.Summary[string(r.Findings[i].Severity)]++
	}
	for i := range r.Suppressed {
		out.Suppressed = append(out.Suppressed, jsonOf(&r.Suppressed[i]))
	}
	if d := opts.Baseline; d != nil {
		out.Baseline = &jsonBaseline{d.Count(), append([]Known{}, d.Fixed...)}
	}
	out.Explain = jsonExplanation(r.Explanation)
	return indent.Encode(w, out)
}

func jsonOf(f *scanner.Finding) jsonFinding {
	p := f.Package
	out := jsonFinding{
		ID: p.VulnerabilityID, Related: p.Related, Severity: f.Severity, Score: f.Score, Adjusted: f.Adjusted, CVSS: p.CVSS, EPSS: f.EPSS,
		Exploit: string(f.Exploit), Exploits: f.Exploits, Fix: string(f.Fix), State: f.State, Source: p.Source, SourceURL: p.SourceURL,
		VendorSeverity: p.VendorSeverity, Title: f.Title, Description: f.Description, CWEs: f.CWEs,
		Published: p.VendorCreatedAt, Modified: p.VendorUpdatedAt, References: p.ReferenceURLs, Packages: p.Packages,
	}
	for _, a := range f.Affects {
		if st := a.Statement; st != nil {
			out.Statements = append(out.Statements, jsonStatement{
				a.Item.Name, a.Item.Version, a.Item.Path, st.Status, st.Justification, st.Detail, st.Action, st.At, st.Origin,
			})
		}
	}
	out.Disputed, out.Development = f.Disputed, f.DevelopmentOnly()
	if f.KEV != nil {
		out.KEV = &jsonKEV{f.KEV.AddedAt, f.KEV.DueAt, f.KEV.Ransomware}
	}
	return out
}

func jsonExplanation(e *scanner.Explanation) *jsonExplain {
	if e == nil {
		return nil
	}
	out := &jsonExplain{ID: e.ID, Reported: e.Reported, Withdrawn: e.Withdrawn, Disputed: e.Disputed, Decisions: []jsonDecision{}}
	for _, d := range e.Decisions {
		it := d.Item
		next := jsonDecision{
			Ecosystem: it.Ecosystem, Name: it.Name, Version: it.Version, Path: it.Path, Layer: it.Layer,
			Role: it.Role, Reported: d.Reported, Reason: d.Reason,
		}
		if d.Statement != nil {
			next.Statement = scanner.Words(d.Statement)
		}
		for _, j := range d.Judgements {
			next.Judgements = append(next.Judgements, jsonJudgement{
				j.Advisory, j.Database, j.Package, j.Affected, j.Reason, j.Range, j.Comparator, j.Compared, j.Fixed,
			})
		}
		out.Decisions = append(out.Decisions, next)
	}
	return out
}
