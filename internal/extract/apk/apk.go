// Package apk reads the package database of Alpine Linux and its kin (Wolfi,
// Chainguard): what is installed and which package owns a file.
package apk

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"path"

	"muster/internal/extract/bounded"
	"muster/internal/extract/kernel"
	"muster/internal/inventory"
)

// Bounds of the database; it lists every file, a large image has 20 MB.
const (
	maxDatabase = 256 << 20
	maxPackages = 200_000
	maxField    = 4 << 10
)

// Files are the places of the database, the older first; one of them exists.
func Files() []string { return []string{"lib/apk/db/installed", "usr/lib/apk/db/installed"} }

// Read returns the installed packages. Without a database the error wraps
// fs.ErrNotExist.
func Read(fsys fs.FS, system inventory.OS, running kernel.Running) ([]inventory.Item, error) {
	data, err := database(fsys)
	if err != nil {
		return nil, err
	}
	var items []inventory.Item
	err = Parse(data, func(p Package) {
		if it, ok := p.item(system, running); ok {
			items = append(items, it)
		}
	}, nil)
	return items, err
}

func database(fsys fs.FS) ([]byte, error) {
	for _, name := range Files() {
		data, err := bounded.ReadFile(fsys, name, maxDatabase)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("apk database: %w", err)
		}
		return data, nil
	}
	return nil, fmt.Errorf("apk database: %w", fs.ErrNotExist)
}

// Package is one entry: fields P, V, A and o.
type Package struct{ Name, Version, Arch, Origin string }

// Parse calls each for every package and, if file is not nil, file for every
// path (without a leading slash) with the package that owns it. An entry is
// announced after its files.
func Parse(data []byte, each func(Package), file func(owner, name string)) error {
	var p Package
	var folder string
	count := 0
	flush := func() error {
		if p.Name == "" {
			return nil
		}
		if count++; count > maxPackages {
			return fmt.Errorf("apk database: more than %d packages", maxPackages)
		}
		each(p)
		p, folder = Package{}, ""
		return nil
	}
	for line := range bytes.Lines(data) {
		line = bytes.TrimRight(line, "\r\n")
		if len(line) == 0 {
			if err := flush(); err != nil {
				return err
			}
			continue
		}
		if len(line) < 2 || line[1] != ':' || len(line) > maxField {
			continue
		}
		switch value := line[2:]; line[0] {
		case 'P':
			p.Name = string(value)
		case 'V':
			p.Version = string(value)
		case 'A':
			p.Arch = string(value)
		case 'o':
			p.Origin = string(value)
		case 'F':
			folder = string(value)
		case 'R':
			if file != nil {
				file(p.Name, path.Join(folder, string(value)))
			}
		}
	}
	return flush()
}

func (p Package) item(system inventory.OS, running kernel.Running) (inventory.Item, bool) {
	if p.Version == "" {
		return inventory.Item{}, false
	}
	source := p.Origin
	if source == "" {
		source = p.Name
	}
	return inventory.Item{Component: inventory.Component{
		Ecosystem: system.Ecosystem, Name: p.Name, Version: p.Version, Arch: p.Arch,
		Source: source, SourceVersion: p.Version, Manager: inventory.ManagerOS,
	}, Role: running.Apk(p.Name, p.Version)}, true
}

// Owners says which package owns each of the wanted files.
func Owners(fsys fs.FS, wanted map[string]bool) (map[string]string, error) {
	owners := map[string]string{}
	if len(wanted) == 0 {
		return owners, nil
	}
	data, err := database(fsys)
	if errors.Is(err, fs.ErrNotExist) {
		return owners, nil
	}
	if err != nil {
		return nil, err
	}
	err = Parse(data, func(Package) {}, func(owner, name string) {
		if wanted[name] {
			owners[name] = owner
		}
	})
	return owners, err
}
