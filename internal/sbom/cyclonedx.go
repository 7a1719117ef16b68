package sbom

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"io"

	"golang.org/x/net/html/charset"
)

// cdxDocument is the part of CycloneDX that muster reads, in both spellings.
type cdxDocument struct {
	Format   string `json:"bomFormat" xml:"-"`
	Spec     string `json:"specVersion" xml:"-"`
	Serial   string `json:"serialNumber" xml:"serialNumber,attr"`
	Metadata struct {
		Component  *cdxComponent `json:"component" xml:"component"`
		Properties []cdxProperty `json:"properties" xml:"properties>property"`
	} `json:"metadata" xml:"metadata"`
	Components []cdxComponent `json:"components" xml:"components>component"`
}

type cdxComponent struct {
	Ref        string         `json:"bom-ref" xml:"bom-ref,attr"`
	Type       string         `json:"type" xml:"type,attr"`
	Group      string         `json:"group" xml:"group"`
	Name       string         `json:"name" xml:"name"`
	Version    string         `json:"version" xml:"version"`
	PURL       string         `json:"purl" xml:"purl"`
	Properties []cdxProperty  `json:"properties" xml:"properties>property"`
	Components []cdxComponent `json:"components" xml:"components>component"`
}

type cdxProperty struct {
	Name  string `json:"name" xml:"name,attr"`
	Value string `json:"value" xml:",chardata"`
}

func readCycloneDX(data []byte) (document, error) {
	var d cdxDocument
	if err := json.Unmarshal(data, &d); err != nil {
		return document{}, refuse("CycloneDX: %v", err)
	}
	if d.Format != "" && d.Format != "CycloneDX" {
		return document{}, refuse("bomFormat is %.40q", d.Format)
	}
	return d.document()
}

func readCycloneDXXML(data []byte) (document, error) {
	var d cdxDocument
	decoder := xml.NewDecoder(bytes.NewReader(data))
	decoder.CharsetReader = func(label string, input io.Reader) (io.Reader, error) { return charset.NewReaderLabel(label, input) }
	if err := decoder.Decode(&d); err != nil {
		return document{}, refuse("CycloneDX: %v", err)
	}
	return d.document()
}

func (d *cdxDocument) document() (document, error) {
	out := document{subject: Subject{Document: d.Serial}}
	about := propertiesOf(d.Metadata.Properties)
	if c := d.Metadata.Component; c != nil {
		out.container = c.Type == "container"
		out.subject = Subject{Document: d.Serial, Ref: c.Ref, PURL: c.PURL, Name: joined(c.Group, c.Name), Version: c.Version}
		for name, value := range propertiesOf(c.Properties) {
			about[name] = value
		}
	}
	out.kernel = about[inspectorPrefix+"running_kernel"]
	if out.kernel == "" {
		out.kernel = about[ownPrefix+"kernel"]
	}
	return out, out.addCDX(d.Components, -1, 0)
}

// addCDX lists components and those nested in them.
func (d *document) addCDX(list []cdxComponent, parent, depth int) error {
	if depth > maxNesting {
		return refuse("components nested deeper than %d", maxNesting)
	}
	for i := range list {
		c := &list[i]
		properties := propertiesOf(c.Properties)
		if c.Type == "operating-system" {
			d.systems = append(d.systems, system{c.Name, c.Version, properties})
		}
		at := parent
		if c.PURL != "" || (c.Version != "" && c.Type != "operating-system" && c.Type != "file") {
			at = len(d.components)
			d.components = append(d.components, component{c.Ref, c.PURL, c.Name, c.Version, parent, properties})
		}
		if err := d.addCDX(c.Components, at, depth+1); err != nil {
			return err
		}
	}
	return nil
}

// joined puts a group before a name.
func joined(group, name string) string {
	if group == "" {
		return name
	}
	return group + "/" + name
}

// propertiesOf makes a map; of several values the first counts.
func propertiesOf(list []cdxProperty) map[string]string {
	m := make(map[string]string, len(list))
	for _, p := range list {
		if _, ok := m[p.Name]; !ok {
			m[p.Name] = p.Value
		}
	}
	return m
}
