package layers

import (
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// The interfaces that make walking quick and links visible.
var (
	_ fs.ReadDirFS  = (*Tree)(nil)
	_ fs.StatFS     = (*Tree)(nil)
	_ fs.ReadLinkFS = (*Tree)(nil)
)

func (t *Tree) find(op, name string, last int) (*node, error) {
	if !fs.ValidPath(name) {
		return nil, &fs.PathError{Op: op, Path: name, Err: fs.ErrInvalid}
	}
	n, err := t.walk(name, last)
	if err != nil {
		return nil, &fs.PathError{Op: op, Path: name, Err: err}
	}
	return n, nil
}

// Open opens a file. Of files that nobody wanted only their size is known:
// reading them fails.
func (t *Tree) Open(name string) (fs.File, error) {
	n, err := t.find("open", name, 1)
	if err != nil {
		return nil, err
	}
	return &file{info: info{path.Base(name), n}, name: name, r: io.NewSectionReader(contentOf(n, name), 0, n.size)}, nil
}

// ReadDir lists a folder by name.
func (t *Tree) ReadDir(name string) ([]fs.DirEntry, error) {
	n, err := t.find("readdir", name, 1)
	if err != nil {
		return nil, err
	}
	if !n.mode.IsDir() {
		return nil, &fs.PathError{Op: "readdir", Path: name, Err: fs.ErrInvalid}
	}
	list := make([]fs.DirEntry, 0, len(n.children))
	for base, child := range n.children {
		list = append(list, info{base, child})
	}
	slices.SortFunc(list, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	return list, nil
}

// Stat describes what a name leads to.
func (t *Tree) Stat(name string) (fs.FileInfo, error) {
	n, err := t.find("stat", name, 1)
	if err != nil {
		return nil, err
	}
	return info{path.Base(name), n}, nil
}

// Lstat describes the name itself.
func (t *Tree) Lstat(name string) (fs.FileInfo, error) {
	n, err := t.find("lstat", name, 0)
	if err != nil {
		return nil, err
	}
	return info{path.Base(name), n}, nil
}

// ReadLink returns where a link points to.
func (t *Tree) ReadLink(name string) (string, error) {
	n, err := t.find("readlink", name, 0)
	if err != nil {
		return "", err
	}
	if n.mode&fs.ModeSymlink == 0 {
		return "", &fs.PathError{Op: "readlink", Path: name, Err: fs.ErrInvalid}
	}
	return n.link, nil
}

// file is an open file.
type file struct {
	info info
	name string
	r    *io.SectionReader
}

func (f *file) Stat() (fs.FileInfo, error)                   { return f.info, nil }
func (f *file) Read(p []byte) (int, error)                   { return f.r.Read(p) }
func (f *file) ReadAt(p []byte, at int64) (int, error)       { return f.r.ReadAt(p, at) }
func (f *file) Seek(offset int64, whence int) (int64, error) { return f.r.Seek(offset, whence) }
func (f *file) Close() error                                 { return nil }

// contentOf never returns nil.
func contentOf(n *node, name string) io.ReaderAt {
	if n.content == nil {
		return unread{name}
	}
	return n.content
}

// unread is the content that was not kept.
type unread struct{ name string }

func (u unread) ReadAt([]byte, int64) (int, error) {
	return 0, &fs.PathError{Op: "read", Path: u.name, Err: fs.ErrPermission}
}
