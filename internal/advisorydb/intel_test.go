package advisorydb_test

import (
	"errors"
	"path/filepath"
	"reflect"
	"slices"
	"sync"
	"testing"
	"time"

	"muster/internal/advisory"
	"muster/internal/advisorydb"
)

var day = time.Date(2026, 8, 16, 0, 0, 0, 0, time.UTC)

// intelSet makes a set of intelligence files; nil values leave a file out.
func intelSet(t *testing.T, cves map[string]advisory.Intel, kevs map[string]advisory.KEV, scores map[string]float64) *advisorydb.Set {
	t.Helper()
	dir := t.TempDir()
	var files []advisorydb.Info
	files = append(files, writeTable(t, dir, advisorydb.CVEs, cves))
	files = append(files, writeTable(t, dir, advisorydb.KEVs, kevs))
	e, err := advisorydb.NewEPSSBuilder(filepath.Join(dir, "epss"))
	if err != nil {
		t.Fatal(err)
	}
	for cve, score := range scores {
		if err := e.Add(cve, score, 0.5); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := e.Finish(day); err != nil {
		t.Fatal(err)
	}
	writeManifest(t, dir, append(files, info(t, dir, advisorydb.EPSS, "", "epss"))...)
	set, err := advisorydb.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(set.Close)
	return set
}

func writeTable[V any](t *testing.T, dir string, kind advisorydb.Kind, rows map[string]V) advisorydb.Info {
	t.Helper()
	b, err := advisorydb.NewTableBuilder(filepath.Join(dir, string(kind)))
	if err != nil {
		t.Fatal(err)
	}
	for key, value := range rows {
		if err := b.Add(key, value); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := b.Finish(day); err != nil {
		t.Fatal(err)
	}
	return info(t, dir, kind, "", string(kind))
}

func TestIntelGathersAllFiles(t *testing.T) {
	details := advisory.Intel{CVE: "CVE-2024-3094", Description: "xz", Scores: []advisory.Score{{Source: "CISA-ADP", Vector: "CVSS:3.1/…", Base: 10}}, Published: day}
	kev := advisory.KEV{Added: day, Action: "patch"}
	set := intelSet(t, map[string]advisory.Intel{"CVE-2024-3094": details}, map[string]advisory.KEV{"CVE-2024-3094": kev, "CVE-2020-1": kev},
		map[string]float64{"CVE-2024-3094": 0.84536, "CVE-2021-1234567": 0.00042})
	got, ok, err := set.Intel("CVE-2024-3094")
	if err != nil || !ok {
		t.Fatal(ok, err)
	}
	want := details
	want.KEV, want.EPSS = &kev, &advisory.EPSS{Score: 0.84536, Percentile: 0.5, Date: day}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if !got.ExploitKnown() {
		t.Error("a KEV entry is a known exploit")
	}
	if got, ok, err := set.Intel("CVE-2021-1234567"); !ok || err != nil || got.EPSS.Score != 0.00042 || got.ExploitKnown() {
		t.Errorf("only a score: %+v, %v, %v", got, ok, err)
	}
	for _, id := range []string{"CVE-2020-2", "GHSA-x", "", "CVE-0000-00000000000000"} {
		if _, ok, err := set.Intel(id); ok || err != nil {
			t.Errorf("%s: %v, %v", id, ok, err)
		}
	}
}

// TestIntelJoinsSources: NVD before the CVE List before the digest, all
// indexes of exploits together; a table's row may be replaced while it is
// built.
func TestIntelJoinsSources(t *testing.T) {
	dir := t.TempDir()
	const cve = "CVE-2024-3094"
	details := func(text string) map[string]advisory.Intel {
		return map[string]advisory.Intel{cve: {Description: text, CWEs: []string{text}}}
	}
	files := []advisorydb.Info{
		writeTable(t, dir, advisorydb.CVEs, details("digest")), writeTable(t, dir, advisorydb.CVEList, details("list")),
		writeTable(t, dir, advisorydb.Exploits, map[string]advisory.Exploits{cve: {SSVC: "poc"}}),
		writeTable(t, dir, advisorydb.ExploitDB, map[string]advisory.Exploits{cve: {ExploitDB: []string{"EDB-1"}}}),
		writeTable(t, dir, advisorydb.Metasploit, map[string]advisory.Exploits{cve: {Metasploit: []string{"m"}}}),
		writeTable(t, dir, advisorydb.Nuclei, map[string]advisory.Exploits{"CVE-2024-0001": {Nuclei: []string{"n"}}}),
	}
	b, err := advisorydb.NewTableBuilder(filepath.Join(dir, "nvd"))
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"older", "nvd"} {
		if err := b.Put(cve, details(text)[cve]); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.Add(cve, 1); err == nil {
		t.Error("a key was added twice")
	}
	if sum, err := b.Finish(day); err != nil || sum.Records != 1 {
		t.Fatalf("%+v, %v", sum, err)
	}
	files = append(files, info(t, dir, advisorydb.NVD, "", "nvd"))
	writeManifest(t, dir, files...)
	set, err := advisorydb.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer set.Close()
	in, found, err := set.Intel(cve)
	if err != nil || !found || in.Description != "nvd" || !slices.Equal(in.CWEs, []string{"nvd", "list", "digest"}) {
		t.Errorf("%+v, %v", in, err)
	}
	if e := in.Exploits; e.SSVC != "poc" || len(e.ExploitDB) != 1 || len(e.Metasploit) != 1 || len(e.Nuclei) != 0 {
		t.Errorf("%+v", e)
	}
	var changed []string
	for cve, err := range advisorydb.DiffIntel(advisorydb.Empty(), set) {
		if err != nil {
			t.Fatal(err)
		}
		changed = append(changed, cve)
	}
	if slices.Sort(changed); !slices.Equal(slices.Compact(changed), []string{"CVE-2024-0001", cve}) {
		t.Errorf("changed: %v", changed)
	}
	if err := set.Verify(); err != nil {
		t.Error(err)
	}
}

func TestDiffIntelSkipsSmallMoves(t *testing.T) {
	kev := map[string]advisory.KEV{"CVE-2024-1111": {Added: day}}
	before := intelSet(t, map[string]advisory.Intel{"CVE-2024-0001": {Title: "a"}, "CVE-2024-0002": {Title: "b"}}, nil,
		map[string]float64{"CVE-2024-0003": 0.5, "CVE-2024-0004": 0.5, "CVE-2024-0005": 0.5})
	after := intelSet(t, map[string]advisory.Intel{"CVE-2024-0001": {Title: "c"}, "CVE-2024-0002": {Title: "b"}}, kev,
		map[string]float64{"CVE-2024-0003": 0.505, "CVE-2024-0004": 0.6, "CVE-2024-0006": 0.1})
	want := []string{"CVE-2024-0001", "CVE-2024-0004", "CVE-2024-0005", "CVE-2024-0006", "CVE-2024-1111"}
	for _, pair := range [][2]*advisorydb.Set{{before, after}, {after, before}} {
		var got []string
		for cve, err := range advisorydb.DiffIntel(pair[0], pair[1]) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, cve)
		}
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("got %v", got)
		}
	}
	for cve := range advisorydb.DiffIntel(advisorydb.Empty(), before) {
		if cve == "" {
			t.Error("no CVE")
		}
		break // an early end must not trip it
	}
}

