// Package rpm reads the package database of Red Hat's, SUSE's and Amazon's
// families, in its three forms: SQLite, NDB and Berkeley DB hash. The readers
// are muster's own: they need no temporary copy of the database and no SQL
// engine, and every length they follow is bounded.
package rpm

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strconv"
	"strings"

	"muster/internal/extract/bounded"
	"muster/internal/extract/kernel"
	"muster/internal/inventory"
)

// Bounds of the database. The kernel's header, with its file list, is the
// largest seen: 4 MB.
const (
	maxDatabase = 2 << 30
	maxLog      = 256 << 20
	maxHeader   = 64 << 20
	maxPackages = 200_000
)

// Files are the places of the database, in the order of preference.
func Files() []string {
	var files []string
	for _, folder := range []string{"usr/lib/sysimage/rpm", "var/lib/rpm", "usr/share/rpm"} {
		for _, name := range []string{"rpmdb.sqlite", "Packages.db", "Packages"} {
			files = append(files, path.Join(folder, name))
		}
	}
	return files
}

// errStop ends an iteration that found what it wanted.
var errStop = errors.New("stop")

// Read returns the installed packages. Without a database the error wraps
// fs.ErrNotExist; a database that breaks off gives the packages before the
// break and an error.
func Read(fsys fs.FS, system inventory.OS, running kernel.Running) ([]inventory.Item, error) {
	var items []inventory.Item
	limits := inventory.DefaultLimits()
	err := each(fsys, func(h header) error {
		if p, ok := h.identity(); ok {
			it := p.item(system, running)
			if !limits.Fits(it) {
				it = inventory.Item{} // whoever drops it needs only to count it
			}
			items = append(items, it)
		}
		return nil
	})
	addTopics(fsys, system, items)
	return items, err
}

// Owners says which package owns each of the wanted files. Paths are slash
// separated, without a leading slash.
func Owners(fsys fs.FS, wanted map[string]bool) (map[string]string, error) {
	owners := map[string]string{}
	if len(wanted) == 0 {
		return owners, nil
	}
	err := each(fsys, func(h header) error {
		p, ok := h.identity()
		if !ok {
			return nil
		}
		h.files(func(name []byte) {
			if wanted[string(name)] {
				owners[string(name)] = p.name
			}
		})
		return nil
	})
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return owners, err
}

// database is an open package database.
type database struct {
	io.ReaderAt
	size int64
	// log is SQLite's write-ahead log, nil where there is none.
	log     io.ReaderAt
	logSize int64
}

// each calls visit for the header of every package.
func each(fsys fs.FS, visit func(header) error) error {
	for _, name := range Files() {
		f, size, err := bounded.Open(fsys, name, maxDatabase)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return fmt.Errorf("rpm database: %w", err)
		}
		err = eachIn(fsys, name, f, size, visit)
		if closing := f.Close(); err == nil {
			err = closing
		}
		if err != nil {
			return fmt.Errorf("rpm database %s: %w", name, err)
		}
		return nil
	}
	return fmt.Errorf("rpm database: %w", fs.ErrNotExist)
}

