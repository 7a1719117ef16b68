package report

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/url"
	"strings"

	"muster/internal/finding"
	"muster/internal/indent"
	"muster/internal/scanner"
)

// SARIF 2.1.0, as far as it is written.
type (
	sarifLog struct {
		Schema  string     `json:"$schema"`
		Version string     `json:"version"`
		Runs    []sarifRun `json:"runs"`
	}
	sarifRun struct {
		Tool        sarifTool         `json:"tool"`
		Invocations []sarifInvocation `json:"invocations"`
		Results     []sarifResult     `json:"results"`
	}
	sarifTool struct {
		Driver sarifDriver `json:"driver"`
	}
	sarifDriver struct {
		Name    string      `json:"name"`
		Version string      `json:"version,omitempty"`
		Rules   []sarifRule `json:"rules"`
	}
	sarifRule struct {
		ID         string         `json:"id"`
		Name       string         `json:"name"`
		Short      sarifText      `json:"shortDescription"`
		Full       sarifText      `json:"fullDescription"`
		HelpURI    string         `json:"helpUri,omitempty"`
		Properties map[string]any `json:"properties"`
	}
	sarifText struct {
		Text string `json:"text"`
	}
	sarifInvocation struct {
		Successful    bool                `json:"executionSuccessful"`
		Notifications []sarifNotification `json:"toolExecutionNotifications,omitempty"`
	}
	sarifNotification struct {
		Level   string    `json:"level"`
		Message sarifText `json:"message"`
	}
	sarifResult struct {
		Rule         string             `json:"ruleId"`
		Index        int                `json:"ruleIndex"`
		Level        string             `json:"level"`
		Message      sarifText          `json:"message"`
		Locations    []sarifLocation    `json:"locations"`
		Fingerprints map[string]string  `json:"partialFingerprints"`
		Suppressions []sarifSuppression `json:"suppressions,omitempty"`
		Baseline     string             `json:"baselineState,omitempty"`
	}
	// sarifSuppression says who has spoken a package free, and why.
	sarifSuppression struct {
		Kind          string `json:"kind"`
		Status        string `json:"status"`
		Justification string `json:"justification,omitempty"`
	}
	sarifLocation struct {
		Physical sarifPhysical `json:"physicalLocation"`
	}
	sarifPhysical struct {
		Artifact struct {
			URI string `json:"uri"`
		} `json:"artifactLocation"`
		Region struct {
			Line int `json:"startLine"`
		} `json:"region"`
	}
)

func writeSARIF(w io.Writer, r *scanner.Result, opts Options) error {
	run := sarifRun{
		Tool:        sarifTool{sarifDriver{Name: "muster", Version: opts.Version, Rules: []sarifRule{}}},
		Invocations: []sarifInvocation{{Successful: true, Notifications: notifications(r)}},
		Results:     []sarifResult{},
	}
	rules := map[string]int{}
	add := func(f *scanner.Finding, baseline string) {
		id := f.Package.VulnerabilityID
		rule, ok := rules[id]
		if !ok {
			rule, rules[id] = len(rules), len(rules)
			run.Tool.Driver.Rules = append(run.Tool.Driver.Rules, ruleOf(f))
		}
		for _, a := range f.Affects {
			out := resultOf(r, f, rule, a)
			out.Baseline = baseline
			run.Results = append(run.Results, out)
		}
	}
	for i := range r.Findings {
		add(&r.Findings[i], opts.baselineState(i))
	}
	for i := range r.Suppressed {
		add(&r.Suppressed[i], "")
	}
	return indent.Encode(w, sarifLog{"https://json.schemastore.org/sarif-2.1.0.json", "2.1.0", []sarifRun{run}})
}

// baselineState is SARIF's word for what a finding is beside the baseline.
func (o *Options) baselineState(i int) string {
	switch {
	case o.Baseline == nil:
		return ""
	case o.Baseline.New[i]:
		return "new"
	}
	return "unchanged"
}

// suppressions are the statements that speak a package free.
func suppressions(a scanner.Affect) []sarifSuppression {
	if a.Statement == nil || !a.Statement.Status.Suppresses() {
		return nil
	}
	return []sarifSuppression{{"external", "accepted", scanner.Words(a.Statement)}}
}

// notifications tell what was not judged, and what gets no more fixes: in this
// form too silence must not look like safety.
func notifications(r *scanner.Result) []sarifNotification {
	var out []sarifNotification
	for _, c := range r.Gaps() {
		text := fmt.Sprintf("%d packages of %s were not judged: %s", c.Packages, c.Ecosystem, c.Reason)
		out = append(out, sarifNotification{"warning", sarifText{text}})
	}
	for _, c := range r.Coverage {
		if c.SupportEnded {
			out = append(out, sarifNotification{"warning", sarifText{c.Ecosystem + ": " + lifetime(c)}})
		}
	}
	for _, n := range r.Notes {
		out = append(out, sarifNotification{"note", sarifText{n}})
	}
	return out
}

func ruleOf(f *scanner.Finding) sarifRule {
	tags := append([]string{"security", "vulnerability", string(f.Severity)}, f.CWEs...)
	if f.Disputed {
		tags = append(tags, "disputed")
	}
	properties := map[string]any{"tags": tags, "precision": "very-high"}
	if f.Score != nil {
		properties["security-severity"] = fmt.Sprintf("%.1f", f.Score.Value)
	}
	return sarifRule{
		ID: f.Package.VulnerabilityID, Name: "VulnerablePackage", Short: sarifText{f.Title}, Full: sarifText{f.Description},
		HelpURI: f.Package.SourceURL, Properties: properties,
	}
}

func resultOf(r *scanner.Result, f *scanner.Finding, rule int, a scanner.Affect) sarifResult {
	id := f.Package.VulnerabilityID
	text := fmt.Sprintf("%s %s has %s", a.Item.Name, a.Item.Version, id)
	if a.FixedVersion != "" {
		text += "; fixed in " + a.FixedVersion
	}
	if f.Disputed {
		text += "; somebody denies that it is a vulnerability"
	}
	sum := sha256.Sum256([]byte(strings.Join([]string{id, a.Item.Ecosystem, a.Item.Name, a.Item.Path}, "\x00")))
	return sarifResult{
		Rule: id, Index: rule, Level: sarifLevel(f.Severity), Message: sarifText{text},
		Locations:    []sarifLocation{locationOf(r, a)},
		Fingerprints: map[string]string{"vulnerablePackage/v1": hex.EncodeToString(sum[:16])},
		Suppressions: suppressions(a),
	}
}

// locationOf is the file that proves the package; packages of an operating
// system have none of their own, so the target stands for it.
func locationOf(r *scanner.Result, a scanner.Affect) sarifLocation {
	var where sarifLocation
	path := a.Item.Path
	if path == "" {
		path = r.Target.Name
	}
	if path = strings.TrimLeft(path, "/"); path == "" {
		path = "."
	}
	where.Physical.Artifact.URI = (&url.URL{Path: path}).EscapedPath()
	where.Physical.Region.Line = 1
	return where
}

func sarifLevel(s finding.Severity) string {
	switch s {
	case finding.Critical, finding.High:
		return "error"
	case finding.Medium:
		return "warning"
	}
	return "note"
}
