package scanner

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"muster/internal/extract"
	"muster/internal/extract/bounded"
	"muster/internal/extract/lockfile"
	"muster/internal/extract/windows"
	"muster/internal/inventory"
	"muster/internal/sbom"
	"muster/internal/source/disk"
	"muster/internal/source/host"
)

// read makes the inventory of a target by its kind.
func read(ctx context.Context, t Target, opts Options) (inventory.Inventory, error) {
	switch t.Kind {
	case Dir:
		return readDir(ctx, t.Name, opts)
	case Lock:
		return lockfile.File(ctx, os.DirFS(filepath.Dir(t.Name)), filepath.Base(t.Name))
	case SBOM:
		return readSBOM(t.Name)
	case Archive:
		return readArchive(ctx, t.Name, opts)
	case Image:
		return readRegistry(ctx, t.Name, opts)
	case Disk:
		return readDisk(ctx, t.Name)
	case Windows:
		return readWindows(t.Name)
	}
	return inventory.Inventory{}, noTarget("kind %q", t.Kind)
}

// readDir reads the root of this machine, a mounted root, or a source tree.
func readDir(ctx context.Context, name string, opts Options) (inventory.Inventory, error) {
	h, err := host.Open(name)
	if err != nil {
		return inventory.Inventory{}, err
	}
	if h.Root() != string(filepath.Separator) {
		return extract.Root(ctx, h.FS(), forTree(h.FS()))
	}
	release, machine, err := h.Kernel()
	if err != nil {
		return inventory.Inventory{}, err
	}
	o := extract.ForInstance(release, machine, opts.Paths...)
	o.MaxPackages = 0 // nobody waits for an agent here
	return extract.Root(ctx, h.FS(), o)
}

// readDisk reads a machine's disk as its mounted root would be.
func readDisk(ctx context.Context, name string) (inv inventory.Inventory, err error) {
	d, err := disk.Open(name)
	if err != nil {
		return inv, err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	inv, err = extract.Root(ctx, d.FS, forTree(d.FS))
	inv.Notes = append(slices.Clone(d.Notes), inv.Notes...)
	return inv, err
}

// forTree looks at everything below a folder, lock files included. Paths are
// absolute where the folder is the root of a system, of which what is deployed
// counts.
func forTree(fsys fs.FS) extract.Options {
	o := extract.Options{Paths: []string{"."}, More: lockfile.Kinds()}
	for _, name := range []string{"etc/os-release", "usr/lib/os-release"} {
		if _, err := fs.Stat(fsys, name); err == nil {
			o.Prefix, o.Deployed = "/", true
		}
	}
	return o
}

// readWindows reads what a Windows machine says of itself.
func readWindows(name string) (inv inventory.Inventory, err error) {
	f, _, err := bounded.Open(os.DirFS(filepath.Dir(name)), filepath.Base(name), windows.MaxFile)
	if err != nil {
		return inv, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	return windows.Parse(f)
}

func readSBOM(name string) (inv inventory.Inventory, err error) {
	f, size, err := bounded.Open(os.DirFS(filepath.Dir(name)), filepath.Base(name), sbom.MaxFile)
	if err != nil {
		return inv, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	return sbom.Read(bounded.Reader(f, sbom.MaxFile), size)
}
