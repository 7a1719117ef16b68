package lockfile

import (
	"encoding/json"
	"strings"

	"gopkg.in/yaml.v3"

	"muster/internal/inventory"
)

// readSwift reads the three versions of Package.resolved: the first nests its
// pins and names their addresses otherwise.
func readSwift(data []byte, list *listing) error {
	type pin struct {
		Address  string `json:"repositoryURL"`
		Location string `json:"location"`
		Identity string `json:"identity"`
		Kind     string `json:"kind"`
		State    struct {
			Version string `json:"version"`
		} `json:"state"`
	}
	var file struct {
		Pins   []pin `json:"pins"`
		Object struct {
			Pins []pin `json:"pins"`
		} `json:"object"`
	}
	if err := json.Unmarshal(data, &file); err != nil {
		return err
	}
	for _, p := range append(file.Pins, file.Object.Pins...) {
		name := repositoryName(p.Location + p.Address)
		if p.Kind == "registry" || name == "" {
			name = p.Identity
		}
		if err := list.add(inventory.Component{Ecosystem: "SwiftURL", Name: name, Version: p.State.Version}, false); err != nil {
			return err
		}
	}
	return nil
}

// repositoryName is how advisories name a package of Swift: its repository
// without scheme, user and suffix, "github.com/apple/swift-nio".
func repositoryName(address string) string {
	if _, rest, ok := strings.Cut(address, "://"); ok {
		address = rest
	} else if host, rest, ok := strings.Cut(address, ":"); ok && strings.Contains(host, "@") {
		address = host + "/" + rest // git@github.com:apple/swift-nio.git
	}
	if i := strings.IndexByte(address, '@'); i >= 0 && !strings.Contains(address[:i], "/") {
		address = address[i+1:]
	}
	return strings.TrimSuffix(strings.TrimSuffix(address, "/"), ".git")
}

// readPods reads what CocoaPods installed: "AppCenter/Core (4.2.0)", alone or
// with what it needs.
func readPods(data []byte, list *listing) error {
	var file struct {
		Pods []any `yaml:"PODS"`
	}
	if err := yaml.Unmarshal(data, &file); err != nil {
		return err
	}
	for _, pod := range file.Pods {
		var text string
		switch p := pod.(type) {
		case string:
			text = p
		case map[string]any:
			for key := range p { // exactly one
				text = max(text, key)
			}
		}
		name, version, ok := strings.Cut(text, " (")
		if !ok {
			continue
		}
		c := inventory.Component{Ecosystem: "CocoaPods", Name: name, Version: strings.TrimSuffix(version, ")")}
		if err := list.add(c, false); err != nil {
			return err
		}
	}
	return nil
}
