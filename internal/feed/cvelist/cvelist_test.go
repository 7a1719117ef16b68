package cvelist_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"muster/internal/advisory"
	"muster/internal/feed/cvelist"
	"muster/internal/testshared"
)

const record = `{"dataType":"CVE_RECORD","cveMetadata":{"cveId":"CVE-2024-4577","state":"PUBLISHED","datePublished":"2024-06-09T19:42:36.464Z","dateUpdated":"2024-06-20T18:00:00"},
"containers":{"cna":{"title":"Argument Injection","providerMetadata":{"shortName":"php"},"tags":["disputed"],
  "descriptions":[{"lang":"de","value":"x"},{"lang":"en-US","value":"In PHP"}],
  "metrics":[{"cvssV3_1":{"vectorString":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H","baseScore":9.8}},{"other":{"type":"Red Hat severity rating","content":{"value":"Critical"}}}],
  "problemTypes":[{"descriptions":[{"cweId":"CWE-78"},{"description":"none"}]}],
  "references":[{"url":"https://a.example/","tags":["exploit"]}]},
 "adp":[{"title":"CISA ADP Vulnrichment","providerMetadata":{"shortName":"CISA-ADP"},
  "metrics":[{"other":{"type":"ssvc","content":{"options":[{"Exploitation":"active"},{"Automatable":"yes"},{"Technical Impact":"total"}]}}},{"other":{"type":"ssvc","content":7}},
   {"cvssV4_0":{"vectorString":"CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N","baseScore":9.3}}],
  "problemTypes":[{"descriptions":[{"cweId":"CWE-78"},{"cweId":"CWE-88"}]}],
  "references":[{"url":"https://a.example/","tags":["x_transferred"]},{"url":"https://b.example/","tags":["patch"]}]}]}}`

func TestParse(t *testing.T) {
	in, err := cvelist.Parse(strings.NewReader(record))
	if err != nil {
		t.Fatal(err)
	}
	if in.CVE != "CVE-2024-4577" || in.Title != "Argument Injection" || in.Description != "In PHP" || !in.Disputed || in.Rejected || in.Published.Year() != 2024 || in.Modified.IsZero() {
		t.Errorf("%+v", in)
	}
	if len(in.Scores) != 2 || in.Scores[0].Source != "php" || in.Scores[0].Base != 9.8 || in.Scores[1].Source != "CISA-ADP" {
		t.Errorf("%+v", in.Scores)
	}
	if strings.Join(in.CWEs, " ") != "CWE-78 CWE-88" || in.SSVC != (advisory.SSVC{Exploitation: "active", Automatable: "yes", TechnicalImpact: "total"}) {
		t.Errorf("%v, %+v", in.CWEs, in.SSVC)
	}
	if len(in.References) != 2 || in.References[0].Type != "EVIDENCE" || in.References[1].Type != "FIX" {
		t.Errorf("%+v", in.References)
	}
	in, err = cvelist.Parse(strings.NewReader(`{"cveMetadata":{"cveId":"CVE-2024-0001","state":"REJECTED"}}`))
	if err != nil || !in.Rejected {
		t.Errorf("%+v, %v", in, err)
	}
}

func TestRefusals(t *testing.T) {
	for _, bad := range []string{"", "[]", "{}", `{"cveMetadata":{"cveId":"x"}}`, `{"cveMetadata":{"cveId":"CVE-2024-0001","datePublished":"x"}}`} {
		if _, err := cvelist.Parse(strings.NewReader(bad)); !errors.Is(err, cvelist.ErrRecord) {
			t.Errorf("%s: %v", bad, err)
		}
	}
}

func TestRealRecords(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(testshared.Dir(t), "advisories", "raw", "cve5", "CVE-*.json"))
	if err != nil || len(files) < 5 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, name := range files {
		f, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		in, err := cvelist.Parse(f)
		f.Close()
		if err != nil || in.CVE != strings.TrimSuffix(filepath.Base(name), ".json") || in.Description == "" || in.SSVC.Exploitation == "" || len(in.References) == 0 {
			t.Errorf("%s: %+v, %v", name, in, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(record)
	f.Fuzz(func(t *testing.T, text string) {
		in, err := cvelist.Parse(strings.NewReader(text))
		if err != nil && !errors.Is(err, cvelist.ErrRecord) {
			t.Errorf("an error of another kind: %v", err)
		}
		if err == nil && !advisory.IsCVE(in.CVE) {
			t.Errorf("%+v", in)
		}
	})
}
