package lockfile

import (
	"path"
	"strings"

	"muster/internal/inventory"
)

// readYarn reads yarn.lock: version 1's own form, and the YAML of later ones.
//
// scalibr's reader goes by the names that dependents use, which are aliases at
// times, and counts what lies in local files and repositories.
func readYarn(data []byte, list *listing) error {
	var entry yarnEntry
	for _, line := range append(lines(data), "end:") {
		if line == "" || line[0] == '#' {
			continue
		}
		if line[0] != ' ' && line[0] != '\t' {
			if err := list.add(entry.component(), false); err != nil {
				return err
			}
			entry = yarnEntry{patterns: strings.TrimSuffix(strings.TrimSpace(line), ":")}
			continue
		}
		if strings.HasPrefix(line, "    ") {
			continue // what the package needs
		}
		key, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		value = strings.Trim(strings.TrimSpace(value), `"`)
		switch strings.Trim(strings.TrimSuffix(key, ":"), `"`) {
		case "version":
			entry.version = value
		case "resolved", "resolution":
			entry.resolved = value
		}
	}
	return nil
}

// yarnEntry is one package: the patterns that chose it, and where it is from.
type yarnEntry struct{ patterns, version, resolved string }

func (e yarnEntry) component() inventory.Component {
	name, from := splitPattern(firstPattern(e.patterns))
	if name == "__metadata" {
		return inventory.Component{}
	}
	if target, ok := strings.CutPrefix(from, "npm:"); ok && strings.LastIndexByte(target, '@') > 0 {
		name, _ = splitPattern(target) // an alias
	}
	if e.local(from) {
		return inventory.Component{}
	}
	if resolved, source := splitPattern(e.resolved); strings.HasPrefix(source, "npm:") || strings.HasPrefix(source, "patch:") {
		name = resolved
	} else if in := registryName(e.resolved); in != "" {
		name = in
	}
	return inventory.Component{Ecosystem: "npm", Name: name, Version: e.version, Manager: inventory.ManagerYarn}
}

// local reports whether the package is the project's own, or a revision of a
// repository.
func (e yarnEntry) local(from string) bool {
	if strings.Contains(e.version, "use.local") {
		return true
	}
	_, source := splitPattern(e.resolved)
	for _, text := range []string{from, e.resolved, source} {
		for _, scheme := range []string{"workspace:", "file:", "link:", "portal:", "git+", "git:", "git@", "ssh:", "github:"} {
			if strings.HasPrefix(text, scheme) {
				return true
			}
		}
	}
	return false
}

// firstPattern is the first of `"@a/b@^1.0.0", "@a/b@npm:^1.1.0"`.
func firstPattern(patterns string) string {
	first, _, _ := strings.Cut(patterns, ",")
	return strings.Trim(strings.TrimSpace(first), `"`)
}

// splitPattern takes "@a/b@npm:^1.0.0" apart.
func splitPattern(pattern string) (name, from string) {
	if len(pattern) < 2 {
		return pattern, ""
	}
	at := strings.IndexByte(pattern[1:], '@')
	if at < 0 {
		return pattern, ""
	}
	return pattern[:at+1], pattern[at+2:]
}

// registryName is the package that a registry's address of an archive is of:
// "https://registry.example/@a/b/-/b-1.0.0.tgz".
func registryName(address string) string {
	before, _, ok := strings.Cut(address, "/-/")
	if !ok || !strings.HasPrefix(before, "http") {
		return ""
	}
	before = strings.ReplaceAll(before, "%2f", "/")
	name := path.Base(before)
	if scope := path.Base(path.Dir(before)); strings.HasPrefix(scope, "@") {
		name = scope + "/" + name
	}
	return name
}
