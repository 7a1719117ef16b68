package java

import (
	"bytes"
	"path"
	"strings"
	"unicode"

	"muster/internal/inventory"
)

// identities is what an archive says of itself and of the artifacts that were
// merged into it (shaded): one pom.properties each.
type identities struct {
	poms     []coordinates
	manifest map[string]string
	// folders are those in which classes lie.
	folders map[string]bool
}

type coordinates struct{ group, artifact, version string }

func (c coordinates) complete() bool { return c.group != "" && c.artifact != "" && c.version != "" }

func (c coordinates) component() inventory.Component {
	name := c.artifact
	if c.group != "" {
		name = c.group + ":" + c.artifact
	}
	return inventory.Component{Ecosystem: "Maven", Name: name, Version: c.version, Manager: inventory.ManagerJAR}
}

func (i *identities) addProperties(text []byte) {
	fields := parseProperties(text)
	c := coordinates{fields["groupId"], fields["artifactId"], fields["version"]}
	if c.complete() && !strings.Contains(c.group+c.artifact+c.version, "${") {
		i.poms = append(i.poms, c)
	}
}

// components are the artifacts of an archive with that file name. When the
// pom files are there but none is the archive's own (a shaded jar whose own
// description was left out), the manifest adds it.
func (i *identities) components(base string) []inventory.Component {
	var list []inventory.Component
	own := false
	fileArtifact, _ := splitFileName(base)
	for _, c := range i.poms {
		list = append(list, c.component())
		own = own || c.artifact == fileArtifact
	}
	if own || len(list) == 1 {
		return list
	}
	if c := i.fromManifest(base); c.version != "" && c.artifact != "" {
		list = append(list, c.component())
	}
	return list
}

// fromManifest reads the attributes that build tools write. The artifact is
// the file's name, which the manifest confirms or at least versions.
func (i *identities) fromManifest(base string) coordinates {
	m := i.manifest
	artifact, fileVersion := splitFileName(base)
	c := coordinates{artifact: artifact, version: first(m["Implementation-Version"], m["Bundle-Version"], m["Specification-Version"], fileVersion)}
	if fileVersion != "" && m["Implementation-Version"] == "" {
		c.version = fileVersion // Bundle-Version writes 1.2.0.Final for 1.2
	}
	c.version, _, _ = strings.Cut(c.version, " ")
	if k, ok := i.identify(artifact); ok {
		k.version = c.version
		return k
	}
	for _, group := range []string{m["Implementation-Vendor-Id"], m["Group-Id"]} {
		if groupLike(group) {
			c.group = group
			return c
		}
	}
	symbolic, _, _ := strings.Cut(m["Bundle-SymbolicName"], ";")
	for _, name := range []string{symbolic, m["Automatic-Module-Name"], m["Extension-Name"]} {
		if group, ok := strings.CutSuffix(name, "."+artifact); ok && groupLike(group) {
			c.group = group
			return c
		}
	}
	return c
}

func first(values ...string) string {
	for _, v := range values {
		if v != "" && !strings.Contains(v, "${") {
			return v
		}
	}
	return ""
}

// groupLike reports whether the text has the form of a Maven group of several
// parts: "org.apache.commons".
func groupLike(s string) bool {
	if !strings.Contains(s, ".") || strings.HasPrefix(s, ".") || strings.HasSuffix(s, ".") {
		return false
	}
	for _, r := range s {
		if r != '.' && r != '-' && r != '_' && !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			return false
		}
	}
	return true
}

// splitFileName parts "commons-io-2.4.jar" into artifact and version; the
// version begins with the first digit after a hyphen.
func splitFileName(base string) (artifact, version string) {
	stem := strings.TrimSuffix(base, path.Ext(base))
	for i := 0; i+1 < len(stem); i++ {
		if stem[i] == '-' && stem[i+1] >= '0' && stem[i+1] <= '9' {
			return stem[:i], stem[i+1:]
		}
	}
	return stem, ""
}

// parseProperties reads the simple form that Maven writes: key=value lines.
func parseProperties(text []byte) map[string]string {
	fields := map[string]string{}
	for line := range bytes.Lines(text) {
		line = bytes.TrimSpace(line)
		if len(line) == 0 || line[0] == '#' || line[0] == '!' {
			continue
		}
		if i := bytes.IndexAny(line, "=:"); i > 0 {
			fields[string(bytes.TrimSpace(line[:i]))] = string(bytes.TrimSpace(line[i+1:]))
		}
	}
	return fields
}

// parseManifest reads the main section of a manifest. Lines are broken at 72
// bytes: a line that begins with a blank goes on with the one before.
func parseManifest(text []byte) map[string]string {
	fields := map[string]string{}
	last := ""
	for line := range bytes.Lines(text) {
		line = bytes.TrimRight(line, "\r\n")
		if len(line) == 0 {
			break
		}
		if line[0] == ' ' {
			if last != "" {
				fields[last] += string(line[1:])
			}
			continue
		}
		key, value, ok := bytes.Cut(line, []byte(":"))
		if !ok {
			last = ""
			continue
		}
		last = string(key)
		fields[last] = string(bytes.TrimSpace(value))
	}
	return fields
}
