package lockfile

import (
	"regexp"
	"strings"

	"gopkg.in/yaml.v3"

	"muster/internal/inventory"
)

// condaPin is a package of conda's with one version, and perhaps a build:
// "numpy=1.26.4=py312", "libffi==3.4.2", "bzip2 1.0.8 h998d150_5".
var condaPin = regexp.MustCompile(`^(?:[A-Za-z0-9_./-]+::)?([A-Za-z0-9_.-]+)(?:\s*={1,2}\s*|\s+)([0-9][A-Za-z0-9.!+_-]*)(?:[=\s].*)?$`)

// readConda reads an environment: packages of conda's, for which nobody
// publishes advisories, and below "pip" those of PyPI.
func readConda(data []byte, list *listing) error {
	var file struct {
		Dependencies []any `yaml:"dependencies"`
	}
	if err := yaml.Unmarshal(data, &file); err != nil {
		return err
	}
	for _, d := range file.Dependencies {
		var err error
		switch d := d.(type) {
		case string:
			if m := condaPin.FindStringSubmatch(strings.TrimSpace(d)); m != nil {
				err = list.add(inventory.Component{Ecosystem: "Conda", Name: m[1], Version: m[2]}, false)
			}
		case map[string]any:
			err = readCondaPip(d["pip"], list)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func readCondaPip(lines any, list *listing) error {
	several, _ := lines.([]any)
	for _, line := range several {
		text, _ := line.(string)
		c, ok := requirement(text)
		if !ok {
			continue
		}
		if err := list.add(c, false); err != nil {
			return err
		}
	}
	return nil
}
