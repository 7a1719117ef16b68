// Package layers puts the layers of an image on top of each other and gives
// the result as a file system. Every layer is read once, from bottom to top,
// whatever it is packed with; of what it holds, only the files that somebody
// will want to read are kept, by reference where the layer can be read at any
// place, else in one temporary file.
//
// Everything is bounded: names, depth, entries, bytes. Names that lead out of
// the root are left out, and links are resolved within it.
package layers

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"
	"time"

	"muster/internal/source/layers/spool"
)

// Bounds of an image.
const (
	maxEntries = 3_000_000
	maxFolders = 1_000_000
	maxText    = 256 << 20 // bytes of all names and of where links lead
	maxName    = 4096
	maxDepth   = 128
	maxLinks   = 40
	// maxSteps bounds the folders that are passed on the way to all entries
	// together: links may make the way to each of them very long.
	maxSteps = 1_000_000_000
	// stepBytes of a link's text cost as much as a step.
	stepBytes = 16
)

// ErrTooLarge says that an image exceeds a bound; the wrapping error says which.
var ErrTooLarge = errors.New("image too large")

// Tree is the file system that the layers read so far make up. It may be read
// between two calls of Apply, by one goroutine.
type Tree struct {
	root    *node
	wants   Wants
	temp    string
	spool   *spool.Spool // made when the first content comes
	entries int
	folders int
	text    int
	steps   int
	// Left counts entries that were left out because their names lead out of
	// the root or are too long.
	Left int
}

// Wants decides whether a regular file's content is kept, by its cleaned name
// without leading slash.
type Wants func(name string) bool

// New makes an empty tree. temp is the folder of its temporary file, "" for
// the system's. Close the tree after use.
func New(temp string, wants Wants) *Tree {
	return &Tree{root: &node{mode: fs.ModeDir | 0o755, layer: -1}, wants: wants, temp: temp}
}

// Close gives the temporary file back. Files that are open become unreadable.
func (t *Tree) Close() error {
	if t.spool == nil {
		return nil
	}
	return t.spool.Close()
}

// Add appends to the tree's temporary file.
func (t *Tree) Add(r io.Reader, size int64) (_ *io.SectionReader, err error) {
	if t.spool == nil {
		if t.spool, err = spool.Temporary(t.temp); err != nil {
			return nil, err
		}
	}
	return t.spool.Add(r, size)
}

// Forget takes back what Add appended last.
func (t *Tree) Forget(size int64) { t.spool.Forget(size) }

// node is a file, folder or link.
type node struct {
	mode     fs.FileMode
	layer    int
	size     int64
	link     string
	content  io.ReaderAt
	children map[string]*node
}

// put places a node, making the folders above it. What was there from lower
// layers is replaced; a folder over a folder keeps what it holds.
func (t *Tree) put(name string, n *node) error {
	if name == "." {
		return nil
	}
	dir, base := path.Split(name)
	parent := t.folder(strings.TrimSuffix(dir, "/"), n.layer)
	if parent == nil {
		t.Left++
		return nil
	}
	old := parent.children[base]
	if old != nil && old.mode.IsDir() && n.mode.IsDir() {
		old.mode, old.layer = n.mode, n.layer
		return nil
	}
	if old == nil {
		base = t.added(base, n.mode.IsDir())
	}
	t.text += len(n.link)
	n.link = strings.Clone(n.link)
	parent.add(base, n)
	return t.within()
}

// added counts a new entry, and gives its name without the path around it.
func (t *Tree) added(base string, folder bool) string {
	t.entries++
	if folder {
		t.folders++
	}
	t.text += len(base)
	return strings.Clone(base)
}

// within is an error where the tree has grown over a bound.
func (t *Tree) within() error {
	switch {
	case t.entries > maxEntries:
		return fmt.Errorf("%w: more than %d entries", ErrTooLarge, maxEntries)
	case t.folders > maxFolders:
		return fmt.Errorf("%w: more than %d folders", ErrTooLarge, maxFolders)
	case t.text > maxText:
		return fmt.Errorf("%w: names of more than %d bytes", ErrTooLarge, maxText)
	case t.steps > maxSteps:
		return fmt.Errorf("%w: the ways to its entries have more than %d steps", ErrTooLarge, maxSteps)
	}
	return nil
}

// add puts a node into a folder. Most folders of a hostile image are empty:
// those need no map.
func (n *node) add(base string, child *node) {
	if n.children == nil {
		n.children = map[string]*node{}
	}
	n.children[base] = child
}

