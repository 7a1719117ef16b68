package zipped_test

import (
	"archive/zip"
	"bytes"
	"errors"
	"io/fs"
	"strings"
	"testing"

	"muster/internal/source/layers"
	"muster/internal/source/zipped"
)

// pack makes an archive: "a -> b" is a link, "a*" a program, "a/" a folder.
func pack(t testing.TB, creator uint16, names ...string) []byte {
	t.Helper()
	var buf bytes.Buffer
	w := zip.NewWriter(&buf)
	for _, name := range names {
		h := &zip.FileHeader{Name: name, Method: zip.Deflate}
		h.SetMode(0o644)
		content := name
		if from, to, ok := strings.Cut(name, " -> "); ok {
			h.Name, content = from, to
			h.SetMode(fs.ModeSymlink | 0o777)
		} else if program, ok := strings.CutSuffix(name, "*"); ok {
			h.Name, content = program, "\x7fELF"+strings.Repeat("x", 5000)+"\xff Go buildinf:"
			h.SetMode(0o755)
		}
		h.CreatorVersion = creator<<8 | h.CreatorVersion&0xff
		if creator == 0 {
			h.ExternalAttrs = 0
		}
		out, err := w.CreateHeader(h)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(name, "/") {
			continue
		}
		if _, err := out.Write([]byte(content)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func newTree(t testing.TB) *layers.Tree {
	tree := layers.New(t.TempDir(), func(name string) bool { return strings.HasSuffix(name, "json") })
	t.Cleanup(func() {
		if err := tree.Close(); err != nil {
			t.Error(err)
		}
	})
	return tree
}

// TestApply: later archives cover earlier ones, links stay within the root,
// and nothing in a name hides anything.
func TestApply(t *testing.T) {
	tree := newTree(t)
	for n, tt := range []struct {
		folder string
		data   []byte
	}{
		{"opt", pack(t, 3, "a.json", "b.json", "bin/", "bin/tool*", "etc -> /opt/bin", ".wh.a.json", "text", "../out.json")},
		{"opt", pack(t, 3, "b.json", `c\d.json`)},
		{"var/task", pack(t, 0, "x.json", "tool*", "e -> ../../opt/a.json")},
	} {
		if err := zipped.Apply(t.Context(), tree, n, bytes.NewReader(tt.data), int64(len(tt.data)), tt.folder); err != nil {
			t.Fatal(err)
		}
	}
	for name, layer := range map[string]int{"opt/a.json": 0, "opt/b.json": 1, "opt/c/d.json": 1, "var/task/x.json": 2, "opt/etc/tool": 0, "var/task/tool": 2, "opt/.wh.a.json": 0} {
		info, err := fs.Stat(tree, name)
		data, unread := fs.ReadFile(tree, name)
		if err != nil || unread != nil || int64(len(data)) != info.Size() || (strings.HasSuffix(name, "tool") && info.Mode()&0o111 == 0) {
			t.Errorf("%s: %v, %v, %d bytes, %v", name, info, err, len(data), unread)
		}
		if got := tree.LayerOf(name); got != layer && name != "opt/etc/tool" {
			t.Errorf("%s is of layer %d", name, got)
		}
	}
	if _, err := fs.ReadFile(tree, "opt/text"); err == nil || tree.Left != 1 {
		t.Errorf("what nobody wants is kept; %d left out", tree.Left)
	}
	if _, err := fs.Stat(tree, "out.json"); !errors.Is(err, fs.ErrNotExist) {
		t.Error("a name leads out of the root")
	}
}

// FuzzApply: whatever the archive is, it can be read, or is an error.
func FuzzApply(f *testing.F) {
	f.Add(pack(f, 3, "a.json", "b/", "l -> a.json", "tool*"))
	f.Add(pack(f, 0, "a.json"))
	f.Fuzz(func(t *testing.T, data []byte) {
		tree := newTree(t)
		if zipped.Apply(t.Context(), tree, 0, bytes.NewReader(data), int64(len(data)), "x") != nil {
			return
		}
		_ = fs.WalkDir(tree, ".", func(name string, _ fs.DirEntry, err error) error {
			_, _ = fs.ReadFile(tree, name)
			return err
		})
	})
}
