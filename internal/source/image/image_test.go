package image

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"io"
	"os"
	"path/filepath"
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
