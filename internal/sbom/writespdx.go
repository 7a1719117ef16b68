package sbom

import (
	"cmp"
	"io"
	"time"

	"muster/internal/inventory"
)

// What is written of SPDX 2.3.
type (
	spdxOut struct {
		Version   string         `json:"spdxVersion"`
		License   string         `json:"dataLicense"`
		ID        string         `json:"SPDXID"`
		Name      string         `json:"name"`
		Namespace string         `json:"documentNamespace"`
		Creation  spdxCreation   `json:"creationInfo"`
		Packages  []spdxItem     `json:"packages"`
		Relations []spdxRelation `json:"relationships"`
	}
	spdxCreation struct {
		Created  string   `json:"created"`
		Creators []string `json:"creators"`
	}
	spdxItem struct {
		ID            string           `json:"SPDXID"`
		Name          string           `json:"name"`
		Version       string           `json:"versionInfo,omitempty"`
		Purpose       string           `json:"primaryPackagePurpose,omitempty"`
		Location      string           `json:"downloadLocation"`
		FilesAnalyzed bool             `json:"filesAnalyzed"`
		Concluded     string           `json:"licenseConcluded"`
		Declared      string           `json:"licenseDeclared"`
		Copyright     string           `json:"copyrightText"`
		Refs          []spdxRef        `json:"externalRefs,omitempty"`
		Annotations   []spdxAnnotation `json:"annotations,omitempty"`
	}
	spdxRef struct {
		Category string `json:"referenceCategory"`
		Type     string `json:"referenceType"`
		Locator  string `json:"referenceLocator"`
		Comment  string `json:"comment,omitempty"`
	}
	spdxAnnotation struct {
		Annotator string `json:"annotator"`
		Date      string `json:"annotationDate"`
		Type      string `json:"annotationType"`
		Comment   string `json:"comment"`
	}
	spdxRelation struct {
		Element string `json:"spdxElementId"`
		Type    string `json:"relationshipType"`
		Related string `json:"relatedSpdxElement"`
	}
)

// WriteSPDX writes JSON of SPDX 2.3. Vulnerabilities are SECURITY references
// of the packages that have them, with their ids as comments.
func WriteSPDX(w io.Writer, d *Document) error { return encode(w, spdxOf(d)) }

func spdxOf(d *Document) spdxOut {
	s := spdxWriter{created: d.Created.UTC().Format(time.RFC3339), tool: "Tool: muster-" + d.Tool}
	out := spdxOut{
		Version: "SPDX-2.3", License: "CC0-1.0", ID: "SPDXRef-DOCUMENT", Name: d.Target,
		Namespace: "https://muster.invalid/spdx/" + d.serial(), Creation: spdxCreation{s.created, []string{s.tool}},
	}
	target := s.item("SPDXRef-target", d.Target, "", nil)
	target.Purpose = "APPLICATION"
	if d.Container {
		target.Purpose = "CONTAINER"
	}
	out.Packages = append(out.Packages, target)
	out.Relations = append(out.Relations, spdxRelation{"SPDXRef-DOCUMENT", "DESCRIBES", "SPDXRef-target"})
	contains := func(item spdxItem) {
		out.Packages = append(out.Packages, item)
		out.Relations = append(out.Relations, spdxRelation{"SPDXRef-target", "CONTAINS", item.ID})
	}
	if o := d.Inventory.OS; o != (inventory.OS{}) {
		system := s.item("SPDXRef-system", o.ID, o.VersionID, systemProperties(o))
		system.Purpose = "OPERATING_SYSTEM" // with a hyphen in the tag-value form
		contains(system)
	}
	known := s.references(d.Vulnerabilities)
	for _, it := range d.Inventory.Items {
		ref := Ref(it)
		item := s.item("SPDXRef-"+ref, it.Name, it.Version, properties(it))
		item.Refs = append([]spdxRef{{"PACKAGE-MANAGER", "purl", PURL(it, d.Inventory.OS), ""}}, known[ref]...)
		contains(item)
	}
	return out
}

type spdxWriter struct{ created, tool string }

// item is a package of whose licence nothing is said.
func (s *spdxWriter) item(id, name, version string, properties [][2]string) spdxItem {
	const nothing = "NOASSERTION"
	if name == "" {
		name = "unknown"
	}
	item := spdxItem{ID: id, Name: name, Version: version, Location: nothing, Concluded: nothing, Declared: nothing, Copyright: nothing}
	for _, p := range properties {
		item.Annotations = append(item.Annotations, spdxAnnotation{s.tool, s.created, "OTHER", p[0] + ": " + p[1]})
	}
	return item
}

// references lists the vulnerabilities by the reference of their packages.
func (s *spdxWriter) references(list []Vulnerability) map[string][]spdxRef {
	out := map[string][]spdxRef{}
	for _, v := range list {
		for _, a := range v.Affects {
			ref := Ref(a.Item)
			out[ref] = append(out[ref], spdxRef{"SECURITY", "advisory", cmp.Or(v.SourceURL, v.ID), v.ID})
		}
	}
	return out
}
