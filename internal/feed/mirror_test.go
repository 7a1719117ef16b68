package feed_test

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"muster/internal/feed"
)

// server serves files with ETags and ranges, and notes what it was asked.
type server struct {
	*httptest.Server
	mu    sync.Mutex
	files map[string]string
	// cuts is how often a transfer of a path is broken off half way.
	cuts map[string]int
	// asked are "path status" lines.
	asked []string
}

func newServer(t *testing.T, files map[string]string) *server {
	t.Helper()
	s := &server{files: files, cuts: map[string]int{}}
	s.Server = httptest.NewServer(http.HandlerFunc(s.serve))
	t.Cleanup(s.Server.Close)
	return s
}

func (s *server) serve(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	content, ok := s.files[r.URL.Path]
	if !ok {
		s.asked = append(s.asked, r.URL.Path+" 404")
		http.NotFound(w, r)
		return
	}
	w.Header().Set("ETag", fmt.Sprintf(`"%x"`, sha256.Sum256([]byte(content))))
	if s.cuts[r.URL.Path] > 0 {
		s.cuts[r.URL.Path]--
		w.Header().Set("Content-Length", fmt.Sprint(len(content)))
		_, _ = io.WriteString(w, content[:len(content)/2])
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	}
	http.ServeContent(recorder{w, s, r.URL.Path}, r, "", time.Time{}, strings.NewReader(content))
}

type recorder struct {
	http.ResponseWriter
	s    *server
	path string
}

func (r recorder) WriteHeader(code int) {
	r.s.asked = append(r.s.asked, fmt.Sprint(r.path, " ", code))
	r.ResponseWriter.WriteHeader(code)
}

