package rpm

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	rpmdb "github.com/erikvarga/go-rpmdb/pkg"
	_ "modernc.org/sqlite" // go-rpmdb reads rpmdb.sqlite through it
)

// TestAgreesWithGoRPMDB compares packages and file counts with an independent
// reader, over the real databases that come with its sources: every form, both
// byte orders, with and without modules.
func TestAgreesWithGoRPMDB(t *testing.T) {
	if testing.Short() {
		t.Skip("reads 60 MB of databases")
	}
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/erikvarga/go-rpmdb").Output()
	if err != nil {
		t.Fatalf("find the sources of go-rpmdb: %v", err)
	}
	for _, name := range []string{
		"cbl-mariner-2.0/rpmdb.sqlite", "fedora35/rpmdb.sqlite", "sle15-bci/Packages.db",
		"centos5-plain/Packages", "centos7-plain/Packages", "centos8-modularitylabel/Packages", "ubi8-s390x/Packages",
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(strings.TrimSpace(string(out)), "pkg", "testdata", name)
			got, want := ours(t, file), theirs(t, file)
			slices.Sort(got)
			slices.Sort(want)
			if !slices.Equal(got, want) {
				t.Errorf("%d packages, the other reader has %d, or they differ", len(got), len(want))
			}
		})
	}
}

func ours(t *testing.T, file string) []string {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	err = eachHeader(f, info.Size(), func(h header) error {
		files := 0
		h.files(func(string) { files++ })
		lines = append(lines, fmt.Sprint(h.text(tagName), " ", h.number(tagEpoch), h.text(tagVersion), h.text(tagRelease),
			h.text(tagArch), h.text(tagSourceRPM), h.text(tagVendor), files))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return lines
}

func theirs(t *testing.T, file string) []string {
	t.Helper()
	db, err := rpmdb.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	packages, err := db.ListPackages()
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, p := range packages {
		files, err := p.InstalledFileNames()
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, fmt.Sprint(p.Name, " ", p.EpochNum(), p.Version, p.Release, p.Arch, p.SourceRpm, p.Vendor, len(files)))
	}
	return lines
}
