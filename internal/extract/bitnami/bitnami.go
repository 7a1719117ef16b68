// Package bitnami recognises the programs of Bitnami's images by the SPDX
// document that lies beside each, opt/bitnami/NAME/.spdx-NAME.spdx, or, in
// older images, by the list of all, opt/bitnami/.bitnami_components.json.
package bitnami

import (
	"bufio"
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
	return strings.Contains("/"+name, "/opt/bitnami/") &&
		(base == components || strings.HasPrefix(base, ".spdx-") && strings.HasSuffix(base, ".spdx"))
}

// components is the base name of the list of all programs.
const components = ".bitnami_components.json"

// Root is the folder in which further programs appear.
func Root(name string) string {
	if path.Base(name) == components {
		return path.Dir(name)
	}
	return path.Dir(path.Dir(name))
}

// Parse reads the programs that Bitnami built. What they contain is found as
// what it is.
func Parse(r io.Reader) ([]inventory.Component, error) {
	text := bufio.NewReader(r)
	if head, err := text.Peek(len(tagged)); err == nil && string(head) == tagged {
		return parseTags(text)
	}
	var document map[string]json.RawMessage
	if err := json.NewDecoder(text).Decode(&document); err != nil {
		return nil, fmt.Errorf("Bitnami's description: %w", err)
	}
	if _, ok := document["spdxVersion"]; ok {
		return parseDocument(document["packages"])
	}
	return parseList(document)
}

// tagged is how a document of tags and values begins.
const tagged = "SPDXVersion:"

func parseTags(r io.Reader) ([]inventory.Component, error) {
	var found []inventory.Component
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() && len(found) < maxPackages {
		words := strings.Fields(lines.Text())
		if len(words) == 4 && words[0] == "ExternalRef:" && words[2] == "purl" {
			if c, ok := component(words[3]); ok {
				found = append(found, c)
			}
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("SPDX document: %w", err)
	}
	return found, nil
}

// parseList reads the list of all programs of an image.
func parseList(document map[string]json.RawMessage) ([]inventory.Component, error) {
	var found []inventory.Component
	for name, body := range document {
		var program struct {
			Version string `json:"version"`
		}
		if err := json.Unmarshal(body, &program); err != nil {
			return nil, fmt.Errorf("Bitnami's list: %w", err)
		}
		if name != "" && program.Version != "" && len(found) < maxPackages {
			found = append(found, inventory.Component{Ecosystem: "Bitnami", Name: name, Version: program.Version})
		}
	}
	return found, nil
}

func parseDocument(body json.RawMessage) ([]inventory.Component, error) {
	if body == nil {
		return nil, nil
	}
	var packages []struct {
		References []struct {
			Type    string `json:"referenceType"`
			Locator string `json:"referenceLocator"`
		} `json:"externalRefs"`
	}
	if err := json.Unmarshal(body, &packages); err != nil {
		return nil, fmt.Errorf("SPDX document: %w", err)
	}
	if len(packages) > maxPackages {
		return nil, fmt.Errorf("SPDX document: %d packages, at most %d", len(packages), maxPackages)
	}
	var found []inventory.Component
	for _, p := range packages {
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
