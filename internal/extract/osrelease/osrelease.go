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

// Read recognises the operating system. Without an os-release file the error
// wraps fs.ErrNotExist (scratch images have none).
func Read(fsys fs.FS) (inventory.OS, error) {
	for _, name := range []string{"etc/os-release", "usr/lib/os-release"} {
		data, err := bounded.ReadFile(fsys, name, maxFile)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return inventory.OS{}, fmt.Errorf("read os-release: %w", err)
		}
		return System(Parse(data)), nil
	}
	return inventory.OS{}, fmt.Errorf("read os-release: %w", fs.ErrNotExist)
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
