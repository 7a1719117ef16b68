// Package conda recognises what conda installed in an environment, by the
// description that it keeps of each package: conda-meta/NAME-VERSION-BUILD.json.
// Nobody publishes advisories for them; what they contain of Python is found
// as what it is.
package conda

import (
	"encoding/json"
	"fmt"
	"io"
	"path"

	"muster/internal/inventory"
)

// MaxFile bounds a description, in bytes: it lists every file of the package.
const MaxFile = 64 << 20

// Ecosystem is that of conda's packages.
const Ecosystem = "Conda"

// Wants reports whether the file describes an installed package.
func Wants(name string) bool {
	return path.Ext(name) == ".json" && path.Base(path.Dir(name)) == "conda-meta"
}

// Root is the folder in which further packages appear.
func Root(name string) string { return path.Dir(name) }

// Parse reads the package.
func Parse(r io.Reader) ([]inventory.Component, error) {
	var file struct {
		Name    string `json:"name"`
		Version string `json:"version"`
	}
	if err := json.NewDecoder(r).Decode(&file); err != nil {
		return nil, fmt.Errorf("package of conda: %w", err)
	}
	if file.Name == "" || file.Version == "" {
		return nil, nil
	}
	return []inventory.Component{{Ecosystem: Ecosystem, Name: file.Name, Version: file.Version}}, nil
}
