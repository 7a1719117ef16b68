// Package dpkg reads the package database of Debian and its kin: what is
// installed (var/lib/dpkg/status, and status.d of distroless images), which
// package owns a file, and which packages did not come from the distribution.
package dpkg

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"muster/internal/extract/bounded"
	"muster/internal/extract/kernel"
	"muster/internal/inventory"
)

// Where the database lies.
const (
	StatusFile   = "var/lib/dpkg/status"
	StatusFolder = "var/lib/dpkg/status.d"
	infoFolder   = "var/lib/dpkg/info"
)

// Bounds of the database; the largest seen has 6,000 packages in 8 MB.
const (
	maxStatus  = 256 << 20 // of all files together
	maxStanza  = 1 << 20
	maxStanzas = 200_000 // of all files together
	maxFiles   = 50_000
	maxField   = 4 << 10
)

// Stanza is the part of a package's entry that muster uses.
type Stanza struct {
	Package, Status, Version, Architecture string
	// Source is the field as written: absent, "name" or "name (version)".
	Source     string
	Maintainer string
}

// Read returns the installed packages. Without a database the error wraps
// fs.ErrNotExist. A stanza that cannot be understood is left out; a database
// that breaks off gives the packages before the break and an error.
func Read(fsys fs.FS, system inventory.OS, running kernel.Running) ([]inventory.Item, error) {
	var items []inventory.Item
	found := false
	var failed []error
	files, err := statusFiles(fsys)
	if err != nil {
		failed = append(failed, err)
	}
	left, room := maxStanzas, int64(maxStatus)
	for _, name := range files {
		data, err := bounded.ReadFile(fsys, name, room)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		found = true
		room -= int64(len(data))
		if err == nil {
			err = parse(data, &left, func(s Stanza) {
				if it, ok := s.item(system, running); ok {
					items = append(items, it)
				}
			})
		}
		if err != nil {
			failed = append(failed, fmt.Errorf("dpkg database %s: %w", name, err))
		}
		if errors.Is(err, bounded.ErrTooMany) {
			break
		}
	}
	if !found && len(failed) == 0 {
		return nil, fmt.Errorf("dpkg database: %w", fs.ErrNotExist)
	}
	return items, errors.Join(failed...)
}

// statusFiles are the files that may hold stanzas.
func statusFiles(fsys fs.FS) ([]string, error) {
	files := []string{StatusFile}
	entries, err := fs.ReadDir(fsys, StatusFolder)
	if err != nil {
		return files, nil // the usual case: only distroless images have it
	}
	if len(entries) > maxFiles {
		return files, fmt.Errorf("dpkg database %s: %d files, at most %d", StatusFolder, len(entries), maxFiles)
	}
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), ".md5sums") {
			files = append(files, path.Join(StatusFolder, e.Name()))
		}
	}
	return files, nil
}

// Parse calls each for every stanza of a status file.
func Parse(data []byte, each func(Stanza)) error {
	left := maxStanzas
	return parse(data, &left, each)
}

func parse(data []byte, left *int, each func(Stanza)) error {
	for n := 0; len(data) > 0; n++ {
		if *left--; *left < 0 {
			return fmt.Errorf("%w: more than %d packages", bounded.ErrTooMany, maxStanzas)
		}
		var stanza []byte
		stanza, data = cutStanza(data)
		if len(stanza) > maxStanza {
			return fmt.Errorf("package %d: %d bytes, at most %d: %w", n, len(stanza), maxStanza, bounded.ErrTooLarge)
		}
		if s := parseStanza(stanza); s.Package != "" {
			each(s)
		}
	}
	return nil
}

// cutStanza splits at the first empty line.
func cutStanza(data []byte) (stanza, rest []byte) {
	for start := 0; start < len(data); {
		end := bytes.IndexByte(data[start:], '\n')
		if end < 0 {
			return data, nil
		}
		if line := data[start : start+end]; len(bytes.TrimRight(line, " \t\r")) == 0 {
			return data[:start], data[start+end+1:]
		}
		start += end + 1
	}
	return data, nil
}

func parseStanza(stanza []byte) Stanza {
	var s Stanza
	for line := range bytes.Lines(stanza) {
		if line[0] == ' ' || line[0] == '\t' {
			continue // goes on with a field of several lines, none of ours
		}
		name, value, ok := bytes.Cut(line, []byte(":"))
		if !ok {
			continue
		}
		if field := s.field(name); field != nil && len(value) <= maxField {
			*field = string(bytes.TrimSpace(value))
		}
	}
	return s
}

func (s *Stanza) field(name []byte) *string {
	switch string(name) {
	case "Package":
		return &s.Package
	case "Status":
		return &s.Status
	case "Version":
		return &s.Version
	case "Architecture":
		return &s.Architecture
	case "Source":
		return &s.Source
	case "Maintainer":
		return &s.Maintainer
	}
	return nil
}

