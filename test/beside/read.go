package beside

import (
	"encoding/json"
	"strings"
)

// Found is what a scanner reports. Packages and matches that it names twice,
// in two places of a target, count once.
type Found struct {
	// Packages is negative where the scanner does not list them.
	Packages, Matches int
}

// set counts different things.
type set map[string]bool

func (s set) add(parts ...string) { s[strings.Join(parts, "\x00")] = true }

func readMuster(output []byte) (f Found, err error) {
	var report struct {
		Findings []struct {
			ID       string `json:"id"`
			Packages []struct {
				Name    string `json:"name"`
				Version string `json:"version"`
			} `json:"packages"`
		} `json:"findings"`
	}
	err = json.Unmarshal(output, &report)
	matches := set{}
	for _, finding := range report.Findings {
		for _, p := range finding.Packages {
			matches.add(finding.ID, p.Name, p.Version)
		}
	}
	return Found{Matches: len(matches)}, err
}

// countComponents counts the packages of a CycloneDX document.
func countComponents(document []byte) (int, error) {
	var bom struct {
		Components []struct {
			Type    string `json:"type"`
			Name    string `json:"name"`
			Version string `json:"version"`
			URL     string `json:"purl"`
		} `json:"components"`
	}
	err := json.Unmarshal(document, &bom)
	packages := set{}
	for _, c := range bom.Components {
		if c.Type != "operating-system" && c.Type != "file" {
			packages.add(kindOf(c.URL), c.Name, c.Version)
		}
	}
	return len(packages), err
}

// kindOf is the type of a package URL.
func kindOf(url string) string {
	kind, _, _ := strings.Cut(strings.TrimPrefix(url, "pkg:"), "/")
	return kind
}

func readOSVScanner(output []byte) (f Found, err error) {
	var report struct {
		Results []struct {
			Packages []struct {
				Package struct {
					Name      string `json:"name"`
					Version   string `json:"version"`
					Ecosystem string `json:"ecosystem"`
				} `json:"package"`
				Groups []struct {
					IDs []string `json:"ids"`
				} `json:"groups"`
			} `json:"packages"`
		} `json:"results"`
	}
	err = json.Unmarshal(output, &report)
	packages, matches := set{}, set{}
	for _, result := range report.Results {
		for _, p := range result.Packages {
			packages.add(p.Package.Ecosystem, p.Package.Name, p.Package.Version)
			for _, g := range p.Groups {
				matches.add(p.Package.Name, p.Package.Version, strings.Join(g.IDs, " "))
			}
		}
	}
	return Found{len(packages), len(matches)}, err
}

func readSyft(output []byte) (f Found, err error) {
	var report struct {
		Artifacts []struct {
			Name    string `json:"name"`
			Version string `json:"version"`
			Type    string `json:"type"`
		} `json:"artifacts"`
	}
	err = json.Unmarshal(output, &report)
	packages := set{}
	for _, a := range report.Artifacts {
		packages.add(a.Type, a.Name, a.Version)
	}
	return Found{len(packages), -1}, err
}

func readGrype(output []byte) (f Found, err error) {
	var report struct {
		Matches []struct {
			Vulnerability struct {
				ID string `json:"id"`
			} `json:"vulnerability"`
			Artifact struct {
				Name    string `json:"name"`
				Version string `json:"version"`
			} `json:"artifact"`
		} `json:"matches"`
	}
	err = json.Unmarshal(output, &report)
	matches := set{}
	for _, m := range report.Matches {
		matches.add(m.Vulnerability.ID, m.Artifact.Name, m.Artifact.Version)
	}
	return Found{-1, len(matches)}, err
}

func readTrivy(output []byte) (f Found, err error) {
	var report struct {
		Results []struct {
			Type     string
			Packages []struct{ Name, Version string }

			Vulnerabilities []struct{ VulnerabilityID, PkgName, InstalledVersion string }
		}
	}
	err = json.Unmarshal(output, &report)
	packages, matches := set{}, set{}
	for _, r := range report.Results {
		for _, p := range r.Packages {
			packages.add(r.Type, p.Name, p.Version)
		}
		for _, v := range r.Vulnerabilities {
			matches.add(v.VulnerabilityID, v.PkgName, v.InstalledVersion)
		}
	}
	return Found{len(packages), len(matches)}, err
}
