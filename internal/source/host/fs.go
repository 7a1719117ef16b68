package host

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// FS is the machine's files. Symbolic links are followed within the machine
// as the kernel does; pipes and devices cannot make a reader wait.
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
	full, err := f.path("open", name)
	if err != nil {
		return nil, err
	}
	file, err := os.OpenFile(full, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err // a typed nil inside an fs.File would not be nil
	}
	return file, nil
}

// ReadDir leaves out the mount points that are not local.
func (f hostFS) ReadDir(name string) ([]fs.DirEntry, error) {
	full, err := f.path("readdir", name)
	if err != nil {
		return nil, err
	}
	entries, err := os.ReadDir(full)
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
	full, err := f.path("stat", name)
	if err != nil {
		return nil, err
	}
	return os.Stat(full)
}

func (f hostFS) Lstat(name string) (fs.FileInfo, error) {
	full, err := f.path("lstat", name)
	if err != nil {
		return nil, err
	}
	return os.Lstat(full)
}

func (f hostFS) ReadLink(name string) (string, error) {
	full, err := f.path("readlink", name)
	if err != nil {
		return "", err
	}
	return os.Readlink(full)
}

// path refuses names that are malformed or below a mount that is left out.
func (f hostFS) path(op, name string) (string, error) {
	if !fs.ValidPath(name) {
		return "", &fs.PathError{Op: op, Path: name, Err: fs.ErrInvalid}
	}
	if f.h.below(name) {
		return "", &fs.PathError{Op: op, Path: name, Err: fs.ErrNotExist}
	}
	return filepath.Join(f.h.root, filepath.FromSlash(name)), nil
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
