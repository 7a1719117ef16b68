package oval_test

import (
	"compress/bzip2"
	"compress/gzip"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"muster/internal/advisory"
	"muster/internal/advisory/advisorytest"
	"muster/internal/feed/oval"
	"muster/internal/testshared"
)

type parser func(io.Reader, func(*advisory.Advisory) error) error

func collect(parse parser, r io.Reader) (out []advisory.Advisory, err error) {
	err = parse(r, func(a *advisory.Advisory) error { out = append(out, *a); return nil })
	return out, err
}

// definitions has every kind of test, in nested criteria.
const definitions = `<?xml version="1.0"?>
<oval_definitions><generator/><definitions>
<definition id="d1" class="vulnerability"><metadata><title> CVE-2024-1 </title>
 <reference ref_id="SUSE CVE-2024-1" ref_url="https://www.suse.com/security/cve/CVE-2024-1" source="SUSE CVE"/>
 <advisory><issued date="2024-01-02"/><updated date="2024-02-03"/><severity>Important</severity>
  <cve cvss3="9.8/CVSS:3.1/AV:N" href="https://nvd.nist.gov/vuln/detail/CVE-2024-1">at NVD</cve><cve cvss3="7.5/CVSS:3.1/AV:L" href="https://www.suse.com/">at SUSE</cve></advisory></metadata>
 <criteria operator="OR">
  <criteria operator="AND">
   <criteria operator="OR"><criterion test_ref="sles" comment="SUSE Linux Enterprise Server 15 SP4 is installed"/><criterion test_ref="sles" comment="openSUSE Leap 15.4 is installed"/><criterion test_ref="sles" comment="Open Enterprise Server 24.4 is installed"/></criteria>
   <criteria operator="OR"><criterion test_ref="fixed" comment="a-1 is installed"/><criterion test_ref="never" comment="b is not affected"/><criterion test_ref="always" comment="c is affected"/></criteria>
  </criteria>
  <criteria operator="AND"><criterion test_ref="sles" comment="SUSE Linux Enterprise Server 15 SP3 is installed"/><criterion test_ref="always" comment="a is affected"/></criteria>
 </criteria></definition>
<definition id="d2" class="patch"><metadata><title>ELSA-2024-2: b (MODERATE)</title><reference source="elsa" ref_id="ELSA-2024-2" ref_url="https://linux.oracle.com/errata/ELSA-2024-2.html"/><reference source="CVE" ref_id="CVE-2024-2"/>
 <advisory><severity>MODERATE</severity></advisory></metadata>
 <criteria operator="AND"><criterion test_ref="ol" comment="Oracle Linux 8 is installed"/>
  <criteria operator="OR">
   <criteria operator="AND"><criterion test_ref="x86" comment="Oracle Linux arch is x86_64"/><criteria operator="AND"><criterion test_ref="module" comment="Module virt:kvm_utils is enabled"/>
     <criteria operator="OR"><criteria operator="AND"><criterion test_ref="fixed" comment="a is earlier"/><criterion test_ref="signed" comment="a is signed"/></criteria></criteria></criteria></criteria>
   <criteria operator="AND"><criterion test_ref="arm" comment="Oracle Linux arch is aarch64"/><criteria operator="AND"><criterion test_ref="module" comment="Module virt:kvm_utils is enabled"/>
     <criterion test_ref="fixed" comment="a is earlier"/></criteria><criterion test_ref="epoch" comment="b is earlier"/></criteria>
  </criteria></criteria></definition>
</definitions>
<tests>
 <rpminfo_test id="sles"><object object_ref="sles-release"/><state state_ref="version"/></rpminfo_test>
 <rpminfo_test id="ol"><object object_ref="oraclelinux-release"/><state state_ref="version"/></rpminfo_test>
 <rpminfo_test id="x86"><object object_ref="oraclelinux-release"/><state state_ref="x86_64"/></rpminfo_test>
 <rpminfo_test id="arm"><object object_ref="oraclelinux-release"/><state state_ref="aarch64"/></rpminfo_test>
 <rpminfo_test id="fixed"><object object_ref="a"/><state state_ref="below"/></rpminfo_test>
 <rpminfo_test id="epoch"><object object_ref="b"/><state state_ref="below-epoch"/></rpminfo_test>
 <rpminfo_test id="never"><object object_ref="b"/><state state_ref="zero"/></rpminfo_test>
 <rpminfo_test id="always"><object object_ref="c"/><state state_ref="above"/></rpminfo_test>
 <rpminfo_test id="signed"><object object_ref="a"/><state state_ref="key"/></rpminfo_test>
 <ind-def:textfilecontent54_test id="module" comment="Module virt:kvm_utils is enabled"><ind-def:object object_ref="x"/></ind-def:textfilecontent54_test>
</tests>
<objects><rpminfo_object id="sles-release"><name>sles-release</name></rpminfo_object><rpminfo_object id="oraclelinux-release"><name>oraclelinux-release</name></rpminfo_object>
 <rpminfo_object id="a"><name>a</name></rpminfo_object><rpminfo_object id="b"><name>b</name></rpminfo_object><rpminfo_object id="c"><name>c</name></rpminfo_object></objects>
<states><rpminfo_state id="version"><version operation="equals">15.4</version></rpminfo_state>
 <rpminfo_state id="x86_64"><arch operation="pattern match">x86_64</arch></rpminfo_state><rpminfo_state id="aarch64"><arch operation="pattern match">aarch64</arch></rpminfo_state>
 <rpminfo_state id="below"><arch operation="pattern match">(noarch|x86_64)</arch><evr operation="less than">0:1-1</evr></rpminfo_state><rpminfo_state id="below-epoch"><evr operation="less than">2:1-1</evr></rpminfo_state>
 <rpminfo_state id="above"><evr operation="greater than">0:0-0</evr></rpminfo_state><rpminfo_state id="zero"><version operation="equals">0</version></rpminfo_state>
 <rpminfo_state id="key"><signature_keyid operation="equals">66</signature_keyid></rpminfo_state></states>
</oval_definitions>`

