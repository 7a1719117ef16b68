package feed_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"muster/internal/feed"
	"muster/internal/feed/bundle"
	"muster/internal/feed/feedtest"
	"muster/internal/feed/layout"
)

// alpineSource is a data set of several files.
func alpineSource(t *testing.T) layout.Source {
	t.Helper()
	s, ok := layout.Of(layout.Alpine("edge", "main"))
	if !ok {
		t.Fatal("no Alpine")
	}
	return s
}

// dataSet writes a folder with a data set of two files and other files.
func dataSet(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	var list layout.FileList
	for name, body := range map[string]string{
		"alpine/edge/main.json": "e", "alpine/v3.20/main.json": "m", "osv/npm.zip": "n", "kev.json": "k",
	} {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(body), 0o644); err != nil {
			t.Fatal(err)
		}
		f, err := layout.File{Path: name, Size: 1, SHA256: feedtest.Sum([]byte(body))}.Describe()
		if err != nil {
			t.Fatal(err)
		}
		list.Files = append(list.Files, f)
	}
	if err := layout.WriteList(dir, list); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestDataSetsOfSeveralFiles(t *testing.T) {
	dir := dataSet(t)
	file := filepath.Join(t.TempDir(), "b")
	if _, err := bundle.Write(t.Context(), file, dir, bundle.Options{}); err != nil {
		t.Fatal(err)
	}
	web := feedtest.New(t)
	for _, name := range []string{"alpine/edge/main.json", "alpine/v3.20/main.json", layout.Manifest} {
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		web.Set("/"+name, b)
	}
	hashes := map[string]bool{}
	for _, place := range []string{dir, file, web.URL} {
		m, err := feed.Open(place, feed.Options{Temp: t.TempDir(), Trust: bundle.Trust{Unsigned: true}})
		if err != nil {
			t.Fatal(err)
		}
		f, err := m.Source(t.Context(), alpineSource(t), feed.Validator{})
		if err != nil || !slices.Equal(f.Names, []string{"alpine/edge/main.json", "alpine/v3.20/main.json"}) || len(f.Files) != 2 {
			t.Fatalf("%s: %+v, %v", place, f, err)
		}
		hashes[f.Hash] = true
		// A folder's files that were written just now could change again unseen.
		if _, err := m.Source(t.Context(), alpineSource(t), f.Validator); place != dir && !errors.Is(err, feed.ErrNotModified) {
			t.Errorf("%s: unchanged: %v", place, err)
		}
		photon, _ := layout.Of(layout.Photon("5.0"))
		if _, err := m.Source(t.Context(), photon, feed.Validator{}); !errors.Is(err, feed.ErrAbsent) {
			t.Errorf("%s: absent: %v", place, err)
		}
		if err := errors.Join(f.Close(), m.Close()); err != nil {
			t.Error(err)
		}
	}
	if len(hashes) != 1 {
		t.Errorf("the same files have several hashes: %v", hashes)
	}
}

func TestBundlesAsMirrors(t *testing.T) {
	file := filepath.Join(t.TempDir(), "b")
	if _, err := bundle.Write(t.Context(), file, dataSet(t), bundle.Options{}); err != nil {
		t.Fatal(err)
	}
	if _, err := feed.Open(file, feed.Options{}); !errors.Is(err, bundle.ErrUnsigned) {
		t.Errorf("unsigned: %v", err)
	}
	m, err := feed.Open(file, feed.Options{Temp: t.TempDir(), Trust: bundle.Trust{Unsigned: true}})
	if err != nil {
		t.Fatal(err)
	}
	if list, err := m.Ecosystems(t.Context()); err != nil || !slices.Equal(list, []string{"npm"}) {
		t.Errorf("%v, %v", list, err)
	}
	f, err := m.Advisories(t.Context(), "npm", feed.Validator{})
	if err != nil || content(t, f) != "n" {
		t.Fatal(err)
	}
	if _, err := m.Advisories(t.Context(), "npm", f.Validator); !errors.Is(err, feed.ErrNotModified) {
		t.Errorf("unchanged: %v", err)
	}
	if _, err := m.Intelligence(t.Context(), feed.EPSS, feed.Validator{}); !errors.Is(err, feed.ErrAbsent) {
		t.Errorf("absent: %v", err)
	}
	base, err := bundle.Open(file, bundle.Trust{Unsigned: true})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = base.Close() }()
	next := filepath.Join(t.TempDir(), "next")
	if _, err := bundle.Write(t.Context(), next, dataSet(t), bundle.Options{Base: base}); err != nil {
		t.Fatal(err)
	}
	if _, err := feed.Open(next, feed.Options{Trust: bundle.Trust{Unsigned: true}}); err == nil {
		t.Error("a part of a bundle serves as a mirror")
	}
}
