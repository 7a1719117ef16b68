package vex

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"muster/internal/extract/osrelease"
	"muster/internal/inventory"
	"muster/internal/sbom"
)

// csafDocument is the part of a CSAF 2.0 document that says something about
// vulnerabilities of products. A security advisory has the same form as a VEX
// document.
type csafDocument struct {
	Document struct {
		Tracking struct {
			Current stamp `json:"current_release_date"`
			Initial stamp `json:"initial_release_date"`
		} `json:"tracking"`
	} `json:"document"`
	Tree struct {
		Branches      []csafBranch  `json:"branches"`
		Products      []csafProduct `json:"full_product_names"`
		Groups        []csafGroup   `json:"product_groups"`
		Relationships []struct {
			Product csafProduct `json:"full_product_name"`
			Part    string      `json:"product_reference"`
			Whole   string      `json:"relates_to_product_reference"`
		} `json:"relationships"`
	} `json:"product_tree"`
	Vulnerabilities []csafVulnerability `json:"vulnerabilities"`
}

type csafBranch struct {
	Category string       `json:"category"`
	Name     string       `json:"name"`
	Branches []csafBranch `json:"branches"`
	Product  *csafProduct `json:"product"`
}

type csafProduct struct {
	ID     string `json:"product_id"`
	Name   string `json:"name"`
	Helper struct {
		PURL string `json:"purl"`
		CPE  string `json:"cpe"`
	} `json:"product_identification_helper"`
}

type csafGroup struct {
	ID       string   `json:"group_id"`
	Products []string `json:"product_ids"`
}

type csafVulnerability struct {
	CVE string `json:"cve"`
	IDs []struct {
		Text string `json:"text"`
	} `json:"ids"`
	Status map[string][]string `json:"product_status"`
	Flags  []struct {
		Label string `json:"label"`
		csafScope
	} `json:"flags"`
	Threats      []csafNote `json:"threats"`
	Remediations []csafNote `json:"remediations"`
}

// csafScope says which products a note is about.
type csafScope struct {
	Products []string `json:"product_ids"`
	Groups   []string `json:"group_ids"`
}

type csafNote struct {
	Category string `json:"category"`
	Details  string `json:"details"`
	csafScope
}

// csafStatuses are CSAF's words for the states, with what they mean;
// "recommended" says nothing about the vulnerability.
func csafStatuses() map[string]Status {
	return map[string]Status{
		"known_not_affected": NotAffected, "fixed": Fixed, "first_fixed": Fixed, "known_affected": Affected,
		"first_affected": Affected, "last_affected": Affected, "under_investigation": UnderInvestigation,
	}
}

// csafReader joins products and what is said of them.
type csafReader struct {
	products map[string]product
	groups   map[string][]string
}

// maxBranches bounds how deep a product tree is nested.
const maxBranches = 64

func (s *Set) readCSAF(name string, data []byte) error {
	var d csafDocument
	if err := json.Unmarshal(data, &d); err != nil {
		return refuse("CSAF: %v", err)
	}
	r := csafReader{products: map[string]product{}, groups: map[string][]string{}}
	if err := r.collect(d.Tree.Branches, identity{}, 0); err != nil {
		return refuse("CSAF: %v", err)
	}
	for _, p := range d.Tree.Products {
		r.products[p.ID] = product{identity: p.identity(identity{})}
	}
	for _, rel := range d.Tree.Relationships {
		r.products[rel.Product.ID] = r.related(rel.Part, rel.Whole)
	}
	for _, g := range d.Tree.Groups {
		r.groups[g.ID] = g.Products
	}
	said := 0
	at := latest(d.Document.Tracking.Current, d.Document.Tracking.Initial)
	for i := range d.Vulnerabilities {
		for _, st := range r.statements(&d.Vulnerabilities[i]) {
			st.At, st.Origin = at, fmt.Sprintf("vulnerability %d of %s", i+1, name)
			if s.identities += len(st.products); s.identities > maxIdentities || len(s.statements) >= maxStatements {
				return refuse("CSAF: more than %d products or %d statements", maxIdentities, maxStatements)
			}
			s.add(st)
			said++
		}
	}
	if said == 0 {
		return refuse("no vulnerability of the document has a product status")
	}
	return nil
}

