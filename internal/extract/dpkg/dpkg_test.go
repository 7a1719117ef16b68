package dpkg

import (
	"bufio"
	"bytes"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"pgregory.net/rapid"

	"muster/internal/extract/bounded"
	"muster/internal/extract/kernel"
	"muster/internal/inventory"
	"muster/internal/testshared"
)

func bookworm() inventory.OS { return inventory.OS{ID: "debian", Ecosystem: "Debian:12"} }

func statusFS(text string) fstest.MapFS {
	return fstest.MapFS{StatusFile: {Data: []byte(text)}}
}

func TestRead(t *testing.T) {
	const status = `Package: bash
Status: install ok installed
Architecture: amd64
Version: 5.2.15-2+b8
Source: bash (5.2.15-2)
Description: shell
 Package: not-a-package
 .
Maintainer: Matthias Klose <doko@debian.org>

Package: removed
Status: deinstall ok config-files
Version: 1

Package: unpacked
Status: install ok unpacked
Version: 1:2.0-1
Architecture: all
Source: origin
   
Package: linux-headers-6.1.0-18-amd64
Status: install ok installed
Version: 6.1.76-1
Source: linux

Package: nodejs
Status: install ok installed
Version: 20.20.2-1nodesource1

Package: no-version
Status: install ok installed

nonsense without a colon
Package: last
Version: 3`
	items, err := Read(statusFS(status), bookworm(), kernel.Running{})
	if err != nil {
		t.Fatal(err)
	}
	os := func(name, version, arch, source, sourceVersion string, role inventory.Role) inventory.Item {
		return inventory.Item{Component: inventory.Component{Ecosystem: "Debian:12", Name: name, Version: version, Arch: arch,
			Source: source, SourceVersion: sourceVersion, Manager: inventory.ManagerOS}, Role: role}
	}
	want := []inventory.Item{
		os("bash", "5.2.15-2+b8", "amd64", "bash", "5.2.15-2", ""),
		os("unpacked", "1:2.0-1", "all", "origin", "1:2.0-1", ""),
		os("linux-headers-6.1.0-18-amd64", "6.1.76-1", "", "linux", "6.1.76-1", inventory.RoleKernelHeaders),
		os("nodejs", "20.20.2-1nodesource1", "", "nodejs", "20.20.2-1nodesource1", inventory.RoleThirdParty),
		os("last", "3", "", "last", "3", ""),
	}
	if len(items) != len(want) {
		t.Fatalf("%d packages, want %d: %v", len(items), len(want), items)
	}
	for i := range want {
		if items[i] != want[i] {
			t.Errorf("got  %+v\nwant %+v", items[i], want[i])
		}
	}
}

func TestDistrolessDatabase(t *testing.T) {
	fsys := fstest.MapFS{
		StatusFolder + "/base":         {Data: []byte("Package: base-files\nVersion: 12.4\n")},
		StatusFolder + "/base.md5sums": {Data: []byte("Package: not-this\nVersion: 1\n")},
		StatusFolder + "/tzdata":       {Data: []byte("Package: tzdata\nVersion: 2024a-0\n")},
	}
	items, err := Read(fsys, bookworm(), kernel.Running{})
	if err != nil || len(items) != 2 || items[1].Name != "tzdata" {
		t.Errorf("%v, %v", items, err)
	}
}

func TestAbsentAndBrokenDatabases(t *testing.T) {
	if _, err := Read(fstest.MapFS{}, bookworm(), kernel.Running{}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no database: %v", err)
	}
	huge := "Package: good\nVersion: 1\n\nPackage: bad\n" + strings.Repeat(" x\n", maxStanza)
	items, err := Read(statusFS(huge), bookworm(), kernel.Running{})
	if err == nil || len(items) != 1 {
		t.Errorf("huge stanza: %d packages, %v", len(items), err)
	}
}

func TestOwners(t *testing.T) {
	fsys := fstest.MapFS{
		infoFolder + "/python3-requests.list": {Data: []byte("/.\n/usr\n/usr/lib/python3/dist-packages/requests-2.28.1.egg-info/PKG-INFO\n")},
		infoFolder + "/libfoo:amd64.list":     {Data: []byte("/lib/foo/x.jar\n/usr/lib64/y.jar")},
		infoFolder + "/libfoo:amd64.md5sums":  {Data: []byte("usr/lib/mine\n")},
	}
	wanted := map[string]bool{
		"usr/lib/python3/dist-packages/requests-2.28.1.egg-info/PKG-INFO": true,
		"usr/lib/foo/x.jar": true, "lib64/y.jar": true, "usr/lib/mine": true,
	}
	owners, err := Owners(fsys, wanted)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"usr/lib/python3/dist-packages/requests-2.28.1.egg-info/PKG-INFO": "python3-requests",
		"usr/lib/foo/x.jar": "libfoo", "lib64/y.jar": "libfoo",
	}
	if len(owners) != len(want) {
		t.Errorf("got %v", owners)
	}
	for p, o := range want {
		if owners[p] != o {
			t.Errorf("%s is owned by %q, want %q", p, owners[p], o)
		}
	}
}

