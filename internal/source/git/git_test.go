package git_test

import (
	"errors"
	"io"
	"io/fs"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"muster/internal/source/git"
	"muster/internal/source/git/gittest"
	"muster/internal/source/layers"
)

// all wants every file.
func all(string) bool { return true }

// world is a server with a repository of one commit.
func world(t *testing.T) (*gittest.Server, *git.Remote) {
	t.Helper()
	s := gittest.New(t)
	web := httptest.NewServer(s)
	t.Cleanup(web.Close)
	s.Repository(t, "app.git")
	return s, &git.Remote{URL: web.URL + "/app.git", Transport: http.DefaultTransport}
}

// contents are the files of a tree.
func contents(t *testing.T, tree fs.FS) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := fs.WalkDir(tree, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		f, err := tree.Open(name)
		if err != nil {
			return err
		}
		body, err := io.ReadAll(f)
		files[name] = string(body)
		return errors.Join(err, f.Close())
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func TestFetch(t *testing.T) {
	s, remote := world(t)
	s.User, s.Password = "oauth2", "secret"
	remote.User, remote.Password = "oauth2", "secret"
	s.Commit(t, "app.git", "", map[string]string{"old.txt": "gone"})
	want := map[string]string{"go.mod": "module a\n", "web/package-lock.json": "{}", "a/b/c/d": strings.Repeat("long\n", 100_000)}
	commit := s.Commit(t, "app.git", "", want)
	other := s.Commit(t, "app.git", "refs/merge-requests/1/head", map[string]string{"go.mod": "module b\n"})

	if got, err := remote.Head(t.Context(), ""); err != nil || got != (git.Ref{Name: "main", Commit: commit}) {
		t.Errorf("Head: %v, %v", got, err)
	}
	tree := layers.New(t.TempDir(), all)
	defer func() { _ = tree.Close() }()
	got, err := remote.Apply(t.Context(), tree, "", t.TempDir())
	if err != nil || got.Commit != commit {
		t.Fatalf("Apply: %v, %v; want %s", got, err, commit)
	}
	if got := contents(t, tree); !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", slices.Sorted(maps.Keys(got)), slices.Sorted(maps.Keys(want)))
	}
	review := layers.New(t.TempDir(), all)
	defer func() { _ = review.Close() }()
	got, err = remote.Apply(t.Context(), review, "refs/merge-requests/1/head", t.TempDir())
	if err != nil || got.Commit != other {
		t.Fatalf("Apply a merge request: %v, %v; want %s", got, err, other)
	}
	if got := contents(t, review); got["go.mod"] != "module b\n" {
		t.Errorf("a merge request has %v", got)
	}
}

func TestRefusals(t *testing.T) {
	s, remote := world(t)
	if _, err := remote.Head(t.Context(), ""); !errors.Is(err, git.ErrEmpty) {
		t.Errorf("an empty repository: %v", err)
	}
	s.Commit(t, "app.git", "", map[string]string{"a": "1", "b": "2"})
	if _, err := remote.Head(t.Context(), "no/such"); !errors.Is(err, git.ErrNotFound) {
		t.Errorf("a missing branch: %v", err)
	}
	missing := *remote
	missing.URL = strings.Replace(remote.URL, "app", "other", 1)
	if _, err := missing.Head(t.Context(), ""); !errors.Is(err, git.ErrNotFound) {
		t.Errorf("a missing repository: %v", err)
	}
	s.User, s.Password = "u", "p"
	if _, err := remote.Head(t.Context(), ""); !errors.Is(err, git.ErrDenied) {
		t.Errorf("without password: %v", err)
	}
}

// TestBounds: each bound refuses a repository that exceeds it alone.
func TestBounds(t *testing.T) {
	s, remote := world(t)
	long := strings.Repeat("0123456789", 200_000)
	s.Commit(t, "app.git", "", map[string]string{"a": long, "b": long + "1", "c": "3"})
	s.Run(t, "app.git", "", "repack", "-a", "-d", "-q") // so that b is told as a difference
	for name, change := range map[string]func(*git.Limits){
		"bytes":    func(l *git.Limits) { l.Pack = 100 },
		"objects":  func(l *git.Limits) { l.Objects = 3 },
		"unpacked": func(l *git.Limits) { l.Unpacked = 3_000_000 },
		"object":   func(l *git.Limits) { l.Object = 1_000_000 },
	} {
		limited := *remote
		limited.Limits = git.DefaultLimits()
		change(&limited.Limits)
		tree := layers.New(t.TempDir(), all)
		if _, err := limited.Apply(t.Context(), tree, "", t.TempDir()); !errors.Is(err, git.ErrLimit) {
			t.Errorf("%s: %v", name, err)
		}
		if err := tree.Close(); err != nil {
			t.Error(err)
		}
	}
}

// TestElsewhere: a server cannot lead credentials to another host, nor from
// https to http.
func TestElsewhere(t *testing.T) {
	s, _ := world(t)
	target := httptest.NewServer(s)
	defer target.Close()
	s.Commit(t, "app.git", "", map[string]string{"a": "1"})
	moved := httptest.NewServer(http.RedirectHandler(target.URL+"/app.git/info/refs?service=git-upload-pack", http.StatusMovedPermanently))
	defer moved.Close()
	remote := &git.Remote{URL: moved.URL + "/app.git", User: "u", Password: "p", Transport: http.DefaultTransport}
	if _, err := remote.Apply(t.Context(), layers.New(t.TempDir(), all), "", t.TempDir()); err == nil || !strings.Contains(err.Error(), "moved") {
		t.Errorf("to another host: %v", err)
	}
	secure := httptest.NewTLSServer(http.RedirectHandler(target.URL+"/app.git/info/refs", http.StatusFound))
	defer secure.Close()
	remote = &git.Remote{URL: secure.URL + "/app.git", Transport: secure.Client().Transport}
	if _, err := remote.Head(t.Context(), ""); err == nil || !strings.Contains(err.Error(), "https") {
		t.Errorf("to http: %v", err)
	}
}
