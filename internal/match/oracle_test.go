package match_test

import (
	"archive/zip"
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"muster/internal/advisory"
	"muster/internal/inventory"
	"muster/internal/match"
	"muster/internal/match/matchtest"
	"muster/internal/testshared"
)

// TestDebianAgainstDpkg compares, for real package databases and every real
// Debian record, the matches with a calculation that shares no code with
// muster: for each record and entry of Debian 12 whose package is the
// component's source package, affected when dpkg says that the source version
// is at least what was introduced and less than what fixed it; ids reduced to
// the CVEs the record derives from.
func TestDebianAgainstDpkg(t *testing.T) {
	dpkg := testshared.Tool(t, "dpkg")
	shared := testshared.Dir(t)
	raw := readZip(t, filepath.Join(shared, "advisories", "osv", "Debian.zip"), `"Debian:12"`)
	records := make([]advisory.Advisory, 0, len(raw))
	for _, r := range raw {
		a, err := advisory.Parse(r)
		if err != nil {
			t.Fatal(err)
		}
		records = append(records, a)
	}
	lookup := matchtest.NewLookup(records)
	oracle := newDpkgOracle(t, dpkg, raw, "Debian:12")
	for _, name := range []string{"bookworm-developer-machine", "debian-stable-20240130-dpkg", "node-latest-dpkg"} {
		t.Run(name, func(t *testing.T) {
			total := 0
			for _, c := range readStatus(t, filepath.Join(shared, "targets", "os", name, "var", "lib", "dpkg", "status"), "Debian:12") {
				total += compareWithOracle(t, c, lookup, oracle)
			}
			if total == 0 {
				t.Error("no matches at all: the test tests nothing")
			}
			t.Logf("%d matches of packages and vulnerabilities agree", total)
		})
	}
}

func compareWithOracle(t *testing.T, c inventory.Component, lookup match.Lookup, oracle *dpkgOracle) int {
	matches, err := match.Component(c, lookup)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, m := range matches {
		got = append(got, m.VulnerabilityID)
	}
	slices.Sort(got)
	if want := oracle.affected(t, c.Source, c.SourceVersion); !slices.Equal(got, want) {
		t.Errorf("%s %s (source %s %s): got %v, dpkg says %v", c.Name, c.Version, c.Source, c.SourceVersion, got, want)
	}
	return len(got)
}

// dpkgOracle is the independent calculation.
type dpkgOracle struct {
	dpkg    string
	records []oracleRecord
	answers map[[2]string]bool
	release string
	results map[[2]string][]string
}

type oracleRecord struct {
	ID       string   `json:"id"`
	Upstream []string `json:"upstream"`
	Affected []struct {
		Package struct{ Ecosystem, Name string }
		Ranges  []struct {
			Events []struct{ Introduced, Fixed string }
		}
	}
}

func newDpkgOracle(t *testing.T, dpkg string, raw [][]byte, release string) *dpkgOracle {
	o := &dpkgOracle{dpkg: dpkg, release: release, answers: map[[2]string]bool{}, results: map[[2]string][]string{}}
	for _, data := range raw {
		var r oracleRecord
		if err := json.Unmarshal(data, &r); err != nil {
			t.Fatal(err)
		}
		for _, a := range r.Affected {
			if a.Package.Ecosystem == release {
				o.records = append(o.records, r)
				break
			}
		}
	}
	return o
}

// affected returns the sorted ids for a source package.
func (o *dpkgOracle) affected(t *testing.T, source, version string) []string {
	if ids, ok := o.results[[2]string{source, version}]; ok {
		return ids
	}
	found := map[string]bool{}
	for _, r := range o.records {
		for _, a := range r.Affected {
			if a.Package.Ecosystem != o.release || a.Package.Name != source {
				continue
			}
			for _, g := range a.Ranges {
				introduced, fixed := "0", ""
				for _, e := range g.Events {
					introduced, fixed = introduced+e.Introduced, fixed+e.Fixed
				}
				if introduced != "00" {
					t.Fatalf("%s: the calculation knows only ranges that begin at 0", r.ID)
				}
				if fixed == "" || o.less(t, version, fixed) {
					for _, id := range r.ids() {
						found[id] = true
					}
				}
			}
		}
	}
	ids := slices.Sorted(maps.Keys(found))
	o.results[[2]string{source, version}] = ids
	return ids
}

func (r oracleRecord) ids() []string {
	var cves []string
	for _, id := range r.Upstream {
		if strings.HasPrefix(id, "CVE-") {
			cves = append(cves, id)
		}
	}
	if cves == nil {
		return []string{r.ID}
	}
	return cves
}

// less asks dpkg, once per pair.
func (o *dpkgOracle) less(t *testing.T, a, b string) bool {
	pair := [2]string{a, b}
	if answer, ok := o.answers[pair]; ok {
		return answer
	}
	err := exec.CommandContext(t.Context(), o.dpkg, "--compare-versions", a, "lt", b).Run()
	var exit *exec.ExitError
	if err != nil && (!errors.As(err, &exit) || exit.ExitCode() != 1) {
		t.Fatal(err)
	}
	o.answers[pair] = err == nil
	return err == nil
}

// readZip reads the records that mention the text: the others cannot matter.
func readZip(t *testing.T, path, text string) [][]byte {
	z, err := zip.OpenReader(path)
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	var out [][]byte
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(b, []byte(text)) {
			out = append(out, b)
		}
	}
	return out
}

// readStatus reads a dpkg status file as Debian policy describes it, again
// without muster's own reader.
func readStatus(t *testing.T, path, ecosystem string) []inventory.Component {
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var out []inventory.Component
	fields := map[string]string{}
	flush := func() {
		if fields["Package"] != "" && !strings.Contains(fields["Status"], "deinstall") && fields["Version"] != "" {
			c := inventory.Component{Ecosystem: ecosystem, Name: fields["Package"], Version: fields["Version"]}
			c.Source, c.SourceVersion = c.Name, c.Version
			if s := fields["Source"]; s != "" {
				name, version, ok := strings.Cut(s, " (")
				c.Source = name
				if ok {
					c.SourceVersion = strings.TrimSuffix(version, ")")
				}
			}
			out = append(out, c)
		}
		clear(fields)
	}
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		name, value, ok := strings.Cut(lines.Text(), ": ")
		switch {
		case lines.Text() == "":
			flush()
		case ok && name[0] != ' ':
			fields[name] = value
		}
	}
	flush()
	if err := lines.Err(); err != nil || len(out) == 0 {
		t.Fatal(fmt.Errorf("%s: %d packages: %w", path, len(out), err))
	}
	return out
}