// Installed reports whether the package's files are on the disk. A package
// that is unpacked but not yet configured counts: its libraries can be loaded.
// Databases of images made without dpkg leave the field out.
func (s Stanza) Installed() bool {
	if s.Status == "" {
		return true
	}
	words := strings.Fields(s.Status)
	switch words[len(words)-1] {
	case "installed", "unpacked", "half-configured", "triggers-awaited", "triggers-pending":
		return true
	}
	return false
}

// SourcePackage gives name and version of the source package. Where the field
// leaves them out they equal the binary package's.
func (s Stanza) SourcePackage() (name, version string) {
	name, rest, ok := strings.Cut(s.Source, "(")
	name = strings.TrimSpace(name)
	if name == "" {
		name = s.Package
	}
	if ok {
		version = strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(rest), ")"))
	}
	if version == "" {
		version = s.Version
	}
	return name, version
}

func (s Stanza) item(system inventory.OS, running kernel.Running) (inventory.Item, bool) {
	if s.Version == "" || !s.Installed() {
		return inventory.Item{}, false
	}
	source, sourceVersion := s.SourcePackage()
	it := inventory.Item{Component: inventory.Component{
		Ecosystem: system.Ecosystem, Name: s.Package, Version: s.Version, Arch: s.Architecture,
		Source: source, SourceVersion: sourceVersion, Manager: inventory.ManagerOS,
	}, Role: running.Dpkg(s.Package)}
	if it.Role == "" && s.ThirdParty() {
		it.Role = inventory.RoleThirdParty
	}
	return it, true
}

// ThirdParty reports whether the package comes from another publisher than the
// distribution. The database does not record the repository, so this goes by
// the marks that publishers of packages under names of the distribution leave
// in the version, and by maintainers known to publish themselves.
func (s Stanza) ThirdParty() bool {
	for _, mark := range []string{"nodesource", ".pgdg", "+deb.sury.org", ".gbp", "+rootio", ".tuxcare"} {
		if strings.Contains(s.Version, mark) {
			return true
		}
	}
	maintainer := strings.ToLower(s.Maintainer)
	for _, publisher := range []string{
		"nodesource.com", "docker.com", "code.google.com", "chromium-dev@chromium.org", "kubernetes-dev", "kubernetes authors",
		"hashicorp.com", "@microsoft.com", "gitlab.com", "elastic.co>", "mongodb.com", "grafana.com", "influxdata.com",
		"datadoghq.com", "nginx-packaging", "tailscale.com", "newrelic.com", "adoptium", "corretto-team", "azul.com",
	} {
		if strings.Contains(maintainer, publisher) {
			return true
		}
	}
	return false
}

// Owners says which package owns each of the wanted files. Paths are slash
// separated, without a leading slash. A file recorded under /lib is found
// under /usr/lib and the other way round, because merged systems have both.
func Owners(fsys fs.FS, wanted map[string]bool) (map[string]string, error) {
	owners := map[string]string{}
	if len(wanted) == 0 {
		return owners, nil
	}
	// Distroless images have no lists of files, but their hashes.
	return owners, errors.Join(
		owned(fsys, infoFolder, ".list", wanted, owners),
		owned(fsys, StatusFolder, ".md5sums", wanted, owners))
}

func owned(fsys fs.FS, folder, suffix string, wanted map[string]bool, owners map[string]string) error {
	entries, err := fs.ReadDir(fsys, folder)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("dpkg file lists: %w", err)
	}
	var failed []error
	for _, e := range entries {
		name, ok := strings.CutSuffix(e.Name(), suffix)
		if !ok {
			continue
		}
		name, _, _ = strings.Cut(name, ":") // libc6:amd64.list
		if err := ownedFiles(fsys, path.Join(folder, e.Name()), name, wanted, owners); err != nil {
			failed = append(failed, fmt.Errorf("dpkg file list: %w", err))
		}
	}
	return errors.Join(failed...)
}

// maxList bounds the file list of one package, in bytes.
const maxList = 64 << 20

func ownedFiles(fsys fs.FS, list, owner string, wanted map[string]bool, owners map[string]string) error {
	data, err := bounded.ReadFile(fsys, list, maxList)
	if err != nil {
		return err
	}
	for line := range bytes.Lines(data) {
		line = bytes.TrimRight(line, "\r\n")
		if _, file, hashed := bytes.Cut(line, []byte("  ")); hashed && strings.HasSuffix(list, ".md5sums") {
			line = file
		}
		line = bytes.TrimPrefix(bytes.TrimPrefix(line, []byte("./")), []byte("/"))
		other, merged := bytes.CutPrefix(line, []byte("usr/"))
		switch {
		case wanted[string(line)]:
			owners[string(line)] = owner
		case merged && wanted[string(other)]:
			owners[string(other)] = owner
		case !merged && wanted["usr/"+string(line)]:
			owners["usr/"+string(line)] = owner
		}
	}
	return nil
}
