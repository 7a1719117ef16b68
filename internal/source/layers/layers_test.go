package layers

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"pgregory.net/rapid"
)

// layer packs entries: "dir/" is a folder, "a -> b" a link, "a => b" a hard
// link, "a*" a program, anything else a file that holds its own name.
func layer(t interface{ Fatal(...any) }, entries ...string) []byte {
	var buf bytes.Buffer
	w := tar.NewWriter(&buf)
	for _, e := range entries {
		h := &tar.Header{Name: e, Mode: 0o644, Typeflag: tar.TypeReg, Size: int64(len(e))}
		content := e
		if name, link, ok := strings.Cut(e, " -> "); ok {
			h.Name, h.Linkname, h.Typeflag, h.Size, content = name, link, tar.TypeSymlink, 0, ""
		} else if name, link, ok := strings.Cut(e, " => "); ok {
			h.Name, h.Linkname, h.Typeflag, h.Size, content = name, link, tar.TypeLink, 0, ""
		} else if strings.HasSuffix(e, "/") {
			h.Typeflag, h.Mode, h.Size, content = tar.TypeDir, 0o755, 0, ""
		} else if name, ok := strings.CutSuffix(e, "*"); ok {
			content = "\x7fELF" + strings.Repeat("x", 5000) + "\xff Go buildinf:" + name
			h.Name, h.Mode, h.Size = name, 0o755, int64(len(content))
		}
		if err := w.WriteHeader(h); err != nil {
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

// stream hides that a layer could be read at any place.
type stream struct{ io.Reader }

// build applies layers; direct ones alternate with streams.
func build(t *testing.T, streams bool, all ...[]byte) *Tree {
	t.Helper()
	tree := New(t.TempDir(), func(string) bool { return true })
	t.Cleanup(func() {
		if err := tree.Close(); err != nil {
			t.Error(err)
		}
	})
	for n, data := range all {
		var r io.Reader = io.NewSectionReader(bytes.NewReader(data), 0, int64(len(data)))
		if streams {
			r = stream{r}
		}
		if err := tree.Apply(t.Context(), n, r, func(string) {}); err != nil {
			t.Fatal(err)
		}
	}
	return tree
}

// listing is every file with its layer and content.
func listing(t *testing.T, tree *Tree) string {
	t.Helper()
	var out []string
	err := fs.WalkDir(tree, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text := name + "@" + string(rune('0'+tree.LayerOf(name)))
		if d.Type() == fs.ModeSymlink {
			link, err := fs.ReadLink(tree, name)
			if err != nil {
				return err
			}
			text += "->" + link
		}
		out = append(out, text)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(out, " ")
}

func TestLayers(t *testing.T) {
	for what, tt := range map[string]struct {
		layers [][]string
		want   string
	}{
		"replaced":                           {[][]string{{"a", "b"}, {"a"}}, "a@1 b@0"},
		"whiteout":                           {[][]string{{"d/a", "d/b"}, {"d/.wh.a"}}, "d/b@0"},
		"whiteout of a folder":               {[][]string{{"d/a", "d/e/f"}, {".wh.d"}}, ""},
		"opaque, in any order":               {[][]string{{"d/a", "d/e/f"}, {"d/", "d/new", "d/.wh..wh..opq", "d/e/g"}}, "d/e/g@1 d/new@1"},
		"whiteout after its own replacement": {[][]string{{"a"}, {"a", ".wh.a"}}, "a@1"},
		"file over folder":                   {[][]string{{"d/a"}, {"d"}}, "d@1"},
		"folder over file":                   {[][]string{{"d"}, {"d/a"}}, "d/a@1"},
		"folder over link":                   {[][]string{{"x/", "d -> x"}, {"d/"}}, ""},
		"through a link":                     {[][]string{{"usr/lib/", "lib -> usr/lib"}, {"lib/a"}}, "lib@0->usr/lib usr/lib/a@1"},
		"through an absolute link":           {[][]string{{"usr/lib/", "v/lib -> /usr/lib"}, {"v/lib/a"}}, "usr/lib/a@1 v/lib@0->/usr/lib"},
		"out of the root":                    {[][]string{{"../a", "b/../../c", "/d", "./e"}}, "d@0 e@0"},
		"hard link":                          {[][]string{{"a", "b => a"}, {".wh.a"}}, "b@0"},
		"again":                              {[][]string{{"a"}, {".wh.a"}, {"a"}}, "a@2"},
	} {
		var all [][]byte
		for _, entries := range tt.layers {
			all = append(all, layer(t, entries...))
		}
		for _, streams := range []bool{false, true} {
			if got := listing(t, build(t, streams, all...)); got != tt.want {
				t.Errorf("%s: %q, want %q", what, got, tt.want)
			}
		}
	}
}

// TestFS: the standard library's own test of file systems is content.
func TestFS(t *testing.T) {
	for _, streams := range []bool{false, true} {
		tree := build(t, streams, layer(t, "a", "d/b", "bin/tool*", "l -> d/b", "out -> ../../../a", "loop -> loop"))
		if err := fstest.TestFS(subset{tree}, "a", "d/b", "bin/tool"); err != nil {
			t.Error(err)
		}
		for name, want := range map[string]string{"l": "d/b", "out": "a"} {
			if data, err := fs.ReadFile(tree, name); err != nil || string(data) != want {
				t.Errorf("%s: %q, %v", name, data, err)
			}
		}
		if _, err := tree.Open("loop"); err == nil {
			t.Error("a loop opens")
		}
	}
}

// subset hides links, which fstest cannot follow to where they do not lead.
type subset struct{ *Tree }

func (s subset) ReadDir(name string) ([]fs.DirEntry, error) {
	list, err := s.Tree.ReadDir(name)
	return slices.DeleteFunc(list, func(d fs.DirEntry) bool { return d.Type() == fs.ModeSymlink }), err
}

// Open adds what fstest wants of folders.
func (s subset) Open(name string) (fs.File, error) {
	f, err := s.Tree.Open(name)
	if err != nil {
		return nil, err
	}
	if info, err := f.Stat(); err == nil && info.IsDir() {
		list, err := s.ReadDir(name)
		return &folder{File: f, list: list}, err
	}
	return f, nil
}

type folder struct {
	fs.File
	list []fs.DirEntry
}

func (f *folder) ReadDir(n int) ([]fs.DirEntry, error) {
	if n <= 0 {
		n = len(f.list)
	} else if len(f.list) == 0 {
		return nil, io.EOF
	}
	n = min(n, len(f.list))
	out := f.list[:n]
	f.list = f.list[n:]
	return out, nil
}

// TestPrograms: only programs that say what they were built of keep content
// and permission.
func TestPrograms(t *testing.T) {
	data := layer(t, "bin/go*")
	other := bytes.ReplaceAll(data, marks[0], []byte("not a mark at all")[:len(marks[0])])
	rust := bytes.ReplaceAll(data, marks[0], append(bytes.Clone(marks[1]), make([]byte, len(marks[0])-len(marks[1]))...))
	for _, streams := range []bool{false, true} {
		for i, in := range [][]byte{data, other, rust} {
			tree := New(t.TempDir(), func(string) bool { return false })
			var r io.Reader = io.NewSectionReader(bytes.NewReader(in), 0, int64(len(in)))
			if streams {
				r = stream{r}
			}
			if err := tree.Apply(t.Context(), 0, r, func(string) {}); err != nil {
				t.Fatal(err)
			}
			info, err := fs.Stat(tree, "bin/go")
			if err != nil || (info.Mode()&0o111 != 0) != (i != 1) {
				t.Errorf("program %d: %v, %v", i, info, err)
			}
			if content, err := fs.ReadFile(tree, "bin/go"); (err == nil && (bytes.Contains(content, marks[0]) || bytes.Contains(content, marks[1]))) != (i != 1) {
				t.Errorf("program %d: %v", i, err)
			}
			if err := tree.Close(); err != nil {
				t.Error(err)
			}
		}
	}
}

// TestFinder finds the mark wherever the writes are cut.
func TestFinder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		before := rapid.SliceOf(rapid.SampledFrom([]byte("\xff Go x"))).Draw(t, "before")
		text := append(before, marks[0]...)
		var f finder
		for len(text) > 0 {
			n := rapid.IntRange(1, len(text)).Draw(t, "cut")
			_, _ = f.Write(text[:n])
			text = text[n:]
		}
		if !f.found {
			t.Fatal("missed")
		}
	})
}

func TestRefusals(t *testing.T) {
	data := layer(t, "a", "b")
	tree := New(t.TempDir(), func(string) bool { return true })
	defer tree.Close()
	if err := tree.Apply(t.Context(), 0, bytes.NewReader(data[:1100]), func(string) {}); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("a cut layer: %v", err)
	}
	if err := tree.Apply(t.Context(), 0, strings.NewReader(strings.Repeat("x", 2000)), func(string) {}); err == nil {
		t.Error("no tar archive is accepted")
	}
}

