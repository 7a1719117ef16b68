package refresh_test

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"muster/internal/advisorydb"
	"muster/internal/refresh"
	"muster/internal/store"
	"muster/internal/store/feeds"
	"muster/internal/store/storetest"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// record is a Debian record about a package, fixed in a version.
func record(n int, name, fixed string) string {
	return fmt.Sprintf(`{"id":"DEBIAN-CVE-2024-%04d","modified":"2024-01-01T00:00:00Z","upstream":["CVE-2024-%04d"],"affected":[{"package":{"ecosystem":"Debian:12","name":%q},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":%q}]}]}]}`, n, n, name, fixed)
}

// archive zips records, each under the name of its number.
func archive(t testing.TB, records ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for i, r := range records {
		w, err := z.Create(fmt.Sprintf("%d.json", i))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(r)); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func zipped(t testing.TB, text string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// debian is an archive of n records.
func debian(t testing.TB, n int) []byte {
	t.Helper()
	var records []string
	for i := range n {
		records = append(records, record(i, fmt.Sprintf("p%d", i), "2.0"))
	}
	return archive(t, records...)
}

const (
	kevJSON     = `{"dateReleased":"2024-05-01T00:00:00.0000Z","vulnerabilities":[{"cveID":"CVE-2024-0001","dateAdded":"2024-01-02","dueDate":"2024-01-23","requiredAction":"patch","knownRansomwareCampaignUse":"Known"}]}`
	epssCSV     = "#model_version:v2025.03.14,score_date:2026-01-15T00:00:00+0000\ncve,epss,percentile\nCVE-2024-0001,0.5,0.9\n"
	cveLine     = `{"id":"CVE-2024-0001","description":"d","cvss":[{"source":"nvd","vector":"CVSS:3.1/x","score":9.8}],"ssvc":{"Exploitation":"poc"}}` + "\n"
	exploitJSON = `{"CVE-2024-0001":{"metasploit":["m.rb"],"ssvc":["poc"],"kev":[{"dateAdded":"2024-01-02"}]}}`
	eolJSON     = `{"debian":{"title":"Debian","releases":[{"releaseCycle":"12","eol":"2026-06-10"},{"releaseCycle":"3","eol":true}]}}`
)

// fixture is a mirror in a folder and a service over it.
type fixture struct {
	t       testing.TB
	mirror  string
	dir     string
	service *refresh.Service
	store   *store.Store
}

// newFixture makes a mirror with every kind of file. The store may be nil.
func newFixture(t testing.TB, s *store.Store) *fixture {
	t.Helper()
	f := &fixture{t: t, mirror: t.TempDir(), dir: t.TempDir(), store: s}
	f.write("osv/Debian.zip", debian(t, 10))
	f.write("osv/npm.zip", archive(t, `{"id":"GHSA-a","aliases":["CVE-2024-7"],"affected":[{"package":{"ecosystem":"npm","name":"x"},"versions":["1"]}]}`))
	f.write("kev.json", []byte(kevJSON))
	f.write("epss.csv.gz", zipped(t, epssCSV))
	f.write("cve.ndjson.gz", zipped(t, cveLine))
	f.write("exploits.json", []byte(exploitJSON))
	f.write("eol.json", []byte(eolJSON))
	f.service = f.newService()
	return f
}

func (f *fixture) newService() *refresh.Service {
	f.t.Helper()
	s, err := refresh.New(refresh.Config{Store: f.store, Dir: f.dir, Source: f.mirror, Interval: time.Hour, Now: func() time.Time { return noon }})
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(s.Close)
	return s
}

func (f *fixture) write(name string, data []byte) {
	f.t.Helper()
	path := filepath.Join(f.mirror, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		f.t.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o644); err != nil {
		f.t.Fatal(err)
	}
}

func (f *fixture) sync(opts refresh.SyncOptions) refresh.Report {
	f.t.Helper()
	report, err := f.service.Sync(f.t.Context(), opts)
	if err != nil {
		f.t.Fatal(err)
	}
	return report
}

// fixedIn is the fixed version that the set in service gives for a package.
func (f *fixture) fixedIn(name string) string {
	f.t.Helper()
	set, err := f.service.Current(f.t.Context())
	if err != nil {
		f.t.Fatal(err)
	}
	defer set.Close()
	list, err := set.Lookup("Debian:12", name)
	if err != nil {
		f.t.Fatal(err)
	}
	if len(list) == 0 {
		return ""
	}
	events := list[0].Affected[0].Ranges[0].Events
	return events[len(events)-1].Version
}

func find(t testing.TB, report refresh.Report, name string) refresh.SourceReport {
	t.Helper()
	for _, s := range report.Sources {
		if s.Name == name {
			return s
		}
	}
	t.Fatalf("no %s in %+v", name, report.Sources)
	return refresh.SourceReport{}
}

// eachLedger runs a test with the ledger in a folder, SQLite and PostgreSQL.
func eachLedger(t *testing.T, test func(t *testing.T, f *fixture)) {
	t.Run("folder", func(t *testing.T) { test(t, newFixture(t, nil)) })
	storetest.Each(t, func(t *testing.T, s *store.Store) { test(t, newFixture(t, s)) })
}

func TestSyncImportsEverything(t *testing.T) {
	eachLedger(t, func(t *testing.T, f *fixture) {
		set, err := f.service.Current(t.Context())
		if err != nil || set.Has("Debian") {
			t.Fatalf("before the first sync: %v", err)
		}
		set.Close()
		report := f.sync(refresh.SyncOptions{})
		if report.From != 0 || report.To != 1 || len(report.Sources) != 7 {
			t.Fatalf("report %+v", report)
		}
		if got := f.fixedIn("p3"); got != "2.0" {
			t.Errorf("p3 is fixed in %q", got)
		}
		set, err = f.service.Current(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer set.Close()
		checkIntel(t, set)
		if files := set.Ecosystems(); len(files) != 2 || files[0].Ecosystem != "Debian" || files[0].Records != 10 || !files[0].ImportedAt.Equal(noon) {
			t.Errorf("ecosystems %+v", files)
		}
	})
}

func checkIntel(t *testing.T, set *advisorydb.Set) {
	t.Helper()
	i, ok, err := set.Intel("CVE-2024-0001")
	if !ok || err != nil {
		t.Fatal(ok, err)
	}
	if i.Scores[0].Base != 9.8 || i.KEV == nil || !i.KEV.Ransomware || i.EPSS.Score != 0.5 || i.Exploits.Metasploit[0] != "m.rb" ||
		i.Exploits.SSVC != "poc" || !i.Exploits.KEV || i.SSVC.Exploitation != "poc" || !i.ExploitKnown() {
		t.Errorf("intel %+v", i)
	}
	p, ok, err := set.Product("debian")
	if !ok || err != nil || p.Cycles[0].EOL.Format(time.DateOnly) != "2026-06-10" || !p.Cycles[1].Ended {
		t.Errorf("product %+v, %v", p, err)
	}
}

func TestUnchangedFilesAreNotImportedAgain(t *testing.T) {
	f := newFixture(t, nil)
	f.sync(refresh.SyncOptions{})
	if again := f.sync(refresh.SyncOptions{}); again.From != 1 || again.To != 1 {
		t.Errorf("nothing changed, but %+v", again)
	}
	f.write("osv/npm.zip", archive(t, `{"id":"GHSA-b"}`))
	report := f.sync(refresh.SyncOptions{})
	for _, s := range report.Sources {
		if s.Imported != (s.Name == "osv/npm") {
			t.Errorf("%+v", s)
		}
	}
	if f.fixedIn("p3") != "2.0" {
		t.Error("the unchanged file is gone")
	}
}

func TestNewGenerationAsksForMatching(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		f := newFixture(t, s)
		f.sync(refresh.SyncOptions{})
		f.write("osv/Debian.zip", archive(t, changedRecords()...))
		f.sync(refresh.SyncOptions{})
		jobs, err := s.Claim(t.Context(), refresh.JobChanged, 10, time.Minute)
		if err != nil || len(jobs) != 2 {
			t.Fatalf("%d jobs, %v", len(jobs), err)
		}
		var last refresh.Changed
		for _, j := range jobs {
			var c refresh.Changed
			if err := json.Unmarshal(j.Payload, &c); err != nil {
				t.Fatal(err)
			}
			if c.To > last.To {
				last = c
			}
		}
		if last != (refresh.Changed{From: 1, To: 2}) {
			t.Fatalf("payload %+v", last)
		}
		checkDiff(t, f, last)
	})
}

// changedRecords are ten records of which one differs from debian(10).
func changedRecords() []string {
	var out []string
	for i := range 10 {
		fixed := "2.0"
		if i == 4 {
			fixed = "3.0"
		}
		out = append(out, record(i, fmt.Sprintf("p%d", i), fixed))
	}
	return out
}

func checkDiff(t *testing.T, f *fixture, c refresh.Changed) {
	t.Helper()
	before, err := f.service.Generation(t.Context(), c.From)
	if err != nil {
		t.Fatal(err)
	}
	defer before.Close()
	after, err := f.service.Generation(t.Context(), c.To)
	if err != nil {
		t.Fatal(err)
	}
	defer after.Close()
	var keys []advisorydb.Key
	for k, err := range advisorydb.Diff(before, after) {
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, k)
	}
	if len(keys) != 1 || keys[0] != (advisorydb.Key{Ecosystem: "Debian:12", Name: "p4"}) {
		t.Errorf("diff %v", keys)
	}
}

