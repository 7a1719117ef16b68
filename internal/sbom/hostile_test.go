package sbom_test

import (
	"runtime"
	"strings"
	"testing"

	"muster/internal/sbom"
)

// TestNestedComponentsAreNotCopied: components within components cost what
// they hold once, not once for each level around them.
func TestNestedComponentsAreNotCopied(t *testing.T) {
	const depth, inner = 60, 1 << 17
	open := `{"type":"library","name":"a","version":"1","purl":"pkg:npm/a@1","components":[`
	text := `{"bomFormat":"CycloneDX","specVersion":"1.5","components":[` + strings.Repeat(open, depth) +
		`{"name":"b","version":"2","purl":"pkg:npm/b@2","description":"` + strings.Repeat("x", inner) + `"}` + strings.Repeat(`]}`, depth) + `]}`
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	inv, err := sbom.Read(strings.NewReader(text), int64(len(text)))
	runtime.ReadMemStats(&after)
	if err != nil || len(inv.Items) != 2 {
		t.Fatalf("%d packages, %v", len(inv.Items), err)
	}
	if used := after.TotalAlloc - before.TotalAlloc; used > 8*inner {
		t.Errorf("%d bytes", used)
	}
	deeper := strings.Replace(text, open, strings.Repeat(open, 10), 1) + strings.Repeat(`]}`, 9)
	if _, err := sbom.Read(strings.NewReader(deeper), 0); err == nil || !strings.Contains(err.Error(), "nested deeper than") {
		t.Errorf("70 levels: %v", err)
	}
}

// TestMembersTwice: of a member that stands there twice the last counts, in
// every form, and nothing of the first is left.
func TestMembersTwice(t *testing.T) {
	for name, text := range map[string]string{
		"CycloneDX": `{"bomFormat":"CycloneDX","specVersion":"1.5","components":[{"name":"a","version":"1","purl":"pkg:npm/a@1"}],
			"components":[{"name":"b","version":"1","purl":"pkg:npm/b@1"}]}`,
		"SPDX": `{"spdxVersion":"SPDX-2.3","packages":[{"name":"a","versionInfo":"1","externalRefs":[{"referenceType":"purl","referenceLocator":"pkg:npm/a@1"}]}],
			"packages":[{"name":"b","versionInfo":"1","externalRefs":[{"referenceType":"purl","referenceLocator":"pkg:npm/b@1"}]}]}`,
	} {
		inv, err := sbom.Read(strings.NewReader(text), 0)
		if err != nil || len(inv.Items) != 1 || inv.Items[0].Name != "b" {
			t.Errorf("%s: %+v, %v", name, inv.Items, err)
		}
	}
}

// TestRelationsInCircles: packages of SPDX that are each other's sources.
func TestRelationsInCircles(t *testing.T) {
	text := `{"spdxVersion":"SPDX-2.3","packages":[
		{"SPDXID":"a","name":"a","versionInfo":"1","primaryPackagePurpose":"SOURCE"},
		{"SPDXID":"b","name":"b","versionInfo":"1","primaryPackagePurpose":"SOURCE"},
		{"SPDXID":"c","name":"c","versionInfo":"1","packageFileName":"var/lib/dpkg/status"}],
		"relationships":[{"spdxElementId":"a","relationshipType":"GENERATED_FROM","relatedSpdxElement":"b"},
		{"spdxElementId":"b","relationshipType":"GENERATED_FROM","relatedSpdxElement":"a"},
		{"spdxElementId":"c","relationshipType":"GENERATED_FROM","relatedSpdxElement":"a"},
		{"spdxElementId":"c","relationshipType":"GENERATED_FROM","relatedSpdxElement":"missing"}]}`
	inv, err := sbom.Read(strings.NewReader(text), 0)
	if err != nil || len(inv.Items) != 1 || inv.Items[0].Source != "a" {
		t.Errorf("%+v, %v", inv.Items, err)
	}
}

// TestEntities: XML neither opens files nor unfolds entities.
func TestEntities(t *testing.T) {
	for name, text := range map[string]string{
		"a file":     `<!DOCTYPE bom [<!ENTITY x SYSTEM "file:///etc/hostname">]><bom xmlns="http://cyclonedx.org/schema/bom/1.5"><components><component type="library"><name>&x;</name><version>1</version><purl>pkg:npm/a@1</purl></component></components></bom>`,
		"a bomb":     `<!DOCTYPE bom [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;">]><bom xmlns="http://cyclonedx.org/schema/bom/1.5"><serialNumber>&b;</serialNumber></bom>`,
		"deep":       `<bom xmlns="http://cyclonedx.org/schema/bom/1.5">` + strings.Repeat("<x>", 5000),
		"not closed": `<bom xmlns="http://cyclonedx.org/schema/bom/1.5"><components><component>`,
	} {
		if inv, err := sbom.Read(strings.NewReader(text), 0); err == nil {
			t.Errorf("%s: %+v", name, inv.Items)
		}
	}
}
