package lockfile

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"muster/internal/inventory"
)

// npmLock is a package-lock.json or npm-shrinkwrap.json: version 1 nests
// dependencies, version 3 lists packages by their folder, version 2 does both.
//
// scalibr's reader also finds the line of every package, by a search from the
// start of the file for each: a second for a thousand packages.
type npmLock struct {
	Packages     map[string]npmPackage    `json:"packages"`
	Dependencies map[string]npmDependency `json:"-"`
	Raw          json.RawMessage          `json:"dependencies"`
}

type npmPackage struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	Link    bool   `json:"link"`
	Dev     bool   `json:"dev"`
}

type npmDependency struct {
	Version      string                   `json:"version"`
	Dev          bool                     `json:"dev"`
	Dependencies map[string]npmDependency `json:"dependencies"`
}

const (
	npmLockName   = "package-lock.json"
	npmShrinkwrap = "npm-shrinkwrap.json"
)

func isNPMLock(name string) bool {
	base := path.Base(name)
	return base == npmLockName || base == npmShrinkwrap
}

// readNPM returns the packages whose versions are decided by a registry, and
// which of them only development needs.
func readNPM(fsys fs.FS, name string) ([]inventory.Component, marks, error) {
	data, err := readText(fsys, name)
	if err != nil {
		return nil, nil, err
	}
	var lock npmLock
	if err := json.Unmarshal(data, &lock); err != nil {
		return nil, nil, fmt.Errorf("%s: %w", name, err)
	}
	list := npmList{development: marks{}}
	if lock.Packages != nil {
		for folder, p := range lock.Packages {
			if folder != "" && !p.Link {
				list.add(npmName(folder, p.Name), p.Version, p.Dev)
			}
		}
	} else if len(lock.Raw) > 0 {
		if err := json.Unmarshal(lock.Raw, &lock.Dependencies); err != nil {
			return nil, nil, fmt.Errorf("%s: %w", name, err)
		}
		list.addAll(lock.Dependencies, false)
	}
	if len(list.found) > maxPackages {
		return nil, nil, fmt.Errorf("%s: %d packages, at most %d", name, len(list.found), maxPackages)
	}
	return list.found, list.development, nil
}

// npmName is the name that a package states, else that of its folder.
func npmName(folder, stated string) string {
	if stated != "" {
		return stated
	}
	if scope := path.Base(path.Dir(folder)); strings.HasPrefix(scope, "@") {
		return scope + "/" + path.Base(folder)
	}
	return path.Base(folder)
}

type npmList struct {
	development marks
	found       []inventory.Component
}

// addAll takes a level of version 1; what a package for development contains is
// for development, too.
func (l *npmList) addAll(dependencies map[string]npmDependency, development bool) {
	for name, d := range dependencies {
		version := d.Version
		if alias, ok := strings.CutPrefix(version, "npm:"); ok {
			if i := strings.LastIndexByte(alias, '@'); i > 0 {
				name, version = alias[:i], alias[i+1:]
			}
		}
		l.add(name, version, development || d.Dev)
		l.addAll(d.Dependencies, development || d.Dev)
	}
}

// tarball is the version in a registry's address of an archive:
// "https://registry.example/core-js/-/core-js-2.4.1.tgz".
func tarball(name, address string) string {
	if !strings.HasPrefix(address, "http") || !strings.Contains(address, "/-/") {
		return address
	}
	file, ok := strings.CutPrefix(path.Base(address), path.Base(name)+"-")
	version, packed := strings.CutSuffix(file, ".tgz")
	if !ok || !packed {
		return address
	}
	return version
}

// add leaves out addresses of files, archives and repositories.
func (l *npmList) add(name, version string, development bool) {
	version = tarball(name, version)
	c := inventory.Component{Ecosystem: "npm", Name: name, Version: version, Manager: inventory.ManagerNPM}
	if name == "" || version == "" || strings.ContainsAny(version, ":/") {
		return
	}
	if _, seen := l.development[c]; !seen {
		l.found = append(l.found, c)
	}
	l.development.note(c, development)
}
