package inodes

import (
	"io"
	"io/fs"
	"path"
	"time"
)

// The interfaces that make walking quick and links visible.
var (
	_ fs.ReadDirFS  = (*FS)(nil)
	_ fs.StatFS     = (*FS)(nil)
	_ fs.ReadLinkFS = (*FS)(nil)
)

// Open opens a file. Regular files can be read at any place; what is neither
// file nor folder can be described only.
func (f *FS) Open(name string) (fs.File, error) {
	at, inode, err := f.find("open", name, true)
	if err != nil {
		return nil, err
	}
	opened := &file{info: info{path.Base(name), inode}, name: name}
	switch {
	case inode.Mode.IsDir():
		return &folder{file: opened, fsys: f}, nil
	case !inode.Mode.IsRegular():
		return opened, nil
	}
	content, err := at.volume.Content(at.number)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: err}
	}
	return &regular{opened, io.NewSectionReader(content, 0, inode.Size)}, nil
}

// ReadDir lists a folder by name.
func (f *FS) ReadDir(name string) ([]fs.DirEntry, error) {
	at, inode, err := f.find("readdir", name, true)
	if err != nil {
		return nil, err
	}
	if !inode.Mode.IsDir() {
		return nil, &fs.PathError{Op: "readdir", Path: name, Err: fs.ErrInvalid}
	}
	entries, err := f.list(at)
	if err != nil {
		return nil, &fs.PathError{Op: "readdir", Path: name, Err: err}
	}
	list := make([]fs.DirEntry, len(entries))
	for i, e := range entries {
		list[i] = &dirEntry{volume: at.volume, Entry: e}
	}
	return list, nil
}

// dirEntry is an entry of a listing; its inode is read when asked for.
type dirEntry struct {
	volume Volume
	Entry
}

func (d *dirEntry) Name() string { return d.Entry.Name }
func (d *dirEntry) IsDir() bool  { return d.Type() == fs.ModeDir }

func (d *dirEntry) Type() fs.FileMode {
	if d.Entry.Type != Unknown {
		return d.Entry.Type
	}
	inode, err := d.volume.Inode(d.Number)
	if err != nil {
		return fs.ModeIrregular // whoever opens it is told
	}
	d.Entry.Type = inode.Mode.Type()
	return d.Entry.Type
}

func (d *dirEntry) Info() (fs.FileInfo, error) {
	inode, err := d.volume.Inode(d.Number)
	if err != nil {
		return nil, err
	}
	return info{d.Entry.Name, inode}, nil
}

// info describes a file.
type info struct {
	name  string
	inode Inode
}

func (i info) Name() string       { return i.name }
func (i info) Size() int64        { return i.inode.Size }
func (i info) Mode() fs.FileMode  { return i.inode.Mode }
func (i info) ModTime() time.Time { return i.inode.Modified }
func (i info) IsDir() bool        { return i.inode.Mode.IsDir() }
func (i info) Sys() any           { return nil }

// file is an open file without content: a device, a pipe.
type file struct {
	info info
	name string
}

func (f *file) Stat() (fs.FileInfo, error) { return f.info, nil }
func (f *file) Close() error               { return nil }
func (f *file) Read([]byte) (int, error) {
	return 0, &fs.PathError{Op: "read", Path: f.name, Err: fs.ErrInvalid}
}

// regular is an open regular file.
type regular struct {
	*file
	r *io.SectionReader
}

func (r *regular) Read(p []byte) (int, error)                   { return r.r.Read(p) }
func (r *regular) ReadAt(p []byte, at int64) (int, error)       { return r.r.ReadAt(p, at) }
func (r *regular) Seek(offset int64, whence int) (int64, error) { return r.r.Seek(offset, whence) }

// folder is an open folder.
type folder struct {
	*file
	fsys *FS
	left []fs.DirEntry
	read bool
}

// ReadDir gives the next n entries, or all that are left.
func (d *folder) ReadDir(n int) ([]fs.DirEntry, error) {
	if !d.read {
		list, err := d.fsys.ReadDir(d.name)
		if err != nil {
			return nil, err
		}
		d.left, d.read = list, true
	}
	if n <= 0 {
		n = len(d.left)
	} else if len(d.left) == 0 {
		return nil, io.EOF
	}
	n = min(n, len(d.left))
	next := d.left[:n]
	d.left = d.left[n:]
	return next, nil
}
