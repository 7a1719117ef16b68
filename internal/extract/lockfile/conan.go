package lockfile

import (
	"encoding/json"
	"strings"

	"muster/internal/inventory"
)

// readConan reads both lock files of Conan: version 1 is a graph, version 2
// lists references by what they are needed for.
func readConan(data []byte, list *listing) error {
	var file struct {
		Graph struct {
			Nodes map[string]struct {
				Reference string `json:"ref"`
				Context   string `json:"context"`
			} `json:"nodes"`
		} `json:"graph_lock"`
		Requires []string `json:"requires"`
		Builds   []string `json:"build_requires"`
		Python   []string `json:"python_requires"`
	}
	if err := json.Unmarshal(data, &file); err != nil {
		return err
	}
	for _, n := range file.Graph.Nodes {
		if err := list.add(conanPackage(n.Reference), n.Context == "build"); err != nil {
			return err
		}
	}
	for _, reference := range file.Requires {
		if err := list.add(conanPackage(reference), false); err != nil {
			return err
		}
	}
	for _, reference := range append(file.Builds, file.Python...) {
		if err := list.add(conanPackage(reference), true); err != nil {
			return err
		}
	}
	return nil
}

// conanPackage reads "zlib/1.2.11@user/channel#revision%time"; the project
// itself has no version and is left out.
func conanPackage(reference string) inventory.Component {
	for _, end := range []string{"%", "#", "@"} {
		reference, _, _ = strings.Cut(reference, end)
	}
	name, version, _ := strings.Cut(reference, "/")
	if strings.Contains(version, "/") || version == "system" {
		return inventory.Component{}
	}
	return inventory.Component{Ecosystem: "ConanCenter", Name: name, Version: version}
}

// readConanFile reads what a project asks for. Versions in brackets are
// ranges.
func readConanFile(data []byte, list *listing) error {
	section := ""
	for _, line := range lines(data) {
		line, _, _ = strings.Cut(line, "#")
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "[") {
			section = line
			continue
		}
		if c := conanPackage(line); !strings.ContainsAny(c.Version, "[]*~<>=^") {
			build := section == "[tool_requires]" || section == "[build_requires]" || section == "[test_requires]"
			if section != "[requires]" && !build {
				continue
			}
			if err := list.add(c, build); err != nil {
				return err
			}
		}
	}
	return nil
}
