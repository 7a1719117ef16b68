package sbom

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"strings"
)

// spdxDocument is the part of SPDX 2 that muster reads.
type spdxDocument struct {
	Version   string        `json:"spdxVersion"`
	Namespace string        `json:"documentNamespace"`
	Packages  []spdxPackage `json:"packages"`
}

type spdxPackage struct {
	ID      string `json:"SPDXID"`
	Name    string `json:"name"`
	Version string `json:"versionInfo"`
	Source  string `json:"sourceInfo"`
	Purpose string `json:"primaryPackagePurpose"`
	Comment string `json:"comment"`
	Refs    []struct {
		Type    string `json:"referenceType"`
		Locator string `json:"referenceLocator"`
	} `json:"externalRefs"`
	Annotations []struct {
		Comment string `json:"comment"`
	} `json:"annotations"`
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
	for i := range d.Packages {
		p := &d.Packages[i]
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
		out.addSPDX(p.ID, p.Name, p.Version, p.Purpose, url, properties)
	}
	return out, nil
}

// addSPDX lists a package. What only describes the document (the image, the
// sources of others) has neither package URL nor any judge.
func (d *document) addSPDX(ref, name, version, purpose, url string, properties map[string]string) {
	switch {
	case purpose == "OPERATING-SYSTEM" || purpose == "OPERATING_SYSTEM":
		d.systems = append(d.systems, system{name, version, properties})
		if k := properties[ownPrefix+"kernel"]; k != "" {
			d.kernel = k
		}
	case purpose == "CONTAINER":
		d.container = true
	case strings.HasPrefix(url, "pkg:oci/") || strings.HasPrefix(url, "pkg:docker/"):
		d.container = true
	case version != "" || url != "":
		d.components = append(d.components, component{ref, url, name, version, -1, properties})
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
	open                            bool
	id, name, version, purpose, url string
	properties                      map[string]string
}

func (p *tagPackage) set(tag, value string, out *document) {
	switch tag {
	case "PackageName":
		p.end(out)
		*p = tagPackage{open: true, name: value, properties: map[string]string{}}
	case "FileName", "SnippetSPDXID", "LicenseID":
		p.end(out)
	case "SPDXID":
		if p.open && p.id == "" {
			p.id = value
		}
	case "PackageVersion":
		p.version = value
	case "PrimaryPackagePurpose":
		p.purpose = value
	case "ExternalRef":
		if f := strings.Fields(value); p.url == "" && len(f) == 3 && f[1] == "purl" {
			p.url = f[2]
		}
	case "AnnotationComment":
		if p.properties != nil {
			addAnnotation(p.properties, strings.TrimSuffix(strings.TrimPrefix(value, "<text>"), "</text>"))
		}
	}
}

func (p *tagPackage) end(out *document) {
	if p.open {
		out.addSPDX(p.id, p.name, p.version, p.purpose, p.url, p.properties)
	}
	*p = tagPackage{}
}
