package knowledge_test

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"muster/internal/feed"
	"muster/internal/feed/feedtest"
	"muster/internal/feed/fetch"
	"muster/internal/scanner/knowledge"
)

// publishers is a configuration whose publishers are all at one server.
func publishers(t *testing.T, web *feedtest.Server, now *time.Time) knowledge.Config {
	return knowledge.Config{
		Location: feed.Publishers, Dir: t.TempDir(), MaxAge: time.Hour, Now: func() time.Time { return *now },
		Publishers: fetch.Config{Addresses: web.Addresses(), Wait: func(ctx context.Context, _ time.Duration) error { return ctx.Err() }},
	}
}

// open looks and returns the sources that made up the set, and the problems.
func open(t *testing.T, config knowledge.Config, ecosystems ...string) (files []string, problems []knowledge.Problem) {
	t.Helper()
	set, problems, err := knowledge.Open(t.Context(), config, ecosystems)
	if err != nil {
		t.Fatal(err)
	}
	defer set.Close()
	for _, f := range set.Files() {
		_, name, _ := strings.Cut(f.File, "-r")
		_, name, _ = strings.Cut(name, "-")
		files = append(files, name)
	}
	slices.Sort(files)
	return files, problems
}

// TestPublishers: a scan fetches from every publisher that speaks of its
// packages, once; other targets add what they need; what broke down later does
// no harm.
func TestPublishers(t *testing.T) {
	web := feedtest.New(t)
	web.Fill(t)
	now := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	config := publishers(t, web, &now)
	files, problems := open(t, config, "Debian:12", "Windows")
	for _, want := range []string{"osv-Debian.db", "feed-debian-Debian.db", "feed-debian-notices-Debian.db", "feed-microsoft-Windows.db", "epss.db", "nvd.db"} {
		if !slices.Contains(files, want) {
			t.Errorf("no %s in %v", want, files)
		}
	}
	if len(problems) != 0 {
		t.Errorf("%+v", problems)
	}
	for _, name := range []string{"osv/Red Hat.zip", "redhat/vex.zip"} {
		if _, err := os.Stat(filepath.Join(config.Dir, "feeds", filepath.FromSlash(name))); err == nil {
			t.Errorf("%s was fetched, and nothing asked for it", name)
		}
	}
	web.Asked()
	if again, _ := open(t, config, "Debian:12"); !slices.Contains(again, "osv-Debian.db") || len(web.Asked()) != 0 {
		t.Errorf("nothing is due: %v", again)
	}
	if other, _ := open(t, config, "Alpine:v3.20"); !slices.Contains(other, "feed-alpine-Alpine.db") {
		t.Errorf("another target: %v", other)
	}
	web.Change(3, "2026-11-20T13:00:00Z", "3.0")
	now = now.Add(25 * time.Hour)
	web.Asked()
	open(t, config, "Debian:12")
	if asked := strings.Join(web.Asked(), "\n"); !strings.Contains(asked, "DEBIAN-CVE-2024-0003.json 200") || strings.Contains(asked, "Debian/all.zip 200") {
		t.Errorf("a change is followed by its record:\n%s", asked)
	}
	web.Close()
	now = now.Add(25 * time.Hour)
	files, problems = open(t, config, "Debian:12")
	if !slices.Contains(files, "osv-Debian.db") || len(problems) == 0 {
		t.Errorf("without the publishers: %v, %+v", files, problems)
	}
	for _, p := range problems {
		if !p.Stale {
			t.Errorf("an earlier copy is there: %+v", p)
		}
	}
}

// TestPublishersNobodyThere: nothing at hand and nobody to ask is told.
func TestPublishersNobodyThere(t *testing.T) {
	web := feedtest.New(t)
	now := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	config := publishers(t, web, &now)
	web.Close()
	files, problems := open(t, config, "npm", "Amazon Linux:2023")
	var told []string
	for _, p := range problems {
		if !p.Stale {
			told = append(told, p.Ecosystem)
		}
	}
	if len(files) != 0 || !slices.Contains(told, "npm") || !slices.Contains(told, "Amazon Linux") {
		t.Errorf("%v, %+v", files, problems)
	}
}
