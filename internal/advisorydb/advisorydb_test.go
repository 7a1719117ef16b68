package advisorydb_test

import (
	"archive/zip"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"muster/internal/advisory"
	"muster/internal/advisorydb"
)

// buildRecords writes a file of advisories from JSON records.
func buildRecords(t testing.TB, dir, name, ecosystem string, records ...string) advisorydb.Summary {
	t.Helper()
	b, err := advisorydb.NewBuilder(filepath.Join(dir, name), ecosystem)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range records {
		a, err := advisory.Parse([]byte(r))
		if err != nil {
			t.Fatal(err)
		}
		if err := b.Add(&a, []byte(r)); err != nil {
			t.Fatal(err)
		}
	}
	sum, err := b.Finish()
	if err != nil {
		t.Fatal(err)
	}
	return sum
}

// openSet makes a set of one file of advisories and opens it.
func openSet(t testing.TB, ecosystem string, records ...string) *advisorydb.Set {
	t.Helper()
	dir := t.TempDir()
	buildRecords(t, dir, "a.adv", ecosystem, records...)
	writeManifest(t, dir, info(t, dir, advisorydb.Advisories, ecosystem, "a.adv"))
	set, err := advisorydb.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(set.Close)
	return set
}

func info(t testing.TB, dir string, kind advisorydb.Kind, ecosystem, file string) advisorydb.Info {
	t.Helper()
	stat, err := os.Stat(filepath.Join(dir, file))
	if err != nil {
		t.Fatal(err)
	}
	return advisorydb.Info{Kind: kind, Ecosystem: ecosystem, File: file, Size: stat.Size()}
}

func writeManifest(t testing.TB, dir string, files ...advisorydb.Info) {
	t.Helper()
	if err := advisorydb.WriteManifest(dir, files); err != nil {
		t.Fatal(err)
	}
}

// zipRecords calls each with every record of a shared ecosystem archive.
func zipRecords(t testing.TB, path string, each func(raw []byte)) {
	t.Helper()
	z, err := zip.OpenReader(path)
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		raw, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		each(raw)
	}
}

const debianCVE = `{"id":"DEBIAN-CVE-2024-1","modified":"2024-05-01T00:00:00Z","upstream":["CVE-2024-1"],
 "affected":[{"package":{"ecosystem":"Debian:12","name":"glibc"},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":"2.36-9+deb12u6"}]}],"ecosystem_specific":{"urgency":"low"}},
 {"package":{"ecosystem":"Debian:11","name":"glibc"},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"}]}]}]}`

func TestLookupReturnsOnlyTheKeysEntries(t *testing.T) {
	set := openSet(t, "Debian", debianCVE)
	got, err := set.Lookup("Debian:12", "glibc")
	if err != nil || len(got) != 1 {
		t.Fatalf("got %v, %v", got, err)
	}
	a := got[0]
	if a.ID != "DEBIAN-CVE-2024-1" || !slices.Equal(a.Vulnerabilities, []string{"CVE-2024-1"}) ||
		!slices.Equal(a.Synonyms, []string{"DEBIAN-CVE-2024-1"}) {
		t.Errorf("names: %+v", a)
	}
	if len(a.Affected) != 1 || a.Affected[0].Ecosystem != "Debian:12" || a.Affected[0].Word != "low" ||
		a.Affected[0].Ranges[0].Events[1].Version != "2.36-9+deb12u6" {
		t.Errorf("entries: %+v", a.Affected)
	}
	for _, key := range [][2]string{{"Debian:13", "glibc"}, {"Debian:12", "glib"}, {"Ubuntu:22.04:LTS", "glibc"}, {"", ""}} {
		if got, err := set.Lookup(key[0], key[1]); got != nil || err != nil {
			t.Errorf("%v: got %v, %v", key, got, err)
		}
	}
}

func TestAdvisoryReturnsTheWholeRecord(t *testing.T) {
	withdrawn := `{"id":"GHSA-a","withdrawn":"2024-01-02T03:04:05Z","summary":"s","details":"d","references":[{"type":"FIX","url":"u"}],
		"affected":[{"package":{"ecosystem":"npm","name":"x"},"versions":["1"]}]}`
	set := openSet(t, "npm", withdrawn, `{"id":"GHSA-b"}`)
	got, ok, err := set.Advisory("npm", "GHSA-a")
	if err != nil || !ok {
		t.Fatal(ok, err)
	}
	if got.Summary != "s" || got.References[0].Type != "FIX" || got.Affected[0].Versions[0] != "1" ||
		!got.Withdrawn.Equal(time.Date(2024, 1, 2, 3, 4, 5, 0, time.UTC)) {
		t.Errorf("got %+v", got)
	}
	if list, err := set.Lookup("npm", "x"); list != nil || err != nil {
		t.Errorf("a withdrawn record is looked up: %v, %v", list, err)
	}
	for _, id := range []string{"", "GHSA-0", "GHSA-aa", "Z"} {
		if _, ok, err := set.Advisory("npm", id); ok || err != nil {
			t.Errorf("%q: %v, %v", id, ok, err)
		}
	}
}

func TestAliasesOfOneFileResolveTogether(t *testing.T) {
	pkg := `"affected":[{"package":{"ecosystem":"PyPI","name":"Foo_Bar"},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"}]}]}]}`
	set := openSet(t, "PyPI", `{"id":"PYSEC-1","aliases":["GHSA-x"],`+pkg, `{"id":"GHSA-x","aliases":["CVE-2020-7"],`+pkg)
	got, err := set.Lookup("PyPI", "foo.bar")
	if err != nil || len(got) != 2 {
		t.Fatalf("got %v, %v", got, err)
	}
	for _, a := range got {
		if !slices.Equal(a.Vulnerabilities, []string{"CVE-2020-7"}) || !slices.Equal(a.Synonyms, []string{"GHSA-x", "PYSEC-1"}) {
			t.Errorf("%s: %v %v", a.ID, a.Vulnerabilities, a.Synonyms)
		}
	}
}

