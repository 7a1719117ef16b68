package amazon_test

import (
	"compress/gzip"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"muster/internal/advisory"
	"muster/internal/advisory/advisorytest"
	"muster/internal/feed/amazon"
	"muster/internal/testshared"
)

func collect(r io.Reader) (out []advisory.Advisory, err error) {
	err = amazon.Parse(r, func(a *advisory.Advisory) error { out = append(out, *a); return nil })
	return out, err
}

const updates = `<?xml version="1.0"?>
<updates>
 <update type="security"><id>ALAS2-2024-1</id><title>t</title><issued date="2024-01-02 03:04"/><updated date="2024-02-03 04:05:06"/><severity>medium</severity>
  <references><reference type="cve" id="CVE-2024-1"/><reference type="cve" id="CVE-2024-1"/><reference type="redhat" id="RHSA-2024:1"/></references>
  <pkglist><collection short="amazon-linux-2"><name>x</name>
   <package name="vim" epoch="2" version="9" release="1.amzn2" arch="x86_64"/><package name="vim" epoch="2" version="9" release="1.amzn2" arch="aarch64"/>
   <package name="vim" epoch="2" version="9" release="1.amzn2" arch="src"/><package name="vim-debuginfo" epoch="2" version="9" release="1.amzn2" arch="x86_64"/>
   <package name="vim-data" epoch="0" version="9" release="1.amzn2" arch="noarch"/></collection>
   <collection short="amazon-linux-2---docker"><package name="docker" epoch="0" version="25" release="1.amzn2" arch="x86_64"/></collection></pkglist></update>
 <update type="bugfix"><id>ALAS2-2024-2</id><pkglist><collection short="amazon-linux-2"><package name="a" version="1" release="1" arch="noarch"/></collection></pkglist></update>
 <update type="security"><id>FEDORA-2024-1</id><pkglist><collection short="fedora-40"><package name="a" version="1" release="1" arch="noarch"/></collection></pkglist></update>
 <update type="security"><id>ALAS2023-2024-3</id><severity>Critical</severity><references/>
  <pkglist><collection short="amazon-linux-2023---nvidia"><module name="m" stream="1" version="2" context="3" arch="x86_64"/><package name="a" version="1" release="1" arch="noarch"/></collection></pkglist></update>
</updates>`

func TestParse(t *testing.T) {
	records, err := collect(strings.NewReader(updates))
	if err != nil {
		t.Fatal(err)
	}
	if diff := advisorytest.Compare(records, `
		ALAS2-2024-1 CVE-2024-1 2024-02-03
		    "Amazon Linux:2" vim [0, 2:9-1.amzn2) word=Medium arches=aarch64,x86_64
		    "Amazon Linux:2" vim-data [0, 9-1.amzn2) word=Medium arches=noarch
		    "Amazon Linux:2:docker" docker [0, 25-1.amzn2) word=Medium arches=x86_64
		ALAS2023-2024-3
		    "Amazon Linux:2023" a [0, 1-1) module=m:1 word=Critical arches=noarch
		`); diff != "" {
		t.Error(diff)
	}
	if url := records[0].References[0].URL; url != "https://alas.aws.amazon.com/AL2/ALAS-2024-1.html" {
		t.Error(url)
	}
}

func TestRefuses(t *testing.T) {
	for text, why := range map[string]string{
		``:                                  "EOF",
		`{}`:                                "EOF",
		`<html></html>`:                     "begins with <html>",
		`<updates><other/></updates>`:       "unexpected <other>",
		`<updates><update type="security">`: "EOF",
		`<updates><update type="security"></update></updates>`:                                           `id ""`,
		`<updates><update type="security"><id>../x</id></update></updates>`:                              `id "../x"`,
		`<updates><update type="security"><id>A-1</id><issued date="yesterday"/></update></updates>`:     "yesterday",
		`<updates><!DOCTYPE x [<!ENTITY a "b">]><update type="security"><id>&a;</id></update></updates>`: "entity",
	} {
		if _, err := collect(strings.NewReader(text)); !errors.Is(err, amazon.ErrUpdates) || !strings.Contains(err.Error(), why) {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// TestPublished reads what Amazon published for each of its distributions.
func TestPublished(t *testing.T) {
	dir := filepath.Join(testshared.Dir(t), "advisories", "raw", "amazon")
	for name, want := range map[string]string{
		"1":                     "ALAS-2011-1 Amazon Linux:1 httpd-devel 1",
		"2":                     "ALAS2-2018-939 Amazon Linux:2 kernel 1",
		"2022":                  "",
		"2023":                  "ALAS2023-2023-001 Amazon Linux:2023 rsyslog 11",
		"2023_kernel-livepatch": "ALAS2023LIVEPATCH-2023-001 Amazon Linux:2023 kernel-livepatch-6.1.12-19.43 1",
		"2023_nvidia":           "ALAS2023NVIDIA-2025-001 Amazon Linux:2023 libnvidia-container-devel 5",
		"2_kernel-5.15":         "ALAS2KERNEL-5.15-2022-001 Amazon Linux:2:kernel-5.15 bpftool 9",
	} {
		f, err := os.Open(filepath.Join(dir, "updateinfo_"+name+".xml.gz"))
		if err != nil {
			t.Fatal(err)
		}
		z, err := gzip.NewReader(f)
		if err != nil {
			t.Fatal(err)
		}
		records, err := collect(z)
		_ = f.Close()
		got := ""
		for _, a := range records {
			got += a.ID + " " + a.Affected[0].Ecosystem + " " + a.Affected[0].Name + " " + string(rune('0'+len(a.Affected)/10)) + string(rune('0'+len(a.Affected)%10))
		}
		if err != nil || strings.ReplaceAll(got, " 0", " ") != want {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(updates))
	f.Fuzz(func(t *testing.T, data []byte) {
		records, err := collect(strings.NewReader(string(data)))
		if err != nil && !errors.Is(err, amazon.ErrUpdates) {
			t.Fatalf("an error of another kind: %v", err)
		}
		for i := range records {
			if err := advisorytest.RoundTrip(&records[i]); err != nil {
				t.Fatalf("%+v: %v", records[i], err)
			}
		}
	})
}
