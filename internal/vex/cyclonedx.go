package vex

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"muster/internal/extract/bounded"
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
	Components      bounded.Raw `json:"components"`
	Vulnerabilities bounded.Raw `json:"vulnerabilities"`

	// nested is how many bytes of components were read.
	nested int64
}

type cdxComponent struct {
	Ref        string      `json:"bom-ref"`
	Group      string      `json:"group"`
	Name       string      `json:"name"`
	Version    string      `json:"version"`
	PURL       string      `json:"purl"`
	Components bounded.Raw `json:"components"`
}

type cdxVulnerability struct {
	ID         string `json:"id"`
	References bounded.Short[struct {
		ID string `json:"id"`
	}] `json:"references"`
	Published stamp `json:"published"`
	Updated   stamp `json:"updated"`
	Analysis  *struct {
		State         string                `json:"state"`
		Justification string                `json:"justification"`
		Response      bounded.Short[string] `json:"response"`
		Detail        string                `json:"detail"`
		Issued        stamp                 `json:"firstIssued"`
		Updated       stamp                 `json:"lastUpdated"`
	} `json:"analysis"`
	Affects bounded.Short[struct {
		Ref      string `json:"ref"`
		Versions bounded.Short[struct {
			Version string `json:"version"`
			Range   string `json:"range"`
			Status  string `json:"status"`
		}] `json:"versions"`
	}] `json:"affects"`
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
	known := map[string]identity{}
	if err := d.collect(known, d.Components, 0); err != nil {
		return refuse("CycloneDX: %v", err)
	}
	if c := d.Metadata.Component; c != nil && c.Ref != "" {
		i := d.identity(*c)
		i.own = true
		known[c.Ref] = i
	}
	said, i := false, 0
	err := bounded.Elements(d.Vulnerabilities, maxStatements-len(s.statements), func(element bounded.Raw) error {
		var v cdxVulnerability
		if err := json.Unmarshal(element, &v); err != nil {
			return err
		}
		i++
		if v.Analysis == nil || v.Analysis.State == "" {
			return nil
		}
		status, ok := cdxStatus(v.Analysis.State)
		if !ok {
			return fmt.Errorf("statement %d of %s has the state %.40q", i, name, v.Analysis.State)
		}
		said = true
		if s.identities += len(v.Affects); s.identities > maxIdentities {
			return fmt.Errorf("more than %d products", maxIdentities)
		}
		st := d.statement(&v, status, known)
		st.Origin = fmt.Sprintf("statement %d of %s", i, name)
		s.add(st)
		return nil
	})
	switch {
	case err != nil:
		return refuse("CycloneDX: %v", err)
	case !said:
		return refuse("no vulnerability of the document has an analysis")
	}
	return nil
}

// collect finds the components by their references.
func (d *cdxDocument) collect(known map[string]identity, list bounded.Raw, depth int) error {
	const maxNesting, maxComponents, maxNested = 64, 500_000, 4 * MaxFile
	if depth > maxNesting {
		return errors.New("components nested too deep")
	}
	if d.nested += int64(len(list)); depth > 0 && d.nested > maxNested { // each level is read anew
		return fmt.Errorf("components nested in each other have more than %d bytes", int64(maxNested))
	}
	return bounded.Elements(list, maxComponents, func(element bounded.Raw) error {
		var c cdxComponent
		if err := json.Unmarshal(element, &c); err != nil {
			return err
		}
		if c.Ref != "" && len(known) < maxComponents {
			known[c.Ref] = d.identity(c)
		}
		return d.collect(known, c.Components, depth+1)
	})
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
