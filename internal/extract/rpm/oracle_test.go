package rpm

import (
	"bytes"
	"database/sql"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	rpmdb "github.com/erikvarga/go-rpmdb/pkg"
	_ "modernc.org/sqlite" // go-rpmdb reads rpmdb.sqlite through it

	"muster/internal/extract/kernel"
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
	err = eachHeader(database{ReaderAt: f, size: info.Size()}, func(h header) error {
		files := 0
		h.files(func([]byte) { files++ })
		lines = append(lines, fmt.Sprint(h.text(tagName), " ", h.number(tagEpoch), h.text(tagVersion), h.text(tagRelease),
			h.text(tagArch), h.text(tagSourceRPM), h.text(tagVendor), h.text(tagModularity), files))
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
		lines = append(lines, fmt.Sprint(p.Name, " ", p.EpochNum(), p.Version, p.Release, p.Arch, p.SourceRpm, p.Vendor, p.Modularitylabel, len(files)))
	}
	return lines
}

// TestWriteAheadLog lets SQLite itself write packages that are in the log
// only, some committed and some not, and takes them out again.
func TestWriteAheadLog(t *testing.T) {
	root := t.TempDir()
	file := filepath.Join(root, Files()[0])
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", file+"?_pragma=journal_mode(WAL)&_pragma=wal_autocheckpoint(0)")
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}()
	db.SetMaxOpenConns(1)
	exec := func(q string, args ...any) {
		t.Helper()
		if _, err := db.Exec(q, args...); err != nil {
			t.Fatal(err)
		}
	}
	installed := func() string {
		t.Helper()
		items, err := Read(os.DirFS(root), rhel(), kernel.Running{})
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, it := range items {
			names = append(names, it.Name)
		}
		return strings.Join(names, " ")
	}
	const insert = "INSERT INTO Packages (blob) VALUES ($1)"
	exec("CREATE TABLE Packages (hnum INTEGER PRIMARY KEY AUTOINCREMENT, blob BLOB NOT NULL)")
	exec(insert, testHeader("first"))
	exec("PRAGMA wal_checkpoint(TRUNCATE)")
	steps := []struct {
		query string
		blob  []byte
		want  string
	}{
		{insert, testHeader("second", "/"+strings.Repeat("long/", 2000)), "first second"},
		{insert, testHeader("third"), "first second third"},
		{"DELETE FROM Packages WHERE hnum = 2 OR blob = $1", nil, "first third"},
		{"PRAGMA wal_checkpoint(PASSIVE)", nil, "first third"},
		{insert, testHeader("fourth"), "first third fourth"}, // the log begins anew
	}
	for _, step := range steps {
		if step.blob == nil {
			exec(strings.Replace(step.query, " OR blob = $1", "", 1))
		} else {
			exec(step.query, step.blob)
		}
		if got := installed(); got != step.want {
			t.Errorf("after %s: %q, want %q", step.query, got, step.want)
		}
	}
	cutLogs(t, file, "first third", "first third fourth")
	exec("BEGIN")
	exec("PRAGMA cache_spill = 1")
	for range 50 { // more than SQLite keeps in memory
		exec(insert, testHeader("uncommitted", "/"+strings.Repeat("x", 1<<20)))
	}
	if got := installed(); got != "first third fourth" {
		t.Errorf("inside a transaction: %q", got)
	}
	exec("ROLLBACK")
	if got := installed(); got != "first third fourth" {
		t.Errorf("after a transaction was undone: %q", got)
	}
}

// cutLogs checks that a log which ends anywhere shows an earlier state, never
// a mixture.
func cutLogs(t *testing.T, file string, states ...string) {
	t.Helper()
	main, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	log, err := os.ReadFile(file + "-wal")
	if err != nil {
		t.Fatal(err)
	}
	for cut := 0; cut <= len(log); cut += 509 {
		fsys := fstest.MapFS{Files()[0]: {Data: main}, Files()[0] + "-wal": {Data: log[:cut]}}
		items, err := Read(fsys, rhel(), kernel.Running{})
		if err != nil {
			t.Fatalf("cut at %d: %v", cut, err)
		}
		var names []string
		for _, it := range items {
			names = append(names, it.Name)
		}
		if got := strings.Join(names, " "); !slices.Contains(states, got) {
			t.Fatalf("cut at %d: %q", cut, got)
		}
	}
}

func TestForeignLogs(t *testing.T) {
	if _, err := readWAL(bytes.NewReader(make([]byte, 100)), 100, 4096); err == nil {
		t.Error("zeros are taken for a log")
	}
	if w, err := readWAL(bytes.NewReader(nil), 0, 4096); err != nil || w.pages != 0 {
		t.Errorf("an empty log: %v", err)
	}
}
