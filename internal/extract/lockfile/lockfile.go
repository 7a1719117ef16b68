// Package lockfile reads lock files and manifests of projects through
// osv-scalibr's extractors, imported one by one: the list in formats.go is
// everything this package can read.
//
// Only versions that are decided count: ranges, local paths and git revisions
// are left out (scanning specification 3.3).
package lockfile

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"
	"sync"

	"github.com/google/osv-scalibr/extractor"
	"github.com/google/osv-scalibr/extractor/filesystem"
	"github.com/google/osv-scalibr/extractor/filesystem/osv"
	"github.com/google/osv-scalibr/log"

	"muster/internal/extract"
	"muster/internal/extract/bounded"
	"muster/internal/extract/dotnet"
	"muster/internal/extract/golang"
	"muster/internal/inventory"
)

// Bounds of one file. The largest lock files in the wild have 20 MB.
const (
	maxFile     = 32 << 20
	maxPackages = 200_000
)

// ErrUnknown says that no lock file or manifest has that name.
var ErrUnknown = errors.New("no lock file or manifest that muster knows")

// Kinds are what extract.Root reads in addition when lock files count: in
// source trees and images.
func Kinds() []extract.Kind {
	return []extract.Kind{
		{Name: "lock file", Wants: wantsInTree, Read: readInTree},
		{Name: "Go module cache", Wants: isCachedModule, Read: readCachedModule},
	}
}

// Wants reports whether the name is that of a lock file or manifest.
func Wants(name string) bool {
	_, ok := formatOf(name)
	return ok || ownReader(name) != nil || path.Base(name) == pom || path.Base(name) == goSum || isNPMLock(name) || dotnet.Wants(name)
}

// wantsInTree leaves out what is read with another file, or as what is
// installed.
func wantsInTree(name string) bool {
	return Wants(name) && path.Base(name) != goSum && !dotnet.Wants(name) && !installed(name)
}

// installed reports whether the file lies within an installed package: such
// lock files say what its authors used, not what is here.
func installed(name string) bool {
	for _, folder := range []string{
		"/node_modules/", "/site-packages/", "/dist-packages/", "/vendor/", "/pkg/mod/", "/.cargo/registry/", "/.m2/repository/",
		// Where Debian's packages of libraries lie.
		"/usr/share/nodejs/", "/usr/lib/nodejs/", "/usr/share/rubygems-integration/", "/usr/share/php/", "/usr/share/gocode/", "/usr/share/cargo/registry/",
	} {
		if strings.Contains("/"+name, folder) {
			return true
		}
	}
	_, gem, ok := strings.Cut("/"+name, "/gems/") // gems/rack-2.0/Gemfile.lock
	return ok && strings.Contains(gem, "/")
}

// File makes the inventory of a single lock file or manifest. Files that it
// refers to (go.sum, parent poms, included requirements) are read from the
// same file system.
func File(ctx context.Context, fsys fs.FS, name string) (inventory.Inventory, error) {
	packages, err := readPackages(ctx, fsys, name)
	if err != nil {
		return inventory.Inventory{}, err
	}
	limits := inventory.DefaultLimits()
	var inv inventory.Inventory
	left := 0
	for _, p := range packages {
		it := inventory.Item{Component: p.Component, Path: name, Role: p.Role}
		if !limits.Fits(it) {
			left++
			continue
		}
		inv.Items = append(inv.Items, it)
	}
	if left > 0 {
		inv.Notes = append(inv.Notes, fmt.Sprintf("%d packages left out: a name or version is malformed or too long", left))
	}
	inv.Sort()
	return inv, nil
}

// pom is a manifest that muster reads itself; npm's lock files are others.
const pom = "pom.xml"

// silence keeps scalibr's process-wide logger from writing to standard error;
// what matters comes back as errors.
var silence = sync.OnceFunc(func() { log.SetLogger(silentLogger{}) })

// readInTree leaves out a package-lock.json that npm would not look at: an
// npm-shrinkwrap.json beside it wins.
func readInTree(ctx context.Context, fsys fs.FS, name string) ([]extract.Package, error) {
	if path.Base(name) == npmLockName {
		if _, err := fs.Stat(fsys, path.Join(path.Dir(name), npmShrinkwrap)); err == nil {
			return nil, nil
		}
	}
	return readPackages(ctx, fsys, name)
}

func readPackages(ctx context.Context, fsys fs.FS, name string) ([]extract.Package, error) {
	components, development, err := read(ctx, fsys, name)
	packages := make([]extract.Package, len(components))
	for i, c := range components {
		packages[i].Component = c
		if development[c] {
			packages[i].Role = inventory.RoleDevelopment
		}
		if c.Manager == inventory.ManagerGoMod && c.Name == golang.Stdlib {
			packages[i].Role = inventory.RoleToolchain
		}
	}
	return packages, err
}

