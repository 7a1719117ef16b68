package redhat_test

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"muster/internal/advisory"
	"muster/internal/advisory/advisorytest"
	"muster/internal/feed/redhat"
	"muster/internal/testshared"
)

type parser func(io.Reader, func(*advisory.Advisory) error) error

func collect(t testing.TB, parse parser, text string) []advisory.Advisory {
	t.Helper()
	var out []advisory.Advisory
	if err := parse(strings.NewReader(text), func(a *advisory.Advisory) error { out = append(out, *a); return nil }); err != nil {
		t.Fatal(err)
	}
	return out
}

// TestVEX reads a document with every status, stream and form of a module.
func TestVEX(t *testing.T) {
	data, err := os.ReadFile("testdata/vex.json")
	if err != nil {
		t.Fatal(err)
	}
	records := collect(t, redhat.ParseVEX, string(data))
	if diff := advisorytest.Compare(records, `
		CVE-2024-0001 CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H CWE-400 2024-05-01
		    "Red Hat:enterprise_linux:6" nodejs [0, *) status=end_of_life word=Moderate
		    "Red Hat:enterprise_linux:8" nodejs [0, *) module=nodejs:16 status=wont_fix word=Moderate arches=src
		    "Red Hat:enterprise_linux:8" nodejs [0, 1:18.20.2-1.module+el8.9.0+21678+1e1b2ecf) module=nodejs:18 word=Important arches=aarch64,src,x86_64
		    "Red Hat:enterprise_linux:8" nodejs [0, 1:20.12.2-2.module+el8.9.0+21743+0b3f1be2) module=nodejs:20 word=Important arches=x86_64
		    "Red Hat:enterprise_linux:9" nodejs [0, *) status=postponed word=Moderate arches=src
		    "Red Hat:enterprise_linux:9" nodejs [0, *) module=nodejs:22 status=not_affected word=Moderate arches=src
		    "Red Hat:openshift:4.16::el9" nodejs [0, *) status=under_investigation word=Moderate arches=src
		    "Red Hat:rhel_eus:8.6" nodejs [0, 1:18.20.2-1.module+el8.6.0+21665+48a4ef5c) module=nodejs:18 word=Important arches=x86_64
		`); diff != "" {
		t.Error(diff)
	}
	a := records[0]
	if a.Summary != "nodejs: a flaw" || a.Details != "A flaw was found." || len(a.References) != 1 {
		t.Errorf("%+v", a)
	}
}

func TestDeletedDocumentsGiveNothing(t *testing.T) {
	if got := collect(t, redhat.ParseVEX, `{"document":{"tracking":{"id":"CVE-2023-0030","status":"deleted"}}}`); got != nil {
		t.Errorf("%+v", got)
	}
}

// TestAdvisoryByCVE: an erratum that fixes one flaw in one package and another
// in two is two records.
func TestAdvisoryByCVE(t *testing.T) {
	relate := func(name string) string {
		return `{"product_reference":"` + name + `","relates_to_product_reference":"base","full_product_name":{"product_id":"base:` + name + `"}}`
	}
	text := `{
		"document":{"title":"Red Hat Security Advisory: update","aggregate_severity":{"text":"Low"},"tracking":{"id":"RHSA-2024:1","current_release_date":"2024-01-02T00:00:00Z"}},
		"product_tree":{"branches":[
			{"product":{"product_id":"base","product_identification_helper":{"cpe":"cpe:/o:redhat:enterprise_linux:10.0::baseos"}}},
			{"product":{"product_id":"a","product_identification_helper":{"purl":"pkg:rpm/redhat/a@1-1.el10?arch=noarch&epoch=2"}}},
			{"product":{"product_id":"b++","product_identification_helper":{"purl":"pkg:rpm/redhat/b%2B%2B@1-1.el10?arch=x86_64"}}}],
		"relationships":[` + relate("a") + "," + relate("b++") + `]},"vulnerabilities":[
		{"cve":"CVE-2024-1","product_status":{"fixed":["base:a"],"known_not_affected":["base:b++"]}},
		{"cve":"CVE-2024-2","product_status":{"fixed":["base:a","base:b++","base:unknown"]}},
		{"cve":"CVE-2024-3","product_status":{"fixed":["base:a"]}}]}`
	if diff := advisorytest.Compare(collect(t, redhat.ParseAdvisory, text), `
		RHSA-2024:1 CVE-2024-1 CVE-2024-1 CVE-2024-3 2024-01-02
		    "Red Hat:enterprise_linux:10" a [0, 2:1-1.el10) word=Low arches=noarch
		RHSA-2024:1 CVE-2024-2 CVE-2024-2 2024-01-02
		    "Red Hat:enterprise_linux:10" a [0, 2:1-1.el10) word=Low arches=noarch
		    "Red Hat:enterprise_linux:10" b++ [0, 1-1.el10) word=Low arches=x86_64
		`); diff != "" {
		t.Error(diff)
	}
}

