package osrelease

import (
	"errors"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"muster/internal/inventory"
)

func TestSystems(t *testing.T) {
	tests := []struct{ file, ecosystem, platform string }{
		{"ID=debian\nVERSION_ID=\"12\"", "Debian:12", "DEBIAN_12"},
		{"ID=debian\nVERSION_CODENAME=trixie", "Debian:13", "DEBIAN_13"},
		{"ID=debian", "", "DEBIAN"},
		{"ID=ubuntu\nVERSION_ID='22.04'", "Ubuntu:22.04:LTS", "UBUNTU_22_04"},
		{"ID=ubuntu\nVERSION_ID=23.10", "Ubuntu:23.10", "UBUNTU_23_10"},
		{"ID=ubuntu\nVERSION_ID=25.04", "Ubuntu:25.04", "UBUNTU_25_04"},
		{"ID=alpine\nVERSION_ID=3.19.1", "Alpine:v3.19", "ALPINE_LINUX_3_19"},
		{"ID=alpine\nVERSION_ID=3.20_alpha20240329", "Alpine:v3.20", "ALPINE_LINUX_3_20"},
		{"ID=\"almalinux\"\nVERSION_ID=\"9.4\"", "AlmaLinux:9", "ALMALINUX_9"},
		{"ID=\"rocky\"\nVERSION_ID=\"8.10\"", "Rocky Linux:8", "ROCKY_LINUX_8"},
		{"ID=rhel\nVERSION_ID=8.0\nCPE_NAME=\"cpe:/o:redhat:enterprise_linux:8::baseos\"", "Red Hat:enterprise_linux:8::baseos", "RHEL_8"},
		{"ID=rhel\nVERSION_ID=9.4", "Red Hat:enterprise_linux:9::baseos", "RHEL_9"},
		{"ID=wolfi\nVERSION_ID=20230201", "Wolfi", "WOLFI"},
		{"ID=amzn\nVERSION_ID=2018.03", "Amazon Linux:1", "AMAZON_LINUX"},
		{"ID=\"amzn\"\nVERSION_ID=\"2\"", "Amazon Linux:2", "AMAZON_LINUX_2"},
		{"ID=amzn\nVERSION_ID=2022", "Amazon Linux:2022", "AMAZON_LINUX_2022"},
		{"ID=amzn\nVERSION_ID=2023", "Amazon Linux:2023", "AMAZON_LINUX_2023"},
		{"ID=centos\nVERSION_ID=7\nPRETTY_NAME=\"CentOS Linux 7 (Core)\"", "Red Hat:enterprise_linux:7::baseos", "CENTOS_7"},
		{"ID=centos\nVERSION_ID=9\nPRETTY_NAME=\"CentOS Stream 9\"", "", "CENTOS_9"},
		{"ID=fedora\nVERSION_ID=40", "", "FEDORA_40"},
		{"ID=rhcos\nVERSION_ID=4.16\nCPE_NAME=cpe:/o:redhat:enterprise_linux:9::coreos", "Red Hat:enterprise_linux:9::coreos", "RHCOS_4_16"},
		{"ID=sl-micro\nVERSION_ID=6.0\nPRETTY_NAME=\"SUSE Linux Micro 6.0\"", "SUSE:Linux Micro 6.0", "SL_MICRO_6_0"},
		{"ID=sles\nVERSION_ID=15.5\nPRETTY_NAME=\"SUSE Linux Enterprise Server 15 SP5\"", "SUSE:Linux Enterprise Server 15 SP5", "SLES_15_5"},
		{"ID=opensuse-leap\nVERSION_ID=15.6", "openSUSE:Leap 15.6", "OPENSUSE_LEAP_15_6"},
		{"ID=opensuse-tumbleweed\nVERSION_ID=", "openSUSE:Tumbleweed", "OPENSUSE_TUMBLEWEED"},
		{"ID=openEuler\nVERSION_ID=24.03\nPRETTY_NAME=\"openEuler 24.03 (LTS)\"", "openEuler:24.03-LTS", "OPENEULER_24_03"},
		{"ID=azurelinux\nVERSION_ID=3.0", "Azure Linux:3", "AZURE_LINUX_3"},
		{"ID=mariner\nVERSION_ID=2.0.20240101", "Azure Linux:2", "AZURE_LINUX_2"},
		{"ID=ol\nVERSION_ID=9.3", "Oracle Linux:9", "ORACLE_LINUX_9"},
		{"ID=photon\nVERSION_ID=5.0", "Photon OS:5.0", "PHOTON_5_0"},
		// hardened and container families
		{"ID=chainguard\nVERSION_ID=20230214", "Chainguard", "CHAINGUARD"},
		{"ID=minimos\nVERSION_ID=20241031", "MinimOS", "MINIMOS"},
		{"ID=echo\nVERSION_ID=1", "Echo", "ECHO"},
		{"ID=alpaquita\nVERSION_ID=23", "Alpaquita:23", "ALPAQUITA_23"},
		{"ID=alpaquita\nVERSION_ID=stream", "Alpaquita:stream", "ALPAQUITA_STREAM"},
		{"ID=bottlerocket\nVERSION_ID=1.19.0", "Bottlerocket", "BOTTLEROCKET_1_19_0"},
		{"NAME=\"Debian GNU/Linux\"\nID=\"debian\"\nVERSION_ID=\"12\"\nPRETTY_NAME=\"Distroless\"", "Debian:12", "DEBIAN_12"},
		{"ID=slackware\nVERSION_ID=15.0", "", "SLACKWARE_15_0"},
		{"", "", ""},
	}
	for _, tt := range tests {
		o := System(Parse([]byte(tt.file)))
		if o.Ecosystem != tt.ecosystem || o.Platform != tt.platform {
			t.Errorf("%q: %q, %q; want %q, %q", tt.file, o.Ecosystem, o.Platform, tt.ecosystem, tt.platform)
		}
	}
}

