package inodes

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync"
)

// Bounds of a root.
const (
	maxLinks   = 40
	maxFolders = 2_000_000
	// maxLink is what a link may be long, as for Linux.
	maxLink = 4096
	// maxSteps is what may be done to find files: entries that are listed and
	// names that are looked up. Folders of a disk that lies can share their
	// blocks, and be read for each of a million names anew.
	maxSteps = 1_000_000_000
	// entrySize is how many bytes of a folder cost as much as an entry.
	entrySize = 64
	// maxFolder is the longest folder that volumes list.
	maxFolder = 1 << 30
)

// FS is a root with everything mounted in it. It is safe for concurrent use.
type FS struct {
	root place

	mu     sync.Mutex
	mounts map[place]place
	// names tells the one name by which each folder was met.
	names map[place]name
	lists listings
	steps int64
}

// place is a file of one of the volumes.
type place struct {
	volume Volume
	number uint64
}

// name is an entry of a folder.
type name struct {
	parent uint64
	entry  string
}

// New makes a root of a volume.
func New(v Volume) *FS {
	return &FS{root: place{v, v.Root()}, mounts: map[place]place{}, names: map[place]name{}}
}

// Mount puts a volume where a folder of the root is.
func (f *FS) Mount(where string, v Volume) error {
	at, inode, err := f.walk(where, true)
	if err != nil {
		return fmt.Errorf("mount point %s: %w", where, err)
	}
	if !inode.Mode.IsDir() {
		return fmt.Errorf("mount point %s: not a folder", where)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.mounts[at] = place{v, v.Root()}
	return nil
}

// walk finds a file by its slash-separated name. Links on the way are followed
// within the root, the last one if follow says so.
func (f *FS) walk(rest string, follow bool) (place, Inode, error) {
	at := []place{f.root}
	for hops := 0; rest != "" && rest != "."; {
		var base string
		base, rest, _ = strings.Cut(rest, "/")
		switch base {
		case "", ".":
			continue
		case "..":
			at = at[:max(1, len(at)-1)]
			continue
		}
		next, kind, err := f.step(at[len(at)-1], base)
		if err != nil {
			return place{}, Inode{}, err
		}
		if kind != fs.ModeSymlink || (rest == "" && !follow) {
			at = append(at, next)
			continue
		}
		if hops++; hops > maxLinks {
			return place{}, Inode{}, errors.New("too many links")
		}
		link, err := next.volume.Link(next.number)
		if err == nil && len(link) > maxLink {
			err = fmt.Errorf("damaged: a link of %d bytes", len(link))
		}
		if err != nil {
			return place{}, Inode{}, err
		}
		if strings.HasPrefix(link, "/") {
			at = at[:1]
		}
		rest = link + "/" + rest
	}
	found := at[len(at)-1]
	inode, err := found.volume.Inode(found.number)
	return found, inode, err
}

// step finds an entry of a folder and its type.
func (f *FS) step(folder place, base string) (place, fs.FileMode, error) {
	list, err := f.list(folder)
	if err == nil {
		err = f.spend(1)
	}
	if err != nil {
		return place{}, 0, err
	}
	i, ok := slices.BinarySearchFunc(list, base, func(e Entry, base string) int { return strings.Compare(e.Name, base) })
	if !ok {
		return place{}, 0, fs.ErrNotExist
	}
	next, kind := place{folder.volume, list[i].Number}, list[i].Type
	if kind == Unknown {
		inode, err := next.volume.Inode(next.number)
		if err != nil {
			return place{}, 0, err
		}
		kind = inode.Mode.Type()
	}
	if kind != fs.ModeDir {
		return next, kind, nil
	}
	next, err = f.enter(next, name{folder.number, base})
	return next, kind, err
}

// enter goes into a folder, or into what is mounted there. It fails where the
// folder is known by another name.
func (f *FS) enter(folder place, by name) (place, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	known, ok := f.names[folder]
	switch {
	case ok && known != by, folder == f.root:
		return place{}, fmt.Errorf("damaged: folder inode %d has two names", folder.number)
	case !ok && len(f.names) == maxFolders:
		return place{}, fmt.Errorf("more than %d folders", maxFolders)
	case !ok:
		f.names[folder] = by
	}
	if covered, ok := f.mounts[folder]; ok {
		return covered, nil
	}
	return folder, nil
}

// list gives a folder's entries, sorted by name.
func (f *FS) list(folder place) ([]Entry, error) {
	f.mu.Lock()
	known, ok := f.lists.get(folder)
	f.mu.Unlock()
	if ok {
		return known.entries, known.err
	}
	inode, err := folder.volume.Inode(folder.number)
	if err != nil {
		return nil, err
	}
	if err := f.spend(1 + min(inode.Size, maxFolder)/entrySize); err != nil {
		return nil, err
	}
	entries, err := folder.volume.List(folder.number)
	slices.SortFunc(entries, func(a, b Entry) int { return strings.Compare(a.Name, b.Name) })
	entries = slices.Clip(slices.CompactFunc(entries, func(a, b Entry) bool { return a.Name == b.Name }))
	if err != nil {
		entries = nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.lists.put(folder, listed{entries, err})
	return entries, err
}

// spend counts what was done to find files.
func (f *FS) spend(steps int64) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.steps += steps; f.steps > maxSteps {
		return errors.New("damaged: its folders are longer than any disk has them")
	}
	return nil
}

// find is walk with the errors and checks of package fs.
func (f *FS) find(op, name string, follow bool) (place, Inode, error) {
	if !fs.ValidPath(name) {
		return place{}, Inode{}, &fs.PathError{Op: op, Path: name, Err: fs.ErrInvalid}
	}
	at, inode, err := f.walk(name, follow)
	if err != nil {
		return place{}, Inode{}, &fs.PathError{Op: op, Path: name, Err: err}
	}
	return at, inode, nil
}

// Stat describes what a name leads to.
func (f *FS) Stat(name string) (fs.FileInfo, error) {
	_, inode, err := f.find("stat", name, true)
	if err != nil {
		return nil, err
	}
	return info{path.Base(name), inode}, nil
}

// Lstat describes the name itself.
func (f *FS) Lstat(name string) (fs.FileInfo, error) {
	_, inode, err := f.find("lstat", name, false)
	if err != nil {
		return nil, err
	}
	return info{path.Base(name), inode}, nil
}

// ReadLink returns where a link points to.
func (f *FS) ReadLink(name string) (string, error) {
	at, inode, err := f.find("readlink", name, false)
	if err != nil {
		return "", err
	}
	if inode.Mode&fs.ModeSymlink == 0 {
		return "", &fs.PathError{Op: "readlink", Path: name, Err: fs.ErrInvalid}
	}
	link, err := at.volume.Link(at.number)
	if err != nil {
		return "", &fs.PathError{Op: "readlink", Path: name, Err: err}
	}
	return link, nil
}
