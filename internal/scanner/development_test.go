package scanner_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"muster/internal/feed/feedtest"
	"muster/internal/report"
	"muster/internal/scanner"
	"muster/internal/scanner/knowledge"
)

// TestDevelopment: what only development needs counts in a project, not in
// the root of a system, unless the user wants it otherwise.
func TestDevelopment(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"root/etc/os-release":            "ID=debian\nVERSION_ID=12\n",
		"root/srv/app/package-lock.json": `{"lockfileVersion":3,"packages":{"":{},"node_modules/a":{"version":"1.0.0","dev":true}}}`,
	} {
		file := filepath.Join(dir, filepath.FromSlash(name))
		if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file, []byte(text), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	feeds := filepath.Join(dir, "feeds")
	archive := filepath.Join(feeds, "osv", "npm.zip")
	if err := errors.Join(os.MkdirAll(filepath.Dir(archive), 0o755), os.WriteFile(archive, feedtest.Zip(t, map[string]string{"GHSA-1.json": `{"id":"GHSA-1","modified":"2024-01-01T00:00:00Z","affected":[{"package":{"ecosystem":"npm","name":"a"},"ranges":[{"type":"SEMVER","events":[{"introduced":"0"}]}]}]}`}), 0o644)); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		path   string
		choice scanner.Choice
		want   int
	}{
		{"root/srv/app", "", 1}, {"root", "", 0}, {"root", scanner.Include, 1}, {"root/srv/app", scanner.Exclude, 0},
	} {
		r, err := scanner.Scan(t.Context(), scanner.Target{Kind: scanner.Dir, Name: filepath.Join(dir, filepath.FromSlash(c.path))}, scanner.Options{
			Advisories: knowledge.Config{Location: feeds, Dir: filepath.Join(dir, "cache")}, Development: c.choice, Explain: "GHSA-1",
		})
		if err != nil {
			t.Fatal(err)
		}
		if len(r.Findings) != c.want || len(r.Inventory.Items) != 1 {
			t.Errorf("%+v: %d findings of %+v", c, len(r.Findings), r.Inventory.Items)
		}
		want := "GHSA-1 dev"
		if c.want == 0 {
			want = "what is deployed counts here"
		}
		if text := write(t, report.Table, r); !strings.Contains(text, want) {
			t.Errorf("%+v: no %q in\n%s", c, want, text)
		}
	}
}