func TestParse(t *testing.T) {
	fields := Parse([]byte("# comment\nNAME=\"A \\\"B\\\" \\$C\"\nONE='x y'\n\nnonsense\nTWO=plain\r\nEMPTY=\nLONG=" + strings.Repeat("x", 999) + "\nBAD=a\x00\xffb"))
	for key, want := range map[string]string{"NAME": `A "B" $C`, "ONE": "x y", "TWO": "plain", "EMPTY": "", "LONG": strings.Repeat("x", 128), "BAD": "ab"} {
		if fields[key] != want {
			t.Errorf("%s is %q, want %q", key, fields[key], want)
		}
	}
}

func TestReadPrefersEtc(t *testing.T) {
	fsys := fstest.MapFS{"usr/lib/os-release": {Data: []byte("ID=debian\nVERSION_ID=11\n")}}
	if o, err := Read(fsys); err != nil || o.Ecosystem != "Debian:11" {
		t.Errorf("usr/lib only: %+v, %v", o, err)
	}
	fsys["etc/os-release"] = &fstest.MapFile{Data: []byte("ID=debian\nVERSION_ID=12\n")}
	if o, err := Read(fsys); err != nil || o.Ecosystem != "Debian:12" {
		t.Errorf("both: %+v, %v", o, err)
	}
	if _, err := Read(fstest.MapFS{}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("neither: %v", err)
	}
	fsys["etc/os-release"] = &fstest.MapFile{Data: make([]byte, maxFile+1)}
	if _, err := Read(fsys); err == nil {
		t.Error("a huge file is accepted")
	}
}

func TestReadOlderReleases(t *testing.T) {
	for name, want := range map[string][2]string{
		"CentOS release 6.10 (Final)\n":                                    {"Red Hat:enterprise_linux:6::baseos", "CENTOS_6"},
		"Red Hat Enterprise Linux Server release 6.10 (Santiago)":          {"Red Hat:enterprise_linux:6::baseos", "RHEL_6"},
		"Oracle Linux Server release 6.10":                                 {"Oracle Linux:6", "ORACLE_LINUX_6"},
		"Fedora release 20 (Heisenbug)":                                    {"", "FEDORA_20"},
		"Scientific Linux release 6.4 (Carbon)":                            {"", "SCIENTIFIC_6_4"},
		"Derived from Red Hat Enterprise Linux 7.1 (Source)\nnothing more": {},
		"Unknown release 1.0":                                              {},
	} {
		o, err := Read(fstest.MapFS{"etc/redhat-release": {Data: []byte(name)}})
		if o.Ecosystem != want[0] || o.Platform != want[1] || (err == nil) != (want[1] != "") {
			t.Errorf("%s: %+v, %v", name, o, err)
		}
	}
}

func TestReadReleaseNumbers(t *testing.T) {
	for _, c := range [][3]string{
		{"etc/alpine-release", "3.18.2\n", "Alpine:v3.18"},
		{"etc/alpine-release", "3.20.0_alpha20231219\n", "Alpine:v3.20"},
		{"etc/debian_version", "10.4\n", "Debian:10"},
		{"etc/debian_version", "bookworm/sid\n", ""},
	} {
		o, err := Read(fstest.MapFS{c[0]: {Data: []byte(c[1])}})
		if o.Ecosystem != c[2] || (err == nil) != (c[2] != "") {
			t.Errorf("%s %q: %+v, %v", c[0], c[1], o, err)
		}
	}
}

// FuzzSystem: whatever the file says, the result is fit for an inventory.
func FuzzSystem(f *testing.F) {
	f.Add([]byte("ID=debian\nVERSION_ID=\"12\"\nPRETTY_NAME=\"Debian\""))
	f.Add([]byte("ID=rhel\nCPE_NAME=cpe:/o:redhat:x\nVERSION_ID=."))
	f.Add([]byte("ID=openEuler\nVERSION_ID=1\nPRETTY_NAME=("))
	f.Fuzz(func(t *testing.T, data []byte) {
		inv := inventory.Inventory{OS: System(Parse(data))}
		systems := []inventory.OS{inv.OS}
		for _, file := range older() {
			if fields := parseOlder(file, string(data)); fields != nil {
				systems = append(systems, System(fields))
			}
		}
		for _, inv.OS = range systems {
			if bad := inv.Violations(inventory.DefaultLimits(), 9); bad != nil {
				t.Errorf("%q gives %v", data, bad)
			}
		}
	})
}
