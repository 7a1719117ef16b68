// Package dotnet recognises deployed .NET libraries by the *.deps.json that
// lies beside an application or a shared framework.
package dotnet

import (
	"encoding/json"
	"fmt"
	"io"
	"path"
	"strings"

	"muster/internal/extract/bounded"
	"muster/internal/inventory"
)

// MaxFile bounds a deps.json, in bytes; maxLibraries what is read of it.
const (
	MaxFile      = 64 << 20
	maxLibraries = 100_000
)

// Wants reports whether the file is a list of deployed libraries.
func Wants(name string) bool { return strings.HasSuffix(name, ".deps.json") }

// Root is the folder in which further applications appear.
func Root(name string) string { return path.Dir(name) }

// Parse reads the libraries that are packages: projects of the application
// itself are its own code.
func Parse(r io.Reader) ([]inventory.Component, error) {
	var file struct {
		Libraries json.RawMessage `json:"libraries"`
	}
	if err := json.NewDecoder(r).Decode(&file); err != nil {
		return nil, fmt.Errorf("deps.json: %w", err)
	}
	var found []inventory.Component
	err := bounded.EachMember(file.Libraries, maxLibraries, func(key string, d *json.Decoder) error {
		var library struct {
			Type string `json:"type"`
		}
		err := d.Decode(&library)
		name, version, ok := strings.Cut(key, "/")
		if err != nil || !ok || name == "" || version == "" || strings.EqualFold(library.Type, "project") {
			return err
		}
		name = strings.TrimPrefix(name, "runtimepack.") // of self-contained applications: the package's name has none
		found = append(found, inventory.Component{Ecosystem: "NuGet", Name: name, Version: version, Manager: inventory.ManagerDotnetCore})
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("deps.json: %w", err)
	}
	return found, nil
}
