package version_test

import (
	"bufio"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"muster/internal/testshared"
	"muster/internal/version"
)

// vectorEcosystem says which order each file of vectors is about.
func vectorEcosystem(file string) string {
	switch {
	case strings.HasPrefix(file, "alpine"):
		return "Alpine"
	case strings.HasPrefix(file, "cran"):
		return "CRAN"
	case strings.HasPrefix(file, "debian"):
		return "Debian"
	case strings.HasPrefix(file, "hackage"):
		return "Hackage"
	case strings.HasPrefix(file, "maven"):
		return "Maven"
	case strings.HasPrefix(file, "nuget"):
		return "NuGet"
	case strings.HasPrefix(file, "packagist"):
		return "Packagist"
	case strings.HasPrefix(file, "pub"):
		return "Pub"
	case strings.HasPrefix(file, "pypi"):
		return "PyPI"
	case strings.HasPrefix(file, "redhat"):
		return "Red Hat"
	case strings.HasPrefix(file, "rubygems"):
		return "RubyGems"
	case strings.HasPrefix(file, "semver"):
		return "npm"
	}
	return ""
}

// TestVectors checks every pair of the shared version vectors.
func TestVectors(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(testshared.Dir(t), "targets", "versions", "*.txt"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no vectors: %v", err)
	}
	for _, path := range files {
		name := filepath.Base(path)
		t.Run(name, func(t *testing.T) { checkVectors(t, vectorEcosystem(name), path) })
	}
}

func checkVectors(t *testing.T, ecosystem, path string) {
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	want := map[string]int{"<": -1, "=": 0, ">": 1}
	lines := bufio.NewScanner(f)
	for n := 1; lines.Scan(); n++ {
		fields := strings.Fields(lines.Text())
		if len(fields) != 3 || strings.HasPrefix(fields[0], "//") || strings.HasPrefix(fields[0], "#") {
			continue
		}
		if ecosystem == "Packagist" && refused(fields) {
			continue
		}
		got, err := version.Compare(ecosystem, fields[0], fields[2])
		if err != nil {
			t.Errorf("line %d: %s: %v", n, lines.Text(), err)
		} else if got != want[fields[1]] {
			t.Errorf("line %d: %s: got %d", n, lines.Text(), got)
		}
	}
}

// refused are vectors on strings that the feeds specification (6) refuses:
// branches ("dev-foo") and anything with "#".
func refused(fields []string) bool {
	for _, f := range []string{fields[0], fields[2]} {
		if strings.HasPrefix(f, "dev-") || strings.Contains(f, "#") {
			return true
		}
	}
	return false
}
