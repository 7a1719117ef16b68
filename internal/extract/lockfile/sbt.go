package lockfile

import (
	"encoding/json"
	"slices"

	"muster/internal/inventory"
)

// readSBT reads what sbt-dependency-lock wrote for a Scala project.
func readSBT(data []byte, list *listing) error {
	var file struct {
		Dependencies []struct {
			Organization   string   `json:"org"`
			Name           string   `json:"name"`
			Version        string   `json:"version"`
			Configurations []string `json:"configurations"`
		} `json:"dependencies"`
	}
	if err := json.Unmarshal(data, &file); err != nil {
		return err
	}
	for _, d := range file.Dependencies {
		c := inventory.Component{Ecosystem: "Maven", Name: d.Organization + ":" + d.Name, Version: d.Version}
		if err := list.add(c, slices.Equal(d.Configurations, []string{"test"})); err != nil {
			return err
		}
	}
	return nil
}
