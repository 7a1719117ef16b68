package finding

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"muster/internal/arn"
	"muster/internal/inventory"
)

func dpkg(name, version, fixed string) Affected {
	a := Affected{VulnerabilityID: "CVE-2024-0001", Source: "UBUNTU_CVE", VendorSeverity: "medium", FixedVersion: fixed, Related: []string{"USN-7000-1", "CVE-2024-0001"}}
	a.Item.Component = inventory.Component{Ecosystem: "Ubuntu:24.04:LTS", Name: name, Version: version, Arch: "amd64", Manager: inventory.ManagerOS}
	return a
}

func TestOneFindingForAllPackages(t *testing.T) {
	language := Affected{VulnerabilityID: "CVE-2024-0001", Source: "GITHUB", Related: []string{"GHSA-x"}}
	language.Item = inventory.Item{Component: inventory.Component{Ecosystem: "PyPI", Name: "foo", Version: "1.0", Manager: inventory.ManagerPythonPkg}, Path: "lib/foo/METADATA"}
	headers := dpkg("linux-libc-dev", "6.1-1", "6.2-1")
	headers.Item.Role = inventory.RoleKernelHeaders
	drafts := FromPackages([]Affected{language, dpkg("libfoo-dev", "3.0.13-0ubuntu3.1", "3.0.13-0ubuntu3.4"), headers, dpkg("libfoo", "3.0.13-0ubuntu3.1", "3.0.13-0ubuntu3.4")},
		func(string) Intel { return Intel{Description: " Foo overflows. ", KEV: &KEV{}} })
	if len(drafts) != 1 {
		t.Fatalf("%d drafts", len(drafts))
	}
	d := drafts[0]
	if d.Title != "CVE-2024-0001 - foo, libfoo, libfoo-dev" || d.Description != "Foo overflows." || d.Fix != Partial || d.Exploit != Yes || d.Severity != Medium {
		t.Errorf("draft %+v", d)
	}
	p := d.Package
	if p.Source != "UBUNTU_CVE" || p.SourceURL != "https://ubuntu.com/security/CVE-2024-0001" || !slices.Equal(p.Related, []string{"GHSA-x", "USN-7000-1"}) {
		t.Errorf("details %+v", p)
	}
	want := Package{Name: "libfoo", Version: "3.0.13", Release: "0ubuntu3.1", Arch: "X86_64", Manager: "OS",
		FixedIn: "0:3.0.13-0ubuntu3.4", Remediation: "apt-get update && apt-get upgrade"}
	if !p.Packages[0].looksLike(want) {
		t.Errorf("first package %+v", p.Packages[0])
	}
	if got := p.Packages[2]; got.FixedIn != NotAvailable || got.Path != "lib/foo/METADATA" || got.Version != "1.0" {
		t.Errorf("language package %+v", got)
	}
}

func TestFixesOfPaidChannelsAreNoFixButANote(t *testing.T) {
	paid := dpkg("foo", "1", "")
	paid.SubscriptionFix = "1+esm1"
	d := FromPackages([]Affected{paid}, func(string) Intel { return Intel{} })[0]
	if p := d.Package.Packages[0]; d.Fix != No || p.FixedIn != NotAvailable || p.Remediation != "available with Ubuntu Pro: 1+esm1 (pro attach)" {
		t.Errorf("%s, %+v", d.Fix, p)
	}
}

func TestRejectedVulnerabilitiesMakeNoFindings(t *testing.T) {
	drafts := FromPackages([]Affected{dpkg("foo", "1", "2")}, func(string) Intel { return Intel{Rejected: true} })
	if len(drafts) != 0 {
		t.Errorf("%+v", drafts)
	}
}

func TestVersionsAsInspectorShowsThem(t *testing.T) {
	for _, tc := range []struct {
		ecosystem, installed, fixed string
		epoch                       int32
		version, release, fixedIn   string
	}{
		{"Debian:12", "1:2.3-rc1-4+b1", "1:2.3-rc1-5", 1, "2.3-rc1", "4+b1", "1:2.3-rc1-5"},
		{"Debian:12", "20230101", "20240101", 0, "20230101", "", "0:20240101"},
		{"Alpine:v3.18", "3.1.4-r0", "3.1.4-r4", 0, "3.1.4", "r0", "3.1.4-r4"},
		{"AlmaLinux:9", "3.0.7-27.el9", "1:3.0.7-28.el9", 0, "3.0.7", "27.el9", "1:3.0.7-28.el9"},
	} {
		a := dpkg("x", tc.installed, tc.fixed)
		a.Item.Ecosystem = tc.ecosystem
		p := newPackage(a)
		if p.Epoch != tc.epoch || p.Version != tc.version || p.Release != tc.release || p.FixedIn != tc.fixedIn {
			t.Errorf("%s: %+v", tc.installed, p)
		}
	}
}

func TestTextsFitTheInterface(t *testing.T) {
	var many []Affected
	for i := range 200 {
		many = append(many, dpkg("package-"+strings.Repeat("ä", 10)+string(rune('a'+i%26))+strings.Repeat("x", i/26), "1", ""))
	}
	d := FromPackages(many, func(string) Intel { return Intel{Description: strings.Repeat("é", 3000)} })[0]
	if n := utf8.RuneCountInString(d.Title); n != maxText || !utf8.ValidString(d.Title) {
		t.Errorf("title of %d characters", n)
	}
	if n := utf8.RuneCountInString(d.Description); n != maxText {
		t.Errorf("description of %d characters", n)
	}
	if got := description("CVE-1", "  "); got == "" {
		t.Error("an empty description is not allowed")
	}
}

func TestARN(t *testing.T) {
	d := FromPackages([]Affected{dpkg("libfoo", "1", "")}, func(string) Intel { return Intel{} })[0]
	id := ID("111122223333", "us-east-1", "i-1", &d.Content)
	a := ARN("111122223333", "us-east-1", id)
	account, region, back, ok := ParseARN(a)
	if !ok || account != "111122223333" || region != "us-east-1" || back != id || len(id) != IDLength {
		t.Errorf("%s: %s %s %s %v", a, account, region, back, ok)
	}
	for _, bad := range []string{"", "arn:aws:inspector2:us-east-1:111122223333:finding/xyz", "arn:aws:inspector2:us-east-1:1111:finding/" + id, "arn:aws:ec2:us-east-1:111122223333:finding/" + id, string(a) + "0"} {
		if _, _, _, ok := ParseARN(arn.ARN(bad)); ok {
			t.Errorf("%q counts as an ARN", bad)
		}
	}
	for _, other := range []string{ID("111122223334", "us-east-1", "i-1", &d.Content), ID("111122223333", "us-east-2", "i-1", &d.Content), ID("111122223333", "us-east-1", "i-2", &d.Content)} {
		if other == id {
			t.Error("the id does not depend on account, Region and resource")
		}
	}
}
