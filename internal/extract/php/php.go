// Package php recognises installed PHP packages by the list that Composer
// keeps in vendor/composer/installed.json.
package php

import (
	"encoding/json"
	"fmt"
	"io"
	"path"
	"strings"

	"muster/internal/extract/bounded"
	"muster/internal/inventory"
)

// MaxFile bounds the list, in bytes; maxPackages what is read of it.
const (
	MaxFile     = 64 << 20
	maxPackages = 100_000
)

// Wants reports whether the file is Composer's list.
func Wants(name string) bool {
	return path.Base(name) == "installed.json" && path.Base(path.Dir(name)) == "composer"
}

// Root is the vendor folder, in which packages appear.
func Root(name string) string { return path.Dir(path.Dir(name)) }

type installed struct {
	Name    string `json:"name"`
	Version string `json:"version"`
}

// Parse reads either form: Composer 2 wraps the list in an object.
func Parse(r io.Reader) ([]inventory.Component, error) {
	var raw json.RawMessage
	if err := json.NewDecoder(r).Decode(&raw); err != nil {
		return nil, fmt.Errorf("installed.json: %w", err)
	}
	var wrapped struct {
		Packages json.RawMessage `json:"packages"`
	}
	if json.Unmarshal(raw, &wrapped) == nil {
		raw = wrapped.Packages
	}
	var found []inventory.Component
	err := bounded.EachJSON(raw, maxPackages, func(d *json.Decoder) error {
		var p installed
		err := d.Decode(&p)
		if err == nil && p.Name != "" && p.Version != "" {
			found = append(found, inventory.Component{
				Ecosystem: "Packagist", Name: p.Name, Version: strings.TrimPrefix(p.Version, "v"), Manager: inventory.ManagerComposer,
			})
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("installed.json: %w", err)
	}
	return found, nil
}
