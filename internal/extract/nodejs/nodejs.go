// Package nodejs recognises installed Node.js packages by the package.json in
// each folder of node_modules.
package nodejs

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	"muster/internal/inventory"
)

// MaxFile bounds a package.json, in bytes.
const MaxFile = 4 << 20

// Wants reports whether the file is the manifest of an installed package:
// node_modules/name/package.json or node_modules/@scope/name/package.json.
func Wants(name string) bool {
	if path.Base(name) != "package.json" {
		return false
	}
	parent := path.Dir(path.Dir(name))
	if strings.HasPrefix(path.Base(parent), "@") {
		parent = path.Dir(parent)
	}
	return path.Base(parent) == "node_modules"
}

// Root is the node_modules folder of a wanted file.
func Root(name string) string {
	root := path.Dir(path.Dir(name))
	if strings.HasPrefix(path.Base(root), "@") {
		root = path.Dir(root)
	}
	return root
}

// Parse reads the name and version of a manifest. Aliases need no care: the
// manifest carries the real name.
func Parse(r io.Reader) (inventory.Component, error) {
	var manifest struct {
		Name    json.RawMessage `json:"name"`
		Version json.RawMessage `json:"version"`
	}
	if err := json.NewDecoder(r).Decode(&manifest); err != nil {
		return inventory.Component{}, fmt.Errorf("package.json: %w", err)
	}
	c := inventory.Component{Ecosystem: "npm", Manager: inventory.ManagerNodePkg}
	// Members of another type are what some test fixtures in packages have.
	if json.Unmarshal(manifest.Name, &c.Name) != nil || json.Unmarshal(manifest.Version, &c.Version) != nil ||
		c.Name == "" || c.Version == "" {
		return c, errors.New("package.json: no name and version")
	}
	c.Version = strings.TrimPrefix(strings.TrimSpace(c.Version), "v")
	return c, nil
}