// read also says which of the packages are needed for development only.
func read(ctx context.Context, fsys fs.FS, name string) (found []inventory.Component, development marks, err error) {
	switch {
	case path.Base(name) == pom:
		return readPOM(ctx, fsys, name)
	case isNPMLock(name):
		return readNPM(fsys, name)
	case path.Base(name) == goSum:
		found, err = readGoSum(fsys, name)
		return found, nil, err
	case dotnet.Wants(name):
		found, err = readDeployed(fsys, name)
		return found, nil, err
	}
	if own := ownReader(name); own != nil {
		list := newListing()
		if err := own(fsys, name, list); err != nil {
			return nil, nil, fmt.Errorf("%s: %w", name, err)
		}
		return list.found, list.development, nil
	}
	return readFormat(ctx, fsys, name)
}

// marks are the packages that only development needs.
type marks map[inventory.Component]bool

// note marks a package, unless something else needs it, too.
func (m marks) note(c inventory.Component, development bool) {
	if before, seen := m[c]; !seen || before && !development {
		m[c] = development
	}
}

func readFormat(ctx context.Context, fsys fs.FS, name string) (found []inventory.Component, development marks, err error) {
	f, ok := formatOf(name)
	if !ok {
		return nil, nil, fmt.Errorf("%s: %w", name, ErrUnknown)
	}
	silence()
	file, _, err := bounded.Open(fsys, name, maxFile)
	if err != nil {
		return nil, nil, err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	info, err := file.Stat()
	if err != nil {
		return nil, nil, err
	}
	text := bounded.Text(bounded.Reader(file, maxFile))
	if isTOML(name) {
		if text, err = checked(text); err != nil {
			return nil, nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	packages, err := parse(ctx, f, &filesystem.ScanInput{FS: scanFS{fsys}, Path: name, Info: info, Reader: text})
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", name, err)
	}
	if len(packages) > maxPackages {
		return nil, nil, fmt.Errorf("%s: %d packages, at most %d", name, len(packages), maxPackages)
	}
	found, development = components(f, packages)
	if f.manager == inventory.ManagerGoMod {
		found = selected(found)
	}
	return found, development, nil
}

// checked reads TOML that its parser can be trusted with.
func checked(r io.Reader) (io.Reader, error) {
	data, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	return bytes.NewReader(data), shallow(data)
}

func readDeployed(fsys fs.FS, name string) ([]inventory.Component, error) {
	data, err := readText(fsys, name)
	if err != nil {
		return nil, err
	}
	return dotnet.Parse(bytes.NewReader(data))
}

// parse runs the extractor. A parser's panic over a hostile file is that
// file's error, not the end of the server.
func parse(ctx context.Context, f format, in *filesystem.ScanInput) (packages []*extractor.Package, err error) {
	defer func() {
		if p := recover(); p != nil {
			packages, err = nil, fmt.Errorf("the file breaks its parser: %v", p)
		}
	}()
	e, err := f.open(nil)
	if err != nil {
		return nil, err
	}
	inv, err := e.Extract(ctx, in)
	return inv.Packages, err
}

func components(f format, packages []*extractor.Package) (list []inventory.Component, development marks) {
	development = marks{}
	for _, p := range packages {
		c := inventory.Component{Ecosystem: string(p.Ecosystem().Ecosystem), Name: p.Name, Version: p.Version, Manager: f.manager}
		if f.decided != nil {
			c.Version = f.decided(p)
		}
		if c.Name == "" || c.Version == "" || c.Ecosystem == "npm" && strings.ContainsAny(c.Version, ":/") {
			continue // "workspace:lib" is the project's own
		}
		if c.Ecosystem == "Go" && c.Name != "stdlib" && !strings.HasPrefix(c.Version, "v") {
			c.Version = "v" + c.Version // as go.mod writes it
		}
		if _, seen := development[c]; !seen {
			list = append(list, c)
		}
		development.note(c, developmentOnly(p))
	}
	return list, development
}

// developmentOnly reports whether a package is only in groups for development
// or tests.
func developmentOnly(p *extractor.Package) bool {
	var groups []string
	if m, ok := p.Metadata.(osv.DepGroups); ok {
		groups = m.DepGroups()
	}
	for _, g := range groups {
		switch strings.ToLower(g) {
		case "dev", "develop", "development", "develop-packages", "test", "tests", "testing", "build_requires", "build-requires":
		default:
			return false
		}
	}
	return len(groups) > 0
}

// scanFS adds the methods that scalibr asks of a file system. Files that a
// manifest refers to are bounded like the manifest itself.
type scanFS struct{ fsys fs.FS }

func (s scanFS) Open(name string) (fs.File, error) {
	f, _, err := bounded.Open(s.fsys, path.Clean(name), maxFile)
	return f, err
}

func (s scanFS) ReadDir(name string) ([]fs.DirEntry, error) {
	return fs.ReadDir(s.fsys, path.Clean(name))
}

func (s scanFS) Stat(name string) (fs.FileInfo, error) { return fs.Stat(s.fsys, path.Clean(name)) }

// silentLogger drops everything.
type silentLogger struct{}

func (silentLogger) Errorf(string, ...any) {}
func (silentLogger) Error(...any)          {}
func (silentLogger) Warnf(string, ...any)  {}
func (silentLogger) Warn(...any)           {}
func (silentLogger) Infof(string, ...any)  {}
func (silentLogger) Info(...any)           {}
func (silentLogger) Debugf(string, ...any) {}
func (silentLogger) Debug(...any)          {}
