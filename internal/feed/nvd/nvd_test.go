package nvd_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"muster/internal/advisory"
	"muster/internal/feed/nvd"
	"muster/internal/testshared"
)

const answer = `{"resultsPerPage":2,"startIndex":0,"totalResults":2,"format":"NVD_CVE","version":"2.0","timestamp":"2026-01-01T00:00:00.000","vulnerabilities":[
{"cve":{"id":"CVE-2024-3094","published":"2024-03-29T17:15:21.150","lastModified":"2026-06-17T07:43:17.830","vulnStatus":"Modified",
 "cveTags":[{"sourceIdentifier":"x","tags":["disputed"]}],
 "descriptions":[{"lang":"es","value":"codigo"},{"lang":"en","value":"Malicious code"}],
 "metrics":{"cvssMetricV31":[
   {"source":"secalert@redhat.com","type":"Secondary","cvssData":{"version":"3.1","vectorString":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:C/C:H/I:H/A:H","baseScore":10}},
   {"source":"nvd@nist.gov","type":"Primary","cvssData":{"version":"3.1","vectorString":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:C/C:H/I:H/A:N","baseScore":10.0}}],
  "cvssMetricV40":[{"source":"psirt@us.ibm.com","type":"Secondary","cvssData":{"vectorString":"CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N","baseScore":9.3}}],
  "cvssMetricV2":[{"source":"a@b.co.jp","type":"Primary","cvssData":{"vectorString":"AV:N/AC:L/Au:N/C:P/I:P/A:P","baseScore":7.5}}],
  "ssvcV203":[{"source":"134c","ssvcData":{"options":[{"exploitation":"poc"},{"automatable":"yes"},{"technicalImpact":"total"},{"odd":5}]}}]},
 "weaknesses":[{"source":"x","description":[{"lang":"en","value":"CWE-506"},{"lang":"en","value":"NVD-CWE-noinfo"}]},{"description":[{"lang":"en","value":"CWE-506"}]}],
 "references":[{"url":"https://a.example/","tags":["Exploit","Patch"]},{"url":"https://b.example/","tags":["Vendor Advisory"]},{"url":"https://b.example/","tags":["Vendor Advisory"]},{"url":"https://c.example/"}],
 "configurations":[{"nodes":[]}],
 "cisaExploitAdd":"2024-04-01","cisaActionDue":"2024-04-22","cisaRequiredAction":"act","cisaVulnerabilityName":"name"}},
{"cve":{"id":"CVE-2024-0001","vulnStatus":"Rejected"}}]}`

func parse(text string) ([]advisory.Intel, error) {
	var out []advisory.Intel
	err := nvd.Parse(strings.NewReader(text), func(i advisory.Intel) error { out = append(out, i); return nil })
	return out, err
}

func TestParse(t *testing.T) {
	list, err := parse(answer)
	if err != nil || len(list) != 2 {
		t.Fatalf("%d, %v", len(list), err)
	}
	in := list[0]
	var sources []string
	for _, s := range in.Scores {
		sources = append(sources, s.Source)
	}
	if got := strings.Join(sources, " "); got != "IBM NVD REDHAT B" {
		t.Errorf("scores by %s", got)
	}
	if in.Description != "Malicious code" || !in.Disputed || in.Rejected || in.Modified.Year() != 2026 || strings.Join(in.CWEs, " ") != "CWE-506" {
		t.Errorf("%+v", in)
	}
	if in.SSVC != (advisory.SSVC{Exploitation: "poc", Automatable: "yes", TechnicalImpact: "total"}) || in.KEV == nil || in.KEV.Action != "act" || in.KEV.Due.Day() != 22 {
		t.Errorf("%+v, %+v", in.SSVC, in.KEV)
	}
	if len(in.References) != 3 || in.References[0].Type != "EVIDENCE" || in.References[1].Type != "ADVISORY" || in.References[2].Type != "WEB" {
		t.Errorf("%+v", in.References)
	}
	if !list[1].Rejected || list[1].KEV != nil {
		t.Errorf("%+v", list[1])
	}
	if list, err := parse(`{"format":"NVD_CVE","vulnerabilities":[]}`); err != nil || len(list) != 0 {
		t.Errorf("an empty answer: %d, %v", len(list), err)
	}
	stop := errors.New("stop")
	if err := nvd.Parse(strings.NewReader(answer), func(advisory.Intel) error { return stop }); !errors.Is(err, stop) || errors.Is(err, nvd.ErrAnswer) {
		t.Errorf("%v", err)
	}
}

func TestRefusals(t *testing.T) {
	for _, bad := range []string{
		"", "[]", "{}", "null", `{"format":"MITRE_CVE","vulnerabilities":[]}`, `{"vulnerabilities":{}}`, `{"vulnerabilities":[{}]}`,
		`{"vulnerabilities":[{"cve":{"id":"CVE-2024-0001","published":"soon"}}]}`, `{"vulnerabilities":[`, answer[:len(answer)-1],
		`{"x":"` + strings.Repeat("y", 2<<20) + `","vulnerabilities":[]}`,
	} {
		if _, err := parse(bad); !errors.Is(err, nvd.ErrAnswer) {
			t.Errorf("%.60s: %v", bad, err)
		}
	}
}

func TestSourceName(t *testing.T) {
	for id, want := range map[string]string{
		"nvd@nist.gov": "NVD", "secalert@redhat.com": "REDHAT", "security@ubuntu.com": "UBUNTU", "security-advisories@github.com": "GITHUB",
		"psirt@us.ibm.com": "IBM", "vultures@jpcert.or.jp": "JPCERT", "af854a3a-2127-422b-91ae-364da2661108": "af854a3a-2127-422b-91ae-364da2661108", "a@b": "a@b", "": "",
	} {
		if got := nvd.SourceName(id); got != want {
			t.Errorf("%s: %s, want %s", id, got, want)
		}
	}
}

func TestRealAnswers(t *testing.T) {
	raw := filepath.Join(testshared.Dir(t), "advisories", "raw")
	files, cves, scores := 0, 0, 0
	for _, folder := range []string{"nvd-api-2.0", "nvd-api-2.0-pages"} {
		err := filepath.WalkDir(filepath.Join(raw, folder), func(path string, e fs.DirEntry, err error) error {
			if err != nil || e.IsDir() {
				return err
			}
			f, err := os.Open(path)
			if err != nil {
				return err
			}
			defer f.Close()
			files++
			return nvd.Parse(f, func(i advisory.Intel) error {
				cves, scores = cves+1, scores+len(i.Scores)
				if i.Description == "" || i.Published.IsZero() {
					t.Errorf("%s: %+v", path, i)
				}
				return nil
			})
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if files < 39 || cves < 50 || scores < 60 {
		t.Errorf("%d files, %d CVEs, %d scores", files, cves, scores)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(answer)
	f.Fuzz(func(t *testing.T, text string) {
		list, err := parse(text)
		if err != nil && !errors.Is(err, nvd.ErrAnswer) {
			t.Errorf("an error of another kind: %v", err)
		}
		for _, i := range list {
			if !advisory.IsCVE(i.CVE) {
				t.Errorf("%+v", i)
			}
		}
	})
}
