package extract

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"

	"muster/internal/extract/bitnami"
	"muster/internal/extract/bounded"
	"muster/internal/extract/conda"
	"muster/internal/extract/cran"
	"muster/internal/extract/dotnet"
	"muster/internal/extract/golang"
	"muster/internal/extract/java"
	"muster/internal/extract/nodejs"
	"muster/internal/extract/php"
	"muster/internal/extract/program"
	"muster/internal/extract/python"
	"muster/internal/extract/ruby"
	"muster/internal/extract/rust"
	"muster/internal/inventory"
)

// Package is a language package and where in its file it was seen.
type Package struct {
	inventory.Component
	// Inner is the path within the file, for archives in archives.
	Inner string
	// Role is set where the file itself says that the package is not what is
	// judged.
	Role inventory.Role
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
		{Name: "Composer's list", Wants: php.Wants, Folder: php.Root, Read: texts(php.MaxFile, php.Parse)},
		{Name: ".NET libraries", Wants: dotnet.Wants, Folder: dotnet.Root, Read: texts(dotnet.MaxFile, dotnet.Parse)},
		{Name: "Bitnami's description", Wants: bitnami.Wants, Folder: bitnami.Root, Read: texts(bitnami.MaxFile, bitnami.Parse)},
		{Name: "Java archive", Wants: java.Wants, Folder: java.Root, Read: archive},
		{Name: "R's library", Wants: cran.Wants, Folder: cran.Root, Read: texts(cran.MaxFile, cran.Parse)},
		{Name: "conda's list", Wants: conda.Wants, Folder: conda.Root, Read: texts(conda.MaxFile, conda.Parse)},
		{Name: "program", Wants: program.Wants, Read: programs},
		{Name: "executable", Wants: golang.Wants, Executable: true, Read: executable},
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
			inv.Items = append(inv.Items, inventory.Item{Component: p.Component, Path: where, Role: p.Role})
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
	return texts(limit, func(r io.Reader) ([]inventory.Component, error) {
		c, err := parse(r)
		return []inventory.Component{c}, err
	})
}

// texts reads a kind of text files with many packages each.
func texts(limit int64, parse func(io.Reader) ([]inventory.Component, error)) func(context.Context, fs.FS, string) ([]Package, error) {
	return func(_ context.Context, fsys fs.FS, name string) (found []Package, err error) {
		f, _, err := bounded.Open(fsys, name, limit)
		if err != nil {
			return nil, err
		}
		defer func() { err = errors.Join(err, f.Close()) }()
		components, err := parse(bounded.Text(bounded.Reader(f, limit)))
		if err != nil {
			return nil, err
		}
		return plain(components), nil
	}
}

// plain are packages that the file itself proves.
func plain(components []inventory.Component) []Package {
	packages := make([]Package, len(components))
	for i, c := range components {
		packages[i].Component = c
	}
	return packages
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
			found = append(found, Package{Component: a.Component, Inner: a.Inner})
		}
		return err
	})
	return found, err
}

func programs(_ context.Context, fsys fs.FS, name string) (found []Package, err error) {
	err = binary(fsys, name, program.MaxFile, func(r io.ReaderAt, size int64) error {
		components, err := program.Read(r, size, name)
		found = plain(components)
		return err
	})
	return found, err
}

// executable reads what Go's linker or cargo-auditable left in a program.
func executable(_ context.Context, fsys fs.FS, name string) (found []Package, err error) {
	err = binary(fsys, name, golang.MaxFile, func(r io.ReaderAt, _ int64) error {
		modules, err := golang.Read(r)
		if errors.Is(err, golang.ErrNotGo) {
			modules, err = rust.Read(r)
		}
		found = plain(modules)
		return err
	})
	if errors.Is(err, rust.ErrNotAuditable) {
		return nil, nil // most executables are neither
	}
	if err != nil {
		return nil, fmt.Errorf("build information: %w", err)
	}
	return found, nil
}
