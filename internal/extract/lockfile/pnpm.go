package lockfile

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"

	"muster/internal/inventory"
)

// pnpmLock is a pnpm-lock.yaml. Versions 5 to 6 mark what only development
// needs; in version 9 the importers and snapshots tell.
type pnpmLock struct {
	Version   any                 `yaml:"lockfileVersion"`
	Importers byKey[pnpmNeeds]    `yaml:"importers"`
	Packages  byKey[pnpmPackage]  `yaml:"packages"`
	Snapshots byKey[pnpmSnapshot] `yaml:"snapshots"`
}

// byKey is a mapping of any size: the library compares each key of a mapping
// with all others.
type byKey[T any] map[string]T

// UnmarshalYAML implements yaml.Unmarshaler.
func (m *byKey[T]) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind != yaml.MappingNode {
		return nil // absent, or null
	}
	*m = make(byKey[T], len(n.Content)/2)
	for i := 0; i+1 < len(n.Content); i += 2 {
		var value T
		if err := n.Content[i+1].Decode(&value); err != nil {
			return err
		}
		(*m)[n.Content[i].Value] = value
	}
	return nil
}

type pnpmPackage struct {
	Name       string `yaml:"name"`
	Version    string `yaml:"version"`
	Dev        bool   `yaml:"dev"`
	Resolution struct {
		Type string `yaml:"type"`
	} `yaml:"resolution"`
}

type pnpmNeeds struct {
	Dependencies byKey[pnpmVersion] `yaml:"dependencies"`
	Optional     byKey[pnpmVersion] `yaml:"optionalDependencies"`
}

type pnpmVersion struct {
	Version string `yaml:"version"`
}

type pnpmSnapshot struct {
	Dependencies byKey[string] `yaml:"dependencies"`
	Optional     byKey[string] `yaml:"optionalDependencies"`
}

// UnmarshalYAML also takes the plain versions of lock files before 6.
func (v *pnpmVersion) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind == yaml.ScalarNode {
		v.Version = n.Value
		return nil
	}
	type plain pnpmVersion
	return n.Decode((*plain)(v))
}

// readPNPM reads versions 5, 6 and 9.
func readPNPM(data []byte, list *listing) error {
	var document yaml.Node
	if err := yaml.Unmarshal(lastDocument(data), &document); err != nil {
		return err
	}
	if aliased(&document) {
		return errAliases
	}
	var lock pnpmLock
	if err := document.Decode(&lock); err != nil {
		return err
	}
	deployed := lock.deployed()
	for key, p := range lock.Packages {
		if p.Resolution.Type == "directory" || p.Resolution.Type == "git" {
			continue
		}
		name, version := lock.split(key)
		if p.Name != "" && p.Version != "" {
			name, version = p.Name, p.Version
		}
		if strings.ContainsAny(version, ":/") {
			version = p.Version
		}
		c := inventory.Component{Ecosystem: "npm", Name: name, Version: version, Manager: inventory.ManagerNPM}
		if err := list.add(c, p.Dev || deployed != nil && !deployed[key]); err != nil {
			return err
		}
	}
	return nil
}

// errAliases: pnpm writes none, and a few of them make a small file large.
var errAliases = errors.New("YAML aliases")

func aliased(n *yaml.Node) bool {
	return n.Kind == yaml.AliasNode || slices.ContainsFunc(n.Content, aliased)
}

// lastDocument is the last of a file's YAML documents: pnpm 11 writes the
// programs that it runs itself before those of the project.
func lastDocument(data []byte) []byte {
	if i := bytes.LastIndex(data, []byte("\n---")); i >= 0 {
		return data[i+1:]
	}
	return data
}

// split takes a package's key apart: "/@a/b/1.0.0_peer@1" before version 6,
// "/@a/b@1.0.0(peer@1)" in it, "@a/b@1.0.0" since.
func (l *pnpmLock) split(key string) (name, version string) {
	key = strings.TrimPrefix(key, "/")
	if !l.before6() {
		key, _, _ = strings.Cut(key, "(")
		return splitPattern(key)
	}
	parts := strings.Split(key, "/")
	if len(parts) > 2 && strings.Contains(parts[0], ".") {
		parts = parts[1:] // a registry's name
	}
	n := 1
	if strings.HasPrefix(parts[0], "@") {
		n = 2
	}
	if len(parts) <= n {
		return "", ""
	}
	version, _, _ = strings.Cut(parts[n], "_")
	return strings.Join(parts[:n], "/"), version
}

func (l *pnpmLock) before6() bool {
	number, _, _ := strings.Cut(fmt.Sprint(l.Version), ".")
	major, err := strconv.Atoi(number)
	return err == nil && major < 6
}

// deployed are the packages of version 9 that something else than development
// needs, nil in lock files that mark their packages.
func (l *pnpmLock) deployed() map[string]bool {
	if len(l.Snapshots) == 0 {
		return nil
	}
	reached, found := map[string]bool{}, map[string]bool{}
	var queue []string
	need := func(name, version string) {
		key := name + "@" + version
		if _, ok := l.Snapshots[version]; ok {
			key = version // an alias names the package itself
		}
		if _, ok := l.Snapshots[key]; ok && !reached[key] {
			reached[key] = true
			queue = append(queue, key)
		}
	}
	for _, importer := range l.Importers {
		for _, needs := range []byKey[pnpmVersion]{importer.Dependencies, importer.Optional} {
			for name, v := range needs {
				need(name, v.Version)
			}
		}
	}
	for len(queue) > 0 {
		key := queue[0]
		queue = queue[1:]
		plain, _, _ := strings.Cut(key, "(")
		found[plain] = true
		for _, needs := range []byKey[string]{l.Snapshots[key].Dependencies, l.Snapshots[key].Optional} {
			for name, version := range needs {
				need(name, version)
			}
		}
	}
	return found
}
