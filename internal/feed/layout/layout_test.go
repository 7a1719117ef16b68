package layout_test

import (
	"os"
	"slices"
	"strings"
	"testing"

	"muster/internal/feed/layout"
)

func TestFilesBelongToTheirSource(t *testing.T) {
	for file, want := range map[string]string{
		layout.OSV("Red Hat"): "osv", layout.KEV: "kev", layout.EPSS: "epss", layout.CVE: "cve", layout.Exploits: "exploits",
		layout.EOL: "eol", layout.Products: "endoflife", layout.DebianTracker: "debian", layout.UbuntuOSV: "ubuntu-osv",
		layout.RedHatVEX: "redhat-vex", layout.RedHatAdvisories: "redhat-advisories",
		layout.RockyErrata: "rocky", layout.OracleOVAL: "oracle", layout.ExploitDB: "exploitdb",
		layout.Metasploit: "metasploit", layout.Alpine("v3.20", "main"): "alpine", layout.Amazon("2", "core"): "amazon",
		layout.Amazon("2", "docker"): "amazon", layout.SUSE("suse.linux.enterprise.15-affected.xml.gz"): "suse",
		layout.Photon("5.0"): "photon", layout.DebianDSA: "debian-notices", layout.DebianDLA: "debian-notices", layout.UbuntuTracker: "ubuntu-tracker",
		layout.CVEList: "cvelist", layout.Nuclei: "nuclei", "alpine/v3.11/main.yaml": "alpine", "nvd/CVE-2024-3094.json": "nvd", layout.NVD("2024"): "nvd",
	} {
		if s, ok := layout.Of(file); !ok || s.Name != want {
			t.Errorf("%s: %q, %v", file, s.Name, ok)
		}
	}
}

func TestOtherNamesBelongToNobody(t *testing.T) {
	for _, file := range []string{"", ".", "/kev.json", "../kev.json", "osv/../kev.json", "osv//x.zip", "osv/.zip", `osv/a\b.zip`, "osv/a/b.zip", layout.Manifest, "nvd/.json.gz", "osv/.hidden.zip"} {
		if s, ok := layout.Of(file); ok {
			t.Errorf("%q belongs to %s", file, s.Name)
		}
	}
}

func TestSourcesAreComplete(t *testing.T) {
	page, err := os.ReadFile("../../../docs/operating.md")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, s := range layout.All() {
		names = append(names, s.Name)
		if s.Form == "" || s.Schema == "" || s.Licence == "" || s.Attribution == "" {
			t.Errorf("%s lacks something: %+v", s.Name, s)
		}
		if !strings.Contains(string(page), "`"+s.Name+"` | `"+s.Files+"`") {
			t.Errorf("docs/operating.md does not show the source %s with its files %s", s.Name, s.Files)
		}
	}
	if !slices.IsSorted(names) || len(slices.Compact(names)) != len(layout.All()) {
		t.Errorf("not in order, or twice: %v", names)
	}
}
