// Package disktest makes trees of files and, by the programs that everybody
// uses, file systems and disk images of them. Only tests import it.
package disktest

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// Item is a file, folder or link.
type Item struct {
	Mode fs.FileMode
	// Link is where a link points to.
	Link string
	// Size is a file's, Pieces what of it is not a hole.
	Size   int64
	Pieces []Piece
}

// Piece is a part of a file.
type Piece struct {
	At   int64
	Data []byte
}

// Tree is what a file system holds, by path.
type Tree map[string]Item

// File makes a file of a text.
func File(text string) Item {
	return Item{Mode: 0o644, Size: int64(len(text)), Pieces: []Piece{{0, []byte(text)}}}
}

// Program makes a file that may be executed.
func Program(content []byte) Item {
	return Item{Mode: 0o755, Size: int64(len(content)), Pieces: []Piece{{0, content}}}
}

// Link makes a symbolic link.
func Link(target string) Item { return Item{Mode: fs.ModeSymlink, Link: target} }

// Add puts items at paths, with the folders above them.
func (t Tree) Add(items map[string]Item) Tree {
	for name, item := range items {
		t[name] = item
		for dir := path.Dir(name); dir != "."; dir = path.Dir(dir) {
			t[dir] = Item{Mode: fs.ModeDir | 0o755}
		}
	}
	return t
}

// Content is all of a file.
func (i Item) Content() []byte {
	data := make([]byte, i.Size)
	for _, p := range i.Pieces {
		copy(data[p.At:], p.Data)
	}
	return data
}

// Names are the paths, folders before what is in them.
func (t Tree) Names() []string { return slices.Sorted(maps.Keys(t)) }

// Write puts the tree into a new folder.
func (t Tree) Write(tb testing.TB, dir string) {
	tb.Helper()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		tb.Fatal(err)
	}
	for _, name := range t.Names() {
		if err := t[name].write(filepath.Join(dir, filepath.FromSlash(name))); err != nil {
			tb.Fatal(err)
		}
	}
}

func (i Item) write(file string) error {
	switch {
	case i.Mode.IsDir():
		return os.MkdirAll(file, i.Mode.Perm())
	case i.Mode&fs.ModeSymlink != 0:
		return os.Symlink(i.Link, file)
	}
	f, err := os.OpenFile(file, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, i.Mode.Perm())
	if err != nil {
		return err
	}
	for _, p := range i.Pieces {
		if _, err := f.WriteAt(p.Data, p.At); err != nil {
			return err
		}
	}
	return cmp.Or(f.Truncate(i.Size), f.Close())
}

// Compare tells the first difference between the tree and a file system, ""
// where there is none. What mkfs adds of its own does not count.
func (t Tree) Compare(fsys fs.FS) string {
	seen := map[string]bool{}
	err := fs.WalkDir(fsys, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if name == "." {
			return nil
		}
		if name == "lost+found" {
			return fs.SkipDir
		}
		seen[name] = true
		want, ok := t[name]
		if !ok {
			return fmt.Errorf("%s is not of the tree", name)
		}
		return want.compare(fsys, name, d)
	})
	if err != nil {
		return err.Error()
	}
	for _, name := range t.Names() {
		if !seen[name] {
			return name + " is missing"
		}
	}
	return ""
}

func (i Item) compare(fsys fs.FS, name string, d fs.DirEntry) error {
	info, err := d.Info()
	switch {
	case err != nil:
		return err
	case d.Type() != i.Mode.Type() || info.Mode().Type() != i.Mode.Type():
		return fmt.Errorf("%s is %v, want %v", name, d.Type(), i.Mode)
	case i.Mode&fs.ModeSymlink != 0:
		if link, err := fs.ReadLink(fsys, name); err != nil || link != i.Link {
			return fmt.Errorf("%s leads to %q, %v, want %q", name, link, err, i.Link)
		}
		return nil
	case info.Mode().Perm() != i.Mode.Perm():
		return fmt.Errorf("%s may be %v, want %v", name, info.Mode(), i.Mode)
	case i.Mode.IsDir():
		return nil
	}
	got, err := fs.ReadFile(fsys, name)
	if err != nil || !bytes.Equal(got, i.Content()) {
		return fmt.Errorf("%s: %d bytes, %v, want %d", name, len(got), err, i.Size)
	}
	return i.compareAt(fsys, name)
}

// compareAt reads a piece in the middle, also over the end.
func (i Item) compareAt(fsys fs.FS, name string) error {
	f, err := fsys.Open(name)
	if err != nil {
		return err
	}
	at, ok := f.(io.ReaderAt)
	if !ok {
		return fmt.Errorf("%s cannot be read at any place", name)
	}
	p := make([]byte, 700)
	n, err := at.ReadAt(p, i.Size/2)
	if want := i.Content()[i.Size/2:]; err != nil && err != io.EOF || !bytes.Equal(p[:n], want[:min(len(want), len(p))]) {
		return fmt.Errorf("%s at %d: %v", name, i.Size/2, err)
	}
	return f.Close()
}

// Random makes a tree, always the same of a seed. Names have no blanks,
// because the way in which mkfs.xfs is told of files cannot express them.
func Random(seed int) Tree { return rapid.Custom(draw).Example(seed) }

