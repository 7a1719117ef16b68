package fetch_test

import (
	"archive/zip"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"muster/internal/feed/feedtest"
	"muster/internal/feed/fetch"
	"muster/internal/feed/layout"
)

// fixture is publishers, a folder and a clock.
type fixture struct {
	t   *testing.T
	web *feedtest.Server
	dir string
	// mu guards now and waited.
	mu  sync.Mutex
	now time.Time
	// waited is how long the fetcher paused in all.
	waited time.Duration
	config func(*fetch.Config)
}

func newFixture(t *testing.T) *fixture {
	f := &fixture{t: t, web: feedtest.New(t), dir: t.TempDir(), now: time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)}
	f.web.Fill(t)
	return f
}

func (f *fixture) fetcher() *fetch.Fetcher {
	f.t.Helper()
	config := fetch.Config{
		Dir: f.dir, Addresses: f.web.Addresses(), Stall: 200 * time.Millisecond,
		Now: func() time.Time {
			f.mu.Lock()
			defer f.mu.Unlock()
			return f.now
		},
		Wait: func(ctx context.Context, d time.Duration) error {
			f.mu.Lock()
			defer f.mu.Unlock()
			f.waited += d
			f.now = f.now.Add(d)
			return ctx.Err()
		},
	}
	if f.config != nil {
		f.config(&config)
	}
	fetcher, err := fetch.New(config)
	if err != nil {
		f.t.Fatal(err)
	}
	return fetcher
}

// run looks at sources, due or not, and returns their results.
func (f *fixture) run(opts fetch.Options) []fetch.Result {
	f.t.Helper()
	results, err := f.fetcher().Run(f.t.Context(), opts)
	if err != nil {
		f.t.Fatal(err)
	}
	return results
}

// good runs one source that has to succeed, and says which files changed.
func (f *fixture) good(source string) []string {
	f.t.Helper()
	r := f.run(fetch.Options{Sources: []string{source}})
	if len(r) != 1 || r[0].Err != nil {
		f.t.Fatalf("%+v", r)
	}
	return r[0].Changed
}

// bad runs one source that has to fail, naming why, and leaves its file as it is.
func (f *fixture) bad(source, file, why string) error {
	f.t.Helper()
	before := f.file(file)
	r := f.run(fetch.Options{Sources: []string{source}})
	if len(r) != 1 || r[0].Err == nil || !strings.Contains(r[0].Err.Error(), why) {
		f.t.Fatalf("want %q, got %+v", why, r)
	}
	if f.file(file) != before {
		f.t.Errorf("%s was replaced", file)
	}
	if s := f.status(source); s.Error != r[0].Err.Error() || s.Failures == 0 {
		f.t.Errorf("status %+v", s)
	}
	return r[0].Err
}

func (f *fixture) status(source string) fetch.Status {
	f.t.Helper()
	list, err := f.fetcher().Status()
	if err != nil {
		f.t.Fatal(err)
	}
	i := slices.IndexFunc(list, func(s fetch.Status) bool { return s.Source == source })
	if i < 0 {
		f.t.Fatalf("no %s in %+v", source, list)
	}
	return list[i]
}

// file is a file's content, "" if there is none.
func (f *fixture) file(name string) string {
	f.t.Helper()
	b, err := os.ReadFile(filepath.Join(f.dir, filepath.FromSlash(name)))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		f.t.Fatal(err)
	}
	return string(b)
}

// members are the documents of an archive of the folder.
func (f *fixture) members(name string) map[string]string {
	f.t.Helper()
	z, err := zip.OpenReader(filepath.Join(f.dir, filepath.FromSlash(name)))
	if err != nil {
		f.t.Fatal(err)
	}
	defer func() { _ = z.Close() }()
	out := map[string]string{}
	for _, m := range z.File {
		r, err := m.Open()
		if err != nil {
			f.t.Fatal(err)
		}
		b, err := io.ReadAll(r)
		if err != nil {
			f.t.Fatal(err)
		}
		out[m.Name] = string(b)
	}
	return out
}

// everything is what Fill makes of the folder.
func everything() []string {
	out := []string{
		layout.OSV("Debian"), layout.OSV("Red Hat"), layout.KEV, layout.EPSS, layout.DebianTracker, layout.UbuntuOSV,
		layout.RedHatVEX, layout.RockyErrata, layout.OracleOVAL, layout.ExploitDB, layout.Metasploit, layout.Products,
		layout.Alpine("edge", "main"), layout.Alpine("v3.20", "main"), layout.Alpine("v3.20", "community"), layout.Amazon("2", "core"),
		layout.Amazon("2", "docker"), layout.Amazon("2023", "core"), layout.SUSE("suse.linux.enterprise.15-affected.xml.gz"),
		layout.SUSE("opensuse.leap.15.6.xml.gz"), layout.Photon("4.0"), layout.Photon("5.0"), layout.NVD("modified"),
		layout.DebianDSA, layout.DebianDLA, layout.Amazon("bottlerocket", "core"), layout.NucleiIndex, layout.Microsoft("2024-Jan"), layout.Microsoft("2024-Feb"),
	}
	for year := range 25 {
		out = append(out, layout.NVD(time.Date(2002+year, 1, 1, 0, 0, 0, 0, time.UTC).Format("2006")))
	}
	slices.Sort(out)
	return out
}

