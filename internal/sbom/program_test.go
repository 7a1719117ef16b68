package sbom

import (
	"bytes"
	"strings"
	"testing"

	"muster/internal/advisory"
	"muster/internal/inventory"
)

// TestPrograms: a program outside packages comes back from muster's documents,
// and is known in those of tools that write generic package URLs.
func TestPrograms(t *testing.T) {
	node := inventory.Item{Component: inventory.Component{Ecosystem: advisory.Upstream, Name: "node", Version: "19.2.0"}, Path: "usr/local/bin/node"}
	for name, write := range map[string]func(*bytes.Buffer, *Document) error{
		"CycloneDX": func(b *bytes.Buffer, d *Document) error { return WriteCycloneDX(b, "1.6", d) },
		"SPDX":      func(b *bytes.Buffer, d *Document) error { return WriteSPDX(b, d) },
	} {
		var text bytes.Buffer
		if err := write(&text, &Document{Inventory: inventory.Inventory{Items: []inventory.Item{node}}}); err != nil {
			t.Fatal(err)
		}
		inv, err := Read(bytes.NewReader(text.Bytes()), int64(text.Len()))
		if err != nil || len(inv.Items) != 1 || inv.Items[0].Component != node.Component {
			t.Errorf("%s: %+v, %v", name, inv.Items, err)
		}
	}
	const foreign = `{"bomFormat":"CycloneDX","specVersion":"1.6","components":[
	 {"type":"application","name":"node","version":"19.2.0","purl":"pkg:generic/node@19.2.0"},
	 {"type":"application","name":"openssl","version":"3.1.4","purl":"pkg:generic/openssl@3.1.4"},
	 {"type":"application","name":"own","version":"1","purl":"pkg:generic/own@1"},
	 {"type":"library","name":"Core","version":"4.2.0","purl":"pkg:cocoapods/AppCenter@4.2.0#Core"}]}`
	inv, err := Read(strings.NewReader(foreign), int64(len(foreign)))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, it := range inv.Items {
		got = append(got, it.Ecosystem+" "+it.Name)
	}
	if want := "Bitnami:upstream node|CocoaPods AppCenter|Programs openssl"; strings.Join(got, "|") != want {
		t.Errorf("%q, want %q", got, want)
	}
}