func TestRefuses(t *testing.T) {
	for text, why := range map[string]string{
		``:              "unexpected end",
		`<html>`:        "invalid character",
		`{"document":{`: "unexpected end",
		`{}`:            `id ""`,
		`{"document":{"tracking":{"id":"../x"}}}`:                                       `id "../x"`,
		`{"document":{"tracking":{"id":"CVE-2024-1"}},"vulnerabilities":[{"cve":"x"}]}`: "is no CVE",
	} {
		for _, parse := range []parser{redhat.ParseVEX, redhat.ParseAdvisory} {
			err := parse(strings.NewReader(text), func(*advisory.Advisory) error { return nil })
			if !errors.Is(err, redhat.ErrDocument) || !strings.Contains(err.Error(), why) {
				t.Errorf("%s: %v", text, err)
			}
		}
	}
}

// TestPublished reads documents as Red Hat published them.
func TestPublished(t *testing.T) {
	dir := filepath.Join(testshared.Dir(t), "advisories", "raw")
	for name, c := range map[string]struct {
		parse            parser
		id               string
		records, entries int
	}{
		"redhat-vex/cve-2023-4154.json":                 {redhat.ParseVEX, "CVE-2023-4154", 1, 159},
		"redhat-vex/cve-2024-24786-bad-rpmmod.json":     {redhat.ParseVEX, "CVE-2024-24786", 1, 2},
		"redhat-vex/cve-2024-24786-illegal-module.json": {redhat.ParseVEX, "CVE-2024-24786", 1, 1},
		"redhat-vex/cve-2024-24786-simple.json":         {redhat.ParseVEX, "CVE-2024-24786", 1, 1},
		"redhat-vex/delete_CVE-2023-0030.json":          {redhat.ParseVEX, "", 0, 0},
		"redhat-csaf/2024/rhsa-2024_6163.json":          {redhat.ParseAdvisory, "RHSA-2024:6163", 1, 1},
		"redhat-csaf/rhsa-2024_0811.json":               {redhat.ParseAdvisory, "RHSA-2024:0811", 1, 9},
		"redhat-csaf/2025/rhsa-2025_23414.json":         {redhat.ParseAdvisory, "RHSA-2025:23414", 1, 4},
	} {
		data, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(name)))
		if err != nil {
			t.Fatal(err)
		}
		records := collect(t, c.parse, string(data))
		entries := 0
		for i := range records {
			entries += len(records[i].Affected)
			if err := advisorytest.RoundTrip(&records[i]); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		if len(records) != c.records || entries != c.entries || len(records) > 0 && records[0].ID != c.id {
			t.Errorf("%s: %d records with %d entries:\n%.3000s", name, len(records), entries, advisorytest.Text(records))
		}
	}
}

func FuzzParse(f *testing.F) {
	data, err := os.ReadFile("testdata/vex.json")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, parse := range []parser{redhat.ParseVEX, redhat.ParseAdvisory} {
			err := parse(strings.NewReader(string(data)), func(a *advisory.Advisory) error {
				if err := advisorytest.RoundTrip(a); err != nil {
					t.Fatalf("%+v: %v", a, err)
				}
				return nil
			})
			if err != nil && !errors.Is(err, redhat.ErrDocument) {
				t.Fatalf("an error of another kind: %v", err)
			}
		}
	})
}
