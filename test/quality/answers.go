package quality

import (
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"muster/internal/extract/osrelease"
	"muster/internal/inventory"
	"muster/internal/scanner"
)

// inspectorAnswer is what Inspector answered for an SBOM.
type inspectorAnswer struct {
	SBOM struct {
		Components []struct {
			Ref  string `json:"bom-ref"`
			PURL string `json:"purl"`
		} `json:"components"`
		Vulnerabilities []struct {
			ID      string `json:"id"`
			Affects []struct {
				Ref string `json:"ref"`
			} `json:"affects"`
		} `json:"vulnerabilities"`
	} `json:"sbom"`
}

// inspector are the SBOMs that Amazon Inspector answered for. All it found is
// claimed to be true; what it did not find may be newer than the answer.
func (w World) inspector() ([]Target, error) {
	folders, err := os.ReadDir(w.path("inspector"))
	if err != nil {
		return nil, err
	}
	var list []Target
	for _, f := range folders {
		document := w.path("inspector", f.Name(), "sbom.cdx.json")
		if _, err := os.Stat(document); err != nil {
			document = w.path("inspector", f.Name(), "sbom.json")
			if _, err := os.Stat(document); err != nil {
				continue
			}
		}
		t := Target{Name: "inspector/" + f.Name(), Scan: scanner.Target{Kind: scanner.SBOM, Name: document}}
		var answer inspectorAnswer
		path := w.path("inspector", f.Name(), "expected-scan.cdx.json")
		if _, err := os.Stat(path); err != nil {
			path = w.path("inspector", f.Name(), "inspector-scan-cdx.json")
		}
		if err := readJSON(path, &answer); err != nil {
			return nil, err
		}
		t.Claims = answer.claims()
		list = append(list, t)
	}
	return list, nil
}

func (a *inspectorAnswer) claims() []Claim {
	names := map[string]string{}
	for _, c := range a.SBOM.Components {
		path, _, _ := strings.Cut(strings.TrimPrefix(c.PURL, "pkg:"), "?")
		path, _, _ = strings.Cut(path, "@")
		parts := strings.Split(path, "/")
		name := parts[len(parts)-1]
		if parts[0] == "golang" || parts[0] == "npm" && len(parts) == 3 {
			name = strings.Join(parts[1:], "/")
		}
		if plain, err := url.PathUnescape(name); err == nil {
			name = plain
		}
		names[c.Ref] = name
	}
	var list []Claim
	for _, v := range a.SBOM.Vulnerabilities {
		for _, affected := range v.Affects {
			if names[affected.Ref] != "" {
				list = append(list, Claim{Name: names[affected.Ref], IDs: []string{v.ID}, True: true})
			}
		}
	}
	return list
}

// query is a package that the public OSV service was asked about.
type query struct {
	Ecosystem string   `json:"ecosystem"`
	Name      string   `json:"name"`
	Version   string   `json:"version"`
	IDs       []string `json:"vulns"`
}

// queries are packages with the advisories that the public OSV service
// answered, one target for each operating system and one for all languages.
func (w World) queries() ([]Target, error) {
	paths, err := filepath.Glob(w.path("osv-queries", "*.json"))
	if err != nil {
		return nil, err
	}
	var list []Target
	for _, path := range paths {
		var queries []query
		if err := readJSON(path, &queries); err != nil {
			return nil, err
		}
		groups := map[string][]query{}
		for _, q := range queries {
			system := ""
			if strings.Contains(q.Ecosystem, ":") {
				system = q.Ecosystem
			}
			groups[system] = append(groups[system], q)
		}
		for _, system := range slices.Sorted(maps.Keys(groups)) {
			name := "osv-queries/" + strings.TrimSuffix(filepath.Base(path), ".json")
			if system != "" {
				name += "/" + strings.ReplaceAll(strings.ToLower(system), " ", "-")
			}
			t, err := w.asked(name, system, groups[system])
			if err != nil {
				return nil, err
			}
			list = append(list, t)
		}
	}
	return list, nil
}

func (w World) asked(name, system string, queries []query) (Target, error) {
	t := Target{Name: name}
	inv := inventory.Inventory{}
	if id, release, ok := strings.Cut(system, ":"); ok {
		id = map[string]string{"openSUSE": "opensuse-leap"}[id] + strings.ToLower(map[bool]string{true: id}[id != "openSUSE"])
		release = strings.TrimPrefix(strings.TrimPrefix(release, "v"), "Leap ")
		inv.OS = osrelease.System(map[string]string{"ID": id, "VERSION_ID": release, "NAME": "openSUSE Leap", "VERSION": release})
	}
	for _, q := range queries {
		it := inventory.Item{Component: inventory.Component{Ecosystem: q.Ecosystem, Name: q.Name, Version: q.Version}}
		if system != "" {
			it.Ecosystem, it.Manager, it.Source, it.SourceVersion = inv.OS.Ecosystem, inventory.ManagerOS, q.Name, q.Version
		}
		inv.Items = append(inv.Items, it)
		for _, id := range q.IDs {
			t.Claims = append(t.Claims, claim(it, true, id))
		}
	}
	var err error
	t.Scan, err = w.document(name, inv)
	return t, err
}
