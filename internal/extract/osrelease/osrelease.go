// Package osrelease recognises the operating system of a file system by its
// os-release file, and says which advisories judge its packages.
package osrelease

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"muster/internal/extract/bounded"
	"muster/internal/inventory"
)

// maxFile bounds os-release, in bytes; real ones have a few hundred.
const maxFile = 64 << 10

// Files are the places where releases say what they are, relative to the root.
func Files() []string { return append(current(), older()...) }

func current() []string { return []string{"etc/os-release", "usr/lib/os-release"} }

func older() []string {
	return []string{
		"etc/oracle-release", "etc/centos-release", "etc/redhat-release", "etc/system-release", alpineRelease, debianVersion,
	}
}

// The files that hold nothing but the release, of Alpine and Debian.
const (
	alpineRelease = "etc/alpine-release"
	debianVersion = "etc/debian_version"
)

// Read recognises the operating system. Without an os-release file the error
// wraps fs.ErrNotExist (scratch images have none).
func Read(fsys fs.FS) (inventory.OS, error) {
	for _, name := range current() {
		data, err := bounded.ReadFile(fsys, name, maxFile)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return inventory.OS{}, fmt.Errorf("read os-release: %w", err)
		}
		return System(Parse(data)), nil
	}
	return readOlder(fsys)
}

// readOlder recognises what has no os-release file: releases of Red Hat's
// family by the line that says which one it is ("CentOS release 6.10 (Final)"),
// Alpine and Debian by their number.
func readOlder(fsys fs.FS) (inventory.OS, error) {
	for _, name := range older() {
		data, err := bounded.ReadFile(fsys, name, maxFile)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return inventory.OS{}, fmt.Errorf("read %s: %w", name, err)
		}
		if fields := parseOlder(name, string(data)); fields != nil {
			return System(fields), nil
		}
	}
	return inventory.OS{}, fmt.Errorf("read os-release: %w", fs.ErrNotExist)
}

// parseOlder makes os-release's fields of the older form; nil for a line that
// is not understood.
func parseOlder(file, text string) map[string]string {
	line, _, _ := strings.Cut(text, "\n")
	line = inventory.DefaultLimits().Clean(strings.TrimSpace(line))
	switch file {
	case alpineRelease:
		return numbered("alpine", "Alpine Linux v", line)
	case debianVersion:
		return numbered("debian", "Debian GNU/Linux ", line)
	}
	product, rest, ok := strings.Cut(line, " release ")
	version, _, _ := strings.Cut(rest, " ")
	if !ok || strings.Trim(version, "0123456789.") != "" || version == "" {
		return nil
	}
	id := ""
	for _, p := range [][2]string{
		{"CentOS", "centos"}, {"Oracle Linux", "ol"}, {"Red Hat Enterprise Linux", "rhel"}, {"AlmaLinux", "almalinux"},
		{"Rocky Linux", "rocky"}, {"Fedora", "fedora"}, {"Amazon Linux", "amzn"}, {"Scientific Linux", "scientific"},
	} {
		if strings.HasPrefix(product, p[0]) {
			id = p[1]
			break
		}
	}
	if id == "" {
		return nil
	}
	return map[string]string{"ID": id, "VERSION_ID": version, "PRETTY_NAME": line}
}

// numbered is the release of a file that holds its number only; nil for words
// ("bookworm/sid" is what precedes a release).
func numbered(id, product, line string) map[string]string {
	number, _, _ := strings.Cut(line, "_")
	if number == "" || strings.Trim(number, "0123456789.") != "" {
		return nil
	}
	return map[string]string{"ID": id, "VERSION_ID": line, "PRETTY_NAME": product + line}
}

// Parse reads the assignments of an os-release file: one a line, values plain
// or in shell quotes. Lines of any other form are passed over, as the
// standard asks.
func Parse(data []byte) map[string]string {
	fields := map[string]string{}
	for line := range strings.Lines(string(data)) {
		line = strings.TrimSpace(line)
		key, value, ok := strings.Cut(line, "=")
		if !ok || key == "" || strings.HasPrefix(key, "#") || len(fields) == 100 {
			continue
		}
		fields[key] = inventory.DefaultLimits().Clean(unquote(value))
	}
	return fields
}

// unquote undoes shell quoting of a whole value.
func unquote(s string) string {
	if len(s) >= 2 && s[0] == '\'' && s[len(s)-1] == '\'' {
		return s[1 : len(s)-1]
	}
	if len(s) >= 2 && s[0] == '"' && s[len(s)-1] == '"' {
		s = s[1 : len(s)-1]
	}
	if !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	escaped := false
	for _, r := range s {
		if r == '\\' && !escaped {
			escaped = true
			continue
		}
		escaped = false
		b.WriteRune(r)
	}
	return b.String()
}
