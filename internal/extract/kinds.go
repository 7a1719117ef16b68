package extract

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"

	"muster/internal/extract/bounded"
	"muster/internal/extract/golang"
	"muster/internal/extract/java"
	"muster/internal/extract/nodejs"
	"muster/internal/extract/python"
	"muster/internal/extract/ruby"
	"muster/internal/inventory"
)

// Package is a language package and where in its file it was seen.
type Package struct {
	inventory.Component
	// Inner is the path within the file, for archives in archives.
	Inner string
}

// Kind reads one kind of files.
type Kind struct {
	// Name is what notes call the kind.
	Name string
	// Wants decides by the path alone whether a file is of the kind.
	Wants func(name string) bool
	// Executable restricts the kind to files that may be executed.
	Executable bool
	// Read returns the packages that the file proves. What it found before an
	// error counts.
	Read func(ctx context.Context, fsys fs.FS, name string) ([]Package, error)
	// Folder is where further packages of the kind appear beside the file;
	// nil where nobody watches for them.
	Folder func(name string) string
}

// installedKinds are the kinds that prove an installed package.
func installedKinds() []Kind {
	return []Kind{
		{Name: "Python metadata", Wants: python.Wants, Folder: python.Root, Read: text(python.MaxFile, python.Parse)},
		{Name: "Node.js package", Wants: nodejs.Wants, Folder: nodejs.Root, Read: text(nodejs.MaxFile, nodejs.Parse)},
		{Name: "gem specification", Wants: ruby.Wants, Folder: ruby.Root, Read: text(ruby.MaxFile, ruby.Parse)},
		{Name: "Java archive", Wants: java.Wants, Folder: java.Root, Read: archive},
		{Name: "Go executable", Wants: golang.Wants, Executable: true, Read: goExecutable},
	}
}

// Folder is where to watch for packages of the same kind as the item, ""
// where there is no such place: operating-system packages, executables.
func Folder(it inventory.Item) string {
	for _, k := range installedKinds() {
		if it.Path != "" && k.Folder != nil && k.Wants(it.Path) {
			return k.Folder(it.Path)
		}
	}
	return ""
}

// File makes the inventory of a single file of an installed kind: a Java
// archive, a Go program, a package's metadata.
func File(ctx context.Context, fsys fs.FS, name string) (inventory.Inventory, error) {
	var inv inventory.Inventory
	for _, k := range installedKinds() {
		if !k.Wants(name) {
			continue
		}
		packages, err := k.Read(ctx, fsys, name)
		if err != nil && len(packages) == 0 {
			return inv, err
		}
		for _, p := range packages {
			where := name
			if p.Inner != "" {
				where += "!/" + p.Inner
			}
			inv.Items = append(inv.Items, inventory.Item{Component: p.Component, Path: where})
		}
		notes := &notes{}
		if err != nil {
			notes.add("%s %s: %v", k.Name, name, err)
		}
		keepLimits(&inv, notes)
		inv.Notes = append(inv.Notes, notes.list()...)
	}
	inv.Sort()
	return inv, nil
}

// text reads a kind of small text files with one package each.
func text(limit int64, parse func(io.Reader) (inventory.Component, error)) func(context.Context, fs.FS, string) ([]Package, error) {
	return func(_ context.Context, fsys fs.FS, name string) (found []Package, err error) {
		f, _, err := bounded.Open(fsys, name, limit)
		if err != nil {
			return nil, err
		}
		defer func() { err = errors.Join(err, f.Close()) }()
		c, err := parse(bounded.Reader(f, limit))
		if err != nil {
			return nil, err
		}
		return []Package{{Component: c}}, nil
	}
}

// binary opens a file for random access. Where the file system has only
// streams, a copy of at most maxCopy bytes is read.
func binary(fsys fs.FS, name string, limit int64, read func(io.ReaderAt, int64) error) (err error) {
	const maxCopy = 256 << 20
	f, size, err := bounded.Open(fsys, name, limit)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	at, size, err := bounded.ReaderAt(f, size, maxCopy)
	if err != nil {
		return err
	}
	return read(at, size)
}

func archive(_ context.Context, fsys fs.FS, name string) (found []Package, err error) {
	err = binary(fsys, name, java.MaxFile, func(r io.ReaderAt, size int64) error {
		artifacts, err := java.Read(r, size, path.Base(name))
		for _, a := range artifacts {
			found = append(found, Package{a.Component, a.Inner})
		}
		return err
	})
	return found, err
}

func goExecutable(_ context.Context, fsys fs.FS, name string) (found []Package, err error) {
	err = binary(fsys, name, golang.MaxFile, func(r io.ReaderAt, _ int64) error {
		modules, err := golang.Read(r)
		for _, m := range modules {
			found = append(found, Package{Component: m})
		}
		return err
	})
	if errors.Is(err, golang.ErrNotGo) {
		return nil, nil // most executables are not
	}
	if err != nil {
		return nil, fmt.Errorf("go build information: %w", err)
	}
	return found, nil
}
