// Package python recognises installed Python distributions by the metadata
// that installers leave: *.dist-info/METADATA, *.egg-info/PKG-INFO,
// *.egg-info files and EGG-INFO/PKG-INFO.
package python

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	"muster/internal/inventory"
)

// MaxFile bounds a metadata file, in bytes. They carry the project's whole
// description: a few hundred kilobytes are usual.
const MaxFile = 16 << 20

// Wants reports whether the file may describe an installed distribution.
func Wants(name string) bool {
	base, parent := path.Base(name), path.Base(path.Dir(name))
	switch base {
	case "METADATA":
		return strings.HasSuffix(parent, ".dist-info")
	case "PKG-INFO":
		return strings.HasSuffix(parent, ".egg-info") || parent == "EGG-INFO"
	}
	return strings.HasSuffix(base, ".egg-info")
}

// Root is the folder in which the distribution was installed, where further
// ones appear: site-packages for its METADATA.
func Root(name string) string {
	if strings.HasSuffix(name, ".egg-info") {
		return path.Dir(name)
	}
	return path.Dir(path.Dir(name))
}

// Parse reads the header fields Name and Version of core metadata.
func Parse(r io.Reader) (inventory.Component, error) {
	c := inventory.Component{Ecosystem: "PyPI", Manager: inventory.ManagerPythonPkg}
	lines := bufio.NewReaderSize(r, 4096)
	for c.Name == "" || c.Version == "" {
		line, partial, err := lines.ReadLine()
		if errors.Is(err, io.EOF) || (err == nil && len(line) == 0) {
			return c, errors.New("python metadata: no Name and Version")
		}
		if err != nil {
			return c, fmt.Errorf("python metadata: %w", err)
		}
		if name, value, ok := strings.Cut(string(line), ":"); ok && !partial {
			switch strings.ToLower(name) {
			case "name":
				c.Name = strings.TrimSpace(value)
			case "version":
				c.Version = strings.TrimSpace(value)
			}
		}
		for partial && err == nil {
			_, partial, err = lines.ReadLine()
		}
	}
	return c, nil
}
