package lockfile

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"golang.org/x/mod/module"
	"golang.org/x/mod/semver"

	"muster/internal/extract"
	"muster/internal/extract/bounded"
	"muster/internal/inventory"
)

// goSum lies beside a go.mod, whose reader takes the indirect requirements
// from it that a go.mod before 1.17 does not list.
const goSum = "go.sum"

// selected keeps one version of each module, the highest: a build has one, and
// go.sum also lists those that it was chosen from.
func selected(list []inventory.Component) []inventory.Component {
	highest := map[string]string{}
	for _, c := range list {
		if v, ok := highest[c.Name]; !ok || semver.Compare(c.Version, v) > 0 {
			highest[c.Name] = c.Version
		}
	}
	return slices.DeleteFunc(list, func(c inventory.Component) bool { return highest[c.Name] != c.Version })
}

// readGoSum reads a go.sum by itself: the modules whose content was needed,
// not those of which only the go.mod was.
func readGoSum(fsys fs.FS, name string) ([]inventory.Component, error) {
	data, err := bounded.ReadFile(fsys, name, maxFile)
	if err != nil {
		return nil, err
	}
	var found []inventory.Component
	n := 0
	for lines := bufio.NewScanner(bytes.NewReader(data)); lines.Scan(); {
		n++
		words := strings.Fields(lines.Text())
		switch {
		case len(words) == 0:
			continue
		case len(words) != 3 || !strings.HasPrefix(words[1], "v"):
			return nil, fmt.Errorf("%s: line %d: want a module, a version and a hash", name, n)
		case !strings.HasSuffix(words[1], "/go.mod"):
			found = append(found, inventory.Component{Ecosystem: "Go", Name: words[0], Version: words[1], Manager: inventory.ManagerGoMod})
		}
	}
	return selected(found), nil
}

// isCachedModule reports whether the file is the go.mod of a module that Go
// unpacked into its cache: pkg/mod/golang.org/x/net@v0.1.0/go.mod.
func isCachedModule(name string) bool {
	_, _, ok := cachedModule(name)
	return ok
}

func cachedModule(name string) (modulePath, version string, ok bool) {
	if path.Base(name) != "go.mod" {
		return "", "", false
	}
	_, rest, ok := strings.Cut("/"+path.Dir(name), "/pkg/mod/")
	at := strings.LastIndexByte(rest, '@')
	if !ok || at < 0 || strings.Contains(rest[at:], "/") {
		return "", "", false
	}
	modulePath, err := module.UnescapePath(rest[:at])
	if err != nil {
		return "", "", false
	}
	version, err = module.UnescapeVersion(rest[at+1:])
	return modulePath, version, err == nil
}

// readCachedModule goes by the folder's name: the file says what the module
// requires, not its version.
func readCachedModule(_ context.Context, _ fs.FS, name string) ([]extract.Package, error) {
	modulePath, version, _ := cachedModule(name)
	c := inventory.Component{Ecosystem: "Go", Name: modulePath, Version: version, Manager: inventory.ManagerGoMod}
	return []extract.Package{{Component: c}}, nil
}