func TestBadFilesAreRejected(t *testing.T) {
	good := debian(t, 10)
	for name, c := range map[string]struct {
		file string
		data []byte
		why  string
	}{
		"cut":              {"osv/Debian.zip", good[:len(good)/2], "not an archive of OSV records: zip: not a valid zip file"},
		"empty":            {"osv/Debian.zip", nil, "the file is empty"},
		"not a zip":        {"osv/Debian.zip", []byte("<html>502</html>"), "not an archive of OSV records"},
		"no records":       {"osv/Debian.zip", archive(t), "it holds no records"},
		"not JSON":         {"osv/Debian.zip", archive(t, record(1, "a", "1"), "<html>"), "1.json: not an OSV record: invalid character"},
		"broken member":    {"osv/Debian.zip", breakMember(good), "0.json: "},
		"twice the same":   {"osv/Debian.zip", archive(t, record(1, "a", "1"), record(1, "a", "1")), "record DEBIAN-CVE-2024-0001 appears twice"},
		"shrunken":         {"osv/Debian.zip", debian(t, 7), "it has shrunk from 10 records to 7, by more than 20 %"},
		"KEV not JSON":     {"kev.json", []byte("oops"), "not a KEV catalogue"},
		"KEV empty":        {"kev.json", []byte(`{"vulnerabilities":[]}`), "0 entries"},
		"EPSS not gzip":    {"epss.csv.gz", []byte(epssCSV), "not an EPSS file"},
		"EPSS cut":         {"epss.csv.gz", zipped(t, epssCSV)[:40], "not an EPSS file"},
		"EPSS odd":         {"epss.csv.gz", zipped(t, "cve,epss,percentile\nCVE-2024-0001,2,0\n"), "line 2"},
		"CVE not JSON":     {"cve.ndjson.gz", zipped(t, "{\n"), "line 1"},
		"exploits a list":  {"exploits.json", []byte("[]"), "not a list of exploits"},
		"products a quote": {"eol.json", []byte(`"x"`), "not a list of products"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, nil)
			f.sync(refresh.SyncOptions{})
			f.write(c.file, c.data)
			report := f.sync(refresh.SyncOptions{})
			name := strings.TrimSuffix(c.file, ".zip")
			if s := find(t, report, name); s.Status != feeds.StatusRejected || !strings.Contains(s.Reason, c.why) {
				t.Errorf("%+v", s)
			}
			if report.To != 1 || f.fixedIn("p9") != "2.0" {
				t.Errorf("the last import is not in service: %+v", report)
			}
			set, err := f.service.Current(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer set.Close()
			checkIntel(t, set)
			f.checkTidy()
		})
	}
}

