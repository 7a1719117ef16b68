package sbom

import (
	"fmt"
	"io"
	"strings"
	"time"

	"muster/internal/indent"
	"muster/internal/inventory"
)

// CycloneDXVersions are the versions that muster writes, the oldest first.
func CycloneDXVersions() []string { return []string{"1.4", "1.5", "1.6"} }

// What is written of CycloneDX.
type (
	cdxOut struct {
		Schema          string      `json:"$schema"`
		Format          string      `json:"bomFormat"`
		Spec            string      `json:"specVersion"`
		Serial          string      `json:"serialNumber"`
		Version         int         `json:"version"`
		Metadata        cdxMetadata `json:"metadata"`
		Components      []cdxItem   `json:"components"`
		Vulnerabilities []cdxVuln   `json:"vulnerabilities,omitempty"`
	}
	cdxMetadata struct {
		Tools      any       `json:"tools"`
		Component  cdxItem   `json:"component"`
		Properties []cdxPair `json:"properties,omitempty"`
	}
	cdxItem struct {
		Ref        string    `json:"bom-ref"`
		Type       string    `json:"type"`
		Name       string    `json:"name"`
		Version    string    `json:"version,omitempty"`
		PURL       string    `json:"purl,omitempty"`
		Properties []cdxPair `json:"properties,omitempty"`
	}
	cdxPair struct {
		Name  string `json:"name"`
		Value string `json:"value"`
	}
	cdxVuln struct {
		Ref            string         `json:"bom-ref"`
		ID             string         `json:"id"`
		Source         cdxSource      `json:"source"`
		References     []cdxReference `json:"references,omitempty"`
		Ratings        []cdxRating    `json:"ratings,omitempty"`
		CWEs           []int          `json:"cwes,omitempty"`
		Description    string         `json:"description,omitempty"`
		Recommendation string         `json:"recommendation,omitempty"`
		Advisories     []cdxURL       `json:"advisories,omitempty"`
		Published      string         `json:"published,omitempty"`
		Updated        string         `json:"updated,omitempty"`
		Analysis       *cdxAnalysis   `json:"analysis,omitempty"`
		Affects        []cdxAffect    `json:"affects"`
		Properties     []cdxPair      `json:"properties,omitempty"`
	}
	cdxAnalysis struct {
		State         string `json:"state"`
		Justification string `json:"justification,omitempty"`
		Detail        string `json:"detail,omitempty"`
	}
	cdxSource struct {
		Name string `json:"name,omitempty"`
		URL  string `json:"url,omitempty"`
	}
	cdxReference struct {
		ID     string    `json:"id"`
		Source cdxSource `json:"source"`
	}
	cdxRating struct {
		Source   cdxSource `json:"source"`
		Score    float64   `json:"score"`
		Severity string    `json:"severity,omitempty"`
		Method   string    `json:"method"`
		Vector   string    `json:"vector,omitempty"`
	}
	cdxURL struct {
		URL string `json:"url"`
	}
	cdxAffect struct {
		Ref string `json:"ref"`
	}
)

// WriteCycloneDX writes JSON of the given version of CycloneDX.
func WriteCycloneDX(w io.Writer, spec string, d *Document) error {
	out := cdxOut{
		Schema: "http://cyclonedx.org/schema/bom-" + spec + ".schema.json", Format: "CycloneDX", Spec: spec,
		Serial: "urn:uuid:" + d.serial(), Version: 1,
		Metadata: cdxMetadata{Tools: cdxTools(spec, d.Tool), Component: d.subject(), Properties: pairs(d.Properties)}, Components: []cdxItem{},
	}
	if o := d.Inventory.OS; o != (inventory.OS{}) {
		name := o.ID
		if name == "" {
			name = "unknown"
		}
		out.Components = append(out.Components, cdxItem{Ref: "system", Type: "operating-system", Name: name, Version: o.VersionID, Properties: pairs(systemProperties(o))})
	}
	for _, it := range d.Inventory.Items {
		out.Components = append(out.Components, cdxItem{
			Ref: Ref(it), Type: "library", Name: it.Name, Version: it.Version,
			PURL: PURL(it, d.Inventory.OS), Properties: pairs(properties(it)),
		})
	}
	taken := map[string]bool{}
	for i := range d.Vulnerabilities {
		v := cdxVulnerability(spec, &d.Vulnerabilities[i])
		if taken[v.Ref] { // statements part the packages that have it
			v.Ref += "-" + d.Vulnerabilities[i].Analysis.State
		}
		taken[v.Ref] = true
		out.Vulnerabilities = append(out.Vulnerabilities, v)
	}
	return encode(w, out)
}

