package bitnami

import (
	"strings"
	"testing"

	"muster/internal/inventory"
)

const document = `{"spdxVersion":"SPDX-2.3","packages":[
 {"name":"postgresql","versionInfo":"15.3.0","externalRefs":[
  {"referenceCategory":"SECURITY","referenceType":"cpe23Type","referenceLocator":"cpe:2.3:*:postgresql:postgresql:15.3.0:*:*:*:*:*:*:*"},
  {"referenceCategory":"PACKAGE-MANAGER","referenceType":"purl","referenceLocator":"pkg:bitnami/postgresql@15.3.0-11?arch=amd64&distro=debian-11"}]},
 {"name":"geos","versionInfo":"3.8.3","externalRefs":[
  {"referenceType":"purl","referenceLocator":"pkg:bitnami/geos@3.8.3%2B1?arch=amd64"}]},
 {"name":"zlib","externalRefs":[{"referenceType":"purl","referenceLocator":"pkg:generic/zlib@1.2"}]}]}`

func TestParse(t *testing.T) {
	found, err := Parse(strings.NewReader(document))
	if err != nil || len(found) != 2 {
		t.Fatalf("%v, %v", found, err)
	}
	for i, want := range []inventory.Component{
		{Ecosystem: "Bitnami", Name: "postgresql", Version: "15.3.0-11"},
		{Ecosystem: "Bitnami", Name: "geos", Version: "3.8.3+1"},
	} {
		if found[i] != want {
			t.Errorf("got %+v, want %+v", found[i], want)
		}
	}
	if _, err := Parse(strings.NewReader(`{"packages":`)); err == nil {
		t.Error("a document that breaks off is accepted")
	}
}

// TestOtherForms: tags and values, and the list of older images.
func TestOtherForms(t *testing.T) {
	want := inventory.Component{Ecosystem: "Bitnami", Name: "redis", Version: "7.4.1-0"}
	for _, text := range []string{
		"SPDXVersion: SPDX-2.3\nPackageName: redis\nExternalRef: SECURITY cpe23Type cpe:2.3:*\nExternalRef: PACKAGE-MANAGER purl pkg:bitnami/redis@7.4.1-0?arch=arm64\n",
		`{"redis":{"arch":"amd64","distro":"debian-11","type":"NAMI","version":"7.4.1-0"}}`,
	} {
		if found, err := Parse(strings.NewReader(text)); err != nil || len(found) != 1 || found[0] != want {
			t.Errorf("%q: %+v, %v", text, found, err)
		}
	}
}

func TestWants(t *testing.T) {
	for name, want := range map[string]bool{
		"opt/bitnami/postgresql/.spdx-postgresql.spdx": true,
		"opt/bitnami/common/.spdx-gosu.spdx":           true,
		"home/me/.spdx-gosu.spdx":                      false,
		"opt/bitnami/.bitnami_components.json":         true,
		"opt/bitnami/postgresql/postgresql.spdx":       false,
	} {
		if Wants(name) != want {
			t.Errorf("%s is wanted: %v", name, !want)
		}
	}
	if got := Root("opt/bitnami/postgresql/.spdx-postgresql.spdx"); got != "opt/bitnami" {
		t.Errorf("root is %s", got)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(document)
	f.Add(`{"packages":[{"externalRefs":[{"referenceType":"purl","referenceLocator":"pkg:bitnami/@"}]}]}`)
	f.Fuzz(func(t *testing.T, text string) {
		found, _ := Parse(strings.NewReader(text))
		for _, c := range found {
			if c.Name == "" || c.Version == "" {
				t.Errorf("%+v", c)
			}
		}
	})
}
