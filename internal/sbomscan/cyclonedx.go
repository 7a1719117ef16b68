package sbomscan

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// The vulnerabilities of the form CYCLONE_DX_1_5. Everything else is the
// caller's own document.
type (
	cdxEntry struct {
		Ref         string           `json:"bom-ref"`
		ID          string           `json:"id"`
		Source      cdxSource        `json:"source"`
		References  []cdxReference   `json:"references,omitempty"`
		Ratings     []cdxRating      `json:"ratings"`
		CWEs        []int            `json:"cwes,omitempty"`
		Description string           `json:"description"`
		Advisories  []cdxURL         `json:"advisories,omitempty"`
		Created     string           `json:"created,omitempty"`
		Updated     string           `json:"updated,omitempty"`
		Analysis    cdxAnalysis      `json:"analysis"`
		Affects     []cdxRef         `json:"affects"`
		Properties  []map[string]any `json:"properties,omitempty"`
	}
	cdxSource struct {
		Name string `json:"name"`
		URL  string `json:"url,omitempty"`
	}
	cdxReference struct {
		ID     string    `json:"id"`
		Source cdxSource `json:"source"`
	}
	cdxRating struct {
		Source   cdxSource `json:"source"`
		Score    *float64  `json:"score,omitempty"`
		Severity string    `json:"severity"`
		Method   string    `json:"method"`
		Vector   string    `json:"vector,omitempty"`
	}
	cdxURL struct {
		URL string `json:"url"`
	}
	cdxRef struct {
		Ref string `json:"ref"`
	}
	cdxAnalysis struct {
		State string `json:"state"`
	}
)

// cycloneDX is the caller's document with what was found.
func (d *document) cycloneDX(now time.Time) map[string]any {
	for _, n := range d.nodes {
		n.write()
	}
	d.tree["specVersion"] = "1.5"
	delete(d.tree, "$schema")
	d.writeMetadata(now)
	list := make([]cdxEntry, len(d.found))
	for i := range d.found {
		list[i] = d.found[i].cycloneDX(i)
	}
	d.tree["vulnerabilities"] = list
	return d.tree
}

// write adds to a component what became of it.
func (n *node) write() {
	properties, _ := n.tree["properties"].([]any)
	if n.path != "" {
		properties = append(properties, property("path", n.path))
	}
	if n.endOfLife != "" {
		properties = append(properties, property("end_of_life", n.endOfLife))
	}
	if n.text != "" {
		properties = append(properties, property(n.level, n.text))
	}
	if n.level == "warn" { // the documents say "warn", real answers "warning"
		properties = append(properties, property("warning", n.text))
	}
	if properties != nil {
		n.tree["properties"] = properties
	}
}

func (d *document) writeMetadata(now time.Time) {
	metadata, _ := d.tree["metadata"].(map[string]any)
	if metadata == nil {
		metadata = map[string]any{}
	}
	metadata["timestamp"] = now.UTC().Format("2006-01-02T15:04:05.000Z")
	metadata["tools"] = tools(metadata["tools"])
	properties, _ := metadata["properties"].([]any)
	counts := d.counts()
	for _, severity := range []string{"critical", "high", "medium", "low", "other"} {
		properties = append(properties, property(severity+"_vulnerabilities", strconv.Itoa(counts[severity])))
	}
	metadata["properties"] = properties
	d.tree["metadata"] = metadata
}

// tools adds muster to the tools; before CycloneDX 1.5 they were a list.
func tools(before any) map[string]any {
	out, ok := before.(map[string]any)
	if !ok {
		out = map[string]any{}
	}
	if list, ok := before.([]any); ok {
		var components []any
		for _, entry := range list {
			t, _ := entry.(map[string]any)
			if name, ok := t["name"].(string); ok {
				c := map[string]any{"type": "application", "name": name}
				if version, ok := t["version"].(string); ok {
					c["version"] = version
				}
				components = append(components, c)
			}
		}
		if components != nil {
			out["components"] = components
		}
	}
	services, _ := out["services"].([]any)
	out["services"] = append(services, map[string]any{"name": "muster ScanSbom"})
	return out
}

func (v *vulnerability) cycloneDX(i int) cdxEntry {
	out := cdxEntry{
		Ref: fmt.Sprintf("vuln-%d", i+1), ID: v.id, Source: cdxSource{v.sourceName, v.sourceURL}, Ratings: v.ratings(), CWEs: v.cwes,
		Description: v.description, Created: stamp(v.created), Updated: stamp(v.updated), Analysis: cdxAnalysis{"in_triage"},
		Affects: []cdxRef{}, Properties: v.properties(),
	}
	if v.exploit {
		out.Analysis.State = "exploitable"
	}
	for _, id := range v.related {
		out.References = append(out.References, reference(id))
	}
	for _, url := range v.references {
		out.Advisories = append(out.Advisories, cdxURL{url})
	}
	seen := map[string]bool{}
	for _, a := range v.affects {
		if !seen[a.node.ref] {
			seen[a.node.ref] = true
			out.Affects = append(out.Affects, cdxRef{a.node.ref})
		}
	}
	return out
}

// reference says whose id another name of a vulnerability is.
func reference(id string) cdxReference {
	publisher, _, _ := strings.Cut(id, "-")
	url := "https://osv.dev/vulnerability/" + id
	switch publisher {
	case "USN":
		url = "https://ubuntu.com/security/notices/" + id
	case "GHSA":
		url = "https://github.com/advisories/" + id
	case "CVE":
		publisher, url = "NVD", "https://nvd.nist.gov/vuln/detail/"+id
	}
	return cdxReference{id, cdxSource{publisher, url}}
}

// ratings are all scores. A vulnerability without any keeps its severity.
func (v *vulnerability) ratings() []cdxRating {
	out := []cdxRating{}
	for _, s := range v.scores {
		source := cdxSource{Name: s.Source}
		if s.Source == "NVD" {
			source.URL = "https://nvd.nist.gov/vuln/detail/" + v.id
		}
		out = append(out, cdxRating{source, new(s.BaseScore), s.severity, method(s.Version), s.Vector})
	}
	if len(v.scores) == 0 {
		out = append(out, cdxRating{Source: cdxSource{Name: ownSource}, Severity: v.severity, Method: "other"})
	}
	if v.epss != nil {
		source := cdxSource{"EPSS", "https://api.first.org/data/v1/epss?cve=" + v.id}
		out = append(out, cdxRating{source, v.epss, "none", "other", ""})
	}
	return out
}

func method(version string) string {
	switch version {
	case "2.0":
		return "CVSSv2"
	case "3.0":
		return "CVSSv3"
	case "4.0":
		return "CVSSv4"
	}
	return "CVSSv31"
}

func (v *vulnerability) properties() []map[string]any {
	var out []map[string]any
	add := func(name, value string) {
		if value != "" {
			out = append(out, property(name, value))
		}
	}
	if v.exploit {
		add("exploit_available", "true")
		add("exploit_last_seen_in_public", stamp(v.lastExploit))
	}
	if v.kev != nil {
		add("cisa_kev_date_added", stamp(v.kev.AddedAt))
		add("cisa_kev_date_due", stamp(v.kev.DueAt))
	}
	for _, a := range v.affects {
		add("fixed_version:"+a.node.ref, a.fixed)
	}
	if v.malicious {
		add("is_malicious", "true")
	}
	if v.sourceName != ownSource {
		priority, intelligence := v.priority()
		add("priority", priority)
		add("priority_intelligence", intelligence)
	}
	return out
}
