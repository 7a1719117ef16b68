package refresh_test

import (
	"bufio"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"muster/internal/advisorydb"
	"muster/internal/inventory"
	"muster/internal/match"
	"muster/internal/refresh"
	"muster/internal/testshared"
)

// importAll imports every advisory of the shared folder into dir.
func importAll(b *testing.B, dir string) *refresh.Service {
	b.Helper()
	s, err := refresh.New(refresh.Config{Dir: dir, Source: filepath.Join(testshared.Dir(b), "advisories")})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(s.Close)
	if _, err := s.Sync(b.Context(), refresh.SyncOptions{}); err != nil {
		b.Fatal(err)
	}
	return s
}

// BenchmarkImport imports every advisory there is; peak memory is the
// process's high-water mark.
func BenchmarkImport(b *testing.B) {
	for b.Loop() {
		importAll(b, b.TempDir())
	}
	b.ReportMetric(memory(b, "VmHWM"), "peak-KiB")
}

// BenchmarkOpen opens the whole set and looks up one package.
func BenchmarkOpen(b *testing.B) {
	dir := b.TempDir()
	importAll(b, dir)
	for b.Loop() {
		set, err := advisorydb.Open(filepath.Join(dir, "generations", "1"))
		if err != nil {
			b.Fatal(err)
		}
		if _, err := set.Lookup("Debian:12", "glibc"); err != nil {
			b.Fatal(err)
		}
		set.Close()
	}
}

// BenchmarkMatch matches real hosts against every advisory.
func BenchmarkMatch(b *testing.B) {
	set, err := importAll(b, b.TempDir()).Current(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	defer set.Close()
	for _, name := range []string{"bookworm-developer-machine", "node-latest-dpkg"} {
		b.Run(name, func(b *testing.B) {
			components := readStatus(b, filepath.Join(testshared.Dir(b), "targets", "os", name, "var", "lib", "dpkg", "status"))
			b.ReportAllocs()
			matches := 0
			for b.Loop() {
				matches = 0
				for _, c := range components {
					list, err := match.Component(c, set)
					if err != nil {
						b.Fatal(err)
					}
					matches += len(list)
				}
			}
			b.ReportMetric(float64(matches), "matches")
			b.ReportMetric(float64(len(components)*b.N)/b.Elapsed().Seconds(), "packages/s")
		})
	}
	b.ReportMetric(memory(b, "VmRSS"), "KiB")
}

// memory reads a line of the process's status, in KiB; 0 where there is none.
func memory(b *testing.B, name string) float64 {
	f, err := os.Open("/proc/self/status")
	if err != nil {
		return 0
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		if rest, ok := strings.CutPrefix(lines.Text(), name+":"); ok {
			n := 0.0
			for _, c := range rest {
				if c >= '0' && c <= '9' {
					n = n*10 + float64(c-'0')
				}
			}
			return n
		}
	}
	return 0
}

// readStatus reads what matching needs of a dpkg status file of Debian 12.
func readStatus(b *testing.B, path string) []inventory.Component {
	data, err := os.ReadFile(path)
	if err != nil {
		b.Fatal(err)
	}
	var out []inventory.Component
	for paragraph := range strings.SplitSeq(string(data), "\n\n") {
		c := inventory.Component{Ecosystem: "Debian:12", Manager: inventory.ManagerOS}
		for line := range strings.Lines(paragraph) {
			name, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
			switch name {
			case "Package":
				c.Name = value
			case "Version":
				c.Version = value
			case "Source":
				c.Source, c.SourceVersion, _ = strings.Cut(strings.TrimSuffix(value, ")"), " (")
			}
		}
		out = append(out, c)
	}
	return out
}
