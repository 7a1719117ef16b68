// Package program recognises programs that no package manager installed, by
// what they say of themselves: the version in the text of an executable, the
// release file of a Java runtime, WordPress' version.php.
//
// Bitnami's advisories name versions of what is upstream, so they judge such a
// program wherever it came from. Programs for which Bitnami publishes nothing
// are listed, and coverage says that nobody judged them.
package program

import (
	"bytes"
	"errors"
	"io"
	"path"
	"regexp"
	"strings"

	"muster/internal/inventory"
)

// MaxFile bounds a program, in bytes. It is read in parts.
const MaxFile = 1 << 30

// Wants reports whether the name can be that of a known program, in a folder
// that is nobody else's business: Bitnami describes its own.
func Wants(name string) bool {
	if strings.Contains("/"+name, "/opt/bitnami/") {
		return false
	}
	base := path.Base(name)
	switch base {
	case "release":
		return strings.Contains(name, "/")
	case "version.php":
		return path.Base(path.Dir(name)) == "wp-includes"
	}
	return len(candidates(base)) > 0
}

func candidates(base string) []product {
	if !likely(base) {
		return nil
	}
	var found []product
	for _, p := range known() {
		if p.files.MatchString(base) {
			found = append(found, p)
		}
	}
	return found
}

// Read returns the program that the file is, if any.
func Read(r io.ReaderAt, size int64, name string) ([]inventory.Component, error) {
	base := path.Base(name)
	for _, p := range candidates(base) {
		var version string
		var err error
		switch {
		case p.name == java || p.name == wordpress:
			version, err = described(r, size, p.name)
		case isExecutable(r):
			version, err = search(r, size, append(seriesMarks(base), p.marks...))
		}
		if err != nil {
			return nil, err
		}
		if version != "" {
			return []inventory.Component{p.component(version)}, nil
		}
	}
	return nil, nil
}

// isExecutable looks at the first bytes: ELF, PE or Mach-O.
func isExecutable(r io.ReaderAt) bool {
	var head [4]byte
	if _, err := r.ReadAt(head[:], 0); err != nil {
		return false
	}
	switch string(head[:]) {
	case "\x7fELF", "\xfe\xed\xfa\xce", "\xfe\xed\xfa\xcf", "\xcf\xfa\xed\xfe", "\xce\xfa\xed\xfe", "\xca\xfe\xba\xbe":
		return true
	}
	return string(head[:2]) == "MZ"
}

// The parts that a file is read in, and how far around a literal its pattern
// may reach.
const (
	part  = 1 << 20
	reach = 256
)

// search goes through the file once and returns what the first mark finds.
func search(r io.ReaderAt, size int64, marks []mark) (string, error) {
	buffer := make([]byte, min(size, part+2*reach))
	for at := int64(0); at < size; at += part {
		start := max(0, at-reach)
		n, err := r.ReadAt(buffer[:min(int64(len(buffer)), size-start)], start)
		if err != nil && !errors.Is(err, io.EOF) {
			return "", err
		}
		for _, m := range marks {
			if v := m.find(buffer[:n]); v != "" {
				return v, nil
			}
		}
		if n == 0 {
			break // the file is shorter than it said
		}
	}
	return "", nil
}

// maxHits bounds how often a literal is looked around in one part.
const maxHits = 1000

func (m mark) find(data []byte) string {
	literal := []byte(m.literal)
	for at, hits := 0, 0; hits < maxHits; hits++ {
		i := bytes.Index(data[at:], literal)
		if i < 0 {
			return ""
		}
		i += at
		around := data[max(0, i-reach):min(len(data), i+len(literal)+reach)]
		if found := m.pattern.FindSubmatch(around); found != nil {
			return string(found[1])
		}
		at = i + len(literal)
	}
	return ""
}

var (
	javaVersion = regexp.MustCompile(`(?m)^JAVA_VERSION="([0-9][0-9A-Za-z._+-]*)"`)
	wpVersion   = regexp.MustCompile(`(?m)^\$wp_version\s*=\s*['"]([0-9][0-9A-Za-z._-]*)['"]`)
)

// described reads the text beside a program.
func described(r io.ReaderAt, size int64, name string) (string, error) {
	data := make([]byte, min(size, 64<<10))
	n, err := r.ReadAt(data, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return "", err
	}
	pattern := javaVersion
	if name == wordpress {
		pattern = wpVersion
	}
	if m := pattern.FindSubmatch(data[:n]); m != nil {
		return string(m[1]), nil
	}
	return "", nil
}
