package compile_test

import (
	"archive/zip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"muster/internal/advisorydb"
	"muster/internal/feed"
	"muster/internal/feed/layout"
	"muster/internal/inventory"
	"muster/internal/match"
	"muster/internal/refresh/compile"
	"muster/internal/testshared"
)

// place copies published samples into a feeds folder; several into an archive.
func place(t *testing.T, folder, name string, samples ...string) {
	t.Helper()
	raw := filepath.Join(testshared.Dir(t), "advisories", "raw")
	path := filepath.Join(folder, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	out, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	z := zip.NewWriter(out)
	for _, sample := range samples {
		data, err := os.ReadFile(filepath.Join(raw, filepath.FromSlash(sample)))
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasSuffix(name, ".zip") {
			_, err = out.Write(data)
		} else if w, createErr := z.Create(filepath.Base(sample)); createErr != nil {
			err = createErr
		} else {
			_, err = w.Write(data)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if strings.HasSuffix(name, ".zip") {
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
}

// rpmFamily is a set of what the publishers of the rpm family publish.
func rpmFamily(t *testing.T) *advisorydb.Set {
	t.Helper()
	folder, dir := t.TempDir(), t.TempDir()
	place(t, folder, layout.RedHatVEX, "redhat-vex/cve-2023-4154.json", "redhat-vex/cve-2024-24786-illegal-module.json", "redhat-vex/delete_CVE-2023-0030.json")
	place(t, folder, layout.RedHatAdvisories, "redhat-csaf/rhsa-2024_0811.json", "redhat-csaf/2025/rhsa-2025_23414.json")
	place(t, folder, layout.Amazon("1", "core"), "amazon/updateinfo_1.xml.gz")
	place(t, folder, layout.Amazon("2", "core"), "amazon/updateinfo_2.xml.gz")
	place(t, folder, layout.Amazon("2", "kernel-5.15"), "amazon/updateinfo_2_kernel-5.15.xml.gz")
	place(t, folder, layout.Amazon("2023", "core"), "amazon/updateinfo_2023.xml.gz")
	place(t, folder, layout.Amazon("2023", "nvidia"), "amazon/updateinfo_2023_nvidia.xml.gz")
	place(t, folder, layout.RockyErrata, "rocky-errata/happy/page1.json", "rocky-errata/happy/page2.json")
	place(t, folder, layout.OracleOVAL, "oracle-oval/com.oracle.elsa-all.xml.bz2")
	place(t, folder, layout.Photon("5.0"), "photon/happy/cve_data_photon5.0.json")
	place(t, folder, layout.Photon("4.0"), "photon/happy/cve_data_photon4.0.json")
	place(t, folder, layout.SUSE("suse.linux.enterprise.micro.5-affected.xml.gz"), "suse-oval/happy/suse.linux.enterprise.micro.5-affected.xml.gz")
	place(t, folder, layout.SUSE("opensuse.leap.15.2.xml.gz"), "suse-oval/happy/opensuse.leap.15.2.xml.gz")
	mirror, err := feed.Open(folder, feed.Options{Temp: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	var files []advisorydb.Info
	for name, source := range compile.Published() {
		switch source.Ecosystem {
		case "Red Hat", "Amazon Linux", "Rocky Linux", "Oracle Linux", "Photon OS", "SUSE", "openSUSE":
			files = append(files, compiled(t, mirror, name, source, dir))
		}
	}
	set, err := advisorydb.OpenFiles(dir, files)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(set.Close)
	return set
}

func compiled(t *testing.T, mirror *feed.Mirror, name string, source compile.Source, dir string) advisorydb.Info {
	t.Helper()
	fetched, err := source.Fetch(t.Context(), mirror, name, feed.Validator{})
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	sum, err := source.CompileFiles(t.Context(), fetched, filepath.Join(dir, source.File()))
	if err != nil || sum.Records == 0 {
		t.Fatalf("%s: %+v, %v", name, sum, err)
	}
	stat, err := os.Stat(filepath.Join(dir, source.File()))
	if err != nil {
		t.Fatal(err)
	}
	return advisorydb.Info{Kind: source.Kind, Ecosystem: source.Ecosystem, Feed: source.Feed(), File: source.File(), Size: stat.Size()}
}

// TestRPMFamily matches packages against what their publishers published, from
// the files to the finding.
func TestRPMFamily(t *testing.T) {
	set := rpmFamily(t)
	for _, c := range []struct {
		component inventory.Component
		want      string
	}{
		{inventory.Component{Ecosystem: "Red Hat:enterprise_linux:9::baseos", Name: "sudo", Version: "1.9.5p2-9.el9", Arch: "x86_64"},
			"CVE-2023-28486 fixed 1.9.5p2-10.el9_3, CVE-2023-28487 fixed 1.9.5p2-10.el9_3, CVE-2023-42465 fixed 1.9.5p2-10.el9_3"},
		{inventory.Component{Ecosystem: "Red Hat:enterprise_linux:9::baseos", Name: "sudo", Version: "1.9.5p2-9.el9_2.2", Arch: "x86_64"}, ""}, // has extended support's fix
		{inventory.Component{Ecosystem: "Red Hat:enterprise_linux:8::baseos", Name: "sudo", Version: "1.9.5p2-1.el8_9", Arch: "x86_64"}, ""},
		{inventory.Component{Ecosystem: "Red Hat:enterprise_linux:8::baseos", Name: "go-toolset", Version: "1.20-1.module+el8.9.0+1+1", Module: "go-toolset:rhel8", Arch: "x86_64"}, "CVE-2024-24786 unfixed "},
		{inventory.Component{Ecosystem: "Red Hat:enterprise_linux:6::baseos", Name: "bind-libs", Version: "32:9.8.2-0.68.rc1.el6_10.1", Arch: "x86_64"}, "CVE-2021-25220 subscription , CVE-2025-40778 subscription "},
		{inventory.Component{Ecosystem: "Amazon Linux:1", Name: "httpd-devel", Version: "2.2.21-1.17.amzn1", Arch: "i686"}, "CVE-2011-3192 fixed 2.2.21-1.18.amzn1"},
		{inventory.Component{Ecosystem: "Amazon Linux:2023", Name: "rsyslog", Version: "8.2204.0-3.amzn2023.0.1", Arch: "aarch64"},
			"CVE-2014-3634 fixed 8.2204.0-3.amzn2023.0.2, CVE-2022-24903 fixed 8.2204.0-3.amzn2023.0.2"},
		{inventory.Component{Ecosystem: "Amazon Linux:2023", Name: "libnvidia-container1", Version: "1.17.3-1", Arch: "x86_64"}, "CVE-2025-23359 fixed 1.17.4-1"},
		{inventory.Component{Ecosystem: "Amazon Linux:2", Name: "bpftool", Version: "5.15.42-1.amzn2", Source: "kernel", SourceVersion: "5.15.42-1.amzn2", Arch: "x86_64"}, "13 of ALAS2KERNEL-5.15-2022-001"},
		{inventory.Component{Ecosystem: "Amazon Linux:2", Name: "bpftool", Version: "4.14.42-1.amzn2", Source: "kernel", SourceVersion: "4.14.42-1.amzn2", Arch: "x86_64"}, ""},
		{inventory.Component{Ecosystem: "Rocky Linux:10", Name: "delve", Version: "1.25.1-1.el10_1", Arch: "x86_64"}, "CVE-2025-58183 fixed 1.25.2-1.el10_1"},
		{inventory.Component{Ecosystem: "Rocky Linux:10", Name: "golang-bin", Version: "1.25.2-1.el10_1", Source: "golang", SourceVersion: "1.25.2-1.el10_1", Arch: "x86_64"}, "CVE-2025-58183 fixed 1.25.3-1.el10_1"},
		{inventory.Component{Ecosystem: "Oracle Linux:5", Name: "bind-libs", Version: "30:9.3.3-7.el5", Arch: "i386"}, "CVE-2007-0493 fixed 30:9.3.3-8.el5, CVE-2007-0494 fixed 30:9.3.3-8.el5"},
		{inventory.Component{Ecosystem: "Photon OS:4.0", Name: "curl-libs", Version: "8.15.0-1.ph4", Arch: "x86_64"}, "CVE-2025-9086 fixed 8.16.0-1.ph4"},
		{inventory.Component{Ecosystem: "SUSE:Linux Enterprise Micro 5.1", Name: "vim-small", Version: "8.0.1568-5.13.1", Arch: "x86_64"}, "CVE-2009-0316 fixed 8.0.1568-5.14.1"},
		{inventory.Component{Ecosystem: "openSUSE:Leap 15.2", Name: "fastjar", Version: "0.98-lp152.4.2.1", Arch: "x86_64"}, "CVE-2010-2322 fixed 0.98-lp152.4.3.1"},
	} {
		matches, err := match.Component(c.component, set)
		if err != nil {
			t.Fatal(err)
		}
		var parts []string
		for _, m := range matches {
			parts = append(parts, m.VulnerabilityID+" "+string(m.State)+" "+m.FixedVersion)
		}
		got := strings.Join(parts, ", ")
		if len(matches) > 5 {
			got = strconv.Itoa(len(matches)) + " of " + matches[0].Evidence[0].Advisory
		}
		if got != c.want {
			t.Errorf("%s %s %s:\n got %q\nwant %q", c.component.Ecosystem, c.component.Name, c.component.Version, got, c.want)
		}
	}
}