func eachIn(fsys fs.FS, name string, f fs.File, size int64, visit func(header) error) (err error) {
	at, size, err := bounded.ReaderAt(f, size, maxDatabase)
	if err != nil {
		return err
	}
	db := database{ReaderAt: at, size: size}
	log, logSize, err := bounded.Open(fsys, name+"-wal", maxLog)
	if err == nil {
		defer func() { err = errors.Join(err, log.Close()) }()
		db.log, db.logSize, err = bounded.ReaderAt(log, logSize, maxLog)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return eachHeader(db, visit)
}

// eachHeader recognises the form of the database by its first bytes.
func eachHeader(db database, visit func(header) error) error {
	count, left := 0, db.size+db.logSize
	blob := func(data []byte) error {
		if count++; count > maxPackages {
			return fmt.Errorf("more than %d packages", maxPackages)
		}
		if left -= int64(len(data)); left < 0 {
			return errors.New("packages overlap: together they are longer than the database")
		}
		h, err := parseHeader(data)
		if err != nil {
			return fmt.Errorf("package %d: %w", count, err)
		}
		return visit(h)
	}
	start := make([]byte, 512)
	n, err := db.ReadAt(start, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	start = start[:n]
	switch {
	case isSQLite(start):
		return eachSQLiteBlob(db, start, blob)
	case isNDB(start):
		return eachNDBBlob(db, db.size, start, blob)
	case isBDB(start):
		return eachBDBBlob(db, db.size, start, blob)
	}
	return errors.New("neither SQLite, NDB nor Berkeley DB")
}

// identity is what a header says of its package.
type identity struct {
	name, version, release, arch string
	epoch                        uint32
	sourceRPM, vendor            string
	// module is the name and stream of the modularity label.
	module string
}

func (h header) identity() (identity, bool) {
	p := identity{
		name: h.text(tagName), version: h.text(tagVersion), release: h.text(tagRelease), arch: h.text(tagArch),
		epoch: h.number(tagEpoch), sourceRPM: h.text(tagSourceRPM), vendor: h.text(tagVendor), module: stream(h.text(tagModularity)),
	}
	// Imported signing keys are recorded like packages.
	return p, p.name != "" && p.version != "" && p.name != "gpg-pubkey"
}

func (p identity) item(system inventory.OS, running kernel.Running) inventory.Item {
	it := inventory.Item{Component: inventory.Component{
		Ecosystem: system.Ecosystem, Name: p.name, Version: p.withEpoch(p.version + "-" + p.release), Arch: p.arch,
		Module: p.module, Manager: inventory.ManagerOS,
	}, Role: running.RPM(p.name, p.version, p.release, p.arch)}
	it.Source, it.SourceVersion = p.source()
	if it.Role == "" && ThirdParty(system.ID, p.vendor) {
		it.Role = inventory.RoleThirdParty
	}
	return it
}

// stream cuts "nodejs:18:8080020230718150220:63b34585" to what names the stream.
func stream(label string) string {
	parts := strings.SplitN(label, ":", 3)
	if len(parts) < 2 || parts[0] == "" || parts[1] == "" {
		return ""
	}
	return parts[0] + ":" + parts[1]
}

func (p identity) withEpoch(version string) string {
	if p.epoch == 0 {
		return version
	}
	return strconv.FormatUint(uint64(p.epoch), 10) + ":" + version
}

// source takes "bash-5.1.8-6.el9.src.rpm" apart. The source has the binary's
// epoch: its own is not recorded.
func (p identity) source() (name, version string) {
	s := strings.TrimSuffix(strings.TrimSuffix(p.sourceRPM, ".rpm"), ".src")
	s = strings.TrimSuffix(s, ".nosrc")
	release := strings.LastIndexByte(s, '-')
	if release > 0 {
		if v := strings.LastIndexByte(s[:release], '-'); v > 0 {
			return s[:v], p.withEpoch(s[v+1:])
		}
	}
	return p.name, p.withEpoch(p.version + "-" + p.release)
}

// ThirdParty reports whether the package's vendor is another than the
// distribution's (EPEL's "Fedora Project" on Red Hat, "Docker", "Remi"). A
// package without a vendor, or a distribution whose vendor is not known here,
// is taken for the distribution's.
func ThirdParty(distribution, vendor string) bool {
	own := map[string][]string{
		"rhel": {"Red Hat"}, "almalinux": {"AlmaLinux"}, "rocky": {"Rocky"}, "centos": {"CentOS", "Red Hat"},
		"fedora": {"Fedora Project"}, "ol": {"Oracle America"}, "amzn": {"Amazon"},
		"sles": {"SUSE", "openSUSE"}, "opensuse-leap": {"SUSE", "openSUSE"}, "opensuse-tumbleweed": {"SUSE", "openSUSE"},
	}[distribution]
	if vendor == "" || own == nil {
		return false
	}
	for _, name := range own {
		if strings.Contains(vendor, name) {
			return false
		}
	}
	return true
}
