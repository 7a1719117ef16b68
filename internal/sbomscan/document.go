package sbomscan

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"muster/internal/awsmodel/inspectorscan"
	"muster/internal/inventory"
	"muster/internal/sbom"
)

// maxNesting bounds how deep components are nested in one another.
const maxNesting = 64

// document is what the caller sent, with what is found out about it.
type document struct {
	// tree is the caller's JSON; nil where an inventory stands for it.
	tree      map[string]any
	subject   sbom.Subject
	inventory inventory.Inventory
	nodes     []*node
	byItem    map[inventory.Item][]*node
	found     []vulnerability
}

// node is one component.
type node struct {
	tree                           map[string]any
	kind, ref, name, version, purl string
	path                           string
	item                           *inventory.Item
	// level ("info", "warn") and text say what was done with it.
	level, text string
	// endOfLife is when support for an operating system ended.
	endOfLife string
	checks    []check
}

// refuse is the answer to a document that is not what it should be.
func refuse(reason inspectorscan.ValidationExceptionReason, format string, args ...any) error {
	message := fmt.Sprintf(format, args...)
	return &inspectorscan.ValidationException{
		Message: message, Reason: reason, Fields: []inspectorscan.ValidationExceptionField{{Name: "sbom", Message: message}},
	}
}

// readDocument reads CycloneDX JSON and nothing else.
func readDocument(data []byte) (*document, error) {
	const (
		unsupported = inspectorscan.ValidationExceptionReasonUnsupportedSbomType
		malformed   = inspectorscan.ValidationExceptionReasonCannotParse
	)
	d := &document{}
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	if err := decoder.Decode(&d.tree); err != nil || d.tree == nil {
		return nil, refuse(malformed, "The SBOM is not a JSON object.")
	}
	if _, ok := d.tree["spdxVersion"]; ok {
		return nil, refuse(unsupported, "SPDX documents are not supported. Send CycloneDX 1.5 in JSON.")
	}
	if d.tree["bomFormat"] != "CycloneDX" {
		return nil, refuse(unsupported, "bomFormat must be CycloneDX.")
	}
	if spec, _ := d.tree["specVersion"].(string); !slices.Contains([]string{"1.2", "1.3", "1.4", "1.5", "1.6", "1.7"}, spec) {
		return nil, refuse(unsupported, "specVersion %.20q is not supported. Send CycloneDX 1.5.", spec)
	}
	if err := d.collect(d.tree, 0); err != nil {
		return nil, err
	}
	return d, d.list()
}

// collect lists the components below a parent, the outer before the inner.
func (d *document) collect(parent map[string]any, depth int) error {
	const malformed = inspectorscan.ValidationExceptionReasonCannotParse
	if parent["components"] == nil {
		return nil
	}
	list, ok := parent["components"].([]any)
	if !ok || depth > maxNesting {
		return refuse(malformed, "components must be a list, nested at most %d deep.", maxNesting)
	}
	for _, entry := range list {
		tree, ok := entry.(map[string]any)
		if !ok {
			return refuse(malformed, "A component is not an object.")
		}
		if len(d.nodes) == MaxComponents {
			return refuse(inspectorscan.ValidationExceptionReasonFieldValidationFailed, "The SBOM lists more than %d components.", MaxComponents)
		}
		d.nodes = append(d.nodes, &node{tree: tree})
		if err := d.collect(tree, depth+1); err != nil {
			return err
		}
	}
	return nil
}

// list gives every component a reference and finds out what it is.
func (d *document) list() error {
	taken := map[string]bool{}
	for _, n := range d.nodes {
		n.ref, _ = n.tree["bom-ref"].(string)
		taken[n.ref] = true
	}
	next := 0
	for _, n := range d.nodes {
		for n.ref == "" {
			next++
			if ref := fmt.Sprintf("comp-%d", next); !taken[ref] {
				n.ref, n.tree["bom-ref"] = ref, ref
			}
		}
	}
	data, err := json.Marshal(d.tree)
	if err != nil {
		return err
	}
	listing, err := sbom.List(data)
	if err != nil {
		return refuse(inspectorscan.ValidationExceptionReasonCannotParse, "%s.", err)
	}
	d.inventory, d.subject = listing.Inventory, listing.Subject
	items := map[string]*inventory.Item{}
	for _, c := range listing.Components {
		items[c.Ref] = c.Item
	}
	for _, n := range d.nodes {
		n.read(items[n.ref])
	}
	d.index()
	return nil
}

// read takes what answers repeat of a component out of its JSON, which has
// been found to have the right types.
func (n *node) read(item *inventory.Item) {
	text := func(name string) string {
		s, _ := n.tree[name].(string)
		return s
	}
	n.kind, n.name, n.version, n.purl, n.item = text("type"), text("name"), text("version"), text("purl"), item
	properties, _ := n.tree["properties"].([]any)
	for i, entry := range properties {
		p, _ := entry.(map[string]any)
		name, _ := p["name"].(string)
		value, _ := p["value"].(string)
		short, ok := strings.CutPrefix(name, generatorPrefix)
		switch id, isCheck := strings.CutPrefix(short, checkName); {
		case !ok:
		case isCheck:
			n.checks = append(n.checks, check{id, strings.TrimPrefix(value, "affected_lines:")})
			properties[i] = property(checkName+id, value)
		case short == "source_path":
			n.path = value
		}
	}
	if n.path == "" && item != nil {
		n.path = item.Path
	}
}

// index finds components by what was made of them.
func (d *document) index() {
	d.byItem = map[inventory.Item][]*node{}
	for _, n := range d.nodes {
		if n.item != nil {
			d.byItem[*n.item] = append(d.byItem[*n.item], n)
		}
	}
}

// The prefixes of properties: what Amazon Inspector's generator writes, and
// what its scanner answers.
const (
	generatorPrefix = "amazon:inspector:sbom_generator:"
	scannerPrefix   = "amazon:inspector:sbom_scanner:"
	checkName       = "dockerfile_finding:"
)

// property is one property of an answer.
func property(name, value string) map[string]any {
	return map[string]any{"name": scannerPrefix + name, "value": value}
}

// ofInventory makes a document of what was found on a target.
func ofInventory(inv inventory.Inventory) *document {
	d := &document{inventory: inv}
	if o := inv.OS; o.ID != "" {
		d.nodes = append(d.nodes, &node{kind: "operating-system", name: o.ID, version: o.VersionID})
	}
	for i := range inv.Items {
		it := &inv.Items[i]
		d.nodes = append(d.nodes, &node{
			kind: "library", ref: sbom.Ref(*it), name: it.Name, version: it.Version, purl: sbom.PURL(*it, inv.OS), path: it.Path, item: it,
		})
	}
	d.index()
	return d
}
