// Package golang reads the build information that the Go linker leaves in
// executables: the modules that were linked and the toolchain's version.
package golang

import (
	"debug/buildinfo"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	"muster/internal/inventory"
)

// MaxFile bounds an executable, in bytes. It is read in parts.
const MaxFile = 2 << 30

// Stdlib is the name under which OSV's Go advisories judge the standard
// library.
const Stdlib = "stdlib"

// ErrNotGo is wrapped by Read's error for files that Go did not build.
var ErrNotGo = errors.New("not a Go executable")

// Wants reports whether the name can be that of an executable. The caller
// checks the executable bit, which costs a system call a file.
func Wants(name string) bool {
	switch strings.ToLower(path.Ext(name)) {
	case ".py", ".pyc", ".pyi", ".so", ".h", ".c", ".js", ".mjs", ".cjs", ".ts", ".json", ".txt", ".md", ".html", ".css", ".map",
		".a", ".o", ".la", ".pl", ".pm", ".rb", ".sh", ".mo", ".po", ".gz", ".xz", ".zip", ".jar", ".png", ".svg", ".xml",
		".yaml", ".yml", ".conf", ".service", ".go", ".tcl", ".el", ".elc", ".pod", ".pc", ".list", ".md5sums", ".ko":
		return false
	}
	return true
}

// Read returns the modules linked into an executable, the main module among
// them if its version is told, and the standard library. Replaced modules
// appear as what replaced them.
func Read(r io.ReaderAt) ([]inventory.Component, error) {
	if !executable(r) {
		return nil, ErrNotGo
	}
	info, err := buildinfo.Read(r)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNotGo, err)
	}
	var found []inventory.Component
	add := func(name, version string) {
		if name != "" && version != "" {
			found = append(found, inventory.Component{Ecosystem: "Go", Name: name, Version: version, Manager: inventory.ManagerGoBinary})
		}
	}
	release := toolchain(info.GoVersion)
	add(Stdlib, release)
	if info.Path == "cmd/go" {
		add(Toolchain, release)
	}
	add(info.Main.Path, mainVersion(info))
	for _, m := range info.Deps {
		if m.Replace != nil {
			m = m.Replace // a local folder has no version and is left out
		}
		add(m.Path, m.Version)
	}
	return found, nil
}

// toolchain is the release of "go1.22.1 X:boringcrypto": "1.22.1". Versions
// between releases ("devel go1.23-abcdef") order with nothing: "".
func toolchain(version string) string {
	release, _, _ := strings.Cut(version, " ")
	number, ok := strings.CutPrefix(release, "go")
	if !ok {
		return ""
	}
	number, _, _ = strings.Cut(number, "-") // go1.21.0-custom
	return number
}

// executable knows ELF, PE and Mach-O by their first bytes, which spares the
// parser most files.
func executable(r io.ReaderAt) bool {
	var b [4]byte
	if _, err := r.ReadAt(b[:], 0); err != nil {
		return false
	}
	switch string(b[:]) {
	case "\x7fELF", "\xfe\xed\xfa\xce", "\xfe\xed\xfa\xcf", "\xce\xfa\xed\xfe", "\xcf\xfa\xed\xfe", "\xca\xfe\xba\xbe":
		return true
	}
	return string(b[:2]) == "MZ"
}
