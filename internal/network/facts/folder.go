package facts

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
)

// Read reads a folder of describe answers, one file per call in any layout, or
// one file of them, and joins what it found.
func Read(name string) (*Facts, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, err
	}
	var r Reader
	if info.IsDir() {
		// The folder's own name may be the account or the Region.
		err = r.folder(os.DirFS(name), path.Base(filepath.ToSlash(name)))
	} else {
		err = r.file(os.DirFS(filepath.Dir(name)), filepath.Base(name), filepath.Base(name))
	}
	if err != nil {
		return nil, fmt.Errorf("facts: %w", err)
	}
	return r.Facts()
}

// ReadFS is Read for a file system whose root is the folder.
func ReadFS(fsys fs.FS) (*Facts, error) {
	var r Reader
	if err := r.folder(fsys, ""); err != nil {
		return nil, fmt.Errorf("facts: %w", err)
	}
	return r.Facts()
}

func (r *Reader) folder(fsys fs.FS, root string) error {
	return fs.WalkDir(fsys, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if ext := path.Ext(name); d.IsDir() || !d.Type().IsRegular() || ext != ".json" {
			return nil
		}
		return r.file(fsys, name, path.Join(root, name))
	})
}

func (r *Reader) file(fsys fs.FS, name, shown string) (err error) {
	f, err := fsys.Open(name)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	return r.Add(shown, f)
}
