package vex

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"muster/internal/extract/bounded"
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
	Vulnerabilities bounded.Raw `json:"vulnerabilities"`
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
	// scopes is how many products notes have named.
	scopes int
}

// Bounds of a document: how deep a product tree is nested, how many objects and
// texts there are, and how long a reason is told.
const (
	maxBranches = 64
	maxObjects  = 3_000_000
	maxTexts    = 12_000_000
	maxReason   = 8 << 10
)

func (s *Set) readCSAF(name string, data []byte) error {
	if err := bounded.Shape(data, maxObjects, maxTexts); err != nil {
		return refuse("CSAF: %v", err)
	}
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
	said, n := 0, 0
	at := latest(d.Document.Tracking.Current, d.Document.Tracking.Initial)
	err := bounded.Elements(d.Vulnerabilities, maxStatements, func(element bounded.Raw) error {
		var v csafVulnerability
		if err := json.Unmarshal(element, &v); err != nil {
			return err
		}
		n++
		list, err := r.statements(&v)
		if err != nil {
			return err
		}
		for _, st := range list {
			st.At, st.Origin = at, fmt.Sprintf("vulnerability %d of %s", n, name)
			if s.identities += len(st.products); s.identities > maxIdentities || len(s.statements) >= maxStatements {
				return fmt.Errorf("more than %d products or %d statements", maxIdentities, maxStatements)
			}
			s.add(st)
			said++
		}
		return nil
	})
	if err != nil {
		return refuse("CSAF: %v", err)
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
func (r *csafReader) statements(v *csafVulnerability) ([]*Statement, error) {
	ids := []string{v.CVE}
	for _, id := range v.IDs {
		ids = append(ids, id.Text)
	}
	reasons, err := r.reasons(v)
	if err != nil {
		return nil, err
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
			reason := reasons.of(status, id)
			st := byReason[reason]
			if st == nil {
				st = &Statement{IDs: ids, Status: status, Justification: reason[0], Detail: reason[1], Action: reason[2]}
				byReason[reason] = st
				out = append(out, st)
			}
			st.products = append(st.products, p)
		}
	}
	return out, nil
}

// csafReasons is why products have their states: the label, the impact, what
// to do.
type csafReasons struct{ labels, impacts, actions csafNotes }

func (r *csafReader) reasons(v *csafVulnerability) (out csafReasons, err error) {
	for _, f := range v.Flags {
		err = errors.Join(err, out.labels.add(r, f.csafScope, f.Label))
	}
	for _, t := range v.Threats {
		if t.Category == "impact" {
			err = errors.Join(err, out.impacts.add(r, t.csafScope, t.Details))
		}
	}
	for _, m := range v.Remediations {
		err = errors.Join(err, out.actions.add(r, m.csafScope, m.Details))
	}
	return out, err
}

func (c *csafReasons) of(status Status, id string) (out [3]string) {
	if status != NotAffected {
		out[2] = c.actions.all(id)
		return out
	}
	out[0], out[1] = c.labels.last(id), c.impacts.all(id)
	return out
}

// csafNotes are texts about some products, or all of them.
type csafNotes struct {
	texts []string
	// general are the texts about all products; about has those of each.
	general []int
	about   map[string][]int
	// told are the texts of all, joined, by the numbers of the texts.
	told map[string]string
}

// add takes a note in. One without products is about all.
func (n *csafNotes) add(r *csafReader, scope csafScope, text string) error {
	at := len(n.texts)
	n.texts = append(n.texts, text)
	if len(scope.Products)+len(scope.Groups) == 0 {
		n.general = append(n.general, at)
		return nil
	}
	if n.about == nil {
		n.about = map[string][]int{}
	}
	list := slices.Clone(scope.Products)
	for _, g := range scope.Groups {
		list = append(list, r.groups[g]...)
		if len(list) > maxIdentities {
			break
		}
	}
	if r.scopes += len(list); r.scopes > maxIdentities {
		return fmt.Errorf("notes about more than %d products", maxIdentities)
	}
	for _, id := range list {
		if known := n.about[id]; len(known) == 0 || known[len(known)-1] != at {
			n.about[id] = append(known, at)
		}
	}
	return nil
}

// last is the text that was given last about a product.
func (n *csafNotes) last(id string) string {
	at := -1
	if len(n.general) > 0 {
		at = n.general[len(n.general)-1]
	}
	if own := n.about[id]; len(own) > 0 {
		at = max(at, own[len(own)-1])
	}
	if at < 0 {
		return ""
	}
	return n.texts[at]
}

// all are the texts about a product, those about all products first.
func (n *csafNotes) all(id string) string {
	own := n.about[id]
	key := fmt.Sprint(own)
	text, ok := n.told[key]
	if ok {
		return text
	}
	for _, at := range slices.Concat(n.general, own) {
		if text = joined(text, n.texts[at]); len(text) > maxReason {
			text = strings.ToValidUTF8(text[:maxReason], "")
			break
		}
	}
	if n.told == nil {
		n.told = map[string]string{}
	}
	n.told[key] = text
	return text
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
