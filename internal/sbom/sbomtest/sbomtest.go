// Package sbomtest checks documents by the published schemas and by readers
// of others, for tests.
package sbomtest

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	cyclonedx "github.com/CycloneDX/cyclonedx-go"
	"github.com/santhosh-tekuri/jsonschema/v6"
	spdxjson "github.com/spdx/tools-golang/json"
	"github.com/spdx/tools-golang/spdx"
	"github.com/spdx/tools-golang/spdxlib"
	"github.com/spdx/tools-golang/tagvalue"
)

// schemas is the folder of CycloneDX's schemas, which come with its library.
func schemas(t testing.TB) string {
	t.Helper()
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/CycloneDX/cyclonedx-go").Output()
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(strings.TrimSpace(string(out)), "schema")
}

// CycloneDX fails the test unless a document keeps the schema of a version
// ("1.5") and its reference implementation reads it. It returns what that read.
func CycloneDX(t testing.TB, version string, data []byte) *cyclonedx.BOM {
	t.Helper()
	dir := schemas(t)
	c := jsonschema.NewCompiler()
	for _, name := range []string{"jsf-0.82.schemax.json", "spdx.schema.json"} {
		url := "http://cyclonedx.org/schema/" + strings.Replace(name, "schemax", "schema", 1)
		if err := c.AddResource(url, load(t, filepath.Join(dir, name))); err != nil {
			t.Fatal(err)
		}
	}
	schema := "http://cyclonedx.org/schema/bom-" + version + ".schema.json"
	if err := c.AddResource(schema, load(t, filepath.Join(dir, "bom-"+version+".schema.json"))); err != nil {
		t.Fatal(err)
	}
	compiled, err := c.Compile(schema)
	if err != nil {
		t.Fatal(err)
	}
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	if err := compiled.Validate(document); err != nil {
		t.Errorf("CycloneDX %s: %.2000v", version, err)
	}
	bom := &cyclonedx.BOM{}
	if err := cyclonedx.NewBOMDecoder(bytes.NewReader(data), cyclonedx.BOMFileFormatJSON).Decode(bom); err != nil {
		t.Errorf("CycloneDX %s: %v", version, err)
	}
	return bom
}

// SPDX fails the test unless SPDX's own library reads a document, JSON or
// tag-value, and finds its relations in order. It returns what that read.
func SPDX(t testing.TB, data []byte) *spdx.Document {
	t.Helper()
	read := tagvalue.Read
	if bytes.HasPrefix(data, []byte("{")) {
		read = spdxjson.Read
	}
	doc, err := read(bytes.NewReader(data))
	if err != nil {
		t.Fatalf("SPDX: %v", err)
	}
	if err := spdxlib.ValidateDocument(doc); err != nil {
		t.Errorf("SPDX: %v", err)
	}
	return doc
}

// load reads a schema.
func load(t testing.TB, name string) any {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	v, err := jsonschema.UnmarshalJSON(f)
	if err = errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
	return v
}
