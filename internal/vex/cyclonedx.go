package vex

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"

	"muster/internal/sbom"
)

// cdxDocument is the part of CycloneDX that says something about
// vulnerabilities.
type cdxDocument struct {
	Serial   string `json:"serialNumber"`
	Metadata struct {
		Timestamp stamp         `json:"timestamp"`
		Component *cdxComponent `json:"component"`
	} `json:"metadata"`
	Components      []cdxComponent     `json:"components"`
	Vulnerabilities []cdxVulnerability `json:"vulnerabilities"`
}

type cdxComponent struct {
	Ref        string         `json:"bom-ref"`
	Group      string         `json:"group"`
	Name       string         `json:"name"`
	Version    string         `json:"version"`
	PURL       string         `json:"purl"`
	Components []cdxComponent `json:"components"`
}

type cdxVulnerability struct {
	ID         string `json:"id"`
	References []struct {
		ID string `json:"id"`
	} `json:"references"`
	Published stamp `json:"published"`
	Updated   stamp `json:"updated"`
	Analysis  *struct {
		State         string   `json:"state"`
		Justification string   `json:"justification"`
		Response      []string `json:"response"`
		Detail        string   `json:"detail"`
		Issued        stamp    `json:"firstIssued"`
		Updated       stamp    `json:"lastUpdated"`
	} `json:"analysis"`
	Affects []struct {
		Ref      string `json:"ref"`
		Versions []struct {
			Version string `json:"version"`
			Range   string `json:"range"`
			Status  string `json:"status"`
		} `json:"versions"`
	} `json:"affects"`
}

// cdxStatus is what an analysis' state says.
func cdxStatus(state string) (Status, bool) {
	switch state {
	case "not_affected", "false_positive":
		return NotAffected, true
	case "resolved", "resolved_with_pedigree":
		return Fixed, true
	case "exploitable":
		return Affected, true
	case "in_triage":
		return UnderInvestigation, true
	}
	return "", false
}

func (s *Set) readCycloneDX(name string, data []byte) error {
	var d cdxDocument
	if err := json.Unmarshal(data, &d); err != nil {
		return refuse("CycloneDX: %v", err)
	}
	if len(d.Vulnerabilities)+len(s.statements) > maxStatements {
		return refuse("more than %d vulnerabilities", maxStatements)
	}
	known := map[string]identity{}
	if !d.collect(known, d.Components, 0) {
		return refuse("CycloneDX: components nested too deep")
	}
	if c := d.Metadata.Component; c != nil && c.Ref != "" {
		i := d.identity(*c)
		i.own = true
		known[c.Ref] = i
	}
	said := false
	for i := range d.Vulnerabilities {
		v := &d.Vulnerabilities[i]
		if v.Analysis == nil {
			continue
		}
		origin := fmt.Sprintf("statement %d of %s", i+1, name)
		status, ok := cdxStatus(v.Analysis.State)
		if !ok {
			if v.Analysis.State == "" {
				continue
			}
			return refuse("CycloneDX: %s has the state %.40q", origin, v.Analysis.State)
		}
		said = true
		st := d.statement(v, status, known)
		st.Origin = origin
		s.add(st)
	}
	if !said {
		return refuse("no vulnerability of the document has an analysis")
	}
	return nil
}

// collect finds the components by their references.
func (d *cdxDocument) collect(known map[string]identity, list []cdxComponent, depth int) bool {
	const maxNesting = 64
	for _, c := range list {
		if c.Ref != "" {
			known[c.Ref] = d.identity(c)
		}
		if depth > maxNesting || !d.collect(known, c.Components, depth+1) {
			return false
		}
	}
	return true
}

func (d *cdxDocument) identity(c cdxComponent) identity {
	name := c.Name
	if c.Group != "" {
		name = c.Group + "/" + name
	}
	return identity{Subject: sbom.Subject{Document: d.Serial, Ref: c.Ref, PURL: c.PURL, Name: name, Version: c.Version}}
}

func (d *cdxDocument) statement(v *cdxVulnerability, status Status, known map[string]identity) *Statement {
	a := v.Analysis
	st := &Statement{
		IDs: []string{v.ID}, Status: status, Justification: a.Justification, Detail: strings.TrimSpace(a.Detail),
		Action: strings.Join(a.Response, ", "), At: latest(a.Updated, a.Issued, v.Updated, d.Metadata.Timestamp, v.Published),
	}
	if a.State == "false_positive" && st.Justification == "" {
		st.Justification = a.State
	}
	for _, r := range v.References {
		st.IDs = append(st.IDs, r.ID)
	}
	for _, affected := range v.Affects {
		i := resolve(affected.Ref, known)
		for _, entry := range affected.Versions {
			// "unaffected" names versions that the vulnerability never had: of
			// them the statement says the same as one of "not affected".
			if entry.Status == "" || entry.Status == "affected" || status.Suppresses() {
				i.versions = append(i.versions, versions{entry.Version, entry.Range})
			}
		}
		st.products = append(st.products, product{identity: i})
	}
	return st
}

// resolve finds what a reference means: a component of the document, one of
// another document by a link, or a package URL.
func resolve(ref string, known map[string]identity) identity {
	if i, ok := known[ref]; ok {
		return i
	}
	document := ""
	if link, fragment, ok := strings.Cut(ref, "#"); ok && strings.HasPrefix(ref, "urn:cdx:") {
		document, ref = link, fragment
		if plain, err := url.PathUnescape(fragment); err == nil {
			ref = plain
		}
	}
	i := identity{Subject: sbom.Subject{Document: document, Ref: ref}}
	if strings.HasPrefix(ref, "pkg:") {
		i.PURL = ref
	}
	return i
}