// subject is the component that the document is about.
func (d *Document) subject() cdxItem {
	c := cdxItem{Ref: "target", Type: "application", Name: d.Target}
	switch {
	case d.Container:
		c.Type = "container"
	case d.Inventory.OS != (inventory.OS{}):
		c.Type = "device"
	}
	if k := d.Inventory.OS.Kernel; k != "" {
		c.Properties = []cdxPair{{ownPrefix + "kernel", k}}
	}
	return c
}

// cdxTools: before 1.5 tools were a list of their own form.
func cdxTools(spec, version string) any {
	if spec == "1.4" {
		return []map[string]string{{"name": "muster", "version": version}}
	}
	return map[string]any{"components": []map[string]string{{"type": "application", "name": "muster", "version": version}}}
}

func cdxVulnerability(spec string, v *Vulnerability) cdxVuln {
	out := cdxVuln{
		Ref: "vulnerability-" + v.ID, ID: v.ID, Source: cdxSource{v.SourceName, v.SourceURL}, CWEs: v.CWEs,
		Description: v.Description, Recommendation: v.Recommendation, Published: stamp(v.Published), Updated: stamp(v.Updated),
		Affects: []cdxAffect{},
	}
	if a := v.Analysis; a != nil {
		out.Analysis = &cdxAnalysis{a.State, a.Justification, a.Detail}
	}
	for _, id := range v.Related {
		out.References = append(out.References, cdxReference{id, cdxSource{Name: "OSV", URL: "https://osv.dev/vulnerability/" + id}})
	}
	for _, url := range v.Advisories {
		out.Advisories = append(out.Advisories, cdxURL{url})
	}
	for _, r := range v.Ratings {
		out.Ratings = append(out.Ratings, cdxRating{cdxSource{Name: r.Source}, r.Score, strings.ToLower(r.Severity), cdxMethod(spec, r.Version), r.Vector})
	}
	if v.EPSS != nil {
		out.Ratings = append(out.Ratings, cdxRating{Source: cdxSource{Name: "EPSS"}, Score: *v.EPSS, Severity: "none", Method: "other"})
	}
	for _, a := range v.Affects {
		ref := Ref(a.Item)
		out.Affects = append(out.Affects, cdxAffect{ref})
		if a.FixedVersion != "" {
			out.Properties = append(out.Properties, cdxPair{ownPrefix + "fixed_version:" + ref, a.FixedVersion})
		}
	}
	out.Properties = append(out.Properties, v.pairs()...)
	return out
}

// pairs are what CycloneDX has no member for.
func (v *Vulnerability) pairs() []cdxPair {
	var out []cdxPair
	if !v.KEVAdded.IsZero() {
		out = append(out, cdxPair{ownPrefix + "cisa_kev_date_added", stamp(v.KEVAdded)}, cdxPair{ownPrefix + "cisa_kev_date_due", stamp(v.KEVDue)})
	}
	if v.ExploitAvailable {
		out = append(out, cdxPair{ownPrefix + "exploit_available", "true"})
	}
	if v.IsWontFix {
		out = append(out, cdxPair{ownPrefix + "wont_fix", "true"})
	}
	return append(out, cdxPair{ownPrefix + "severity", v.Severity})
}

func cdxMethod(spec, version string) string {
	switch version {
	case "2.0":
		return "CVSSv2"
	case "3.0":
		return "CVSSv3"
	case "3.1":
		return "CVSSv31"
	case "4.0":
		if spec != "1.4" {
			return "CVSSv4"
		}
	}
	return "other"
}

func pairs(list [][2]string) []cdxPair {
	var out []cdxPair
	for _, p := range list {
		out = append(out, cdxPair{p[0], p[1]})
	}
	return out
}

// stamp writes a date, "" for none.
func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

func encode(w io.Writer, value any) error {
	if err := indent.Encode(w, value); err != nil {
		return fmt.Errorf("write SBOM: %w", err)
	}
	return nil
}