func TestSUSE(t *testing.T) {
	records, err := collect(oval.ParseSUSE, strings.NewReader(definitions))
	if err != nil {
		t.Fatal(err)
	}
	if diff := advisorytest.Compare(records, `
		CVE-2024-1 CVSS:3.1/AV:L 2024-02-03
		    "SUSE:Linux Enterprise Server 15 SP4" a [0, 1-1) word=Important arches=noarch,x86_64
		    "openSUSE:Leap 15.4" a [0, 1-1) word=Important arches=noarch,x86_64
		    "SUSE:Linux Enterprise Server 15 SP4" b [0, *) status=not_affected word=Important
		    "openSUSE:Leap 15.4" b [0, *) status=not_affected word=Important
		    "SUSE:Linux Enterprise Server 15 SP4" c [0, *) word=Important
		    "openSUSE:Leap 15.4" c [0, *) word=Important
		    "SUSE:Linux Enterprise Server 15 SP3" c [0, *) word=Important
		`); diff != "" {
		t.Error(diff)
	}
}

func TestOracle(t *testing.T) {
	records, err := collect(oval.ParseOracle, strings.NewReader(definitions))
	if err != nil {
		t.Fatal(err)
	}
	if diff := advisorytest.Compare(records, `
		ELSA-2024-2 CVE-2024-2
		    "Oracle Linux:8" a [0, 1-1) module=virt:kvm_utils word=Moderate arches=noarch,x86_64
		    "Oracle Linux:8" b [0, 2:1-1) word=Moderate arches=aarch64
		`); diff != "" {
		t.Error(diff)
	}
}

func TestRefuses(t *testing.T) {
	deep := strings.Repeat(`<criteria operator="AND">`, 100)
	for text, why := range map[string]string{
		``: "EOF", `{}`: "EOF", `<html></html>`: "begins with <html>", `<oval_definitions><definitions><definition id="d">`: "EOF",
		`<oval_definitions><definition id="d"><metadata></x>`: "closed by", `<oval_definitions><definition id="d">` + deep: "nested deeper",
	} {
		for _, parse := range []parser{oval.ParseOracle, oval.ParseSUSE} {
			if _, err := collect(parse, strings.NewReader(text)); !errors.Is(err, oval.ErrDefinitions) || !strings.Contains(err.Error(), why) {
				t.Errorf("%.60s: %v", text, err)
			}
		}
	}
}

// TestPublished reads files as they were published. SUSE's samples lack the
// tests of most products: there the comments tell them.
func TestPublished(t *testing.T) {
	dir := filepath.Join(testshared.Dir(t), "advisories", "raw")
	for name, c := range map[string]struct{ records, entries, unaffected int }{
		"oracle-oval/com.oracle.elsa-all.xml.bz2":                       {2, 9, 0},
		"suse-oval/happy/opensuse.leap.15.2.xml.gz":                     {1, 1, 0},
		"suse-oval/happy/opensuse.tumbleweed.xml.gz":                    {1, 6, 0},
		"suse-oval/happy/suse.linux.enterprise.12-affected.xml.gz":      {1, 26, 26},
		"suse-oval/happy/suse.linux.enterprise.15-affected.xml.gz":      {1, 48, 48},
		"suse-oval/happy/suse.linux.enterprise.16-patch.xml.gz":         {1, 2, 0},
		"suse-oval/happy/suse.linux.enterprise.micro.5-affected.xml.gz": {2, 19, 7},
		"suse-oval/happy/suse.linux.enterprise.server.9.xml.gz":         {0, 0, 0},
		"suse-oval/happy/opensuse.12.1.xml.gz":                          {0, 0, 0},
	} {
		f, err := os.Open(filepath.Join(dir, filepath.FromSlash(name)))
		if err != nil {
			t.Fatal(err)
		}
		parse, r := parser(oval.ParseOracle), io.Reader(bzip2.NewReader(f))
		if strings.HasSuffix(name, ".gz") {
			parse = oval.ParseSUSE
			if r, err = gzip.NewReader(f); err != nil {
				t.Fatal(err)
			}
		}
		records, err := collect(parse, r)
		_ = f.Close()
		entries, unaffected := 0, 0
		for _, a := range records {
			entries += len(a.Affected)
			for _, e := range a.Affected {
				if e.Status == advisory.StatusNotAffected {
					unaffected++
				}
			}
		}
		if err != nil || len(records) != c.records || entries != c.entries || unaffected != c.unaffected {
			t.Errorf("%s: %d records, %d entries, %d not affected, %v\n%.1500s", name, len(records), entries, unaffected, err, advisorytest.Text(records))
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(definitions))
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, parse := range []parser{oval.ParseOracle, oval.ParseSUSE} {
			records, err := collect(parse, strings.NewReader(string(data)))
			if err != nil && !errors.Is(err, oval.ErrDefinitions) {
				t.Fatalf("an error of another kind: %v", err)
			}
			for i := range records {
				if err := advisorytest.RoundTrip(&records[i]); err != nil {
					t.Fatalf("%+v: %v", records[i], err)
				}
			}
		}
	})
}
