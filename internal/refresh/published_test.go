package refresh_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"muster/internal/feed/bundle"
	"muster/internal/feed/feedtest"
	"muster/internal/feed/fetch"
	"muster/internal/feed/layout"
	"muster/internal/refresh"
	"muster/internal/store"
	"muster/internal/store/feeds"
	"muster/internal/store/storetest"
	"muster/internal/testshared"
)

// online is a service that fetches from publishers on loopback, by a clock.
type online struct {
	t       testing.TB
	web     *feedtest.Server
	dir     string
	store   *store.Store
	service *refresh.Service

	mu  sync.Mutex
	now time.Time
}

func newOnline(t testing.TB, s *store.Store) *online {
	o := &online{t: t, web: feedtest.New(t), dir: t.TempDir(), store: s, now: time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)}
	o.web.Fill(t)
	o.restart()
	return o
}

func (o *online) clock() time.Time {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.now
}

func (o *online) pass(d time.Duration) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.now = o.now.Add(d)
}

func (o *online) fetching() fetch.Config {
	return fetch.Config{
		Dir: filepath.Join(o.dir, "feeds"), Addresses: o.web.Addresses(), Now: o.clock, Stall: time.Second,
		Sources: []string{"osv", "kev", "epss", "debian", "nvd", "alpine"},
		Wait: func(ctx context.Context, d time.Duration) error {
			o.pass(d)
			return ctx.Err()
		},
	}
}

// restart begins a new process over the same folder.
func (o *online) restart() {
	o.t.Helper()
	fetcher, err := fetch.New(o.fetching())
	if err != nil {
		o.t.Fatal(err)
	}
	o.service, err = refresh.New(refresh.Config{Store: o.store, Dir: filepath.Join(o.dir, "advisories"), Fetcher: fetcher, Interval: time.Hour, Now: o.clock})
	if err != nil {
		o.t.Fatal(err)
	}
	o.t.Cleanup(o.service.Close)
}

// runScheduled runs the scheduled job if it is due, and says when it is next.
func (o *online) runScheduled() time.Time {
	o.t.Helper()
	jobs, err := o.store.Claim(o.t.Context(), refresh.JobSync, 1, time.Minute)
	if err != nil || len(jobs) != 1 {
		o.t.Fatalf("%d jobs, %v", len(jobs), err)
	}
	if err := o.service.Run(o.t.Context(), jobs[0]); err != nil {
		o.t.Fatal(err)
	}
	if err := o.store.Complete(o.t.Context(), jobs[0]); err != nil {
		o.t.Fatal(err)
	}
	return o.clock()
}

func (o *online) sources() map[string]feeds.Source {
	o.t.Helper()
	status, err := o.service.Status(o.t.Context())
	if err != nil {
		o.t.Fatal(err)
	}
	out := map[string]feeds.Source{}
	for _, s := range status.Sources {
		out[s.Name] = s
	}
	return out
}