// TestRealDatabases reads inventories of real machines; the counts are those
// that grep finds.
func TestRealDatabases(t *testing.T) {
	for folder, want := range map[string]int{
		"bookworm-developer-machine": 914, "node-latest-dpkg": 391, "debian-stable-20240130-dpkg": 85, "ubuntu-bionic-texlive": 357,
	} {
		fsys := os.DirFS(filepath.Join(testshared.Dir(t), "targets", "os", folder))
		items, err := Read(fsys, bookworm(), kernel.Running{})
		if err != nil || len(items) != want {
			t.Errorf("%s: %d packages, want %d; %v", folder, len(items), want, err)
		}
	}
}

// TestThisMachineAgreesWithDpkgQuery compares every package, version and
// source with what dpkg itself says.
func TestThisMachineAgreesWithDpkgQuery(t *testing.T) {
	query := testshared.Tool(t, "dpkg-query")
	out, err := exec.Command(query, "-W", "-f",
		"${db:Status-Status} ${Package} ${Version} ${Architecture} ${source:Package} ${source:Version}\n").Output()
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]bool{}
	for lines := bufio.NewScanner(bytes.NewReader(out)); lines.Scan(); {
		if rest, ok := strings.CutPrefix(lines.Text(), "installed "); ok {
			want[rest] = true
		}
	}
	items, err := Read(os.DirFS("/"), bookworm(), kernel.Running{})
	if err != nil {
		t.Fatal(err)
	}
	if len(items) != len(want) {
		t.Errorf("%d packages, dpkg-query has %d", len(items), len(want))
	}
	for _, it := range items {
		if line := strings.Join([]string{it.Name, it.Version, it.Arch, it.Source, it.SourceVersion}, " "); !want[line] {
			t.Errorf("dpkg-query does not know %q", line)
		}
	}
}

// TestStanzasComeBack: what is written as stanzas is read as them.
func TestStanzasComeBack(t *testing.T) {
	word := rapid.StringMatching(`[a-z0-9][a-z0-9.+~-]{0,15}`)
	rapid.Check(t, func(t *rapid.T) {
		var text strings.Builder
		want := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Stanza {
			return Stanza{Package: word.Draw(t, "package"), Version: word.Draw(t, "version"), Source: word.Draw(t, "source")}
		}), 0, 20).Draw(t, "stanzas")
		for _, s := range want {
			text.WriteString("Package: " + s.Package + "\nDescription: x\n more\n .\nVersion: " + s.Version + "\nSource: " + s.Source + "\n\n")
		}
		var got []Stanza
		if err := Parse([]byte(text.String()), func(s Stanza) { got = append(got, s) }); err != nil {
			t.Fatal(err)
		}
		if len(got) != len(want) {
			t.Fatalf("%d of %d stanzas", len(got), len(want))
		}
		for i := range want {
			if got[i] != want[i] {
				t.Errorf("got %+v, want %+v", got[i], want[i])
			}
		}
	})
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("Package: a\nStatus: install ok installed\nVersion: 1\nSource: b (2)\n\nPackage: c\n"))
	f.Add([]byte(":\n\n \n\t\nStatus: \n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		_ = Parse(data, func(s Stanza) {
			it, ok := s.item(bookworm(), kernel.Running{})
			if ok && (it.Name == "" || it.Version == "" || it.Source == "" || it.SourceVersion == "") {
				t.Errorf("%q gives %+v", data, it)
			}
		})
	})
}

func BenchmarkRead(b *testing.B) {
	fsys := os.DirFS(filepath.Join(testshared.Dir(b), "targets", "os", "bookworm-developer-machine"))
	for b.Loop() {
		if _, err := Read(fsys, bookworm(), kernel.Running{}); err != nil {
			b.Fatal(err)
		}
	}
}

// TestBoundsOfAllFiles: the bound of packages is one of all files together,
// and no field is long.
func TestBoundsOfAllFiles(t *testing.T) {
	t.Parallel()
	text := []byte(strings.Repeat("Package: a\nVersion: 1\n\n", maxStanzas/3))
	fsys := fstest.MapFS{}
	for _, name := range []string{"a", "b", "c", "d", "e"} {
		fsys[StatusFolder+"/"+name] = &fstest.MapFile{Data: text}
	}
	items, err := Read(fsys, bookworm(), kernel.Running{})
	if !errors.Is(err, bounded.ErrTooMany) || len(items) != maxStanzas {
		t.Errorf("%d packages, %v", len(items), err)
	}
	long := strings.Repeat("x", maxField)
	items, err = Read(statusFS("Package: a\nVersion: "+long+"\n\nPackage: b\nVersion: 1\nSource: "+long+"\n"), bookworm(), kernel.Running{})
	if err != nil || len(items) != 1 || items[0].Source != "b" {
		t.Errorf("%d packages, %v", len(items), err)
	}
}
