package sbom

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"

	"muster/internal/extract/bounded"
)

// spdxDocument is the part of SPDX 2 that muster reads.
type spdxDocument struct {
	Version   string      `json:"spdxVersion"`
	Namespace string      `json:"documentNamespace"`
	Packages  bounded.Raw `json:"packages"`
	Relations bounded.Raw `json:"relationships"`
}

type spdxPackage struct {
	ID       string `json:"SPDXID"`
	Name     string `json:"name"`
	Version  string `json:"versionInfo"`
	Source   string `json:"sourceInfo"`
	Purpose  string `json:"primaryPackagePurpose"`
	Comment  string `json:"comment"`
	FileName string `json:"packageFileName"`
	// Originator (syft) and Supplier (trivy) name the maintainer.
	Originator string `json:"originator"`
	Supplier   string `json:"supplier"`
	Refs       bounded.Short[struct {
		Type    string `json:"referenceType"`
		Locator string `json:"referenceLocator"`
	}] `json:"externalRefs"`
	Annotations bounded.Short[struct {
		Comment string `json:"comment"`
	}] `json:"annotations"`
}

func readSPDX(data []byte) (document, error) {
	var d spdxDocument
	if err := json.Unmarshal(data, &d); err != nil {
		return document{}, refuse("SPDX: %v", err)
	}
	if !strings.HasPrefix(d.Version, "SPDX-2.") {
		return document{}, refuse("SPDX version %.40q; muster reads 2.2 and 2.3", d.Version)
	}
	out := document{subject: Subject{Document: d.Namespace}}
	sources := map[string]component{}
	err := bounded.Elements(d.Packages, 2*maxComponents, func(element bounded.Raw) error {
		var p spdxPackage
		if err := json.Unmarshal(element, &p); err != nil {
			return refuse("SPDX: %v", err)
		}
		out.addPackage(&p, sources)
		return out.enough()
	})
	if err == nil {
		err = out.nameSources(d.Relations, sources)
	}
	return out, err
}

// clair writes operating-system packages without package URLs: the database
// that they were read from says what they are, the distribution is a package
// of its own, and a relation leads to the source package.
func clairPURL(p *spdxPackage) string {
	for _, known := range [][2]string{
		{"bdb:", "rpm"}, {"sqlite:", "rpm"}, {"ndb:", "rpm"}, {"var/lib/dpkg/", "deb"}, {"lib/apk/db/", "apk"}, {"usr/lib/apk/db/", "apk"},
	} {
		if strings.HasPrefix(p.FileName, known[0]) {
			return purl{kind: known[1], name: p.Name, version: p.Version}.String()
		}
	}
	return ""
}

// nameSources tells packages of the source packages that relations lead to.
func (d *document) nameSources(relations bounded.Raw, sources map[string]component) error {
	if len(sources) == 0 {
		return nil
	}
	from := map[string]string{}
	err := bounded.Elements(relations, 8*maxComponents, func(element bounded.Raw) error {
		var r struct {
			Element string `json:"spdxElementId"`
			Type    string `json:"relationshipType"`
			Related string `json:"relatedSpdxElement"`
		}
		err := json.Unmarshal(element, &r)
		if _, ok := sources[r.Related]; ok && r.Type == "GENERATED_FROM" {
			from[r.Element] = r.Related
		}
		return err
	})
	for i := range d.components {
		c := &d.components[i]
		if source, ok := sources[from[c.ref]]; ok && c.properties[ownPrefix+"source"] == "" {
			c.properties[ownPrefix+"source"], c.properties[ownPrefix+"source_version"] = source.name, source.version
		}
	}
	for _, id := range from {
		delete(sources, id)
	}
	for _, id := range slices.Sorted(maps.Keys(sources)) { // nobody was made of them
		d.components = append(d.components, sources[id])
	}
	return err
}

func (d *document) addPackage(p *spdxPackage, sources map[string]component) {
	properties := map[string]string{}
	for _, a := range p.Annotations {
		addAnnotation(properties, a.Comment)
	}
	url := ""
	for _, r := range p.Refs {
		switch {
		case r.Type == "purl" && url == "":
			url = r.Locator
		case r.Type == "did":
			properties[ownPrefix+"id"] = r.Locator
		case r.Type == "version_id" || r.Type == "pretty_name":
			properties[ownPrefix+r.Type] = r.Locator
		}
	}
	if url == "" {
		url = clairPURL(p)
	}
	if url == "" && p.Purpose == "SOURCE" && len(sources) < maxComponents {
		sources[p.ID] = component{ref: p.ID, name: p.Name, version: p.Version, parent: -1, properties: properties}
		return
	}
	d.addSPDX(p.Purpose, component{
		ref: p.ID, purl: url, name: p.Name, version: p.Version, publisher: cmp.Or(p.Originator, p.Supplier), parent: -1, properties: properties,
	})
}