func TestClosedSetsRefuse(t *testing.T) {
	set := openSet(t, "Debian", debianCVE)
	second, err := set.Share()
	if err != nil {
		t.Fatal(err)
	}
	set.Close()
	set.Close()
	if _, err := set.Lookup("Debian:12", "glibc"); !errors.Is(err, advisorydb.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
	if _, err := set.Share(); !errors.Is(err, advisorydb.ErrClosed) {
		t.Errorf("sharing after Close: %v", err)
	}
	if got, err := second.Lookup("Debian:12", "glibc"); err != nil || len(got) != 1 {
		t.Errorf("the other handle: %v, %v", got, err)
	}
	second.Close()
}

// TestCloseWaitsForReaders closes a set below many readers: each gets an
// answer or ErrClosed, and nothing is read after it was unmapped.
func TestCloseWaitsForReaders(t *testing.T) {
	set := openSet(t, "Debian", debianCVE)
	var readers sync.WaitGroup
	started := make(chan struct{}, 8)
	for range 8 {
		readers.Go(func() {
			for i := 0; ; i++ {
				_, err := set.Lookup("Debian:12", "glibc")
				if i == 10 {
					started <- struct{}{}
				}
				if errors.Is(err, advisorydb.ErrClosed) {
					return
				}
				if err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	for range 8 {
		<-started
	}
	set.Close()
	readers.Wait()
}

func TestEmptySetKnowsNothing(t *testing.T) {
	set := advisorydb.Empty()
	defer set.Close()
	if got, err := set.Lookup("Debian:12", "glibc"); got != nil || err != nil {
		t.Errorf("%v, %v", got, err)
	}
	if set.Has("Debian") || len(set.Ecosystems()) != 0 {
		t.Error("it claims to know Debian")
	}
	for k, err := range advisorydb.Diff(set, openSet(t, "Debian", debianCVE)) {
		if err != nil || k.Name != "glibc" {
			t.Errorf("%v, %v", k, err)
		}
	}
}
