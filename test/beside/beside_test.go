package beside

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"muster/internal/scanner"
	"muster/test/quality"
)

// TestRead: the same package or match in two places counts once, whoever
// reports it.
func TestRead(t *testing.T) {
	for name, c := range map[string]struct {
		read func([]byte) (Found, error)
		text string
		want Found
	}{
		"muster": {readMuster, `{"findings":[{"id":"CVE-1","packages":[{"name":"a","version":"1","path":"x"},{"name":"a","version":"1","path":"y"}]},{"id":"CVE-2","packages":[{"name":"a","version":"1"}]}]}`, Found{0, 2}},
		"osv-scanner": {readOSVScanner, `{"results":[{"packages":[{"package":{"name":"a","version":"1","ecosystem":"npm"},"groups":[{"ids":["GHSA-1","CVE-1"]}]},
			{"package":{"name":"b","version":"1","ecosystem":"npm"}}]},{"packages":[{"package":{"name":"a","version":"1","ecosystem":"npm"},"groups":[{"ids":["GHSA-1","CVE-1"]}]}]}]}`, Found{2, 1}},
		"syft":  {readSyft, `{"artifacts":[{"name":"a","version":"1","type":"npm"},{"name":"a","version":"1","type":"npm"},{"name":"a","version":"1","type":"gem"}]}`, Found{2, -1}},
		"grype": {readGrype, `{"matches":[{"vulnerability":{"id":"CVE-1"},"artifact":{"name":"a","version":"1"}},{"vulnerability":{"id":"CVE-1"},"artifact":{"name":"a","version":"1"}}]}`, Found{-1, 1}},
		"trivy": {readTrivy, `{"Results":[{"Type":"npm","Packages":[{"Name":"a","Version":"1"}],"Vulnerabilities":[{"VulnerabilityID":"CVE-1","PkgName":"a","InstalledVersion":"1"}]}]}`, Found{1, 1}},
	} {
		if got, err := c.read([]byte(c.text)); err != nil || got != c.want {
			t.Errorf("%s: %+v, %v, want %+v", name, got, err, c.want)
		}
		if _, err := c.read([]byte("no JSON")); err == nil {
			t.Errorf("%s: no error of what is no JSON", name)
		}
	}
	if n, err := countComponents([]byte(`{"components":[{"type":"operating-system","name":"debian"},{"type":"library","name":"a","version":"1","purl":"pkg:npm/a@1"},{"type":"library","name":"a","version":"1","purl":"pkg:gem/a@1"}]}`)); err != nil || n != 2 {
		t.Errorf("%d components, %v", n, err)
	}
}

// TestRun measures a program that stands for a scanner: what it prints is
// read, what prints nothing is told with its reason.
func TestRun(t *testing.T) {
	folder := t.TempDir()
	program := func(name, script string) string {
		file := filepath.Join(folder, name)
		if err := os.WriteFile(file, []byte("#!/bin/sh\n"+script), 0o755); err != nil {
			t.Fatal(err)
		}
		return file
	}
	s, err := New(quality.World{Shared: folder, Work: folder, Cache: folder}, Programs{
		Muster: program("muster", "exit 7"),
		Syft:   program("syft", `echo '{"artifacts":[{"name":"'"$1"'"}]}'`),
		Grype:  program("grype", "echo out of order >&2; exit 1"),
	})
	if err != nil {
		t.Fatal(err)
	}
	rows := s.Run(t.Context(), quality.Target{Name: "x", Scan: scanner.Target{Kind: scanner.Dir, Name: "/x"}})
	if len(rows) != 4 {
		t.Fatalf("%d rows", len(rows))
	}
	if syft := rows[2]; syft.Err != nil || syft.Found != (Found{1, -1}) || syft.Wall <= 0 || syft.Memory <= 0 {
		t.Errorf("syft: %+v", syft)
	}
	if grype := rows[3]; !errors.Is(grype.Err, errNothing) || !strings.Contains(grype.Err.Error(), "out of order") {
		t.Errorf("grype: %v", grype.Err)
	}
	var table bytes.Buffer
	Head(&table)
	for _, r := range rows {
		r.Tell(&table)
	}
	if lines := strings.Count(table.String(), "\n"); lines != 6 || !strings.Contains(table.String(), "| x | syft | 1 |  | ") {
		t.Errorf("table:\n%s", table.String())
	}
}

// TestTargets: kinds are told as `muster scan` tells them.
func TestTargets(t *testing.T) {
	folder := t.TempDir()
	for name, text := range map[string]string{"package-lock.json": "{}", "root/etc/os-release": "ID=debian\n"} {
		file := filepath.Join(folder, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	list, err := Targets(folder)
	if err != nil || len(list) != 2 || list[0].Scan.Kind != scanner.Lock || list[1].Scan.Kind != scanner.Dir {
		t.Errorf("%+v, %v", list, err)
	}
}
