// Package bitnami recognises the programs of Bitnami's images by the SPDX
// document that lies beside each: opt/bitnami/NAME/.spdx-NAME.spdx.
package bitnami

import (
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"path"
	"strings"

	"muster/internal/inventory"
)

// MaxFile bounds a document, in bytes; maxPackages what is read of it.
const (
	MaxFile     = 16 << 20
	maxPackages = 20_000
)

// Wants reports whether the file describes a program of Bitnami's.
func Wants(name string) bool {
	base := path.Base(name)
	return strings.HasPrefix(base, ".spdx-") && strings.HasSuffix(base, ".spdx") && strings.Contains("/"+name, "/opt/bitnami/")
}

// Root is the folder in which further programs appear.
func Root(name string) string { return path.Dir(path.Dir(name)) }

// Parse reads the programs that Bitnami built. What they contain is found as
// what it is.
func Parse(r io.Reader) ([]inventory.Component, error) {
	var document struct {
		Packages []struct {
			References []struct {
				Type    string `json:"referenceType"`
				Locator string `json:"referenceLocator"`
			} `json:"externalRefs"`
		} `json:"packages"`
	}
	if err := json.NewDecoder(r).Decode(&document); err != nil {
		return nil, fmt.Errorf("SPDX document: %w", err)
	}
	if len(document.Packages) > maxPackages {
		return nil, fmt.Errorf("SPDX document: %d packages, at most %d", len(document.Packages), maxPackages)
	}
	var found []inventory.Component
	for _, p := range document.Packages {
		for _, ref := range p.References {
			if c, ok := component(ref.Locator); ok && ref.Type == "purl" {
				found = append(found, c)
				break
			}
		}
	}
	return found, nil
}

// component reads "pkg:bitnami/postgresql@15.3.0-11?arch=amd64".
func component(locator string) (inventory.Component, bool) {
	rest, ok := strings.CutPrefix(locator, "pkg:bitnami/")
	if !ok {
		return inventory.Component{}, false
	}
	rest, _, _ = strings.Cut(rest, "?")
	name, version, ok := strings.Cut(rest, "@")
	if plain, err := url.PathUnescape(version); err == nil {
		version = plain
	}
	if !ok || name == "" || version == "" {
		return inventory.Component{}, false
	}
	return inventory.Component{Ecosystem: "Bitnami", Name: name, Version: version}, true
}
