package photon_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"muster/internal/advisory"
	"muster/internal/advisory/advisorytest"
	"muster/internal/feed/photon"
	"muster/internal/testshared"
)

func collect(text string) ([]advisory.Advisory, error) {
	return named("photon/cve_data_photon5.0.json", text)
}

func named(name, text string) (out []advisory.Advisory, err error) {
	err = photon.Parse(name, strings.NewReader(text), func(a *advisory.Advisory) error { out = append(out, *a); return nil })
	return out, err
}

const list = `[
 {"cve_id":"CVE-2024-2","pkg":"curl","cve_score":7.5,"aff_ver":"all versions before 8.16.0-1.ph5 are vulnerable","res_ver":"8.16.0-1.ph5","status":"Fixed"},
 {"cve_id":"CVE-2024-1","pkg":"curl","aff_ver":"NA","res_ver":"NA","status":"Not Affected"},
 {"cve_id":"CVE-2024-2","pkg":"curl-libs","res_ver":"8.16.0-1.ph5"},
 {"cve_id":"CVE-2024-3","pkg":"linux","aff_ver":"all versions","res_ver":"NA","status":"Open"},
 {"cve_id":"CVE-2024-4","pkg":"linux","res_ver":"NA","status":"Fixed"},
 {"cve_id":"CVE-2024-5","pkg":"linux","res_ver":"NA","status":"Will not fix"},
 {"cve_id":"BDSA-2024-1","pkg":"curl","status":"Not Affected"},{"cve_id":"Re","pkg":"linux"},{"cve_id":"CVE-2024-6"}]`

func TestParse(t *testing.T) {
	records, err := collect(list)
	if err != nil {
		t.Fatal(err)
	}
	if diff := advisorytest.Compare(records, `
		CVE-2024-1
		    "Photon OS:5.0" curl [0, *) status=not_affected
		CVE-2024-2
		    "Photon OS:5.0" curl [0, 8.16.0-1.ph5)
		    "Photon OS:5.0" curl-libs [0, 8.16.0-1.ph5)
		CVE-2024-3
		    "Photon OS:5.0" linux [0, *)
		CVE-2024-5
		    "Photon OS:5.0" linux [0, *) status=wont_fix
		`); diff != "" {
		t.Error(diff)
	}
}

func TestRefuses(t *testing.T) {
	for text, why := range map[string]string{
		``: "does not begin with a list", `{}`: "does not begin with a list", `[{`: "row 0", `[1]`: "row 0", `[{"cve_id":"CVE-2024-1"}`: "EOF",
	} {
		if _, err := collect(text); !errors.Is(err, photon.ErrList) || !strings.Contains(err.Error(), why) {
			t.Errorf("%s: %v", text, err)
		}
	}
	for _, name := range []string{"list.json", "cve_data_photon.json"} {
		if _, err := named(name, list); !errors.Is(err, photon.ErrList) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestPublished reads lists as they were published.
func TestPublished(t *testing.T) {
	dir := filepath.Join(testshared.Dir(t), "advisories", "raw", "photon", "happy")
	for release, want := range map[string]string{
		"1.0": `
			CVE-2020-11979
			    "Photon OS:1.0" apache-ant [0, 1.10.8-2.ph1)
			CVE-2020-1945
			    "Photon OS:1.0" apache-ant [0, 1.10.8-1.ph1)`,
		"4.0": `
			CVE-2025-9086
			    "Photon OS:4.0" curl [0, 8.16.0-1.ph4)
			    "Photon OS:4.0" curl-devel [0, 8.16.0-1.ph4)
			    "Photon OS:4.0" curl-libs [0, 8.16.0-1.ph4)`,
		"5.0": `
			CVE-2023-5115
			    "Photon OS:5.0" ansible [0, 2.14.12-1.ph5)`,
	} {
		name := "cve_data_photon" + release + ".json"
		data, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		records, err := named(name, string(data))
		if err != nil {
			t.Fatal(err)
		}
		if diff := advisorytest.Compare(records, want); diff != "" {
			t.Error(diff)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(list))
	f.Fuzz(func(t *testing.T, data []byte) {
		records, err := collect(string(data))
		if err != nil && !errors.Is(err, photon.ErrList) {
			t.Fatalf("an error of another kind: %v", err)
		}
		for i := range records {
			if err := advisorytest.RoundTrip(&records[i]); err != nil {
				t.Fatalf("%+v: %v", records[i], err)
			}
		}
	})
}
