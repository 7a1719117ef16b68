package sbom

import (
	"bytes"
	"cmp"
	"encoding/json"
	"encoding/xml"
	"io"

	"golang.org/x/net/html/charset"

	"muster/internal/extract/bounded"
)

// cdxDocument is the part of CycloneDX that muster reads, in both spellings.
// In JSON components are read one by one, so that lies about nothing but
// themselves take no memory.
type cdxDocument struct {
	Format   string `json:"bomFormat" xml:"-"`
	Spec     string `json:"specVersion" xml:"-"`
	Serial   string `json:"serialNumber" xml:"serialNumber,attr"`
	Metadata struct {
		Component  *cdxComponent `json:"component" xml:"component"`
		Properties cdxProperties `json:"properties" xml:"properties>property"`
	} `json:"metadata" xml:"metadata"`
	Components    bounded.Raw    `json:"components" xml:"-"`
	XMLComponents []cdxComponent `json:"-" xml:"components>component"`
}

type cdxComponent struct {
	Ref       string   `json:"bom-ref" xml:"bom-ref,attr"`
	Type      string   `json:"type" xml:"type,attr"`
	Group     string   `json:"group" xml:"group"`
	Name      string   `json:"name" xml:"name"`
	Version   string   `json:"version" xml:"version"`
	PURL      string   `json:"purl" xml:"purl"`
	Publisher string   `json:"publisher" xml:"publisher"` // syft's maintainer
	Supplier  struct { // trivy's
		Name string `json:"name" xml:"name"`
	} `json:"supplier" xml:"supplier"`
	Properties    cdxProperties  `json:"properties" xml:"properties>property"`
	Components    bounded.Raw    `json:"components" xml:"-"`
	XMLComponents []cdxComponent `json:"-" xml:"components>component"`
}

type cdxProperties = bounded.Short[cdxProperty]

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
	// The decoder makes the whole tree, so it is told beforehand when to stop.
	if bytes.Count(data, []byte("component")) > 3*maxComponents || bytes.Count(data, []byte("propert")) > 12*maxComponents {
		return document{}, refuse("more than %d components, or far too many properties", maxComponents)
	}
	var d cdxDocument
	decoder := xml.NewDecoder(bytes.NewReader(data))
	decoder.CharsetReader = func(label string, input io.Reader) (io.Reader, error) { return charset.NewReaderLabel(label, input) }
	if err := bounded.XML(decoder).Decode(&d); err != nil {
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
	if d.XMLComponents != nil {
		return out, out.addXML(d.XMLComponents, -1, 0)
	}
	return out, out.addJSON(d.Components, -1, 0)
}

// addJSON lists components and those nested in them.
func (d *document) addJSON(list bounded.Raw, parent, depth int) error {
	if depth > maxNesting {
		return refuse("components nested deeper than %d", maxNesting)
	}
	// Each level is read anew.
	if d.nested += int64(len(list)); depth > 0 && d.nested > maxNested {
		return refuse("components nested in each other have more than %d bytes", int64(maxNested))
	}
	return bounded.Elements(list, maxComponents, func(element bounded.Raw) error {
		var c cdxComponent
		if err := json.Unmarshal(element, &c); err != nil {
			return refuse("CycloneDX: %v", err)
		}
		at, err := d.addCDX(&c, parent)
		if err != nil {
			return err
		}
		return d.addJSON(c.Components, at, depth+1)
	})
}

func (d *document) addXML(list []cdxComponent, parent, depth int) error {
	if depth > maxNesting {
		return refuse("components nested deeper than %d", maxNesting)
	}
	for i := range list {
		at, err := d.addCDX(&list[i], parent)
		if err == nil {
			err = d.addXML(list[i].XMLComponents, at, depth+1)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// addCDX adds a component and returns the index that those nested in it name
// as their parent.
func (d *document) addCDX(c *cdxComponent, parent int) (int, error) {
	properties := propertiesOf(c.Properties)
	if c.Type == "operating-system" {
		d.systems = append(d.systems, system{c.Name, c.Version, properties})
	}
	if c.PURL == "" && (c.Version == "" || c.Type == "operating-system" || c.Type == "file") {
		return parent, nil
	}
	d.components = append(d.components, component{
		ref: c.Ref, purl: c.PURL, name: c.Name, version: c.Version, publisher: cmp.Or(c.Publisher, c.Supplier.Name), parent: parent, properties: properties,
	})
	return len(d.components) - 1, d.enough()
}

// enough refuses documents that list more than is read.
func (d *document) enough() error {
	if len(d.components) > maxComponents || len(d.systems) > maxComponents {
		return refuse("more than %d components", maxComponents)
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
func propertiesOf(list cdxProperties) map[string]string {
	m := make(map[string]string, len(list))
	for _, p := range list {
		if _, ok := m[p.Name]; !ok {
			m[p.Name] = p.Value
		}
	}
	return m
}