// FuzzApply: whatever the layers hold, the tree can be walked and nothing
// panics or hangs.
func FuzzApply(f *testing.F) {
	f.Add(layer(f, "d/a", "l -> d", "l/x", "h => d/a"), layer(f, "d/.wh..wh..opq", ".wh.l", "l/y"))
	f.Fuzz(func(t *testing.T, one, two []byte) {
		tree := New("", func(name string) bool { return len(name)%2 == 0 })
		defer tree.Close()
		for n, data := range [][]byte{one, two} {
			_ = tree.Apply(t.Context(), n, io.NewSectionReader(bytes.NewReader(data), 0, int64(len(data))), func(string) {})
		}
		err := fs.WalkDir(tree, ".", func(name string, d fs.DirEntry, err error) error {
			if err != nil || !d.Type().IsRegular() {
				return err
			}
			if info, err := d.Info(); err == nil && info.Size() < 1<<16 {
				_, _ = fs.ReadFile(tree, name)
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	})
}

// entries makes a layer of many small entries.
func entries(t testing.TB, count int, header func(n int) *tar.Header) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for n := range count {
		if err := w.WriteHeader(header(n)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestLongWays: links that make the way to each entry long, and a layer that
// is hidden from itself again and again, end in time. Without the bound each
// of these takes hours.
func TestLongWays(t *testing.T) {
	link := func(n int) *tar.Header {
		to := "/d" + strings.Repeat("/../d", 800)
		if n > 1 {
			to += fmt.Sprintf("/../l%d", n-1)
		}
		return &tar.Header{Name: fmt.Sprint("l", n), Typeflag: tar.TypeSymlink, Linkname: to}
	}
	for what, header := range map[string]func(int) *tar.Header{
		"links": func(n int) *tar.Header {
			if n < 40 {
				return link(n)
			}
			return &tar.Header{Name: fmt.Sprint("l38/x", n), Typeflag: tar.TypeReg}
		},
		"hard links": func(n int) *tar.Header {
			if n < 40 {
				return link(n)
			}
			return &tar.Header{Name: fmt.Sprint("x", n), Linkname: "l38/x", Typeflag: tar.TypeLink}
		},
		"hidden": func(n int) *tar.Header {
			if n < 100 {
				return &tar.Header{Name: fmt.Sprint("x", n), Typeflag: tar.TypeReg}
			}
			return &tar.Header{Name: opaque, Typeflag: tar.TypeReg}
		},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			tree := New(t.TempDir(), func(string) bool { return false })
			tree.steps = maxSteps - 1_000_000
			err := tree.Apply(t.Context(), 0, bytes.NewReader(entries(t, 20_000, header)), func(string) {})
			if !errors.Is(err, ErrTooLarge) {
				t.Errorf("after %d steps: %v", tree.steps, err)
			}
		})
	}
}

// TestManyFoldersAndNames: what is held in memory is bounded, not only counted.
func TestManyFoldersAndNames(t *testing.T) {
	t.Parallel()
	apply := func(tree *Tree, header func(int) *tar.Header) error {
		return tree.Apply(t.Context(), 0, bytes.NewReader(entries(t, 100, header)), func(string) {})
	}
	tree := New(t.TempDir(), func(string) bool { return false })
	tree.folders = maxFolders - 500
	if err := apply(tree, func(n int) *tar.Header {
		return &tar.Header{Name: fmt.Sprint(n) + "/1/2/3/4/5/6", Typeflag: tar.TypeReg}
	}); !errors.Is(err, ErrTooLarge) {
		t.Errorf("folders above files: %v", err)
	}
	tree = New(t.TempDir(), func(string) bool { return false })
	tree.text = maxText - 200_000
	if err := apply(tree, func(n int) *tar.Header {
		return &tar.Header{Name: strings.Repeat(fmt.Sprint(n%10), 4000) + fmt.Sprint(n), Typeflag: tar.TypeReg}
	}); !errors.Is(err, ErrTooLarge) {
		t.Errorf("long names: %v", err)
	}
}

// TestSparse: a file with holes says it is a terabyte; it is listed, and not
// copied.
func TestSparse(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	// archive/tar writes no sparse files: the records are put as another's.
	records := map[string]string{"MUS.sparse.major": "1", "MUS.sparse.minor": "0", "MUS.sparse.name": "bin/tool", "MUS.sparse.realsize": fmt.Sprint(1 << 40)}
	content := "1\n0\n8\n" + strings.Repeat("\x00", 506) + "\x7fELFabcd"
	if err := w.WriteHeader(&tar.Header{Name: "x", Mode: 0o755, Size: int64(len(content)), Typeflag: tar.TypeReg, Format: tar.FormatPAX, PAXRecords: records}); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(w, content); err != nil || w.Close() != nil {
		t.Fatal(err)
	}
	data := bytes.ReplaceAll(b.Bytes(), []byte("MUS.sparse"), []byte("GNU.sparse"))
	h, err := tar.NewReader(bytes.NewReader(data)).Next()
	if err != nil || h.Size != 1<<40 {
		t.Fatalf("no sparse file: %+v, %v", h, err)
	}
	tree := New(t.TempDir(), func(string) bool { return true })
	if err := tree.Apply(t.Context(), 0, stream{bytes.NewReader(data)}, func(string) {}); err != nil {
		t.Fatal(err)
	}
	if info, err := fs.Stat(tree, "bin/tool"); err != nil || info.Mode().IsRegular() || tree.spool != nil {
		t.Errorf("its content is kept: %v, %v", info, err)
	}
}

// TestEndsWithContext: also within one entry.
func TestEndsWithContext(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	if err := w.WriteHeader(&tar.Header{Name: "a", Size: 1 << 50, Typeflag: tar.TypeReg}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	zeros := 0
	endless := readFunc(func(p []byte) (int, error) {
		if zeros++; zeros == 100 {
			cancel()
		}
		return len(p), nil
	})
	tree := New(t.TempDir(), func(string) bool { return false })
	if err := tree.Apply(ctx, 0, stream{io.MultiReader(&b, endless)}, func(string) {}); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

type readFunc func([]byte) (int, error)

func (f readFunc) Read(p []byte) (int, error) { return f(p) }
