package lockfile

import (
	"github.com/BurntSushi/toml"

	"muster/internal/inventory"
)

// readJulia reads a manifest: version 2 has the packages below "deps", version
// 1 at its top. Packages of Julia's own library carry no version before 1.11;
// theirs is Julia's.
func readJulia(data []byte, list *listing) error {
	if err := shallow(data); err != nil {
		return err
	}
	var file map[string]any
	if err := toml.Unmarshal(data, &file); err != nil {
		return err
	}
	packages := file
	if below, ok := file["deps"].(map[string]any); ok {
		packages = below
	}
	for name, entries := range packages {
		several, _ := entries.([]map[string]any)
		for _, entry := range several {
			version, _ := entry["version"].(string)
			if _, local := entry["path"]; local {
				continue
			}
			if err := list.add(inventory.Component{Ecosystem: "Julia", Name: name, Version: version}, false); err != nil {
				return err
			}
		}
	}
	return nil
}
