package host

import (
	"io/fs"
	"os"
	"slices"
	"strings"
	"syscall"
)

// FS is the machine's files. Symbolic links are followed within the machine,
// also when its root is a folder here; pipes and devices cannot make a reader
// wait.
func (h *Host) FS() fs.FS { return hostFS{h} }

type hostFS struct{ h *Host }

// The interfaces that make walking quick and links visible.
var (
	_ fs.ReadDirFS  = hostFS{}
	_ fs.StatFS     = hostFS{}
	_ fs.ReadLinkFS = hostFS{}
)

// Open opens without waiting: somebody could put a pipe where a manifest was
// when the folder was listed.
func (f hostFS) Open(name string) (fs.File, error) {
	if err := f.check("open", name); err != nil {
		return nil, err
	}
	file, err := f.h.tree.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err // a typed nil inside an fs.File would not be nil
	}
	return file, nil
}

// ReadDir leaves out the mount points that are not local.
func (f hostFS) ReadDir(name string) ([]fs.DirEntry, error) {
	if err := f.check("readdir", name); err != nil {
		return nil, err
	}
	entries, err := f.list(name)
	if len(f.h.pruned) == 0 {
		return entries, err
	}
	prefix := name + "/"
	if name == "." {
		prefix = ""
	}
	return slices.DeleteFunc(entries, func(e fs.DirEntry) bool { return f.h.pruned[prefix+e.Name()] }), err
}

func (f hostFS) Stat(name string) (fs.FileInfo, error) {
	if err := f.check("stat", name); err != nil {
		return nil, err
	}
	return f.h.tree.Stat(name)
}

func (f hostFS) Lstat(name string) (fs.FileInfo, error) {
	if err := f.check("lstat", name); err != nil {
		return nil, err
	}
	return f.h.tree.Lstat(name)
}

func (f hostFS) ReadLink(name string) (string, error) {
	if err := f.check("readlink", name); err != nil {
		return "", err
	}
	return f.h.tree.Readlink(name)
}

// list reads a folder in the order of its names, as os.ReadDir does: what was
// read before an error is returned with it.
func (f hostFS) list(name string) ([]fs.DirEntry, error) {
	folder, err := f.h.tree.OpenFile(name, os.O_RDONLY|syscall.O_DIRECTORY, 0)
	if err != nil {
		return nil, err
	}
	defer folder.Close()
	entries, err := folder.ReadDir(-1)
	slices.SortFunc(entries, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	return entries, err
}

// check refuses names that are malformed or below a mount that is left out.
func (f hostFS) check(op, name string) error {
	if !fs.ValidPath(name) {
		return &fs.PathError{Op: op, Path: name, Err: fs.ErrInvalid}
	}
	if f.h.below(name) {
		return &fs.PathError{Op: op, Path: name, Err: fs.ErrNotExist}
	}
	return nil
}

// below reports whether the name is a pruned mount point or lies below one.
func (h *Host) below(name string) bool {
	for {
		if h.pruned[name] {
			return true
		}
		i := strings.LastIndexByte(name, '/')
		if i < 0 {
			return false
		}
		name = name[:i]
	}
}
