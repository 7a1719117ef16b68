package extract

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"muster/internal/extract/apk"
	"muster/internal/extract/dpkg"
	"muster/internal/extract/kernel"
	"muster/internal/extract/osrelease"
	"muster/internal/extract/rpm"
	"muster/internal/inventory"
)

// DatabaseFolders are the folders in which something changes when
// operating-system packages do, relative to the root.
func DatabaseFolders() []string {
	return []string{
		"var/lib/dpkg", dpkg.StatusFolder,
		"lib/apk/db", "usr/lib/apk/db",
		"var/lib/rpm", "usr/lib/sysimage/rpm", "usr/share/rpm",
	}
}

// DatabaseFiles are the files whose change means that operating-system
// packages changed, relative to the root.
func DatabaseFiles() []string {
	return append(append([]string{dpkg.StatusFile}, apk.Files()...), rpm.Files()...)
}

// System reads only the operating system and its packages: what a layer of an
// image may change. The error wraps ErrIncomplete where a database broke off.
func System(fsys fs.FS, running kernel.Running) ([]inventory.Item, error) {
	system, err := osrelease.Read(fsys)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		system = inventory.OS{} // Root notes it; here nothing would be new
	}
	system.Ecosystem = rpm.Ecosystem(fsys, system)
	items, err := systemPackages(fsys, system, running)
	if err != nil {
		err = fmt.Errorf("%w: %w", ErrIncomplete, err)
	}
	return items, err
}

// IsDatabase reports whether a change of the file, by its name relative to the
// root, may change which operating-system packages there are.
func IsDatabase(name string) bool {
	folder := path.Dir(name)
	return slices.Contains(DatabaseFolders(), folder) || strings.HasPrefix(name, dpkg.StatusFolder+"/")
}

// Revision counts changes of what Wanted answers: what was copied by another
// answer must not be taken for complete.
const Revision = 6

// Wanted reports which files Root reads with the options, by name alone:
// whoever copies a file system to be read later needs no others. Programs are
// told by their content.
func (o Options) Wanted() func(name string) bool {
	var kinds []Kind
	for _, k := range append(installedKinds(), o.More...) {
		if !k.Executable {
			kinds = append(kinds, k)
		}
	}
	return func(name string) bool {
		switch {
		case slices.Contains(osrelease.Files(), name), rpm.IsChannel(name), IsDatabase(name), path.Base(name) == "go.sum", name == proStatus:
			return true
		case strings.HasPrefix(name, "var/lib/dpkg/info/"): // which package owns a file
			return strings.HasSuffix(name, ".list")
		}
		return slices.ContainsFunc(kinds, func(k Kind) bool { return k.Wants(name) })
	}
}

// systemPackages reads every operating-system package database there is;
// usually one, none in a scratch image.
func systemPackages(fsys fs.FS, system inventory.OS, running kernel.Running) ([]inventory.Item, error) {
	var items []inventory.Item
	var failed []error
	for _, read := range []func(fs.FS, inventory.OS, kernel.Running) ([]inventory.Item, error){dpkg.Read, apk.Read, rpm.Read} {
		more, err := read(fsys, system, running)
		items = append(items, more...)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			failed = append(failed, err)
		}
	}
	return items, errors.Join(failed...)
}

// Architecture is Inspector's word for what uname, dpkg, rpm or apk call the
// machine; "" for what fits any machine.
func Architecture(machine string) string {
	switch machine {
	case "", "all", "noarch", "any":
		return ""
	case "amd64", "x86_64":
		return "X86_64"
	case "arm64", "aarch64":
		return "ARM64"
	}
	return strings.ToUpper(machine)
}

// usualArchitecture is the one most packages are built for.
func usualArchitecture(items []inventory.Item) string {
	count := map[string]int{}
	best := ""
	for _, it := range items {
		arch := Architecture(it.Arch)
		if arch == "" {
			continue
		}
		if count[arch]++; count[arch] > count[best] {
			best = arch
		}
	}
	return best
}