// collect finds the products of the tree. The names of branches above a
// product name it: vendor, product, version.
func (r *csafReader) collect(list []csafBranch, above identity, depth int) error {
	if depth > maxBranches {
		return errors.New("branches nested too deep")
	}
	for i := range list {
		b := &list[i]
		here := above
		switch b.Category {
		case "product_name":
			here.Name = b.Name
		case "product_version":
			here.Version = b.Name
		case "product_version_range":
			here.versions = []versions{{span: b.Name}}
		}
		if b.Product != nil {
			r.products[b.Product.ID] = product{identity: b.Product.identity(here)}
		}
		if err := r.collect(b.Branches, here, depth+1); err != nil {
			return err
		}
	}
	return nil
}

func (p *csafProduct) identity(above identity) identity {
	out := identity{
		Subject:  sbom.Subject{Ref: p.ID, PURL: p.Helper.PURL, Name: cmp.Or(above.Name, p.Name), Version: above.Version},
		platform: p.Helper.CPE,
	}
	if len(above.versions) > 0 && strings.HasPrefix(above.versions[0].span, "vers:") {
		out.versions = above.versions
	}
	return out
}

// related is a product as a part of another one.
func (r *csafReader) related(part, whole string) product {
	p, ok := r.products[whole]
	if !ok {
		p = product{identity: identity{Subject: sbom.Subject{Ref: whole}}}
	}
	inner, ok := r.products[part]
	if !ok {
		inner.identity = identity{Subject: sbom.Subject{Ref: part}}
	}
	p.parts = []identity{inner.identity}
	return p
}

// statements are what a vulnerability's entry says: one for each state and
// reason, because reasons are given for some of the products.
func (r *csafReader) statements(v *csafVulnerability) []*Statement {
	ids := []string{v.CVE}
	for _, id := range v.IDs {
		ids = append(ids, id.Text)
	}
	words := csafStatuses()
	var out []*Statement
	for _, word := range slices.Sorted(maps.Keys(v.Status)) {
		status, ok := words[word]
		if !ok {
			continue
		}
		byReason := map[[3]string]*Statement{}
		for _, id := range v.Status[word] {
			p, ok := r.products[id]
			if !ok {
				p = product{identity: identity{Subject: sbom.Subject{Ref: id}}}
			}
			reason := r.reason(v, status, id)
			st := byReason[reason]
			if st == nil {
				st = &Statement{IDs: ids, Status: status, Justification: reason[0], Detail: reason[1], Action: reason[2]}
				byReason[reason] = st
				out = append(out, st)
			}
			st.products = append(st.products, p)
		}
	}
	return out
}

// reason is why a product has its state: the label, the impact, what to do.
func (r *csafReader) reason(v *csafVulnerability, status Status, id string) (out [3]string) {
	if status == NotAffected {
		for _, f := range v.Flags {
			if r.has(f.csafScope, id) {
				out[0] = f.Label
			}
		}
		for _, t := range v.Threats {
			if t.Category == "impact" && r.has(t.csafScope, id) {
				out[1] = joined(out[1], t.Details)
			}
		}
		return out
	}
	for _, m := range v.Remediations {
		if r.has(m.csafScope, id) {
			out[2] = joined(out[2], m.Details)
		}
	}
	return out
}

// has reports whether a note is about a product; one without products is about
// all.
func (r *csafReader) has(scope csafScope, id string) bool {
	if len(scope.Products)+len(scope.Groups) == 0 || slices.Contains(scope.Products, id) {
		return true
	}
	return slices.ContainsFunc(scope.Groups, func(g string) bool { return slices.Contains(r.groups[g], id) })
}

// onPlatform reports whether a product that is identified by a CPE of Red
// Hat's is the system around the target: "cpe:/a:redhat:enterprise_linux:9::appstream"
// is release 9. Of other CPEs it is not known.
func onPlatform(cpe string, system inventory.OS) (is, known bool) {
	if cpe == "" || system.ID == "" {
		return false, false
	}
	_, rest, ok := strings.Cut(cpe, ":redhat:")
	if !ok {
		return false, false
	}
	o := osrelease.System(map[string]string{"ID": system.ID, "VERSION_ID": system.VersionID})
	_, ours, _ := strings.Cut(o.Ecosystem, "Red Hat:enterprise_linux:")
	ours, _, _ = strings.Cut(ours, ":")
	parts := strings.SplitN(rest, ":", 3)
	if len(parts) < 2 || ours == "" {
		return false, true
	}
	major, _, _ := strings.Cut(parts[1], ".")
	linux := parts[0] == "enterprise_linux" || strings.HasPrefix(parts[0], "rhel_")
	return linux && major == ours, true
}
