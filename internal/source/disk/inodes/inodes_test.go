package inodes_test

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"muster/internal/source/disk/inodes"
)

// made is a volume whose folders and links are given by number; numbers above
// 100 are files that hold their own name.
type made struct {
	folders map[uint64][]inodes.Entry
	links   map[uint64]string
	files   map[uint64]string
}

func (m *made) Root() uint64 { return 2 }

func (m *made) Inode(n uint64) (inodes.Inode, error) {
	if _, ok := m.folders[n]; ok {
		return inodes.Inode{Mode: fs.ModeDir | 0o755}, nil
	}
	if _, ok := m.links[n]; ok {
		return inodes.Inode{Mode: fs.ModeSymlink | 0o777}, nil
	}
	if text, ok := m.files[n]; ok {
		return inodes.Inode{Mode: 0o644, Size: int64(len(text))}, nil
	}
	return inodes.Inode{}, errors.New("there is no such inode")
}

func (m *made) List(n uint64) ([]inodes.Entry, error) {
	return append([]inodes.Entry(nil), m.folders[n]...), nil
}
func (m *made) Link(n uint64) (string, error)         { return m.links[n], nil }
func (m *made) Content(n uint64) (io.ReaderAt, error) { return strings.NewReader(m.files[n]), nil }

const folder, link, file = fs.ModeDir, fs.ModeSymlink, fs.FileMode(0)

func volume() *made {
	return &made{
		folders: map[uint64][]inodes.Entry{
			2:  {{"z", 10, folder}, {"a", 101, file}, {"l", 20, link}, {"up", 21, link}, {"mnt", 12, folder}, {"unknown", 11, inodes.Unknown}},
			10: {{"b", 102, inodes.Unknown}, {"circle", 22, link}}, 11: {{"c", 103, file}}, 12: {{"covered", 104, file}},
		},
		links: map[uint64]string{20: "/z/../z//b", 21: "../../../unknown", 22: "circle"},
		files: map[uint64]string{101: "a", 102: "bb", 103: "", 104: "x"},
	}
}

// TestFS: the standard library's own test of file systems passes, and links
// stay within the root.
func TestFS(t *testing.T) {
	v := volume()
	delete(v.links, 22)
	v.folders[10] = v.folders[10][:1]
	f := inodes.New(v)
	if err := fstest.TestFS(f, "a", "z/b", "unknown/c", "mnt/covered"); err != nil {
		t.Error(err)
	}
	for name, want := range map[string]string{"l": "bb", "up/c": "", "z/b": "bb"} {
		if got, err := fs.ReadFile(f, name); err != nil || string(got) != want {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}

func TestMount(t *testing.T) {
	f := inodes.New(volume())
	other := &made{folders: map[uint64][]inodes.Entry{2: {{"inside", 101, file}, {"home", 20, link}}}, links: map[uint64]string{20: "/a"}, files: map[uint64]string{101: "in"}}
	if err := f.Mount("mnt", other); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"mnt/inside": "in", "mnt/home": "a", "l": "bb"} {
		if got, err := fs.ReadFile(f, name); err != nil || string(got) != want {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	if _, err := fs.Stat(f, "mnt/covered"); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	for where, want := range map[string]string{"a": "not a folder", "none": "not exist"} {
		if err := f.Mount(where, other); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", where, err)
		}
	}
}

// TestLoops: folders with two names end a walk with an error.
func TestLoops(t *testing.T) {
	for what, entry := range map[string]inodes.Entry{"its own parent": {"again", 10, folder}, "the root": {"again", 2, folder}, "a brother": {"again", 11, folder}} {
		v := volume()
		v.folders[10] = append(v.folders[10], entry)
		v.folders[11] = append(v.folders[11], inodes.Entry{Name: "again", Number: 10, Type: folder})
		f := inodes.New(v)
		seen, failed := 0, ""
		err := fs.WalkDir(f, ".", func(_ string, _ fs.DirEntry, err error) error {
			if seen++; err != nil {
				failed = err.Error()
				return fs.SkipDir
			}
			return nil
		})
		if err != nil || seen > 20 || !strings.Contains(failed, "has two names") {
			t.Errorf("%s: %v, %d entries, %q", what, err, seen, failed)
		}
	}
	f := inodes.New(volume())
	if _, err := f.Open("z/circle"); err == nil || !strings.Contains(err.Error(), "too many links") {
		t.Error(err)
	}
}

func TestMap(t *testing.T) {
	disk := bytes.NewReader([]byte("0123456789"))
	m, err := inodes.NewMap(disk, 10, []inodes.Extent{{6, 0, 2}, {0, 4, 2}, {2, 6, 1}}, 9)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(io.NewSectionReader(m, 0, m.Size())); err != nil || string(got) != "456\x00\x00\x0001\x00" {
		t.Errorf("%q, %v", got, err)
	}
	for what, e := range map[string][]inodes.Extent{"off": {{0, 9, 2}}, "negative": {{0, -1, 2}}, "overlap": {{0, 0, 3}, {2, 5, 1}}, "empty": {{0, 0, 0}}} {
		if _, err := inodes.NewMap(disk, 10, e, 9); err == nil {
			t.Errorf("%s is accepted", what)
		}
	}
}
