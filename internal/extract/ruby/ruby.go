// Package ruby recognises installed gems by the .gemspec that RubyGems writes
// into a specifications folder.
package ruby

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	"muster/internal/inventory"
)

// MaxFile bounds a gemspec, in bytes.
const MaxFile = 4 << 20

// Wants reports whether the file is the specification of an installed gem:
// specifications/x.gemspec or specifications/default/x.gemspec. The gemspec
// in a gem's own sources may compute its version, and is not evidence.
func Wants(name string) bool {
	if !strings.HasSuffix(name, ".gemspec") {
		return false
	}
	dir := path.Dir(name)
	return path.Base(dir) == "specifications" ||
		(path.Base(dir) == "default" && path.Base(path.Dir(dir)) == "specifications")
}

// Root is the folder in which further specifications appear.
func Root(name string) string { return path.Dir(name) }

// Parse reads name and version: from the stub line that RubyGems writes
// ("# stub: rack 2.2.3 ruby lib"), or from plain assignments.
func Parse(r io.Reader) (inventory.Component, error) {
	c := inventory.Component{Ecosystem: "RubyGems", Manager: inventory.ManagerGemSpec}
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() && (c.Name == "" || c.Version == "") {
		line := strings.TrimSpace(lines.Text())
		if stub, ok := strings.CutPrefix(line, "# stub:"); ok {
			if words := strings.Fields(stub); len(words) >= 2 {
				c.Name, c.Version = words[0], words[1]
			}
			continue
		}
		target, value, ok := strings.Cut(line, "=")
		if !ok || strings.HasPrefix(line, "#") {
			continue
		}
		switch _, attribute, _ := strings.Cut(strings.TrimSpace(target), "."); attribute {
		case "name":
			c.Name = quoted(value)
		case "version":
			c.Version = quoted(value)
		}
	}
	if err := lines.Err(); err != nil {
		return c, fmt.Errorf("gemspec: %w", err)
	}
	if c.Name == "" || c.Version == "" {
		return c, errors.New("gemspec: no literal name and version")
	}
	return c, nil
}

// quoted is the first string literal of a Ruby expression, "" if there is
// none: "rack".freeze, Gem::Version.new("1.0").
func quoted(expression string) string {
	i := strings.IndexAny(expression, `"'`)
	if i < 0 {
		return ""
	}
	rest := expression[i+1:]
	end := strings.IndexByte(rest, expression[i])
	if end < 0 || strings.ContainsAny(rest[:end], `#{}\`) {
		return ""
	}
	return rest[:end]
}
