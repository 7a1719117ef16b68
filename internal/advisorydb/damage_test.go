package advisorydb_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"muster/internal/advisory"
	"muster/internal/advisorydb"
)

// sampleFile writes a small file of advisories and returns its bytes.
func sampleFile(t testing.TB) []byte {
	t.Helper()
	dir := t.TempDir()
	records := []string{debianCVE}
	for i := range 200 {
		records = append(records, fmt.Sprintf(`{"id":"DSA-%d-1","upstream":["CVE-2024-%04d"],"details":"%s","affected":[{"package":{"ecosystem":"Debian:12","name":"p%d"},"versions":["1","2"],"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"1"},{"fixed":"3"}]}]}]}`,
			i, i, strings.Repeat("text ", 100), i%20))
	}
	buildRecords(t, dir, "a.adv", "Debian", records...)
	data, err := os.ReadFile(filepath.Join(dir, "a.adv"))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// readAll opens a file from bytes and reads what it can.
func readAll(t testing.TB, path string, data []byte) error {
	t.Helper()
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
	f, err := advisorydb.OpenFile(path)
	if err != nil {
		return err
	}
	defer f.Close()
	for i := range 20 {
		if _, err := f.Lookup(advisory.Key{Ecosystem: "Debian:12", Name: fmt.Sprintf("p%d", i)}); err != nil {
			return err
		}
	}
	if _, _, err := f.Advisory("DSA-7-1"); err != nil {
		return err
	}
	return f.Verify()
}

func TestDamagedFilesAreErrors(t *testing.T) {
	whole := sampleFile(t)
	path := filepath.Join(t.TempDir(), "damaged.adv")
	if err := readAll(t, path, whole); err != nil {
		t.Fatalf("undamaged: %v", err)
	}
	for _, n := range []int{0, 1, 8, 100, 191, 192, 193, len(whole) / 2, len(whole) - 1} {
		if err := readAll(t, path, whole[:n]); !errors.Is(err, advisorydb.ErrCorrupt) || !strings.Contains(err.Error(), path) {
			t.Errorf("cut at %d: %v", n, err)
		}
	}
	if err := readAll(t, path, append(bytes.Clone(whole), 0)); !errors.Is(err, advisorydb.ErrCorrupt) {
		t.Errorf("a byte too many: %v", err)
	}
	other := bytes.Clone(whole)
	other[8]++
	if err := readAll(t, path, other); !errors.Is(err, advisorydb.ErrFormat) {
		t.Errorf("another format: %v", err)
	}
}

// TestEveryByteCounts flips bytes all over the file: each flip must be noticed.
func TestEveryByteCounts(t *testing.T) {
	whole := sampleFile(t)
	path := filepath.Join(t.TempDir(), "flipped.adv")
	for at := 0; at < len(whole); at += 1 + len(whole)/1500 {
		damaged := bytes.Clone(whole)
		damaged[at] ^= 0x40
		if err := readAll(t, path, damaged); err == nil && !unused(at) {
			t.Errorf("the flip of byte %d of %d goes unnoticed", at, len(whole))
		}
	}
}

// unused are the header's last four bytes, which mean nothing.
func unused(at int) bool { return at >= 188 && at < 192 }

func FuzzOpen(f *testing.F) {
	whole := sampleFile(f)
	f.Add(whole)
	f.Add(whole[:500])
	f.Add([]byte("MUSTERDB"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if err := readAll(t, filepath.Join(t.TempDir(), "f.adv"), data); err != nil {
			if !errors.Is(err, advisorydb.ErrCorrupt) && !errors.Is(err, advisorydb.ErrFormat) {
				t.Errorf("an error of another kind: %v", err)
			}
		}
	})
}

func TestManifestIsChecked(t *testing.T) {
	dir := t.TempDir()
	if _, err := advisorydb.Open(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no manifest: %v", err)
	}
	buildRecords(t, dir, "a.adv", "Debian", debianCVE)
	good := info(t, dir, advisorydb.Advisories, "Debian", "a.adv")
	short, escaped, odd, lost := good, good, good, good
	short.Size--
	escaped.File = "../a.adv"
	odd.Kind = "odd"
	lost.File = "b.adv"
	for name, file := range map[string]advisorydb.Info{"size": short, "path": escaped, "kind": odd} {
		writeManifest(t, dir, file)
		if _, err := advisorydb.Open(dir); !errors.Is(err, advisorydb.ErrCorrupt) {
			t.Errorf("%s: %v", name, err)
		}
	}
	writeManifest(t, dir, lost)
	if _, err := advisorydb.Open(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("lost file: %v", err)
	}
	if err := os.WriteFile(filepath.Join(dir, advisorydb.ManifestName), []byte("{"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := advisorydb.Open(dir); !errors.Is(err, advisorydb.ErrCorrupt) {
		t.Errorf("cut manifest: %v", err)
	}
}

func TestBuilderRefusesTheSameRecordTwice(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.adv")
	b, err := advisorydb.NewBuilder(path, "Debian")
	if err != nil {
		t.Fatal(err)
	}
	a := advisory.Advisory{ID: "A-1"}
	if err := b.Add(&a, []byte(`{}`)); err != nil {
		t.Fatal(err)
	}
	if err := b.Add(&a, []byte(`{}`)); err == nil {
		t.Error("accepted")
	}
	b.Abort()
	if left, err := os.ReadDir(filepath.Dir(path)); err != nil || len(left) > 0 {
		t.Errorf("an aborted file leaves %v, %v", left, err)
	}
}