// Fill makes holes to bytes.
func (t Tree) Fill() {
	for name, i := range t {
		if i.Mode.IsRegular() {
			i.Pieces = []Piece{{0, bytes.ReplaceAll(i.Content(), []byte{0}, []byte{1})}}
			t[name] = i
		}
	}
}

func draw(r *rapid.T) Tree {
	t := Tree{}
	folders := []string{""}
	for range rapid.IntRange(10, 60).Draw(r, "items") {
		base := rapid.OneOf(rapid.StringMatching(`[a-z0-9._ü~+-]{1,12}`), rapid.StringMatching(`[a-z]{200}`)).Draw(r, "name")
		name := path.Join(rapid.SampledFrom(folders).Draw(r, "folder"), base)
		if _, ok := t[name]; ok || strings.Trim(base, ".") == "" || len(name) > 1500 {
			continue
		}
		switch rapid.IntRange(0, 3).Draw(r, "kind") {
		case 0:
			t[name] = Item{Mode: fs.ModeDir | 0o755}
			folders = append(folders, name)
		case 1:
			t[name] = Link(rapid.OneOf(rapid.StringMatching(`/?[a-z./]{1,58}`), rapid.StringMatching(`[a-z/]{59,700}`)).Draw(r, "target"))
		default:
			t[name] = drawFile(r)
		}
	}
	return t
}

func drawFile(r *rapid.T) Item {
	i := Item{Mode: fs.FileMode(rapid.SampledFrom([]int{0o644, 0o755, 0o400}).Draw(r, "mode"))}
	random := rand.New(rand.NewPCG(rapid.Uint64().Draw(r, "seed"), 1))
	for range rapid.IntRange(0, 4).Draw(r, "pieces") {
		data := noise(random, rapid.OneOf(rapid.IntRange(1, 200), rapid.IntRange(1, 30_000)).Draw(r, "length"))
		i.Pieces = append(i.Pieces, Piece{i.Size, data})
		i.Size += int64(len(data)) + rapid.SampledFrom([]int64{0, 0, 1, 4096, 50_000}).Draw(r, "hole")
	}
	return i
}

func noise(random *rand.Rand, length int) []byte {
	data := make([]byte, length)
	for n := range data {
		data[n] = byte(random.Uint32())
	}
	return data
}

// Small is a tree with something of every kind.
func Small() Tree {
	random := rand.New(rand.NewPCG(5, 6))
	items := map[string]Item{
		"file": File("text"), "folder/below/file": File("more text"), "link": Link("folder/below"), "long": Link(strings.Repeat("folder/../", 30)),
		"pieces": {Mode: 0o644, Size: 90_000, Pieces: []Piece{{0, noise(random, 5000)}, {20_000, noise(random, 9000)}, {80_000, noise(random, 300)}}},
	}
	for n := range 60 {
		items[fmt.Sprintf("folder/several/entry-%d", n)] = Link(fmt.Sprint(n))
	}
	return Tree{}.Add(items)
}

// Large is a tree with a folder of thousands, deep folders, and files in
// hundreds of pieces.
func Large() Tree {
	t := Tree{}
	random := rand.New(rand.NewPCG(1, 2))
	items := map[string]Item{}
	for n := range 3000 {
		items[fmt.Sprintf("many/entry-number-%05d-with-a-long-name", n)] = File(fmt.Sprint(n))
	}
	items[strings.Repeat("d/", 60)+"deep"] = File("deep")
	holes := Item{Mode: 0o644, Size: 20 << 20}
	for at := int64(0); at < holes.Size; at += 16 << 10 {
		holes.Pieces = append(holes.Pieces, Piece{at, noise(random, 1500)})
	}
	items["pieces"] = holes
	items["one"] = Item{Mode: 0o644, Size: 3 << 20, Pieces: []Piece{{0, noise(random, 3<<20)}}}
	return t.Add(items)
}

// Walk reads everything of a file system that may be damaged, up to bounds,
// and whatever it meets.
func Walk(fsys fs.FS) {
	left := 3000
	_ = fs.WalkDir(fsys, ".", func(name string, d fs.DirEntry, err error) error {
		if left--; left < 0 {
			return fs.SkipAll
		}
		if err != nil {
			return nil
		}
		_, _ = d.Info()
		_, _ = fs.ReadLink(fsys, name)
		f, err := fsys.Open(name)
		if err != nil {
			return nil
		}
		_, _ = io.CopyN(io.Discard, f, 64<<10)
		if at, ok := f.(io.ReaderAt); ok {
			_, _ = at.ReadAt(make([]byte, 5000), 1<<20)
		}
		return f.Close()
	})
}

// Patched is a disk with bytes changed.
type Patched struct {
	Disk io.ReaderAt
	// Patches are of five bytes each: a place (little-endian) and a value.
	Patches []byte
	// Limit is where the places end.
	Limit int64
}

// ReadAt reads from the disk as it is changed.
func (p Patched) ReadAt(b []byte, at int64) (int, error) {
	n, err := p.Disk.ReadAt(b, at)
	for patch := p.Patches; len(patch) >= 5; patch = patch[5:] {
		place := int64(binary.LittleEndian.Uint32(patch)) % p.Limit
		if place >= at && place < at+int64(n) {
			b[place-at] = patch[4]
		}
	}
	return n, err
}