// addSPDX lists a package. What only describes the document (the image, the
// sources of others) has neither package URL nor any judge.
func (d *document) addSPDX(purpose string, c component) {
	switch {
	case purpose == "OPERATING-SYSTEM" || purpose == "OPERATING_SYSTEM":
		d.systems = append(d.systems, system{c.name, c.version, c.properties})
		if k := c.properties[ownPrefix+"kernel"]; k != "" {
			d.kernel = k
		}
	case purpose == "CONTAINER":
		d.container = true
	case strings.HasPrefix(c.purl, "pkg:oci/") || strings.HasPrefix(c.purl, "pkg:docker/"):
		d.container = true
	case c.version != "" || c.purl != "":
		d.components = append(d.components, c)
	}
}

// addAnnotation reads "name: value" as trivy and muster write it.
func addAnnotation(properties map[string]string, comment string) {
	for _, prefix := range []string{ownPrefix, trivyPrefix} {
		if strings.HasPrefix(comment, prefix) {
			if name, value, ok := strings.Cut(comment[len(prefix):], ": "); ok {
				properties[prefix+name] = value
			}
			return
		}
	}
	// trivy writes its names without prefix.
	if name, value, ok := strings.Cut(comment, ": "); ok && !strings.ContainsAny(name, " :") {
		properties[trivyPrefix+name] = value
	}
}

// maxLine bounds a line of a tag-value document.
const maxLine = 4 << 20

// readTagValue reads SPDX's line form. Only packages are of interest; texts
// over several lines are passed over.
func readTagValue(data []byte) (document, error) {
	var out document
	var current tagPackage
	lines := bufio.NewScanner(bytes.NewReader(data))
	lines.Buffer(make([]byte, 0, 64<<10), maxLine)
	inText := false
	for lines.Scan() {
		line := strings.TrimSpace(lines.Text())
		if inText {
			inText = !strings.Contains(line, "</text>")
			continue
		}
		tag, value, ok := strings.Cut(line, ":")
		if !ok || strings.HasPrefix(line, "#") {
			continue
		}
		value = strings.TrimSpace(value)
		inText = strings.HasPrefix(value, "<text>") && !strings.Contains(value, "</text>")
		if tag == "SPDXVersion" && !strings.HasPrefix(value, "SPDX-2.") {
			return document{}, refuse("SPDX version %.40q; muster reads 2.2 and 2.3", value)
		}
		current.set(tag, value, &out)
		if err := out.enough(); err != nil {
			return document{}, err
		}
	}
	if err := lines.Err(); err != nil {
		if errors.Is(err, bufio.ErrTooLong) {
			return document{}, refuse("a line of more than %d bytes", maxLine)
		}
		return document{}, err
	}
	current.end(&out)
	return out, nil
}

// tagPackage is the package that the lines are about.
type tagPackage struct {
	open    bool
	purpose string
	component
}

func (p *tagPackage) set(tag, value string, out *document) {
	switch tag {
	case "PackageName":
		p.end(out)
		*p = tagPackage{open: true, component: component{name: value, parent: -1, properties: map[string]string{}}}
	case "FileName", "SnippetSPDXID", "LicenseID":
		p.end(out)
	case "SPDXID":
		if p.open && p.ref == "" {
			p.ref = value
		}
	case "PackageVersion":
		p.version = value
	case "PackageOriginator":
		p.publisher = value
	case "PackageSupplier":
		p.publisher = cmp.Or(p.publisher, value)
	case "PrimaryPackagePurpose":
		p.purpose = value
	case "ExternalRef":
		if f := strings.Fields(value); p.purl == "" && len(f) == 3 && f[1] == "purl" {
			p.purl = f[2]
		}
	case "AnnotationComment":
		if p.properties != nil {
			addAnnotation(p.properties, strings.TrimSuffix(strings.TrimPrefix(value, "<text>"), "</text>"))
		}
	}
}

func (p *tagPackage) end(out *document) {
	if p.open {
		out.addSPDX(p.purpose, p.component)
	}
	*p = tagPackage{}
}
