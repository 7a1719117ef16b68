package quality

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"muster/internal/extract/osrelease"
	"muster/internal/inventory"
)

// labelSystems are the systems of the labelled images: os-release's ID and
// VERSION_ID, by the name of the label file.
func labelSystems() map[string][2]string {
	return map[string][2]string{
		"almalinux-8": {"almalinux", "8.5"}, "alpine-old": {"alpine", "3.2.3"}, "amazonlinux-2": {"amzn", "2"}, "centos-6": {"centos", "6"},
		"debian-7": {"debian", "7"}, "jenkins-debian11": {"debian", "11"}, "node-debian8": {"debian", "8"}, "python-debian10": {"debian", "10"},
		"ubuntu-14.04": {"ubuntu", "14.04"},
	}
}

type labelFile struct {
	Labels []struct {
		Package string `json:"package"`
		Version string `json:"version"`
		ID      string `json:"vulnerability_id"`
		CVE     string `json:"effective_cve"`
		Label   string `json:"label"`
	} `json:"labels"`
}

// labels are the images whose matches people checked. What they were unsure
// of is no claim.
func (w World) labels() ([]Target, error) {
	kinds, err := readKinds()
	if err != nil {
		return nil, err
	}
	systems := labelSystems()
	paths, err := filepath.Glob(w.path("labels", "*.json"))
	if err != nil {
		return nil, err
	}
	var list []Target
	for _, path := range paths {
		set := strings.TrimSuffix(filepath.Base(path), ".json")
		id, ok := systems[set]
		if !ok {
			return nil, fmt.Errorf("%s: of which system? name it in labelSystems", path)
		}
		var file labelFile
		if err := readJSON(path, &file); err != nil {
			return nil, err
		}
		t := Target{Name: "labels/" + set}
		inv := inventory.Inventory{OS: osrelease.System(map[string]string{"ID": id[0], "VERSION_ID": id[1]})}
		for _, l := range file.Labels {
			it := kinds.item(set, l.Package, l.Version, inv.OS)
			if it.Name == "" {
				continue // nothing that a package manager knows
			}
			inv.Items = append(inv.Items, it)
			if l.Label == "TP" || l.Label == "FP" {
				t.Claims = append(t.Claims, claim(it, l.Label == "TP", l.ID, l.CVE))
			}
		}
		if t.Scan, err = w.document(t.Name, inv); err != nil {
			return nil, err
		}
		list = append(list, t)
	}
	return list, nil
}

func claim(it inventory.Item, truth bool, ids ...string) Claim {
	ids = slices.DeleteFunc(ids, func(id string) bool { return id == "" })
	slices.Sort(ids)
	return Claim{Ecosystem: it.Ecosystem, Name: it.Name, Version: it.Version, Source: it.Source, IDs: slices.Compact(ids), True: truth}
}

// kinds says what the labels' packages are: labels carry a name and a version
// only. The key is "set package" or "set package@version".
type kinds map[string][2]string

func readKinds() (kinds, error) {
	data, err := os.ReadFile(filepath.Join(folder(), "label-packages.txt"))
	if err != nil {
		return nil, err
	}
	k := kinds{}
	for line := range strings.Lines(string(data)) {
		words := strings.Fields(line)
		if len(words) == 0 || words[0] == "#" {
			continue
		}
		if len(words) != 4 {
			return nil, fmt.Errorf("label-packages.txt: %q has not four words", line)
		}
		k[words[0]+" "+words[1]] = [2]string{words[2], words[3]}
	}
	return k, nil
}

// item is the package of a label as an inventory has it; the zero value for
// programs that no package manager knows.
func (k kinds) item(set, name, version string, system inventory.OS) inventory.Item {
	kind, ok := k[set+" "+name+"@"+version]
	if !ok {
		kind = k[set+" "+name]
	}
	c := inventory.Component{Name: name, Version: version}
	switch kind[0] {
	case "npm":
		c.Ecosystem, c.Manager = "npm", inventory.ManagerNodePkg
	case "pypi":
		c.Ecosystem, c.Manager = "PyPI", inventory.ManagerPythonPkg
	case "pypi-owned":
		c.Ecosystem, c.Manager = "PyPI", inventory.ManagerPythonPkg
		return inventory.Item{Component: c, Role: inventory.RoleOwned, OwnedBy: kind[1]}
	case "maven":
		c.Ecosystem, c.Manager, c.Name = "Maven", inventory.ManagerJAR, kind[1]
	case "generic":
		return inventory.Item{}
	default:
		c.Ecosystem, c.Manager, c.Source, c.SourceVersion = system.Ecosystem, inventory.ManagerOS, name, version
		if kind[1] != "" {
			c.Source = kind[1]
		}
	}
	return inventory.Item{Component: c}
}

func readJSON(path string, into any) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(data, into); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}