// breakMember spoils the first member's compressed bytes.
func breakMember(data []byte) []byte {
	b := bytes.Clone(data)
	for i := 45; i < 80; i++ {
		b[i] ^= 0x55
	}
	return b
}

// checkTidy checks that a sync left nothing but what belongs in the folder.
func (f *fixture) checkTidy() {
	f.t.Helper()
	entries, err := os.ReadDir(f.dir)
	if err != nil {
		f.t.Fatal(err)
	}
	for _, e := range entries {
		if e.Name() != "generations" && e.Name() != "lock" && e.Name() != "state.json" {
			f.t.Errorf("left behind: %s", e.Name())
		}
	}
}

func TestRejectedFileDoesNotHoldUpOthers(t *testing.T) {
	eachLedger(t, func(t *testing.T, f *fixture) {
		f.write("osv/npm.zip", nil)
		report := f.sync(refresh.SyncOptions{})
		if report.To != 1 || f.fixedIn("p1") != "2.0" {
			t.Errorf("%+v", report)
		}
		status, err := f.service.Status(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range status.Sources {
			bad := s.Name == "osv/npm"
			if (s.Status == feeds.StatusRejected) != bad || s.FailingSince.IsZero() == bad || (s.Records == 0) != bad {
				t.Errorf("%+v", s)
			}
		}
	})
}

func TestShrunkenFileIsTakenOnAnOperatorsWord(t *testing.T) {
	f := newFixture(t, nil)
	f.sync(refresh.SyncOptions{})
	f.write("osv/Debian.zip", debian(t, 8))
	if s := find(t, f.sync(refresh.SyncOptions{}), "osv/Debian"); !s.Imported {
		t.Errorf("a loss of exactly a fifth: %+v", s)
	}
	f.write("osv/Debian.zip", debian(t, 1))
	if s := find(t, f.sync(refresh.SyncOptions{AcceptShrunken: true}), "osv/Debian"); !s.Imported || s.Records != 1 {
		t.Errorf("%+v", s)
	}
}

func TestEcosystemsFilterAddsToWhatIsThere(t *testing.T) {
	f := newFixture(t, nil)
	first := f.sync(refresh.SyncOptions{Ecosystems: []string{"Debian"}})
	for _, s := range first.Sources {
		if s.Name == "osv/npm" {
			t.Error("npm was not asked for")
		}
	}
	if report := f.sync(refresh.SyncOptions{}); report.To != 2 || !find(t, report, "osv/npm").Imported || find(t, report, "osv/Debian").Imported {
		t.Errorf("%+v", report)
	}
}

func TestAbsentFilesKeepTheirLastImport(t *testing.T) {
	f := newFixture(t, nil)
	f.sync(refresh.SyncOptions{})
	other := newFixture(t, nil)
	if err := os.RemoveAll(filepath.Join(other.mirror, "osv", "Debian.zip")); err != nil {
		t.Fatal(err)
	}
	report := f.sync(refresh.SyncOptions{Source: other.mirror})
	if s := find(t, report, "osv/Debian"); s.Status != feeds.StatusAbsent || s.Records != 10 {
		t.Errorf("%+v", s)
	}
	if f.fixedIn("p1") != "2.0" {
		t.Error("Debian is gone")
	}
}

func TestNothingThereIsAnError(t *testing.T) {
	f := newFixture(t, nil)
	f.sync(refresh.SyncOptions{})
	if _, err := f.service.Sync(t.Context(), refresh.SyncOptions{Source: t.TempDir()}); !errors.Is(err, refresh.ErrNothing) {
		t.Errorf("an empty folder: %v", err)
	}
	if _, err := f.service.Sync(t.Context(), refresh.SyncOptions{Source: filepath.Join(f.mirror, "missing")}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no folder: %v", err)
	}
	if _, err := f.service.Sync(t.Context(), refresh.SyncOptions{Source: "ftp://example.com"}); err == nil {
		t.Error("an address of another kind")
	}
	if f.fixedIn("p1") != "2.0" {
		t.Error("the last import is gone")
	}
	f.checkTidy()
}

func TestCancelledSyncChangesNothing(t *testing.T) {
	f := newFixture(t, nil)
	f.sync(refresh.SyncOptions{})
	f.write("osv/Debian.zip", archive(t, changedRecords()...))
	ctx, cancel := context.WithCancel(t.Context())
	_, err := f.service.Sync(ctx, refresh.SyncOptions{Progress: func(refresh.Progress) { cancel() }})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	if f.fixedIn("p4") != "2.0" {
		t.Error("half a sync is in service")
	}
	f.checkTidy()
}
