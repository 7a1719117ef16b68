// Package extract turns a file system into an inventory: the operating system,
// its packages, and the language packages below the folders asked for. What
// holds the file system (a host, an image, a disk, an archive, a test's map)
// is none of its business.
//
// One sub-package reads one format and is pure. Everything foreign is bounded
// in size, depth, number and time; a file that cannot be read becomes a note
// of the inventory and hides nothing else.
package extract

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"muster/internal/extract/kernel"
	"muster/internal/extract/osrelease"
	"muster/internal/extract/rpm"
	"muster/internal/inventory"
)

// ErrIncomplete is wrapped by Root's error when an operating-system package
// database broke off: the inventory lacks packages that are installed. A
// monitor must not take their absence for removal.
var ErrIncomplete = errors.New("package database incomplete")

// Notes for coverage, in Inspector's words (scanning specification 2).
const (
	NoteTooManyPackages = "DEEP_INSPECTION_PACKAGE_COLLECTION_LIMIT_EXCEEDED"
	NoteTooLong         = "DEEP_INSPECTION_COLLECTION_TIME_LIMIT_EXCEEDED"
	// NoteNotInspected says that no language packages were looked for.
	NoteNotInspected = "DEEP_INSPECTION_DEACTIVATED"
)

// Options say what is looked at and how far. The zero value reads the
// operating system only.
type Options struct {
	// Running says which kernel package is judged.
	Running kernel.Running
	// Arch is the machine's architecture in Inspector's words; when empty it
	// is what most packages are built for.
	Arch string
	// Paths are the folders below which language packages are looked for,
	// slash separated and relative to the root; "." is everything.
	Paths []string
	// NotInspected says that deep inspection is switched off: no language
	// packages are looked for, wherever, and a note tells of it.
	NotInspected bool
	// Prefix is put before the paths of the evidence: "/" makes those of a
	// whole machine absolute.
	Prefix string
	// More reads further kinds of files, for example lock files.
	More []Kind
	// Instance applies what holds for instances only: toolchains are not
	// judged.
	Instance bool
	// Deployed leaves out what lock files list for development only.
	Deployed bool
	// MaxPackages bounds the language packages, 0 is inventory's own limit;
	// MaxTime bounds the search for them, 0 is without bound.
	MaxPackages int
	MaxTime     time.Duration
}

// DefaultPaths are the folders of deep inspection (scanning specification 1.6).
func DefaultPaths() []string {
	return []string{"usr/lib", "usr/lib64", "usr/local/lib", "usr/local/lib64"}
}

// ForInstance is how a running machine is looked at: its running kernel, the
// default paths and further ones (absolute or relative), the limits of deep
// inspection.
func ForInstance(release, machine string, more ...string) Options {
	paths := DefaultPaths()
	for _, p := range more {
		paths = append(paths, strings.Trim(p, "/"))
	}
	return Options{
		Running: kernel.Running{Release: release}, Arch: Architecture(machine), Paths: paths, Prefix: "/",
		Instance: true, MaxPackages: 5000, MaxTime: 15 * time.Minute,
	}
}

// bottlerocket is the distribution that deep inspection leaves out (scanning
// specification 1.6): what runs on it runs in containers.
const bottlerocket = "bottlerocket"

// ForImage is how the root of a container image is looked at: everything, and
// no kernel runs in it.
func ForImage() Options {
	return Options{Running: kernel.Running{None: true}, Paths: []string{"."}, Prefix: "/", Deployed: true}
}

// Root makes the inventory of a file system. It fails only when ctx ends, or,
// with everything that was found, when a package database is incomplete.
func Root(ctx context.Context, fsys fs.FS, opts Options) (inventory.Inventory, error) {
	inv := inventory.Inventory{}
	notes := &notes{}
	system, err := osrelease.Read(fsys)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		notes.add("%v", err)
	}
	system.Ecosystem = rpm.Ecosystem(fsys, system)
	system.Kernel = opts.Running.Release
	items, err := systemPackages(fsys, system, opts.Running)
	var incomplete error
	if err != nil {
		notes.add("%v", err)
		incomplete = fmt.Errorf("%w: %w", ErrIncomplete, err)
	}
	system.Arch = opts.Arch
	if system.Arch == "" {
		system.Arch = usualArchitecture(items)
	}
	inv.OS = system
	switch {
	case opts.NotInspected:
		notes.add("%s: language packages were not looked for", NoteNotInspected)
		opts.Paths = nil
	case opts.Instance && system.ID == bottlerocket:
		opts.Paths = nil
	}
	found, err := languagePackages(ctx, fsys, opts, notes)
	if err != nil {
		return inventory.Inventory{}, err
	}
	if err := assignOwners(fsys, system, items, found); err != nil {
		notes.add("%v", err)
	}
	inv.Items = append(items, language(found, opts)...)
	if inv.ShowsPro() || attachedToPro(fsys) {
		inv.AttachPro()
	}
	thirdParty(inv.Items, notes)
	keepLimits(&inv, notes)
	inv.Notes = notes.list()
	inv.Sort()
	return inv, incomplete
}

// keepLimits drops what no receiver would accept, so that one odd package
// does not make the whole inventory worthless.
func keepLimits(inv *inventory.Inventory, notes *notes) {
	limits := inventory.DefaultLimits()
	before := len(inv.Items)
	inv.Items = slices.DeleteFunc(inv.Items, func(it inventory.Item) bool { return !limits.Fits(it) })
	leftOut(before-len(inv.Items), notes)
	if len(inv.Items) > limits.Items {
		notes.add("%s: %d packages found, %d kept", NoteTooManyPackages, len(inv.Items), limits.Items)
		inv.Items = inv.Items[:limits.Items]
	}
}

func leftOut(dropped int, notes *notes) {
	if dropped > 0 {
		notes.add("%d packages left out: a name, version or path is malformed or too long", dropped)
	}
}

// thirdParty says in a note what no advisory source judges: silence would
// look like safety.
func thirdParty(items []inventory.Item, notes *notes) {
	var names []string
	for _, it := range items {
		if it.Role == inventory.RoleThirdParty {
			names = append(names, it.Name)
		}
	}
	if len(names) == 0 {
		return
	}
	slices.Sort(names)
	const named = 10
	text := strings.Join(names[:min(named, len(names))], ", ")
	if len(names) > named {
		text += ", …"
	}
	notes.add("no advisory source for %d packages of other publishers: %s", len(names), text)
}

// notes collects remarks, the first ones in words and the rest as a number.
type notes struct {
	texts []string
	more  int
}

const maxNotes = 20

func (n *notes) add(format string, args ...any) {
	if len(n.texts) == maxNotes {
		n.more++
		return
	}
	text := fmt.Sprintf(format, args...)
	text = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "?"))
	if limit := inventory.DefaultLimits().Note; len(text) > limit {
		text = strings.ToValidUTF8(text[:limit], "")
	}
	n.texts = append(n.texts, text)
}

func (n *notes) list() []string {
	if n.more > 0 {
		return append(n.texts, fmt.Sprintf("and %d more remarks", n.more))
	}
	return n.texts
}