func TestEverySourceIsFetchedOnceAndThenFollowed(t *testing.T) {
	f := newFixture(t)
	for _, r := range f.run(fetch.Options{}) {
		if r.Err != nil || len(r.Changed) == 0 {
			t.Errorf("%+v", r)
		}
	}
	list, err := layout.ReadList(f.dir)
	if err != nil {
		t.Fatal(err)
	}
	var have []string
	for _, file := range list.Files {
		have = append(have, file.Path)
		if body := f.file(file.Path); feedtest.Sum([]byte(body)) != file.SHA256 || int64(len(body)) != file.Size || !strings.HasPrefix(file.URL, f.web.URL) {
			t.Errorf("%+v does not describe the file", file)
		}
		if file.Licence == "" || file.FetchedAt.IsZero() {
			t.Errorf("%+v", file)
		}
	}
	if !slices.Equal(have, everything()) {
		t.Errorf("the folder has\n%s\nnot\n%s", strings.Join(have, "\n"), strings.Join(everything(), "\n"))
	}
	if again := f.run(fetch.Options{}); len(again) != 0 {
		t.Errorf("nothing is due, but %+v", again)
	}
	f.web.Asked()
	for _, r := range f.run(fetch.Options{All: true}) {
		if r.Err != nil || len(r.Changed) > 0 {
			t.Errorf("nothing changed, but %+v", r)
		}
	}
	for _, line := range f.web.Asked() {
		if strings.HasSuffix(line, " 200") && !isList(line) {
			t.Errorf("fetched again: %s", line)
		}
	}
	f.tidy()
}

// isList reports whether a request is for something small that says what changed.
func isList(line string) bool {
	path, _, _ := strings.Cut(line, " ")
	for _, end := range []string{".csv", ".txt", ".meta", ".list", "repomd.xml", "extras-catalog.json", "photon_versions.json", "/msrc/updates", "/alpine", "/suse", "/rocky/"} {
		if strings.HasSuffix(path, end) && !strings.HasSuffix(path, "exploits.csv") {
			return true
		}
	}
	return false
}

// tidy checks that nothing but the state is left in the private folder.
func (f *fixture) tidy() {
	f.t.Helper()
	entries, err := os.ReadDir(filepath.Join(f.dir, ".fetch"))
	if err != nil {
		f.t.Fatal(err)
	}
	for _, e := range entries {
		if !slices.Contains([]string{"lock", "state.json", "quarantine"}, e.Name()) {
			f.t.Errorf("left behind: %s", e.Name())
		}
	}
}

func TestEachSourceHasItsOwnPace(t *testing.T) {
	f := newFixture(t)
	f.config = func(c *fetch.Config) {
		c.Sources = []string{"kev", "oracle"}
		c.Intervals = map[string]time.Duration{"kev": 10 * time.Minute}
	}
	f.run(fetch.Options{})
	f.now = f.now.Add(11 * time.Minute)
	if r := f.run(fetch.Options{}); len(r) != 1 || r[0].Source != "kev" {
		t.Errorf("%+v", r)
	}
	if s := f.status("oracle"); !s.NextAt.Equal(s.CheckedAt.Add(24*time.Hour)) || s.Stale {
		t.Errorf("%+v", s)
	}
	f.now = f.now.Add(73 * time.Hour)
	if s := f.status("oracle"); !s.Stale {
		t.Errorf("three days without a look, and not stale: %+v", s)
	}
	next, err := f.fetcher().NextAt()
	if err != nil || next.After(f.now) {
		t.Errorf("next at %s, %v", next, err)
	}
}

func TestFailuresBackOff(t *testing.T) {
	f := newFixture(t)
	f.good("oracle")
	f.web.Break("/oracle/elsa.xml.bz2", feedtest.Fault{Status: 404})
	for _, want := range []time.Duration{5 * time.Minute, 10 * time.Minute, 20 * time.Minute} {
		f.bad("oracle", layout.OracleOVAL, "does not offer it")
		if s := f.status("oracle"); s.NextAt.Sub(s.CheckedAt) != want {
			t.Errorf("next after %s, want %s", s.NextAt.Sub(s.CheckedAt), want)
		}
	}
	f.web.Mend()
	f.good("oracle")
	if s := f.status("oracle"); s.Failures != 0 || s.Error != "" {
		t.Errorf("%+v", s)
	}
}

func TestUnknownSourcesAreRefused(t *testing.T) {
	for _, c := range []fetch.Config{
		{Sources: []string{"kve"}}, {Addresses: map[string]string{"kve": "http://x"}}, {Addresses: map[string]string{"kev": "/here"}},
		{Intervals: map[string]time.Duration{"kve": 1}},
	} {
		c.Dir = t.TempDir()
		if _, err := fetch.New(c); err == nil {
			t.Errorf("%+v was accepted", c)
		}
	}
}
