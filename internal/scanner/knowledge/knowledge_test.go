package knowledge_test

import (
	"archive/zip"
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"muster/internal/scanner/knowledge"
)

// archive packs one record about a package.
func archive(t *testing.T, id, name string) []byte {
	t.Helper()
	var buf bytes.Buffer
	z := zip.NewWriter(&buf)
	w, err := z.Create(id + ".json")
	if err != nil {
		t.Fatal(err)
	}
	_, err = w.Write([]byte(`{"id":"` + id + `","modified":"2024-01-01T00:00:00Z","affected":[{"package":{"ecosystem":"npm","name":"` + name + `"},"ranges":[{"type":"SEMVER","events":[{"introduced":"0"}]}]}]}`))
	if err != nil || z.Close() != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

// write puts a file in place with dates in the past, so that it counts as
// settled as far as anybody can set dates.
func write(t *testing.T, path string, data []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
}

// look opens and tells what is known of a package, what was compiled and what
// was wrong.
func look(t *testing.T, config knowledge.Config, name string) (ids, compiled []string, problems []knowledge.Problem) {
	t.Helper()
	config.Progress = func(text string) { compiled = append(compiled, text) }
	set, problems, err := knowledge.Open(t.Context(), config, []string{"npm", "Debian:12", "NoSuchThing"})
	if err != nil {
		t.Fatal(err)
	}
	defer set.Close()
	found, err := set.Lookup("npm", name)
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range found {
		ids = append(ids, strings.Clone(a.ID))
	}
	return ids, compiled, problems
}

func want(t *testing.T, what string, got, want []string) {
	t.Helper()
	if strings.Join(got, " ") != strings.Join(want, " ") {
		t.Errorf("%s: got %q, want %q", what, got, want)
	}
}

// TestFolder: compiled once by content, seen at once when it changes, made
// anew when the cache is damaged.
func TestFolder(t *testing.T) {
	feeds, cache := t.TempDir(), t.TempDir()
	config := knowledge.Config{Location: feeds, Dir: cache, MaxAge: time.Hour}
	file := filepath.Join(feeds, "osv", "npm.zip")
	write(t, file, archive(t, "GHSA-1", "a"))
	compiling := []string{"compiling osv/npm"}

	ids, compiled, problems := look(t, config, "a")
	want(t, "first", ids, []string{"GHSA-1"})
	want(t, "first", compiled, compiling)
	if len(problems) != 0 {
		t.Error(problems)
	}
	_, compiled, _ = look(t, config, "a")
	want(t, "second", compiled, nil)

	write(t, file, archive(t, "GHSA-2", "a"))
	ids, compiled, _ = look(t, config, "a")
	want(t, "changed", ids, []string{"GHSA-2"})
	want(t, "changed", compiled, compiling)

	write(t, file, archive(t, "GHSA-1", "a"))
	ids, compiled, _ = look(t, config, "a")
	want(t, "back", ids, []string{"GHSA-1"})
	want(t, "back: its object is still there", compiled, nil)

	objects, err := filepath.Glob(filepath.Join(cache, "objects", "*.db"))
	if err != nil || len(objects) == 0 {
		t.Fatal(objects, err)
	}
	for _, o := range objects {
		if err := os.Truncate(o, 300); err != nil {
			t.Fatal(err)
		}
	}
	ids, _, _ = look(t, config, "a")
	want(t, "after damage", ids, []string{"GHSA-1"})

	write(t, file, []byte("no zip"))
	ids, _, problems = look(t, config, "a")
	want(t, "broken", ids, nil)
	if len(problems) != 1 || problems[0].Ecosystem != "npm" || problems[0].Stale {
		t.Errorf("a broken file: %+v", problems)
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	ids, _, problems = look(t, config, "a")
	want(t, "gone", ids, nil)
	if len(problems) != 0 {
		t.Errorf("a missing file is no problem: %+v", problems)
	}
}

// TestMirror: a server is asked again only after a while, and what it gave
// earlier is used, and said to be old, when it does not answer.
func TestMirror(t *testing.T) {
	requests, down := 0, false
	body := archive(t, "GHSA-1", "a")
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case down:
			http.Error(w, "later", http.StatusServiceUnavailable)
		case r.URL.Path != "/npm/all.zip":
			http.NotFound(w, r)
		default:
			requests++
			w.Header().Set("ETag", `"one"`)
			if r.Header.Get("If-None-Match") == `"one"` {
				w.WriteHeader(http.StatusNotModified)
				return
			}
			_, _ = w.Write(body)
		}
	}))
	defer server.Close()
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	config := knowledge.Config{Location: server.URL, Dir: t.TempDir(), MaxAge: time.Hour, Now: func() time.Time { return now }}
	for _, step := range []struct {
		later    time.Duration
		down     bool
		requests int
		problems bool
	}{{0, false, 1, false}, {time.Minute, true, 1, false}, {2 * time.Hour, false, 2, false}, {2 * time.Hour, true, 2, true}} {
		now, down = now.Add(step.later), step.down
		ids, _, problems := look(t, config, "a")
		want(t, "known", ids, []string{"GHSA-1"})
		stale := false
		for _, p := range problems {
			stale = stale || (p.Ecosystem == "npm" && p.Stale)
		}
		if requests != step.requests || stale != step.problems {
			t.Errorf("%+v: %d requests, problems %v", step, requests, problems)
		}
	}
}

func TestNoSuchPlace(t *testing.T) {
	for _, location := range []string{"/nowhere/at/all", "ftp://example.com"} {
		if _, _, err := knowledge.Open(t.Context(), knowledge.Config{Location: location, Dir: t.TempDir()}, nil); err == nil {
			t.Errorf("%s is accepted", location)
		}
	}
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	feeds := t.TempDir()
	write(t, filepath.Join(feeds, "osv", "npm.zip"), archive(t, "GHSA-1", "a"))
	if _, _, err := knowledge.Open(cancelled, knowledge.Config{Location: feeds, Dir: t.TempDir()}, []string{"npm"}); err == nil {
		t.Error("a cancelled look succeeds")
	}
}
