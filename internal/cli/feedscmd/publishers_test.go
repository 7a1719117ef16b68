package feedscmd_test

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"muster/internal/cli/feedscmd"
	"muster/internal/feed/bundle"
	"muster/internal/feed/feedtest"
	"muster/internal/feed/fetch"
	"muster/internal/store"
	"muster/internal/store/storetest"
)

// site is an installation with a network, or without.
type site struct {
	t        *testing.T
	store    *store.Store
	dir      string
	settings feedscmd.Settings
}

func newSite(t *testing.T, web *feedtest.Server) *site {
	s := &site{t: t, store: storetest.Open(t, storetest.SQLite(t), store.Options{}), dir: t.TempDir()}
	s.settings.Fetch = fetch.Config{Dir: filepath.Join(s.dir, "feeds"), Addresses: map[string]string{}}
	if web != nil {
		s.settings.Fetch.Addresses = web.Addresses()
		s.settings.Fetch.Sources = []string{"osv", "kev", "epss", "debian", "nvd"}
	}
	return s
}

func (s *site) run(args ...string) (string, error) {
	s.t.Helper()
	return runWith(s.t, s.store, s.settings, filepath.Join(s.dir, "advisories"), args...)
}

// expect runs a command that says want and ends with wantErr.
func (s *site) expect(want string, wantErr error, args ...string) string {
	s.t.Helper()
	out, err := s.run(args...)
	out = strings.Join(strings.Fields(out), " ")
	if !errors.Is(err, wantErr) || !strings.Contains(out, want) {
		s.t.Fatalf("%v: %v\n%swant %q, %v", args, err, out, want, wantErr)
	}
	return out
}

// TestFromPublishersToAPlaceWithoutANetwork is the way of advisories: fetched,
// imported, exported, carried, imported.
func TestFromPublishersToAPlaceWithoutANetwork(t *testing.T) {
	web := feedtest.New(t)
	web.Fill(t)
	online, offline := newSite(t, web), newSite(t, nil)
	offline.settings.Source = "imported"
	online.expect("osv/Debian 10", nil, append([]string{"status"}, syncFirst(online)...)...)
	key := filepath.Join(t.TempDir(), "key")
	online.expect("keep", nil, "keygen", key)
	file := filepath.Join(t.TempDir(), "feeds.bundle")
	if _, err := online.run("export", file); err == nil {
		t.Error("exported without a word on the signature")
	}
	online.expect("Wrote", nil, "export", file, "--key", key)
	offline.expect("", bundle.ErrUntrusted, "import", file)
	offline.expect("No advisories were imported yet", nil, "status")
	out := offline.expect("generation 1 is in service", nil, "import", file, "--trust", key+".pub")
	if !strings.Contains(out, "files changed in") {
		t.Error(out)
	}
	status := offline.expect("osv/Debian 10", nil, "status")
	if !strings.Contains(status, "debian ") || !strings.Contains(status, "nvd ") {
		t.Error(status)
	}
	offline.expect("Nothing new", nil, "import", file, "--trust", key+".pub")
	offline.settings.Trust = []string{key + ".pub"}
	offline.expect("CC0-1.0", nil, "inspect", file)
	offline.expect("Nothing new", nil, "sync")

	web.Change(3, "2026-11-05T00:00:00Z", "3.0")
	online.expect("generation 3 is in service", nil, "sync", "--all")
	next := filepath.Join(t.TempDir(), "next.bundle")
	online.expect("Wrote "+next+": 1 files", nil, "export", next, "--key", key, "--base", file)
	offline.expect("generation 2 is in service", nil, "import", next)
	offline.expect("", bundle.ErrOlder, "import", file)
}

// syncFirst syncs twice, because the first time brings the first sources only.
func syncFirst(s *site) []string {
	s.expect("generation 1 is in service", nil, "sync")
	s.expect("generation 2 is in service", nil, "sync")
	return nil
}

func TestStatusTellsOfPublishers(t *testing.T) {
	web := feedtest.New(t)
	web.Fill(t)
	s := newSite(t, web)
	s.settings.Fetch.Wait = nil
	s.settings.Fetch.Sources = []string{"kev", "epss"}
	s.expect("generation 1 is in service", nil, "sync")
	web.SetText("/cisa/kev.json", feedtest.KEV(2))
	s.expect("", feedscmd.ErrFetch, "sync", "--all")
	out := s.expect("failing (1)", nil, "status")
	if !strings.Contains(out, "quarantined: it has shrunk from 10 records to 2, by more than 20 %") || !strings.Contains(out, "kev.json 10") {
		t.Error(out)
	}
	var status struct {
		Generation int64
		Sources    []struct {
			Source, Status string
			Records        int
			Age            *int64 `json:"age_seconds"`
		}
		Publishers []fetch.Status
	}
	if err := json.Unmarshal([]byte(s.expect("", nil, "status", "--format", "json")), &status); err != nil {
		t.Fatal(err)
	}
	if status.Generation != 1 || len(status.Sources) != 2 || len(status.Publishers) != 2 || status.Publishers[1].Failures != 1 || status.Publishers[1].NextAt.IsZero() {
		t.Errorf("%+v", status)
	}
	s.expect("", feedscmd.ErrStale, "status", "--max-age", "1ns")
	s.expect("", nil, "status", "--max-age", "1h")
	if _, err := s.run("status", "--format", "xml"); err == nil {
		t.Error("format xml")
	}
	s.expect("generation 2 is in service", nil, "sync", "--all", "--accept-shrunken")
}

func TestFetchFillsAMirror(t *testing.T) {
	web := feedtest.New(t)
	web.Fill(t)
	s, mirror := newSite(t, web), t.TempDir()
	s.expect("Asked 2 publishers; 2 files changed", nil, "fetch", "--dir", mirror, "--source", "osv", "--source", "kev", "--ecosystem", "Debian")
	if _, err := os.Stat(filepath.Join(mirror, "osv", "Debian.zip")); err != nil {
		t.Error(err)
	}
	if _, err := s.run("fetch", "--dir", mirror, "--source", "kve"); err == nil {
		t.Error("an unknown source")
	}
	other := newSite(t, nil)
	other.expect("Imported 2 of 2 files", nil, "sync", "--from", mirror)
	file := filepath.Join(t.TempDir(), "b")
	s.expect("Wrote", nil, "export", file, "--dir", mirror, "--unsigned", "--source", "kev")
	other.expect("", bundle.ErrUnsigned, "sync", "--from", file)
	other.expect("Nothing new", nil, "sync", "--from", file, "--insecure-unsigned")
	empty := t.TempDir()
	other.expect("1 of 1 files changed in "+empty, nil, "import", file, "--dir", empty, "--insecure-unsigned")
}
