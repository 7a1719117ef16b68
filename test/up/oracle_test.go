package up

import (
	"archive/zip"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"muster/internal/testshared"
)

// record is as much of an OSV record as the oracle needs.
type record struct {
	ID        string   `json:"id"`
	Withdrawn string   `json:"withdrawn"`
	Aliases   []string `json:"aliases"`
	Upstream  []string `json:"upstream"`
	Affected  []struct {
		Package struct {
			Ecosystem, Name string
		}
		Versions []string
		Ranges   []struct {
			Type   string
			Events []map[string]string
		}
	}
}

var cve = regexp.MustCompile(`^CVE-\d+-\d+$`)

// installed is one row of dpkg-query, by source package.
type installed struct{ binary, version string }

// headers are the packages that the noise rules leave out: built from the
// kernel's source, without running code.
var headers = regexp.MustCompile(`^(linux-libc-dev|linux-headers-|linux-kbuild-|linux-compiler-|linux-doc|linux-source|linux-support-|linux-config-)`)

// debianVulnerabilities is the independent calculation: every record of the
// archive for this release and every installed source package, compared by
// dpkg itself. It shares no code with muster.
func debianVulnerabilities(t *testing.T, feeds string) map[string]bool {
	t.Helper()
	skipUnlessDebian(t)
	ecosystem, packages := "Debian:"+release(t), sources(t)
	pairs := map[string]bool{}
	archive, err := zip.OpenReader(filepath.Join(feeds, "osv", "Debian.zip"))
	if err != nil {
		t.Fatal(err)
	}
	defer archive.Close()
	for _, f := range archive.File {
		rec := read(t, f)
		if rec.Withdrawn != "" {
			continue
		}
		for _, a := range rec.Affected {
			if a.Package.Ecosystem != ecosystem {
				continue
			}
			for _, p := range packages[a.Package.Name] {
				if affected(a.Versions, a.Ranges, p.version) {
					for _, id := range ids(rec) {
						pairs[id+" "+p.binary] = true
					}
				}
			}
		}
	}
	return pairs
}

func release(t *testing.T) string {
	t.Helper()
	body, err := os.ReadFile("/etc/os-release")
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile(`(?m)^VERSION_ID="?([0-9.]+)"?`).FindSubmatch(body)
	if m == nil {
		testshared.Missing(t, "this Debian has no release number")
	}
	return string(m[1])
}

func sources(t *testing.T) map[string][]installed {
	t.Helper()
	out, err := exec.Command("dpkg-query", "-W", "-f", "${db:Status-Status} ${Package} ${source:Package} ${source:Version}\n").Output()
	if err != nil {
		t.Fatal(err)
	}
	packages := map[string][]installed{}
	for _, line := range strings.Split(string(out), "\n") {
		if f := strings.Fields(line); len(f) == 4 && f[0] == "installed" && !headers.MatchString(f[1]) {
			packages[f[2]] = append(packages[f[2]], installed{f[1], f[3]})
		}
	}
	return packages
}

func read(t *testing.T, f *zip.File) record {
	t.Helper()
	r, err := f.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var rec record
	if err := json.NewDecoder(r).Decode(&rec); err != nil {
		t.Fatalf("%s: %v", f.Name, err)
	}
	return rec
}

// ids are the CVEs a record names, or its own id when it names none.
func ids(rec record) []string {
	var list []string
	for _, id := range append(append([]string{rec.ID}, rec.Aliases...), rec.Upstream...) {
		if cve.MatchString(id) {
			list = append(list, id)
		}
	}
	if len(list) == 0 {
		list = []string{rec.ID}
	}
	return list
}

func affected(versions []string, ranges []struct {
	Type   string
	Events []map[string]string
}, v string) bool {
	for _, w := range versions {
		if v == w {
			return true
		}
	}
	for _, r := range ranges {
		in := false
		for _, e := range r.Events {
			if at, ok := e["introduced"]; ok && (at == "0" || order(v, "ge", at)) {
				in = true
			}
			if at, ok := e["fixed"]; ok && order(v, "ge", at) {
				in = false
			}
			if at, ok := e["last_affected"]; ok && order(v, "gt", at) {
				in = false
			}
		}
		if in {
			return true
		}
	}
	return false
}

func order(a, op, b string) bool {
	return exec.Command("dpkg", "--compare-versions", a, op, b).Run() == nil
}
