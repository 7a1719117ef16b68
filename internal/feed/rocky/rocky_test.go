package rocky_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"muster/internal/advisory"
	"muster/internal/advisory/advisorytest"
	"muster/internal/feed/rocky"
	"muster/internal/testshared"
)

func collect(text string) (out []advisory.Advisory, err error) {
	err = rocky.Parse(strings.NewReader(text), func(a *advisory.Advisory) error { out = append(out, *a); return nil })
	return out, err
}

const answer = `{"advisories":[
 {"name":"RLSA-2024:1","synopsis":"Moderate: nodejs:18 security update","description":"d","kind":"Security","severity":"Moderate",
  "published_at":"2024-01-02T03:04:05.678910+00:00","updated_at":"2024-02-03T03:04:05.678910+00:00",
  "affected_products":[{"name":"Rocky Linux 8 x86_64","major_version":8,"arch":"x86_64"},{"name":"Rocky Linux SIG","major_version":9}],
  "cves":[{"cve":"CVE-2024-1","cvss3_scoring_vector":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H","cvss3_base_score":"7.5","cwe":"CWE-770"}],
  "packages":[
   {"nevra":"nodejs-1:18.19.1-1.module+el8.9.0+1750+bdf3eb75.x86_64.rpm","module_name":"nodejs","module_stream":"18","product_name":"Rocky Linux 8 x86_64"},
   {"nevra":"nodejs-1:18.19.1-1.module+el8.9.0+1750+bdf3eb75.aarch64.rpm","module_name":"nodejs","module_stream":"18","product_name":"Rocky Linux 8 aarch64"},
   {"nevra":"nodejs-1:18.19.1-1.module+el8.9.0+1750+bdf3eb75.src.rpm","module_name":"nodejs","module_stream":"18","product_name":"Rocky Linux 8 x86_64"},
   {"nevra":"npm-0:1-1.noarch.rpm","module_name":null,"module_stream":null,"product_name":"Rocky Linux SIG"},
   {"nevra":"nodejs-debuginfo-0:1-1.x86_64.rpm","product_name":"Rocky Linux 8 x86_64"},
   {"nevra":"nonsense","product_name":"Rocky Linux 8 x86_64"},
   {"nevra":"a-0:1-1.x86_64.rpm","product_name":"another"}]},
 {"name":"RLBA-2024:2","kind":"Bug Fix","severity":"None","packages":[{"nevra":"a-0:1-1.x86_64.rpm","product_name":"Rocky Linux 8 x86_64"}]},
 {"name":"RLBA-2024:3","kind":"Bug Fix","severity":"None","cves":[{"cve":"CVE-2024-2"},{"cve":"unknown"}],"packages":[{"nevra":"a-0:1-1.x86_64.rpm","product_name":"Rocky Linux 8 x86_64"}]}]}`

func TestParse(t *testing.T) {
	records, err := collect(answer)
	if err != nil {
		t.Fatal(err)
	}
	if diff := advisorytest.Compare(records, `
		RLSA-2024:1 CVE-2024-1 CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H CWE-770 2024-02-03
		    "Rocky Linux:8" nodejs [0, 1:18.19.1-1.module+el8.9.0+1750+bdf3eb75) module=nodejs:18 word=Moderate arches=aarch64,src,x86_64
		    "Rocky Linux:9" npm [0, 1-1) word=Moderate arches=noarch
		RLBA-2024:3 CVE-2024-2
		    "Rocky Linux:8" a [0, 1-1) arches=x86_64
		`); diff != "" {
		t.Error(diff)
	}
}

func TestRefuses(t *testing.T) {
	for text, why := range map[string]string{
		``: "EOF", `<html>`: "invalid character", `{"advisories":[{`: "EOF", `{}`: "no advisories", `[]`: "cannot unmarshal",
		`{"advisories":[{}]}`: `name ""`, `{"advisories":[{"name":"a/b"}]}`: `name "a/b"`,
	} {
		if _, err := collect(text); !errors.Is(err, rocky.ErrAnswer) || !strings.Contains(err.Error(), why) {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// TestPublished reads pages as the API answered them.
func TestPublished(t *testing.T) {
	for name, want := range map[string]string{
		"page1.json": `
			RLSA-2025:21816 CVE-2025-58183 CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H CWE-770 2025-11-27
			    "Rocky Linux:10" delve [0, 1.25.2-1.el10_1) word=Moderate arches=aarch64,ppc64le,src,x86_64
			    "Rocky Linux:10" go-toolset [0, 1.25.3-1.el10_1) word=Moderate arches=aarch64,ppc64le,s390x,x86_64`,
		"page2.json": "",
	} {
		data, err := os.ReadFile(filepath.Join(testshared.Dir(t), "advisories", "raw", "rocky-errata", "happy", name))
		if err != nil {
			t.Fatal(err)
		}
		records, err := collect(string(data))
		if err != nil {
			t.Fatal(err)
		}
		for i := range records {
			records[i].Affected = records[i].Affected[:2]
		}
		if diff := advisorytest.Compare(records, want); diff != "" {
			t.Error(diff)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(answer))
	f.Fuzz(func(t *testing.T, data []byte) {
		records, err := collect(string(data))
		if err != nil && !errors.Is(err, rocky.ErrAnswer) {
			t.Fatalf("an error of another kind: %v", err)
		}
		for i := range records {
			if err := advisorytest.RoundTrip(&records[i]); err != nil {
				t.Fatalf("%+v: %v", records[i], err)
			}
		}
	})
}
