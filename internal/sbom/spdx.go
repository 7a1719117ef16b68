package sbom

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"strings"

	"muster/internal/extract/bounded"
)

// spdxDocument is the part of SPDX 2 that muster reads.
type spdxDocument struct {
	Version   string          `json:"spdxVersion"`
	Namespace string          `json:"documentNamespace"`
	Packages  json.RawMessage `json:"packages"`
}

type spdxPackage struct {
	ID      string `json:"SPDXID"`
	Name    string `json:"name"`
	Version string `json:"versionInfo"`
	Source  string `json:"sourceInfo"`
	Purpose string `json:"primaryPackagePurpose"`
	Comment string `json:"comment"`
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
	err := bounded.EachJSON(d.Packages, 2*maxComponents, func(decoder *json.Decoder) error {
		var p spdxPackage
		if err := decoder.Decode(&p); err != nil {
			return refuse("SPDX: %v", err)
		}
		out.addPackage(&p)
		return out.enough()
	})
	return out, err
}

func (d *document) addPackage(p *spdxPackage) {
	properties := map[string]string{}
	for _, a := range p.Annotations {
		addAnnotation(properties, a.Comment)
	}
	url := ""
	for _, r := range p.Refs {
		if r.Type == "purl" && url == "" {
			url = r.Locator
		}
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
