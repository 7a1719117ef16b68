package remember_test

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"muster/internal/source/layers"
	"muster/internal/source/layers/remember"
)

// archive packs a layer with something of every kind.
func archive(t testing.TB, salt string) []byte {
	t.Helper()
	var buf bytes.Buffer
	w := tar.NewWriter(&buf)
	program := "\x7fELF" + strings.Repeat("x", 9000) + "\xff Go buildinf:" + salt
	for _, h := range []tar.Header{
		{Name: "usr/", Typeflag: tar.TypeDir, Mode: 0o755}, {Name: "usr/text", Typeflag: tar.TypeReg, Size: 5, Mode: 0o644},
		{Name: "usr/other", Typeflag: tar.TypeReg, Size: 5, Mode: 0o644}, {Name: "usr/go", Typeflag: tar.TypeReg, Size: int64(len(program)), Mode: 0o755},
		{Name: "usr/c", Typeflag: tar.TypeReg, Size: 9000, Mode: 0o755}, {Name: "lib", Typeflag: tar.TypeSymlink, Linkname: "usr", Mode: 0o777},
		{Name: "again", Typeflag: tar.TypeLink, Linkname: "usr/text"}, {Name: "../out", Typeflag: tar.TypeReg}, {Name: "pipe", Typeflag: tar.TypeFifo},
		{Name: "etc/.wh.gone", Typeflag: tar.TypeReg}, {Name: "opt/.wh..wh..opq", Typeflag: tar.TypeReg},
	} {
		content := strings.Repeat("y", int(h.Size))
		if h.Name == "usr/go" {
			content = program
		}
		if h.Name == "usr/c" {
			content = "\x7fELF" + content[4:]
		}
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, content); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func wants(name string) bool { return strings.HasSuffix(name, "text") }

// describe tells everything that a tree shows, and what was touched.
func describe(t testing.TB, tree *layers.Tree, touched []string) string {
	t.Helper()
	out := fmt.Sprintln(touched, tree.Left)
	err := fs.WalkDir(tree, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		link, _ := fs.ReadLink(tree, name)
		data, unread := fs.ReadFile(tree, name)
		out += fmt.Sprintln(name, info.Mode(), info.Size(), link, len(data), unread, tree.LayerOf(name))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func newTree(t testing.TB) *layers.Tree {
	tree := layers.New(t.TempDir(), wants)
	t.Cleanup(func() { _ = tree.Close() })
	base := layers.Entry{Kind: layers.File, Name: "etc/gone"}
	if err := tree.Replay(t.Context(), 0, func(yield func(layers.Entry) bool) { yield(base) }, func(string) {}); err != nil {
		t.Fatal(err)
	}
	return tree
}

func newCache(t testing.TB, now *time.Time) *remember.Cache {
	return &remember.Cache{Dir: filepath.Join(t.TempDir(), "layers"), Now: func() time.Time { return *now }}
}

// record reads a layer and remembers it.
func record(t testing.TB, c *remember.Cache, key string, data []byte) string {
	t.Helper()
	d, err := c.Draft()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	tree := newTree(t)
	var touched []string
	if err := tree.Record(t.Context(), 1, bytes.NewReader(data), d, func(name string) { touched = append(touched, name) }); err != nil {
		t.Fatal(err)
	}
	if err := d.Commit(key); err != nil {
		t.Fatal(err)
	}
	return describe(t, tree, touched) // also after it was committed
}

func replay(t testing.TB, c *remember.Cache, key string) (string, error) {
	t.Helper()
	l, err := c.Open(key)
	if err != nil {
		return "", err
	}
	defer func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	}()
	tree := newTree(t)
	var touched []string
	if err := tree.Replay(t.Context(), 1, l.Entries(), func(name string) { touched = append(touched, name) }); err != nil {
		t.Fatal(err)
	}
	return describe(t, tree, touched), nil
}

// TestRemembered: a remembered layer gives what the layer itself gives.
func TestRemembered(t *testing.T) {
	now := time.Unix(1e9, 0)
	c, data := newCache(t, &now), archive(t, "a")
	key := remember.Key("sha256:x", 1)
	if _, err := c.Open(key); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("an empty cache: %v", err)
	}
	tree := newTree(t)
	var touched []string
	if err := tree.Apply(t.Context(), 1, bytes.NewReader(data), func(name string) { touched = append(touched, name) }); err != nil {
		t.Fatal(err)
	}
	want := describe(t, tree, touched)
	if got := record(t, c, key, data); got != want {
		t.Errorf("recorded:\n%swant\n%s", got, want)
	}
	if got, err := replay(t, c, key); got != want || err != nil {
		t.Errorf("remembered: %v\n%swant\n%s", err, got, want)
	}
	if key == remember.Key("sha256:x", 2) || key == remember.Key("sha256:y", 1) {
		t.Error("different layers have one key")
	}
}

// TestDamaged: whatever happens to a file, it is as it was or not there.
func TestDamaged(t *testing.T) {
	now := time.Unix(1e9, 0)
	c := newCache(t, &now)
	key := remember.Key("sha256:x", 1)
	want := record(t, c, key, archive(t, "a"))
	file := filepath.Join(c.Dir, key+".layer")
	whole, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for at := 0; at < len(whole); at += 1 + at/40 {
		changed := bytes.Clone(whole)
		changed[at] ^= 0x10
		for _, data := range [][]byte{changed, whole[:at]} {
			if err := os.WriteFile(file, data, 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := replay(t, c, key); !errors.Is(err, fs.ErrNotExist) {
				t.Fatalf("byte %d: %v", at, err)
			}
		}
	}
	if _, err := os.Stat(file); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("what is damaged stays: %v", err)
	}
	if got := record(t, c, key, archive(t, "a")); got != want {
		t.Error("cannot be remembered again")
	}
}

// TestBound: the least recently used go first, and nothing above the bound
// stays.
func TestBound(t *testing.T) {
	now := time.Unix(1e9, 0)
	c := newCache(t, &now)
	data := archive(t, "a")
	var size int64
	key := func(n int) string { return remember.Key(fmt.Sprint(n), 1) }
	for n := range 8 {
		now = now.Add(time.Minute)
		record(t, c, key(n), data)
		if n == 0 {
			info, err := os.Stat(filepath.Join(c.Dir, key(0)+".layer"))
			if err != nil {
				t.Fatal(err)
			}
			size = info.Size()
			c.Max = 5*size + size/2
		}
		if _, err := replay(t, c, key(0)); err != nil {
			t.Fatalf("what is used goes: %v", err)
		}
	}
	var there []int
	for n := range 8 {
		if _, err := c.Open(key(n)); err == nil {
			there = append(there, n)
		}
	}
	if fmt.Sprint(there) != "[0 4 5 6 7]" {
		t.Errorf("there are %v", there)
	}
	c.Max = 2 * size
	record(t, c, key(9), data)
	if _, err := c.Open(key(9)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("half of the cache for one layer: %v", err)
	}
	left, err := filepath.Glob(filepath.Join(c.Dir, "making-*"))
	if err != nil || len(left) > 1 { // the last one is not closed yet
		t.Errorf("drafts stay: %q, %v", left, err)
	}
}

// TestConcurrent: several use one cache.
func TestConcurrent(t *testing.T) {
	now := time.Unix(1e9, 0)
	c := newCache(t, &now)
	data := archive(t, "a")
	want := record(t, c, remember.Key("0", 1), data)
	var wg sync.WaitGroup
	for n := range 8 {
		wg.Go(func() {
			key := remember.Key(fmt.Sprint(n%2), 1)
			got, err := replay(t, c, key)
			if errors.Is(err, fs.ErrNotExist) {
				got, err = record(t, c, key, data), nil
			}
			if got != want || err != nil {
				t.Errorf("%v\n%s", err, got)
			}
		})
	}
	wg.Wait()
}
