package sbom

import "muster/internal/inventory"

// Listing is a document with what became of each of its components.
type Listing struct {
	Inventory inventory.Inventory
	Subject   Subject
	// Components are in the document's order, nested ones after the one that
	// they are nested in. Operating systems and files without a package URL
	// are not among them.
	Components []Listed
}

// Subject is what a document is about, in its own words; any may be "".
type Subject struct {
	// Document is CycloneDX's serial number or SPDX's namespace.
	Document string
	// Ref, PURL, Name and Version are of the component that the document is
	// about.
	Ref, PURL, Name, Version string
}

// Listed is one component of a document.
type Listed struct {
	// Ref is the document's reference: bom-ref or SPDXID.
	Ref, PURL, Name, Version string
	// Item is what was made of it, nil where nobody could judge it.
	Item *inventory.Item
}

// List reads a document as Read does and says what became of each component.
func List(data []byte) (Listing, error) {
	doc, err := parse(data)
	if err != nil {
		return Listing{}, err
	}
	out := Listing{Subject: doc.subject}
	out.Inventory = doc.inventory(func(c component, it *inventory.Item) {
		out.Components = append(out.Components, Listed{c.ref, c.purl, c.name, c.version, it})
	})
	return out, nil
}