func TestPublishersAreFetchedAndImported(t *testing.T) {
	o := newOnline(t, nil)
	report, err := o.service.Sync(t.Context(), refresh.SyncOptions{})
	if err != nil || report.To != 1 || len(report.Fetched) != 3 {
		t.Fatalf("the first time brings the first sources: %+v, %v", report, err)
	}
	if report, err = o.service.Sync(t.Context(), refresh.SyncOptions{}); err != nil || report.To != 2 || len(report.Fetched) != 3 {
		t.Fatalf("the second time brings the rest: %+v, %v", report, err)
	}
	have := o.sources()
	for name, records := range map[string]int{"osv/Debian": 10, "kev.json": 10, "debian": 1, "nvd": 25, "alpine": 1} {
		if s := have[name]; s.Records != records || s.Status != feeds.StatusCurrent {
			t.Errorf("%s: %+v", name, s)
		}
	}
	set, err := o.service.Current(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer set.Close()
	if found := set.Feeds("Debian:12"); len(found) != 2 {
		t.Errorf("Debian's feeds are %v", found)
	}
	if report, err = o.service.Sync(t.Context(), refresh.SyncOptions{}); err != nil || report.To != 2 || len(report.Fetched) != 0 {
		t.Errorf("nothing is due: %+v, %v", report, err)
	}
	o.web.Change(3, "2026-11-02T00:00:00Z", "3.0")
	o.pass(2 * time.Hour)
	report, err = o.service.Sync(t.Context(), refresh.SyncOptions{})
	if err != nil || report.To != 3 {
		t.Fatalf("%+v, %v", report, err)
	}
	for _, s := range report.Sources {
		if s.Imported != (s.Name == "osv/Debian") {
			t.Errorf("%+v", s)
		}
	}
}

func TestWithoutANetworkTheErrorSaysWhy(t *testing.T) {
	o := newOnline(t, nil)
	o.web.Close()
	_, err := o.service.Sync(t.Context(), refresh.SyncOptions{})
	if !errors.Is(err, refresh.ErrNothing) || !strings.Contains(err.Error(), "kev: ") || !strings.Contains(err.Error(), "connection refused") {
		t.Errorf("%v", err)
	}
}

// TestOtherSourcesOnly has none of those that come first.
func TestOtherSourcesOnly(t *testing.T) {
	o := newOnline(t, nil)
	config := o.fetching()
	config.Sources = []string{"debian"}
	fetcher, err := fetch.New(config)
	if err != nil {
		t.Fatal(err)
	}
	s, err := refresh.New(refresh.Config{Dir: t.TempDir(), Fetcher: fetcher, Now: o.clock})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	report, err := s.Sync(t.Context(), refresh.SyncOptions{})
	if err != nil || !find(t, report, "debian").Imported {
		t.Errorf("%+v, %v", report, err)
	}
}

func TestQuarantineIsSeenInTheStatus(t *testing.T) {
	o := newOnline(t, nil)
	for range 2 {
		if _, err := o.service.Sync(t.Context(), refresh.SyncOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	o.web.SetText("/cisa/kev.json", feedtest.KEV(1))
	o.pass(2 * time.Hour)
	report, err := o.service.Sync(t.Context(), refresh.SyncOptions{})
	if err != nil || report.To != 2 {
		t.Fatalf("%+v, %v", report, err)
	}
	status, err := o.service.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range status.Fetched {
		if (f.Failures > 0) != (f.Source == "kev") || f.Source == "kev" && !strings.Contains(f.Error, "shrunk from 10 records to 1") {
			t.Errorf("%+v", f)
		}
	}
	if o.sources()["kev.json"].Records != 10 {
		t.Error("the last import is gone")
	}
}

// TestScheduledSyncsFollowThePublishersPace also loses the process in between.
func TestScheduledSyncsFollowThePublishersPace(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		o := newOnline(t, s)
		o.now = time.Now() // jobs go by the store's clock
		if err := o.service.Schedule(t.Context()); err != nil {
			t.Fatal(err)
		}
		o.runScheduled()
		o.restart()
		if err := o.service.Schedule(t.Context()); err != nil { // as a server that begins does
			t.Fatal(err)
		}
		o.runScheduled()
		if have := o.sources(); have["nvd"].Records != 25 {
			t.Errorf("the sources that come second are not there: %+v", have)
		}
		jobs, err := s.Claim(t.Context(), refresh.JobSync, 1, time.Minute)
		if err != nil || len(jobs) > 0 {
			t.Errorf("the next one is due at once: %+v, %v", jobs, err)
		}
	})
}

func TestBundlesAreImported(t *testing.T) {
	o := newOnline(t, nil)
	for range 2 {
		if _, err := o.service.Sync(t.Context(), refresh.SyncOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	file := filepath.Join(t.TempDir(), "b")
	if _, err := bundle.Write(t.Context(), file, filepath.Join(o.dir, "feeds"), bundle.Options{}); err != nil {
		t.Fatal(err)
	}
	s, err := refresh.New(refresh.Config{Dir: t.TempDir(), Source: file, Trust: bundle.Trust{Unsigned: true}})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	report, err := s.Sync(t.Context(), refresh.SyncOptions{})
	if err != nil || report.To != 1 || !find(t, report, "nvd").Imported || !find(t, report, "osv/Debian").Imported {
		t.Errorf("%+v, %v", report, err)
	}
	if report, err = s.Sync(t.Context(), refresh.SyncOptions{}); err != nil || report.To != 1 {
		t.Errorf("the second time: %+v, %v", report, err)
	}
	if _, err := s.Sync(t.Context(), refresh.SyncOptions{Source: refresh.Imported}); err == nil {
		t.Error("what bundles brought, without a folder for it")
	}
}

// TestRealSamplesOfPublishers imports what publishers really send, a little of
// each, from a feeds folder.
func TestRealSamplesOfPublishers(t *testing.T) {
	raw := filepath.Join(testshared.Dir(t), "advisories", "raw")
	dir := t.TempDir()
	for to, from := range map[string]string{
		layout.DebianTracker: "debian-tracker-json/advisory.json", layout.DebianDSA: "debian-lists/DSA-list.gz", layout.DebianDLA: "debian-lists/DLA-list.gz",
		layout.Amazon("2", "core"): "amazon/updateinfo_2.xml.gz", layout.Amazon("2023", "core"): "amazon/updateinfo_2023.xml.gz",
		layout.Amazon("2", "kernel-5.15"): "amazon/updateinfo_2_kernel-5.15.xml.gz", layout.Alpine("v3.16", "main"): "alpine-secdb-json/v3.16/main.json",
		layout.Alpine("v3.16", "community"): "alpine-secdb-json/v3.16/community.json", layout.OracleOVAL: "oracle-oval/com.oracle.elsa-all.xml.bz2",
		layout.SUSE("suse.linux.enterprise.15-affected.xml.gz"): "suse-oval/happy/suse.linux.enterprise.15-affected.xml.gz",
		layout.SUSE("opensuse.leap.15.2.xml.gz"):                "suse-oval/happy/opensuse.leap.15.2.xml.gz",
		layout.Photon("5.0"):                                    "photon/happy/cve_data_photon5.0.json", layout.ExploitDB: "exploitdb/files_exploits.csv",
		layout.Metasploit: "metasploit/modules_metadata_base.json", "nvd/page.json": "nvd-api-2.0-pages/3_items/0-3.json",
	} {
		b, err := os.ReadFile(filepath.Join(raw, filepath.FromSlash(from)))
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(from, "-list.gz") {
			b = unzipped(t, b)
		}
		place(t, dir, to, b)
	}
	place(t, dir, layout.RedHatVEX, zipOf(t, filepath.Join(raw, "redhat-vex"), "cve-"))
	place(t, dir, layout.RedHatAdvisories, zipOf(t, filepath.Join(raw, "redhat-csaf"), "rhsa-"))
	place(t, dir, layout.RockyErrata, zipOf(t, filepath.Join(raw, "rocky-errata", "happy"), "page"))
	place(t, dir, layout.UbuntuOSV, zipOf(t, filepath.Join(raw, "ubuntu-osv"), "U"))
	place(t, dir, layout.UbuntuTracker, zipOf(t, filepath.Join(raw, "ubuntu-cve-tracker"), ""))
	place(t, dir, layout.CVEList, zipOf(t, filepath.Join(raw, "cve5"), "CVE-"))
	s, err := refresh.New(refresh.Config{Dir: t.TempDir(), Source: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	report, err := s.Sync(t.Context(), refresh.SyncOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range report.Sources {
		t.Logf("%s: %s, %d records %s", r.Name, r.Status, r.Records, r.Reason)
		if r.Status != feeds.StatusCurrent || r.Records == 0 {
			t.Errorf("%s is %s: %s", r.Name, r.Status, r.Reason)
		}
	}
	set, err := s.Current(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer set.Close()
	for _, ecosystem := range []string{"Alpine", "Amazon Linux", "Debian", "openSUSE", "Oracle Linux", "Photon OS", "Red Hat", "Rocky Linux", "SUSE", "Ubuntu"} {
		if !set.Has(ecosystem) {
			t.Errorf("nothing about %s", ecosystem)
		}
	}
}

func unzipped(t *testing.T, packed []byte) []byte {
	t.Helper()
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func place(t *testing.T, dir, name string, b []byte) {
	t.Helper()
	path := filepath.Join(dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, b, 0o644); err != nil {
		t.Fatal(err)
	}
}

// zipOf zips the files below a folder whose names begin with a prefix.
func zipOf(t *testing.T, dir, prefix string) []byte {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasPrefix(d.Name(), prefix) || strings.Contains(d.Name(), "illegal") || strings.Contains(d.Name(), "bad") {
			return err
		}
		b, err := os.ReadFile(path)
		files[d.Name()[strings.LastIndex(d.Name(), "_")+1:]] = string(b) // the tracker's samples carry their folder
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return feedtest.Zip(t, files)
}
