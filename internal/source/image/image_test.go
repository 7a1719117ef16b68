package image

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// pack makes a tar archive of names and contents.
func pack(f testing.TB, contents ...string) []byte {
	f.Helper()
	var buf bytes.Buffer
	w := tar.NewWriter(&buf)
	for i := 0; i+1 < len(contents); i += 2 {
		if err := w.WriteHeader(&tar.Header{Name: contents[i], Mode: 0o644, Size: int64(len(contents[i+1])), Typeflag: tar.TypeReg}); err != nil {
			f.Fatal(err)
		}
		if _, err := io.WriteString(w, contents[i+1]); err != nil {
			f.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		f.Fatal(err)
	}
	return buf.Bytes()
}

func TestParsePlatform(t *testing.T) {
	for text, want := range map[string]Platform{
		"linux/amd64": {"linux", "amd64", ""}, "linux/arm/v7": {"linux", "arm", "v7"},
	} {
		if p, err := ParsePlatform(text); err != nil || p != want || p.String() != text {
			t.Errorf("%s: %+v, %v", text, p, err)
		}
	}
	for _, text := range []string{"", "linux", "/amd64", "a/b/c/d"} {
		if p, err := ParsePlatform(text); err == nil {
			t.Errorf("%q is %+v", text, p)
		}
	}
}

// FuzzArchive: whatever the file is, it is an image whose layers can be read
// to an end, or an error.
func FuzzArchive(f *testing.F) {
	docker := pack(f, "manifest.json", `[{"Config":"c","Layers":["l"]}]`, "c", `{"rootfs":{"diff_ids":["x"]}}`, "l", "layer")
	f.Add(docker)
	f.Add(pack(f, "index.json", `{"manifests":[{"digest":"sha256:00000000000000000000000000000000"}]}`))
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	if _, err := w.Write(docker); err != nil || w.Close() != nil {
		f.Fatal(err)
	}
	f.Add(packed.Bytes())
	f.Fuzz(func(t *testing.T, data []byte) {
		dir := t.TempDir()
		file := filepath.Join(dir, "image")
		if err := os.WriteFile(file, data, 0o600); err != nil {
			t.Fatal(err)
		}
		i, err := OpenArchive(file, dir, Platform{OS: "linux", Architecture: "amd64"})
		if err != nil {
			return
		}
		for _, l := range i.Layers {
			r, err := l.Open()
			if err != nil {
				continue
			}
			_, _ = io.CopyN(io.Discard, r, 1<<20)
			if err := r.Close(); err != nil {
				t.Error(err)
			}
		}
		if err := i.Close(); err != nil {
			t.Error(err)
		}
	})
}

// TestBudget: layers that unpack to far more than they are, and layers that
// are one small one many times, end at a bound for all of them together.
func TestBudget(t *testing.T) {
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	if _, err := w.Write(make([]byte, 8<<20)); err != nil || w.Close() != nil {
		t.Fatal(err)
	}
	read := func(b *budget) error {
		r, err := unpack(io.NopCloser(bytes.NewReader(packed.Bytes())), b)
		if err != nil {
			return err
		}
		_, err = io.Copy(io.Discard, r)
		return errors.Join(err, r.Close())
	}
	var b budget
	if err := read(&b); err != nil || b.in.Load() != int64(packed.Len()) || b.out.Load() != 8<<20 {
		t.Errorf("%d bytes, of %d: %v", b.out.Load(), b.in.Load(), err)
	}
	b.out.Store(freeUnpacked - 4<<20)
	if err := read(&b); !errors.Is(err, ErrFormat) || b.out.Load() > freeUnpacked+4<<20 {
		t.Errorf("a thousand times its size: %v", err)
	}
	b.in.Store(freeUnpacked)
	b.out.Store(freeUnpacked)
	if err := read(&b); err != nil {
		t.Errorf("large, and not much larger than packed: %v", err)
	}
	b.in.Store(maxUnpacked)
	b.out.Store(maxUnpacked - 1<<20)
	if err := read(&b); !errors.Is(err, ErrFormat) {
		t.Errorf("larger than any: %v", err)
	}
}

// TestLongNames: members whose names nobody asks for are not kept.
func TestLongNames(t *testing.T) {
	file := filepath.Join(t.TempDir(), "image.tar")
	long := strings.Repeat("long/", 10_000)
	if err := os.WriteFile(file, pack(t, long+"1", "", long+"2", "", "short", ""), 0o600); err != nil {
		t.Fatal(err)
	}
	a, err := openArchive(file, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if len(a.members) != 1 {
		t.Errorf("%d members are kept", len(a.members))
	}
	if err := a.close(); err != nil {
		t.Error(err)
	}
}