func open(t *testing.T, location string) *feed.Mirror {
	t.Helper()
	m, err := feed.Open(location, feed.Options{Temp: t.TempDir(), Retry: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func content(t *testing.T, f *feed.File) string {
	t.Helper()
	b, err := os.ReadFile(f.Path)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(b)
	if f.Hash != hex.EncodeToString(sum[:]) || f.Size != int64(len(b)) {
		t.Errorf("hash or size of another content: %+v", f)
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
	return string(b)
}

func TestMirrorLayouts(t *testing.T) {
	for name, files := range map[string]map[string]string{
		"files beside":     {"/m/osv/Red Hat.zip": "rh", "/m/osv/npm.zip": "n", "/m/kev.json": "k"},
		"OSV's bucket":     {"/m/Red Hat/all.zip": "rh", "/m/npm/all.zip": "n", "/m/kev.json": "k", "/m/ecosystems.txt": "Red Hat\nnpm\nDebian:11\nLinux\n[EMPTY]\n"},
		"list in a folder": {"/m/osv/Red Hat.zip": "rh", "/m/osv/npm.zip": "n", "/m/kev.json": "k", "/m/osv/ecosystems.txt": "npm\r\nRed Hat\r\n"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t, files)
			m := open(t, s.URL+"/m/")
			list, err := m.Ecosystems(t.Context())
			if err != nil || !slices.Contains(list, "Red Hat") || !slices.Contains(list, "npm") || !slices.IsSorted(list) {
				t.Fatalf("%v, %v", list, err)
			}
			if listed := len(list) == 2; listed != (name != "files beside") {
				t.Errorf("%v", list)
			}
			for ecosystem, want := range map[string]string{"Red Hat": "rh", "npm": "n"} {
				f, err := m.Advisories(t.Context(), ecosystem, feed.Validator{})
				if err != nil {
					t.Fatal(err)
				}
				if got := content(t, f); got != want {
					t.Errorf("%s: %q", ecosystem, got)
				}
			}
			if _, err := m.Advisories(t.Context(), "Maven", feed.Validator{}); !errors.Is(err, feed.ErrAbsent) {
				t.Errorf("absent: %v", err)
			}
			if f, err := m.Intelligence(t.Context(), feed.KEV, feed.Validator{}); err != nil || content(t, f) != "k" {
				t.Errorf("KEV: %v", err)
			}
		})
	}
}

func TestFolders(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "odd [name]*")
	for _, name := range []string{"osv/npm.zip", "Red Hat/all.zip", "osv/PyPI/all.zip", "kev.json"} {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(name), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	m := open(t, dir)
	list, err := m.Ecosystems(t.Context())
	if err != nil || !slices.Equal(list, []string{"Red Hat", "npm"}) {
		t.Errorf("%v, %v", list, err)
	}
	f, err := m.Advisories(t.Context(), "Red Hat", feed.Validator{})
	if err != nil {
		t.Fatal(err)
	}
	if content(t, f) != "Red Hat/all.zip" {
		t.Error("another file")
	}
	if _, err := os.Stat(f.Path); err != nil {
		t.Errorf("closing a folder's file removed it: %v", err)
	}
}

func TestUnchangedFilesAreNotTransferred(t *testing.T) {
	s := newServer(t, map[string]string{"/kev.json": "one"})
	m := open(t, s.URL)
	f, err := m.Intelligence(t.Context(), feed.KEV, feed.Validator{})
	if err != nil {
		t.Fatal(err)
	}
	path := f.Path
	content(t, f)
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the download stays after Close: %v", err)
	}
	if _, err := m.Intelligence(t.Context(), feed.KEV, f.Validator); !errors.Is(err, feed.ErrNotModified) {
		t.Errorf("unchanged: %v", err)
	}
	elsewhere := f.Validator
	elsewhere.URL = "https://elsewhere.example.com/kev.json"
	if f, err := m.Intelligence(t.Context(), feed.KEV, elsewhere); err != nil || content(t, f) != "one" {
		t.Errorf("a validator of another address counted: %v", err)
	}
	s.mu.Lock()
	s.files["/kev.json"] = "two"
	s.mu.Unlock()
	if f, err := m.Intelligence(t.Context(), feed.KEV, f.Validator); err != nil || content(t, f) != "two" {
		t.Errorf("changed: %v", err)
	}
	if want := []string{"/kev.json 200", "/kev.json 304", "/kev.json 200", "/kev.json 200"}; !slices.Equal(s.asked, want) {
		t.Errorf("asked %v", s.asked)
	}
}

func TestBrokenTransfersAreResumed(t *testing.T) {
	long := strings.Repeat("0123456789", 100_000)
	s := newServer(t, map[string]string{"/kev.json": long})
	s.cuts["/kev.json"] = 1
	f, err := open(t, s.URL).Intelligence(t.Context(), feed.KEV, feed.Validator{})
	if err != nil {
		t.Fatal(err)
	}
	if content(t, f) != long {
		t.Error("the resumed file differs")
	}
	if !slices.Equal(s.asked, []string{"/kev.json 206"}) {
		t.Errorf("the rest was not asked for as a range: %v", s.asked)
	}
	s.cuts["/kev.json"] = 10
	temp := t.TempDir()
	m, err := feed.Open(s.URL, feed.Options{Temp: temp, Retry: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.Intelligence(t.Context(), feed.KEV, feed.Validator{}); err == nil {
		t.Error("a file that always breaks was accepted")
	}
	if left, err := os.ReadDir(temp); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestServersThatRefuse(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) }))
	defer s.Close()
	_, err := open(t, s.URL).Intelligence(t.Context(), feed.KEV, feed.Validator{})
	if err == nil || errors.Is(err, feed.ErrAbsent) || !strings.Contains(err.Error(), "502") {
		t.Errorf("%v", err)
	}
	s.Close()
	if _, err := open(t, s.URL).Ecosystems(t.Context()); err == nil {
		t.Error("nobody listens, yet there is a list")
	}
}

func TestLocations(t *testing.T) {
	file := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{"ftp://example.com", "https://", "http://%zz", file, file + "/missing"} {
		if _, err := feed.Open(bad, feed.Options{}); err == nil {
			t.Errorf("%s: accepted", bad)
		}
	}
	for _, publishers := range []string{"", feed.Publishers} {
		m, err := feed.Open(publishers, feed.Options{})
		if err != nil || m.String() != feed.Publishers {
			t.Errorf("%v", err)
			continue
		}
		if _, err := m.Intelligence(t.Context(), feed.Exploits, feed.Validator{}); !errors.Is(err, feed.ErrAbsent) {
			t.Errorf("publishers have no list of exploits: %v", err)
		}
	}
}

func TestBounded(t *testing.T) {
	if b, err := feed.ReadAll(strings.NewReader("1234"), 4); err != nil || string(b) != "1234" {
		t.Errorf("%q, %v", b, err)
	}
	if _, err := feed.ReadAll(strings.NewReader("12345"), 4); !errors.Is(err, feed.ErrTooLarge) {
		t.Errorf("%v", err)
	}
}
