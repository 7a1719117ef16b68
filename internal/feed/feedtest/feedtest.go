// Package feedtest is publishers on loopback, for tests: it serves files in
// their layouts, as web servers do, and breaks off, lies and refuses when told.
package feedtest

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"
	"github.com/ulikunitz/xz"
)

// Changed is when every file was changed last, by its own word.
var Changed = time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)

// Fault is what goes wrong with the next answers for a path.
type Fault struct {
	// Times is how many answers it concerns; 0 means all.
	Times int
	// Cut breaks the connection after so many bytes of the body.
	Cut int
	// Status and RetryAfter answer without content.
	Status     int
	RetryAfter string
	// Redirect sends elsewhere.
	Redirect string
	// Body is sent in place of the file, with status 200 and no validators.
	Body []byte
	// Endless sends bytes until nobody listens.
	Endless bool
	// Hang sends nothing until nobody waits.
	Hang bool
	// Then is the fault after these.
	Then *Fault
	// Plain sends the file without ranges and validators.
	Plain bool
}

// Server is all publishers.
type Server struct {
	*httptest.Server

	mu     sync.Mutex
	files  map[string][]byte
	faults map[string]*Fault
	pages  map[string]http.HandlerFunc
	asked  []string
}

// New starts a server without files; the test ends it.
func New(t testing.TB) *Server {
	s := &Server{files: map[string][]byte{}, faults: map[string]*Fault{}, pages: map[string]http.HandlerFunc{}}
	s.Server = httptest.NewServer(http.HandlerFunc(s.serve))
	t.Cleanup(func() {
		s.CloseClientConnections()
		s.Close()
	})
	return s
}

// Set offers a file; path begins with "/".
func (s *Server) Set(path string, body []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.files[path] = body
}

// SetText is Set with a text.
func (s *Server) SetText(path, body string) { s.Set(path, []byte(body)) }

// Remove takes a file away.
func (s *Server) Remove(path string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.files, path)
}

// Handle answers a path by a function.
func (s *Server) Handle(path string, f http.HandlerFunc) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pages[path] = f
}

// Break makes something go wrong with a path.
func (s *Server) Break(path string, f Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults[path] = &f
}

// Mend ends all faults.
func (s *Server) Mend() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.faults)
}

// Asked are the requests since the last call: path, range and status.
func (s *Server) Asked() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	asked := s.asked
	s.asked = nil
	return asked
}

// Files are the paths of all files that are offered.
func (s *Server) Files() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Sorted(maps.Keys(s.files))
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	rec := &recorder{ResponseWriter: w, status: http.StatusOK}
	defer s.note(r, rec) // also when the connection is broken
	body, found, fault, page := s.take(r.URL.Path)
	switch {
	case fault != nil && !fault.apply(rec, r, body):
	case page != nil:
		page(rec, r)
	case !found:
		http.NotFound(rec, r)
	default:
		content(rec, r, body)
	}
}

func (s *Server) note(r *http.Request, rec *recorder) {
	s.mu.Lock()
	defer s.mu.Unlock()
	line := r.URL.Path
	if ranged := r.Header.Get("Range"); ranged != "" {
		line += " " + ranged
	}
	s.asked = append(s.asked, line+" "+strconv.Itoa(rec.status))
}

func (s *Server) take(path string) ([]byte, bool, *Fault, http.HandlerFunc) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.faults[path]
	if f != nil && f.Times > 0 {
		if f.Times--; f.Times == 0 {
			s.faults[path] = f.Then
		}
	}
	body, found := s.files[path]
	return body, found, f, s.pages[path]
}

// content serves as web servers do: conditions, ranges, validators.
func content(w http.ResponseWriter, r *http.Request, body []byte) {
	w.Header().Set("ETag", `"`+Sum(body)[:16]+`"`)
	http.ServeContent(w, r, "", Changed, bytes.NewReader(body))
}

// apply answers; true says that the file is to be served after all.
func (f *Fault) apply(w http.ResponseWriter, r *http.Request, body []byte) bool {
	switch {
	case f.Status != 0:
		if f.RetryAfter != "" {
			w.Header().Set("Retry-After", f.RetryAfter)
		}
		http.Error(w, "no", f.Status)
	case f.Redirect != "":
		http.Redirect(w, r, f.Redirect, http.StatusFound)
	case f.Body != nil:
		_, _ = w.Write(f.Body)
	case f.Plain:
		_, _ = w.Write(body)
	case f.Endless:
		for line := []byte(strings.Repeat("0123456789", 1000)); ; {
			if _, err := w.Write(line); err != nil {
				return false
			}
		}
	case f.Hang:
		w.WriteHeader(http.StatusOK)
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	case f.Cut > 0:
		content(&cutter{ResponseWriter: w, left: f.Cut}, r, body)
		panic(http.ErrAbortHandler)
	default:
		return true
	}
	return false
}

// recorder remembers the status.
type recorder struct {
	http.ResponseWriter
	status int
}

func (r *recorder) WriteHeader(status int) {
	r.status = status
	r.ResponseWriter.WriteHeader(status)
}

func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }

// cutter ends a body early.
type cutter struct {
	http.ResponseWriter
	left int
}

func (c *cutter) Write(p []byte) (int, error) {
	n := min(len(p), c.left)
	c.left -= n
	if _, err := c.ResponseWriter.Write(p[:n]); err != nil {
		return n, err
	}
	if n < len(p) {
		_ = http.NewResponseController(c.ResponseWriter).Flush()
		return n, fmt.Errorf("cut")
	}
	return n, nil
}

// Sum is the hexadecimal SHA-256.
func Sum(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// Zip is an archive of files, in the order of their names.
func Zip(t testing.TB, files map[string]string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		w, err := z.Create(name)
		check(t, err)
		_, err = w.Write([]byte(files[name]))
		check(t, err)
	}
	check(t, z.Close())
	return b.Bytes()
}

// Tar is a tar of files, in the order of their names.
func Tar(t testing.TB, files map[string]string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		check(t, w.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(files[name])), Typeflag: tar.TypeReg}))
		_, err := w.Write([]byte(files[name]))
		check(t, err)
	}
	check(t, w.Close())
	return b.Bytes()
}

// Zstd packs by zstd.
func Zstd(t testing.TB, b []byte) []byte {
	t.Helper()
	z, err := zstd.NewWriter(nil)
	check(t, err)
	return z.EncodeAll(b, nil)
}

// XZ packs by xz.
func XZ(t testing.TB, in []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := xz.WriterConfig{DictCap: 1 << 16}.NewWriter(&b)
	check(t, err)
	_, err = w.Write(in)
	check(t, err)
	check(t, w.Close())
	return b.Bytes()
}

// Gzip packs by gzip.
func Gzip(t testing.TB, in []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := gzip.NewWriterLevel(&b, gzip.HuffmanOnly) // needs no tables
	check(t, err)
	_, err = w.Write(in)
	check(t, err)
	check(t, w.Close())
	return b.Bytes()
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
