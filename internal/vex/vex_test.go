package vex_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"muster/internal/inventory"
	"muster/internal/sbom"
	"muster/internal/testshared"
	"muster/internal/vex"
)

func item(ecosystem, name, version string) inventory.Item {
	return inventory.Item{Component: inventory.Component{Ecosystem: ecosystem, Name: name, Version: version}}
}

// open wraps statements in a document of OpenVEX.
func open(statements string) string {
	return `{"@context":"https://openvex.dev/ns/v0.2.0","@id":"https://example.org/1","author":"a","timestamp":"2024-01-01T00:00:00Z","version":1,"statements":[` + statements + `]}`
}

func cdx(vulnerability string) string {
	return `{"bomFormat":"CycloneDX","specVersion":"1.5","serialNumber":"urn:uuid:3e671687-395b-41f5-a30f-a58921a69b79",
	 "metadata":{"timestamp":"2024-01-01T00:00:00Z","component":{"bom-ref":"app","type":"application","name":"App","version":"2"}},
	 "components":[{"bom-ref":"c1","type":"library","name":"lodash","purl":"pkg:npm/lodash@4.0.0"}],
	 "vulnerabilities":[{"id":"CVE-1","analysis":` + vulnerability + `}]}`
}

// TestDecide: which statement speaks about a package, if any.
func TestDecide(t *testing.T) {
	lodash := item("npm", "lodash", "4.0.0")
	named := vex.Target{Subject: sbom.Subject{Document: "urn:uuid:3e671687-395b-41f5-a30f-a58921a69b79", Name: "App", Version: "2", PURL: "pkg:oci/app@sha256%3Aaa?repository_url=r/app"}, Refs: map[inventory.Item][]string{lodash: {"ref-1"}}}
	deb := item("Debian:12", "libfoo", "1:2.0-1")
	deb.Manager, deb.Source, deb.SourceVersion = inventory.ManagerOS, "foo", "1:2.0-1"
	system := inventory.OS{ID: "debian", VersionID: "12", Ecosystem: "Debian:12"}
	const no = `"status":"not_affected","justification":"component_not_present"`
	statement := func(product string) string {
		return open(`{"vulnerability":{"name":"CVE-1","aliases":["GHSA-1"]},"products":[` + product + `],` + no + `}`)
	}
	for _, c := range []struct {
		name, document string
		target         vex.Target
		item           inventory.Item
		id             string
		want           vex.Status
	}{
		{"package", statement(`{"@id":"pkg:npm/lodash@4.0.0"}`), vex.Target{}, lodash, "CVE-1", vex.NotAffected},
		{"alias", statement(`{"@id":"pkg:npm/lodash@4.0.0"}`), vex.Target{}, lodash, "GHSA-1", vex.NotAffected},
		{"other id", statement(`{"@id":"pkg:npm/lodash@4.0.0"}`), vex.Target{}, lodash, "CVE-2", ""},
		{"any version", statement(`{"@id":"pkg:npm/lodash"}`), vex.Target{}, lodash, "CVE-1", vex.NotAffected},
		{"other version", statement(`{"@id":"pkg:npm/lodash@4.0.1"}`), vex.Target{}, lodash, "CVE-1", ""},
		{"other type", statement(`{"@id":"pkg:gem/lodash@4.0.0"}`), vex.Target{}, lodash, "CVE-1", ""},
		{"identifier", statement(`{"@id":"https://x","identifiers":{"purl":"pkg:npm/lodash@4.0.0"}}`), vex.Target{}, lodash, "CVE-1", vex.NotAffected},
		{"first version of OpenVEX", open(`{"vulnerability":"CVE-1","products":["pkg:npm/lodash@4.0.0"],` + no + `}`), vex.Target{}, lodash, "CVE-1", vex.NotAffected},
		{"url of the vulnerability", open(`{"vulnerability":{"@id":"https://nvd.nist.gov/vuln/detail/CVE-1"},"products":[{"@id":"pkg:npm/lodash"}],` + no + `}`), vex.Target{}, lodash, "CVE-1", vex.NotAffected},
		{"whole product", statement(`{"@id":"pkg:oci/app?repository_url=r/app"}`), named, lodash, "CVE-1", vex.NotAffected},
		{"whole product, other digest", statement(`{"@id":"pkg:oci/app@sha256:bb"}`), named, lodash, "CVE-1", ""},
		{"whole product of nobody knows what", statement(`{"@id":"pkg:oci/app"}`), vex.Target{}, lodash, "CVE-1", ""},
		{"part", statement(`{"@id":"pkg:oci/app","subcomponents":[{"@id":"pkg:npm/lodash"}]}`), named, lodash, "CVE-1", vex.NotAffected},
		{"part of something else", statement(`{"@id":"pkg:oci/other","subcomponents":[{"@id":"pkg:npm/lodash"}]}`), named, lodash, "CVE-1", ""},
		{"other part", statement(`{"@id":"pkg:oci/app","subcomponents":[{"@id":"pkg:npm/underscore"}]}`), named, lodash, "CVE-1", ""},
		{"part of what has no name", statement(`{"@id":"pkg:oci/other","subcomponents":[{"@id":"pkg:npm/lodash"}]}`), vex.Target{}, lodash, "CVE-1", vex.NotAffected},
		{"no justification", open(`{"vulnerability":{"name":"CVE-1"},"products":[{"@id":"pkg:npm/lodash"}],"status":"not_affected"}`), vex.Target{}, lodash, "CVE-1", ""},
		{"impact instead", open(`{"vulnerability":{"name":"CVE-1"},"products":[{"@id":"pkg:npm/lodash"}],"status":"not_affected","impact_statement":"x"}`), vex.Target{}, lodash, "CVE-1", vex.NotAffected},
		{"later wins", open(`{"vulnerability":{"name":"CVE-1"},"products":[{"@id":"pkg:npm/lodash"}],"status":"affected","timestamp":"2024-03-01T00:00:00Z"},{"vulnerability":{"name":"CVE-1"},"products":[{"@id":"pkg:npm/lodash"}],"status":"fixed","timestamp":"2024-02-01T00:00:00Z"}`), vex.Target{}, lodash, "CVE-1", vex.Affected},
		{"last of equals wins", open(`{"vulnerability":{"name":"CVE-1"},"products":[{"@id":"pkg:npm/lodash"}],"status":"affected"},{"vulnerability":{"name":"CVE-1"},"products":[{"@id":"pkg:npm/lodash"}],"status":"fixed"}`), vex.Target{}, lodash, "CVE-1", vex.Fixed},
		{"codename", statement(`{"@id":"pkg:deb/debian/libfoo@2.0-1?epoch=1&distro=bookworm"}`), vex.Target{System: system}, deb, "CVE-1", vex.NotAffected},
		{"point release", statement(`{"@id":"pkg:deb/debian/libfoo@1:2.0-1?distro=debian-12.4&arch=amd64"}`), vex.Target{System: system}, deb, "CVE-1", vex.NotAffected},
		{"other release", statement(`{"@id":"pkg:deb/debian/libfoo?distro=bullseye"}`), vex.Target{System: system}, deb, "CVE-1", ""},
		{"other epoch", statement(`{"@id":"pkg:deb/debian/libfoo@2.0-1"}`), vex.Target{System: system}, deb, "CVE-1", ""},
		{"pypi's names", statement(`{"@id":"pkg:pypi/my_pkg@1"}`), vex.Target{}, item("PyPI", "My.Pkg", "1"), "CVE-1", vex.NotAffected},
		{"CycloneDX component", cdx(`{"state":"not_affected","justification":"code_not_present"},"affects":[{"ref":"c1"}]`), vex.Target{}, lodash, "CVE-1", vex.NotAffected},
		{"CycloneDX subject", cdx(`{"state":"false_positive"},"affects":[{"ref":"app"}]`), named, lodash, "CVE-1", vex.NotAffected},
		{"CycloneDX subject of what has no name", cdx(`{"state":"resolved"},"affects":[{"ref":"app"}]`), vex.Target{}, lodash, "CVE-1", vex.Fixed},
		{"CycloneDX subject of another name", cdx(`{"state":"resolved"},"affects":[{"ref":"app"}]`), vex.Target{Subject: sbom.Subject{Name: "Other"}}, lodash, "CVE-1", ""},
		{"link to the document", cdx(`{"state":"exploitable"},"affects":[{"ref":"urn:cdx:3e671687-395b-41f5-a30f-a58921a69b79/1#ref-1"}]`), named, lodash, "CVE-1", vex.Affected},
		{"link to another", cdx(`{"state":"exploitable"},"affects":[{"ref":"urn:cdx:00000000-395b-41f5-a30f-a58921a69b79/1#ref-1"}]`), named, lodash, "CVE-1", ""},
		{"link with a package URL", cdx(`{"state":"in_triage"},"affects":[{"ref":"urn:cdx:00000000-395b-41f5-a30f-a58921a69b79/1#pkg%3Anpm%2Flodash%404.0.0"}]`), vex.Target{}, lodash, "CVE-1", vex.UnderInvestigation},
		{"version in range", cdx(`{"state":"resolved"},"affects":[{"ref":"pkg:npm/lodash","versions":[{"range":"vers:npm/>=3.0.0|<4.1.0"}]}]`), vex.Target{}, lodash, "CVE-1", vex.Fixed},
		{"version out of range", cdx(`{"state":"resolved"},"affects":[{"ref":"pkg:npm/lodash","versions":[{"version":"3.9.9"},{"range":"vers:npm/>=4.0.1|<5.0.0|>=6.0.0"}]}]`), vex.Target{}, lodash, "CVE-1", ""},
		{"no analysis about it", strings.Replace(cdx(`{"state":"resolved"},"affects":[]`), "CVE-1", "CVE-9", 1), vex.Target{}, lodash, "CVE-1", ""},
	} {
		s := vex.NewSet()
		if err := s.Read("x.json", []byte(c.document)); err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		var got vex.Status
		if st := s.Decide(&c.target, c.item, []string{c.id}); st != nil {
			got = st.Status
		}
		if got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
}

// TestNotes: what spoke about nothing, what could not be relied on, and what
// was assumed is said.
func TestNotes(t *testing.T) {
	s := vex.NewSet()
	err := s.Read("a.json", []byte(open(`{"vulnerability":{"name":"CVE-1"},"products":[{"@id":"pkg:oci/app","subcomponents":[{"@id":"pkg:npm/a"}]}],"status":"fixed"},
	 {"vulnerability":{"name":"CVE-2"},"products":[{"@id":"pkg:npm/a"}],"status":"fixed"},{"vulnerability":{"name":"CVE-3"},"products":[],"status":"not_affected"}`)))
	if err != nil {
		t.Fatal(err)
	}
	s.Decide(&vex.Target{}, item("npm", "a", "1"), []string{"CVE-1"})
	got := strings.Join(s.Notes(), "\n")
	for _, want := range []string{"statement 3 of a.json is left out", "1 of 2 VEX statements speak of nothing that was found here, the first is statement 2 of a.json", "taken to be the product pkg:oci/app"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
}

// TestRefusals: what is no VEX document is an error that says so.
func TestRefusals(t *testing.T) {
	for document, want := range map[string]string{
		"":                                     "must be JSON",
		"[1]":                                  "must be JSON",
		"{}":                                   "none of OpenVEX, CSAF and CycloneDX",
		`{"document":{"category":"csaf_vex"}}`: "no vulnerability of the document has a product status",
		open(`{"vulnerability":{"name":"CVE-1"},"status":"maybe"}`):           `status "maybe"`,
		open(`{"status":"fixed"}`):                                            "names no vulnerability",
		`{"bomFormat":"CycloneDX","components":[]}`:                           "no vulnerability of the document has an analysis",
		cdx(`{"state":"odd"}`):                                                `state "odd"`,
		`{"bomFormat":"CycloneDX","vulnerabilities":[{"analysis":"x"}]}`:      "CycloneDX",
		`{"@context":"https://openvex.dev/ns/v0.2.0","statements":{"a":"b"}}`: "OpenVEX",
	} {
		if err := vex.NewSet().Read("x", []byte(document)); !errors.Is(err, vex.ErrFormat) || !strings.Contains(err.Error(), want) {
			t.Errorf("%.60s: %v, want … %s", document, err, want)
		}
	}
}

// TestRealDocument: CISA's use case 2 speaks about a product as a whole.
func TestRealDocument(t *testing.T) {
	s := vex.NewSet()
	data, err := os.ReadFile(filepath.Join(testshared.Dir(t), "targets/sbom/vex-case-2.cdx.json"))
	if err == nil {
		err = s.Read("case", data)
	}
	if err != nil {
		t.Fatal(err)
	}
	st := s.Decide(&vex.Target{Subject: sbom.Subject{Name: "ABC", Version: "4.2"}}, item("npm", "any", "1"), []string{"CVE-2020-11896"})
	if st == nil || st.Status != vex.NotAffected || st.Justification != "code_not_reachable" || !strings.Contains(st.Detail, "Linux TCP/IP") {
		t.Errorf("%+v", st)
	}
	if s.Decide(&vex.Target{Subject: sbom.Subject{Name: "ABC", Version: "4.3"}}, item("npm", "any", "1"), []string{"CVE-2020-11896"}) != nil {
		t.Error("another version is spoken free")
	}
}

// TestWrite: what is written says the same when it is read, and keeps
// OpenVEX's demands.
func TestWrite(t *testing.T) {
	var buf bytes.Buffer
	err := vex.WriteOpenVEX(&buf, "1.0", time.Unix(0, 0), []vex.Said{
		{ID: "CVE-1", Aliases: []string{"GHSA-1"}, Products: []string{"pkg:npm/a@1"}, Status: vex.Affected},
		{ID: "CVE-2", Products: []string{"pkg:npm/a@1"}, Status: vex.NotAffected, Justification: "code_not_reachable"},
		{ID: "CVE-3", Products: []string{"pkg:npm/a@1"}, Status: vex.NotAffected, Justification: "false_positive"},
		{ID: "CVE-4", Products: []string{"pkg:npm/a@1"}, Status: vex.UnderInvestigation, At: time.Unix(9, 0)},
	})
	if err != nil {
		t.Fatal(err)
	}
	s := vex.NewSet()
	if err := s.Read("x", buf.Bytes()); err != nil {
		t.Fatal(err)
	}
	for id, want := range map[string]string{
		"GHSA-1": "affected", "CVE-2": "not_affected vulnerable_code_not_in_execute_path", "CVE-3": "not_affected  false_positive", "CVE-4": "under_investigation",
	} {
		st := s.Decide(&vex.Target{}, item("npm", "a", "1"), []string{id})
		if st == nil || strings.TrimRight(string(st.Status)+" "+st.Justification+" "+st.Detail, " ") != want {
			t.Errorf("%s: %+v, want %s", id, st, want)
		}
	}
	for _, want := range []string{`"action_statement": "No fixed version is known."`, `"@context": "https://openvex.dev/ns/v0.2.0"`, `"timestamp": "1970-01-01T00:00:09Z"`} {
		if !strings.Contains(buf.String(), want) {
			t.Errorf("no %s in\n%s", want, buf.String())
		}
	}
}

// TestWords: every justification goes there and back to the same meaning.
func TestWords(t *testing.T) {
	for _, word := range []string{"component_not_present", "vulnerable_code_not_present", "vulnerable_code_not_in_execute_path", "vulnerable_code_cannot_be_controlled_by_adversary", "inline_mitigations_already_exist"} {
		other := vex.CycloneDXWord(word)
		if other == "" || vex.OpenWord(word) != word || vex.CycloneDXWord(other) != other || vex.OpenWord(other) == "" {
			t.Errorf("%s: %s", word, other)
		}
	}
	if vex.OpenWord("nonsense") != "" || vex.CycloneDXState(vex.Fixed) != "resolved" {
		t.Error("words")
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte(open(`{"vulnerability":"CVE-1","products":["pkg:npm/a",{"@id":"pkg:npm/b","subcomponents":[{"@id":"x"}]}],"status":"fixed"}`)))
	f.Add([]byte(cdx(`{"state":"resolved"},"affects":[{"ref":"c1","versions":[{"range":"vers:npm/>=1|<2|*"}]}]`)))
	f.Add([]byte(csaf(`"product_status":{"known_not_affected":["APP-2:LODASH","AppStream-9:curl"]},"flags":[{"label":"x"}]`)))
	f.Fuzz(func(t *testing.T, data []byte) {
		s := vex.NewSet()
		if s.Read("x", data) != nil {
			return
		}
		s.Decide(&vex.Target{}, item("npm", "a", "1"), []string{"CVE-1"})
		s.Notes()
	})
}
