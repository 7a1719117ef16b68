package vex_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"muster/internal/inventory"
	"muster/internal/sbom"
	"muster/internal/testshared"
	"muster/internal/vex"
)

// csaf is a document about a product, a package in it, and a package of a
// system; vulnerability is what the entry of CVE-1 says further.
func csaf(vulnerability string) string {
	return `{"document":{"category":"csaf_vex","tracking":{"current_release_date":"2024-01-02T00:00:00Z"}},
	 "product_tree":{"branches":[{"category":"vendor","name":"Example","branches":[
	   {"category":"product_name","name":"App","branches":[
	     {"category":"product_version","name":"2","product":{"product_id":"APP-2","name":"Example App 2"}},
	     {"category":"product_version_range","name":"vers:npm/<3.0.0","product":{"product_id":"APP-OLD","name":"App before 3","product_identification_helper":{"purl":"pkg:npm/app"}}}]},
	   {"category":"product_version","name":"lodash","product":{"product_id":"LODASH","name":"lodash","product_identification_helper":{"purl":"pkg:npm/lodash@4.0.0"}}},
	   {"category":"product_name","name":"Red Hat Enterprise Linux AppStream (v. 9)","product":{"product_id":"AppStream-9","name":"RHEL","product_identification_helper":{"cpe":"cpe:/a:redhat:enterprise_linux:9::appstream"}}},
	   {"category":"product_version","name":"curl","product":{"product_id":"curl","name":"curl","product_identification_helper":{"purl":"pkg:rpm/redhat/curl"}}}]}],
	  "relationships":[
	   {"category":"default_component_of","product_reference":"LODASH","relates_to_product_reference":"APP-2","full_product_name":{"product_id":"APP-2:LODASH","name":"x"}},
	   {"category":"default_component_of","product_reference":"curl","relates_to_product_reference":"AppStream-9","full_product_name":{"product_id":"AppStream-9:curl","name":"x"}}],
	  "product_groups":[{"group_id":"G","product_ids":["APP-2","APP-2:LODASH"]}]},
	 "vulnerabilities":[{"cve":"CVE-1","ids":[{"system_name":"x","text":"GHSA-1"}],` + vulnerability + `}]}`
}

// TestCSAF: which product of a CSAF document a statement is about.
func TestCSAF(t *testing.T) {
	lodash := item("npm", "lodash", "4.0.0")
	app := vex.Target{Subject: sbom.Subject{Name: "App", Version: "2"}}
	rpm := func(release string) (vex.Target, inventory.Item) {
		it := item("Red Hat:enterprise_linux:"+release+"::baseos", "curl", "7.76.1-1.el"+release)
		it.Manager, it.Source, it.SourceVersion = inventory.ManagerOS, "curl", it.Version
		return vex.Target{System: inventory.OS{ID: "rhel", VersionID: release + ".4", Ecosystem: it.Ecosystem}}, it
	}
	nine, curl9 := rpm("9")
	eight, curl8 := rpm("8")
	const why = `"flags":[{"label":"vulnerable_code_not_present","group_ids":["G"]},{"label":"component_not_present","product_ids":["AppStream-9:curl","LODASH","APP-OLD"]}]`
	not := func(product string) string {
		return csaf(`"product_status":{"known_not_affected":["` + product + `"]},` + why)
	}
	for _, c := range []struct {
		name, document string
		target         vex.Target
		item           inventory.Item
		id, want       string
	}{
		{"package", not("LODASH"), vex.Target{}, lodash, "CVE-1", "not_affected component_not_present"},
		{"other name of the vulnerability", not("LODASH"), vex.Target{}, lodash, "GHSA-1", "not_affected component_not_present"},
		{"other version", not("LODASH"), vex.Target{}, item("npm", "lodash", "4.0.1"), "CVE-1", ""},
		{"range", not("APP-OLD"), vex.Target{}, item("npm", "app", "2.9.0"), "CVE-1", "not_affected component_not_present"},
		{"out of range", not("APP-OLD"), vex.Target{}, item("npm", "app", "3.0.0"), "CVE-1", ""},
		{"product", not("APP-2"), app, lodash, "CVE-1", "not_affected vulnerable_code_not_present"},
		{"part of the product", not("APP-2:LODASH"), app, lodash, "CVE-1", "not_affected vulnerable_code_not_present"},
		{"part of another product", not("APP-2:LODASH"), vex.Target{Subject: sbom.Subject{Name: "Other"}}, lodash, "CVE-1", ""},
		{"package of the system", not("AppStream-9:curl"), nine, curl9, "CVE-1", "not_affected component_not_present"},
		{"package of another release", not("AppStream-9:curl"), eight, curl8, "CVE-1", ""},
		{"without a reason", csaf(`"product_status":{"known_not_affected":["LODASH"]}`), vex.Target{}, lodash, "CVE-1", ""},
		{"impact", csaf(`"product_status":{"known_not_affected":["LODASH"]},"threats":[{"category":"impact","details":"never called"}]`), vex.Target{}, lodash, "CVE-1", "not_affected  never called"},
		{"affected", csaf(`"product_status":{"known_affected":["LODASH"],"recommended":["APP-2"]},"remediations":[{"category":"vendor_fix","details":"update","product_ids":["LODASH"]}]`), vex.Target{}, lodash, "CVE-1", "affected"},
		{"fixed", csaf(`"product_status":{"fixed":["LODASH"]}`), vex.Target{}, lodash, "CVE-1", "fixed"},
		{"investigated", csaf(`"product_status":{"under_investigation":["LODASH"]}`), vex.Target{}, lodash, "CVE-1", "under_investigation"},
		{"product that the tree lacks", csaf(`"product_status":{"fixed":["NOWHERE"]}`), vex.Target{}, lodash, "CVE-1", ""},
	} {
		s := vex.NewSet()
		if err := s.Read("x.json", []byte(c.document)); err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		got := ""
		if st := s.Decide(&c.target, c.item, []string{c.id}); st != nil {
			got = strings.TrimRight(string(st.Status)+" "+st.Justification+" "+st.Detail, " ")
		}
		if got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
}

// TestPublishedCSAF: Red Hat's own documents acquit packages of the releases
// that they name.
func TestPublishedCSAF(t *testing.T) {
	dir := filepath.Join(testshared.Dir(t), "advisories", "raw", "redhat-vex")
	files, err := filepath.Glob(filepath.Join(dir, "cve-*.json"))
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, name := range files {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := vex.NewSet().Read(filepath.Base(name), data); err != nil {
			t.Errorf("%s: %v", filepath.Base(name), err)
		}
	}
	s := vex.NewSet()
	data, err := os.ReadFile(filepath.Join(dir, "cve-2023-4154.json"))
	if err == nil {
		err = s.Read("x", data)
	}
	if err != nil {
		t.Fatal(err)
	}
	samba := item("Red Hat:enterprise_linux:6::baseos", "samba", "3.6.23-53.el6_10")
	samba.Manager, samba.Source, samba.SourceVersion = inventory.ManagerOS, "samba", samba.Version
	system := inventory.OS{ID: "rhel", VersionID: "6.10", Ecosystem: samba.Ecosystem}
	if st := s.Decide(&vex.Target{System: system}, samba, []string{"CVE-2023-4154"}); st == nil {
		t.Error("nothing is said of samba in release 6")
	}
}