func TestDiffYieldsChangedKeys(t *testing.T) {
	other := `{"id":"DEBIAN-CVE-2024-2","upstream":["CVE-2024-2"],"affected":[{"package":{"ecosystem":"Debian:12","name":"curl"},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"}]}]}]}`
	before := openSet(t, "Debian", debianCVE, other)
	after := openSet(t, "Debian", strings.Replace(debianCVE, "deb12u6", "deb12u7", 1), other)
	gone := openSet(t, "Debian", other)
	want := "[{Debian:11 glibc} {Debian:12 glibc}]"
	for name, pair := range map[string][2]*advisorydb.Set{"changed": {before, after}, "gone": {before, gone}, "new": {gone, before}} {
		var keys []advisorydb.Key
		for k, err := range advisorydb.Diff(pair[0], pair[1]) {
			if err != nil {
				t.Fatal(err)
			}
			keys = append(keys, k)
		}
		slices.SortFunc(keys, func(a, b advisorydb.Key) int { return strings.Compare(a.Ecosystem, b.Ecosystem) })
		if got := sprint(keys); got != want {
			t.Errorf("%s: got %s", name, got)
		}
	}
	for k := range advisorydb.Diff(before, before) {
		t.Errorf("the same set differs at %v", k)
	}
}

func sprint(v any) string { return fmt.Sprint(v) }

// TestFeedsOfAnEcosystem: several feeds of one ecosystem are asked in the
// order of precedence, and told apart.
func TestFeedsOfAnEcosystem(t *testing.T) {
	dir := t.TempDir()
	record := func(id, fixed string) string {
		return `{"id":"` + id + `","modified":"2024-01-01T00:00:00Z","affected":[{"package":{"ecosystem":"Red Hat:enterprise_linux:9","name":"a"},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":"` + fixed + `"}]}],"database_specific":{"status":"wont_fix","module":"m:1","arches":["src","x86_64"]}}]}`
	}
	var files []advisorydb.Info
	for feed, fixed := range map[string]string{"": "1", "redhat-advisories": "2", "redhat-vex": "3"} {
		file := "a" + feed + ".adv"
		buildRecords(t, dir, file, "Red Hat", record("CVE-2024-1", fixed), record("X-"+fixed, fixed))
		f := info(t, dir, advisorydb.Advisories, "Red Hat", file)
		f.Feed = feed
		files = append(files, f)
	}
	set, err := advisorydb.OpenFiles(dir, files)
	if err != nil {
		t.Fatal(err)
	}
	defer set.Close()
	if got := set.Feeds("Red Hat:enterprise_linux:9"); !slices.Equal(got, []string{"redhat-vex", "redhat-advisories", ""}) {
		t.Fatalf("feeds %q", got)
	}
	records, err := set.Lookup("Red Hat:enterprise_linux:9", "a")
	if err != nil || len(records) != 6 {
		t.Fatalf("%d records, %v", len(records), err)
	}
	entry := records[0].Affected[0]
	if records[0].Feed != "redhat-vex" || records[5].Feed != "" || entry.Status != advisory.StatusWontFix || entry.Module != "m:1" || !slices.Equal(entry.Arches, []string{"src", "x86_64"}) {
		t.Errorf("got %+v", records)
	}
	if a, found, err := set.Advisory("Red Hat", "CVE-2024-1"); err != nil || !found || a.Feed != "redhat-vex" || a.Affected[0].Ranges[0].Events[1].Version != "3" {
		t.Errorf("%+v, %v, %v", a, found, err)
	}
	if releases, err := set.Releases("Red Hat"); err != nil || len(releases) != 1 || releases[0].Records != 6 {
		t.Errorf("%+v, %v", releases, err)
	}
}

// TestMergeJoinsParts: a publisher may spread a record over files.
func TestMergeJoinsParts(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.adv")
	b, err := advisorydb.NewBuilder(path, "SUSE")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"a", "b"} {
		a := advisory.Advisory{ID: "SUSE-1", Upstream: []string{"CVE-2024-" + map[string]string{"a": "1", "b": "2"}[name]}}
		a.Affected = []advisory.Affected{{Ecosystem: "SUSE:15", Name: name, Ranges: advisory.Below("1")}}
		raw, err := advisory.Encode(&a)
		if err != nil {
			t.Fatal(err)
		}
		if err := b.Merge(&a, raw); err != nil {
			t.Fatal(err)
		}
	}
	if sum, err := b.Finish(); err != nil || sum.Records != 1 || sum.Keys != 2 {
		t.Fatalf("%+v, %v", sum, err)
	}
	f, err := advisorydb.OpenFile(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if a, found, err := f.Advisory("SUSE-1"); err != nil || !found || a.Affected != nil {
		t.Errorf("%+v, %v, %v", a, found, err)
	}
	for _, name := range []string{"a", "b"} {
		found, err := f.Lookup(advisory.Key{Ecosystem: "SUSE:15", Name: name})
		if err != nil || len(found) != 1 || !slices.Equal(found[0].Vulnerabilities, []string{"CVE-2024-1", "CVE-2024-2"}) {
			t.Errorf("%s: %+v, %v", name, found, err)
		}
	}
}