// folder returns the folder of a cleaned name, and makes what is missing. Links
// to folders are followed, as whoever unpacks an image does (/lib is a link,
// and later layers write to /lib); a file on the way is replaced. Nil when
// that leads too deep.
func (t *Tree) folder(name string, layer int) *node {
	at := []*node{t.root}
	for hops := 0; name != "" && name != "."; {
		var base string
		base, name, _ = strings.Cut(name, "/")
		t.steps++
		if base == "" || base == "." {
			continue
		}
		if base == ".." {
			at = at[:max(1, len(at)-1)]
			continue
		}
		folder := at[len(at)-1]
		next := folder.children[base]
		if next != nil && next.mode&fs.ModeSymlink != 0 && hops < maxLinks {
			hops++
			t.steps += (len(next.link) + len(name)) / stepBytes
			if strings.HasPrefix(next.link, "/") {
				at = at[:1]
			}
			name = next.link + "/" + name
			continue
		}
		if next == nil || !next.mode.IsDir() {
			if next == nil {
				base = t.added(base, true)
			}
			next = &node{mode: fs.ModeDir | 0o755, layer: layer}
			folder.add(base, next)
		}
		if at = append(at, next); len(at) > maxDepth+1 {
			return nil
		}
	}
	return at[len(at)-1]
}

// remove takes away what lower layers put at a name.
func (t *Tree) remove(name string, layer int) {
	dir, base := path.Split(name)
	parent, err := t.walk(path.Clean(strings.TrimSuffix(dir, "/")), 0)
	if err != nil || parent.children == nil {
		return
	}
	if old := parent.children[base]; old != nil {
		if keep := t.above(old, layer); keep != nil {
			parent.children[base] = keep
			return
		}
		delete(parent.children, base)
	}
}

// clear empties a folder of what lower layers put there.
func (t *Tree) clear(name string, layer int) {
	n, err := t.walk(path.Clean(name), 0)
	if err != nil {
		return
	}
	for base, child := range n.children {
		if t.above(child, layer) == nil {
			delete(n.children, base)
		}
	}
}

// above reduces a node to what the layer itself put there: whiteouts speak of
// lower layers only, wherever in the layer they stand. Nil when nothing stays.
func (t *Tree) above(n *node, layer int) *node {
	if t.steps++; t.steps > maxSteps {
		return n // whoever asked looks at the bounds next
	}
	if n.layer == layer && !n.mode.IsDir() {
		return n
	}
	for base, child := range n.children {
		if t.above(child, layer) == nil {
			delete(n.children, base)
		}
	}
	if n.mode.IsDir() && (n.layer == layer || len(n.children) > 0) {
		return n
	}
	return nil
}

// walk finds a node by name, following links, also the last one if links is
// not 0.
func (t *Tree) walk(name string, last int) (*node, error) {
	at, rest := []*node{t.root}, name
	for hops := 0; rest != "" && rest != "."; {
		var base string
		base, rest, _ = strings.Cut(rest, "/")
		if t.steps++; t.steps > maxSteps {
			return nil, t.within()
		}
		switch base {
		case "", ".":
			continue
		case "..":
			at = at[:max(1, len(at)-1)]
			continue
		}
		next := at[len(at)-1].children[base]
		if next == nil {
			return nil, fs.ErrNotExist
		}
		if next.mode&fs.ModeSymlink != 0 && (rest != "" || last != 0) {
			if hops++; hops > maxLinks {
				return nil, errors.New("too many links")
			}
			t.steps += (len(next.link) + len(rest)) / stepBytes
			if strings.HasPrefix(next.link, "/") {
				at = at[:1]
			}
			rest = next.link + "/" + rest
			continue
		}
		at = append(at, next)
	}
	return at[len(at)-1], nil
}

// LayerOf is the number of the layer that brought a file, folder or link; -1
// where there is none of that name.
func (t *Tree) LayerOf(name string) int {
	n, err := t.walk(strings.TrimPrefix(name, "/"), 0)
	if err != nil {
		return -1
	}
	return n.layer
}

// info describes a node.
type info struct {
	name string
	*node
}

func (i info) Name() string               { return i.name }
func (i info) Size() int64                { return i.size }
func (i info) Mode() fs.FileMode          { return i.mode }
func (i info) ModTime() time.Time         { return time.Time{} }
func (i info) IsDir() bool                { return i.mode.IsDir() }
func (i info) Sys() any                   { return nil }
func (i info) Type() fs.FileMode          { return i.mode.Type() }
func (i info) Info() (fs.FileInfo, error) { return i, nil }
