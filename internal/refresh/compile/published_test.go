package compile_test

import (
	"archive/zip"
	"errors"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"muster/internal/advisorydb"
	"muster/internal/feed"
	"muster/internal/inventory"
	"muster/internal/match"
	"muster/internal/refresh/compile"
)

// folder is a feeds folder in which publishers' own files lie beside OSV's.
type folder struct {
	t   *testing.T
	dir string
}

func (f folder) write(name, content string) {
	f.t.Helper()
	path := filepath.Join(f.dir, filepath.FromSlash(name))
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(content), 0o644)); err != nil {
		f.t.Fatal(err)
	}
}

func (f folder) zip(name string, members map[string]string) {
	f.t.Helper()
	var b strings.Builder
	z := zip.NewWriter(&b)
	for _, member := range slices.Sorted(maps.Keys(members)) {
		w, err := z.Create(member)
		if err == nil {
			_, err = io.WriteString(w, members[member])
		}
		if err != nil {
			f.t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		f.t.Fatal(err)
	}
	f.write(name, b.String())
}

// set compiles everything that the folder has.
func (f folder) set(ecosystems ...string) *advisorydb.Set {
	f.t.Helper()
	m, err := feed.Open(f.dir, feed.Options{Temp: f.t.TempDir()})
	if err != nil {
		f.t.Fatal(err)
	}
	defer m.Close()
	sources := compile.Intelligence()
	maps.Copy(sources, compile.Published())
	for _, e := range ecosystems {
		sources["osv/"+e] = compile.Source{Kind: advisorydb.Advisories, Ecosystem: e}
	}
	out := f.t.TempDir()
	var files []advisorydb.Info
	for _, name := range slices.Sorted(maps.Keys(sources)) {
		s := sources[name]
		got, err := s.Fetch(f.t.Context(), m, name, feed.Validator{})
		if errors.Is(err, feed.ErrAbsent) {
			continue
		}
		if err != nil {
			f.t.Fatalf("%s: %v", name, err)
		}
		path := filepath.Join(out, s.File())
		if _, err := s.CompileFiles(f.t.Context(), got, path); err != nil {
			f.t.Fatalf("%s: %v", name, err)
		}
		stat, err := os.Stat(path)
		if err := errors.Join(err, got.Close()); err != nil {
			f.t.Fatal(err)
		}
		files = append(files, advisorydb.Info{Kind: s.Kind, Ecosystem: s.Ecosystem, Feed: s.Feed(), File: s.File(), Size: stat.Size()})
	}
	set, err := advisorydb.OpenFiles(out, files)
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(set.Close)
	return set
}

// osv is an archive's record that says that all versions of a package have a
// flaw.
func osv(id, cve, ecosystem, name string) string {
	return `{"id":"` + id + `","modified":"2024-01-01T00:00:00Z","upstream":["` + cve + `"],"affected":[{"package":{"ecosystem":"` + ecosystem +
		`","name":"` + name + `"},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"}]}]}]}`
}

// TestPublishersBeforeOSV: what a publisher itself says of a vulnerability in
// a package counts, not what OSV made of it, and nothing is reported twice.
func TestPublishersBeforeOSV(t *testing.T) {
	f := folder{t, t.TempDir()}
	f.zip("osv/Debian.zip", map[string]string{
		"a.json": osv("DEBIAN-CVE-2024-1001", "CVE-2024-1001", "Debian:12", "curl"), "b.json": osv("DEBIAN-CVE-2024-1002", "CVE-2024-1002", "Debian:12", "curl"),
		"c.json": osv("DEBIAN-CVE-2024-1003", "CVE-2024-1003", "Debian:12", "curl"),
	})
	f.write("debian/tracker.json", `{"curl":{
		"CVE-2024-1001":{"releases":{"bookworm":{"status":"resolved","fixed_version":"0","urgency":"low"}}},
		"CVE-2024-1002":{"releases":{"bookworm":{"status":"open","urgency":"low","nodsa":"Minor","nodsa_reason":"postponed"}}}}}`)
	f.write("debian/DSA.list", "[12 Feb 2025] DSA-5000-1 curl - security update\n\t{CVE-2024-1004}\n\t[bookworm] - curl 7.88.1-11\n")
	f.zip("osv/Ubuntu.zip", map[string]string{"a.json": osv("UBUNTU-CVE-2024-1001", "CVE-2024-1001", "Ubuntu:22.04:LTS", "curl")})
	f.zip("ubuntu/osv.zip", map[string]string{
		"a.json": osv("UBUNTU-CVE-2024-1001", "CVE-2024-1001", "Ubuntu:22.04:LTS", "curl"),
		"b.json": osv("USN-1-1", "UBUNTU-CVE-2024-1005", "Ubuntu:22.04:LTS", "curl"),
	})
	f.zip("ubuntu/cve-tracker.zip", map[string]string{
		"active/CVE-2024-1001": "Candidate: CVE-2024-1001\nPriority: low\njammy_curl: not-affected\n", "README": "no CVE",
		"retired/CVE-2024-1006": "Candidate: CVE-2024-1006\nPriority: high\njammy_curl: ignored (end of standard support)\nesm-infra/jammy_curl: released (7.81.0-1+esm1)\n",
	})
	f.zip("osv/Alpine.zip", map[string]string{"a.json": osv("ALPINE-CVE-2024-1001", "CVE-2024-1001", "Alpine:v3.20", "curl")})
	for repository, fixes := range map[string]string{"main": `"8.7.1-r0":["CVE-2024-1001"]`, "community": `"8.8.0-r0":["CVE-2024-1007"]`} {
		f.write("alpine/v3.20/"+repository+".json", `{"distroversion":"v3.20","packages":[{"pkg":{"name":"curl","secfixes":{`+fixes+`}}}]}`)
	}
	set := f.set("Debian", "Ubuntu", "Alpine")
	for ecosystem, want := range map[string]string{
		"Debian:12":        "CVE-2024-1002 postponed, CVE-2024-1003 unfixed, CVE-2024-1004 fixed 7.88.1-11",
		"Ubuntu:22.04:LTS": "CVE-2024-1005 unfixed, CVE-2024-1006 subscription 7.81.0-1+esm1",
		"Alpine:v3.20":     "CVE-2024-1007 fixed 8.8.0-r0",
	} {
		installed := map[string]string{"Debian:12": "7.88.1-10", "Ubuntu:22.04:LTS": "7.81.0-1", "Alpine:v3.20": "8.7.1-r0"}[ecosystem]
		matches, err := match.Component(inventory.Component{Ecosystem: ecosystem, Name: "curl", Version: installed, Manager: inventory.ManagerOS}, set)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, m := range matches {
			got = append(got, strings.TrimSpace(m.VulnerabilityID+" "+string(m.State)+" "+m.FixedVersion+m.SubscriptionFix))
		}
		if strings.Join(got, ", ") != want {
			t.Errorf("%s: %s, want %s", ecosystem, strings.Join(got, ", "), want)
		}
	}
	if err := set.Verify(); err != nil {
		t.Error(err)
	}
}

// TestDetailsOfPublishers: NVD in several files, the newest record of a CVE;
// the CVE List; the indexes of exploits.
func TestDetailsOfPublishers(t *testing.T) {
	f := folder{t, t.TempDir()}
	const cve = "CVE-2017-0144"
	answer := func(modified, status, text string) string {
		return `{"format":"NVD_CVE","vulnerabilities":[{"cve":{"id":"` + cve + `","lastModified":"` + modified + `","vulnStatus":"` + status + `","descriptions":[{"lang":"en","value":"` + text + `"}],
			"metrics":{"cvssMetricV31":[{"source":"nvd@nist.gov","type":"Primary","cvssData":{"vectorString":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H","baseScore":9.8}}]}}}]}`
	}
	f.write("nvd/2017.json", answer("2020-01-01T00:00:00.000", "Rejected", "older"))
	f.write("nvd/modified.json", answer("2024-01-01T00:00:00.000", "Analyzed", "newer"))
	f.write("nvd/recent.json", answer("2019-01-01T00:00:00.000", "Received", "oldest"))
	f.zip("cvelist/cves.zip", map[string]string{
		"cves/2017/0xxx/" + cve + ".json": `{"cveMetadata":{"cveId":"` + cve + `","state":"PUBLISHED"},"containers":{"cna":{"title":"t","providerMetadata":{"shortName":"microsoft"}}}}`,
	})
	f.write("exploitdb/files_exploits.csv", "id,codes,date_published\n41891,"+cve+",2017-04-17\n")
	f.write("metasploit/modules_metadata_base.json", `{"e":{"fullname":"exploit/windows/smb/x","type":"exploit","references":["`+cve+`"],"disclosure_date":"2017-03-14"}}`)
	f.write("nuclei/templates.json", `[{"id":"`+cve+`","created_at":"2021-01-01T00:00:00Z"}]`)
	f.write("nuclei/early.json", `[{"id":"other","classification":{"cve-id":"`+cve+`"}}]`)
	in, found, err := f.set().Intel(cve)
	if err != nil || !found || in.Description != "newer" || in.Title != "t" || in.Rejected || len(in.Scores) != 1 {
		t.Errorf("%+v, %v", in, err)
	}
	if e := in.Exploits; len(e.ExploitDB)+len(e.Metasploit)+len(e.Nuclei) != 4 || e.Last.Year() != 2021 {
		t.Errorf("%+v", e)
	}
}

// TestBadFilesAreNoImport: one file that cannot be read refuses the source,
// and nothing is left of it.
func TestBadFilesAreNoImport(t *testing.T) {
	for source, name := range map[string]string{
		"debian": "debian/tracker.json", "debian-notices": "debian/DLA.list", "alpine": "alpine/v3.20/main.json", "ubuntu-osv": "ubuntu/osv.zip",
		"ubuntu-tracker": "ubuntu/cve-tracker.zip", "nvd": "nvd/x.json.gz", "cvelist": "cvelist/cves.zip", "exploitdb": "exploitdb/files_exploits.csv",
		"metasploit": "metasploit/modules_metadata_base.json", "nuclei": "nuclei/templates.json",
	} {
		f := folder{t, t.TempDir()}
		f.write(name, "nonsense")
		m, err := feed.Open(f.dir, feed.Options{})
		if err != nil {
			t.Fatal(err)
		}
		s := compile.Published()[source]
		got, err := s.Fetch(t.Context(), m, source, feed.Validator{})
		if err != nil {
			t.Fatalf("%s: %v", source, err)
		}
		out := filepath.Join(t.TempDir(), s.File())
		if _, err := s.CompileFiles(t.Context(), got, out); err == nil {
			t.Errorf("%s: nonsense is imported", source)
		}
		if _, err := os.Stat(out); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s: a file is left: %v", source, err)
		}
	}
}
