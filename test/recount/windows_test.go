package recount

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"muster/internal/inventory"
)

// update is one of Microsoft's updates of Windows Server 2019. Build is the
// last part of the build that has it, 0 for what has none.
type update struct {
	KB         string
	Build      int
	CVEs       []string
	Vector     string
	Word       string
	Supersedes []string
}

// server is what a machine with Windows says of itself.
type server struct {
	Build     int
	Installed []string
}

const (
	windowsProduct = "Windows Server 2019"
	windowsRelease = "10.0.17763."
)

// microsoft are updates: a chain in which each supersedes the one before, one
// that needs no restart, and one with Microsoft's word alone.
func microsoft() []update {
	return []update{
		{KB: "KB5000010", Build: 100, CVEs: []string{"CVE-2026-8001"}, Vector: vectors[0], Word: "Critical"},
		{KB: "KB5000020", Build: 200, CVEs: []string{"CVE-2026-8002", "CVE-2026-8003"}, Vector: vectors[1], Word: "Important", Supersedes: []string{"KB5000010"}},
		{KB: "KB5000030", Build: 300, CVEs: []string{"CVE-2026-8004"}, Vector: vectors[2], Word: "Moderate", Supersedes: []string{"KB5000020"}},
		{KB: "KB5000031", CVEs: []string{"CVE-2026-8005"}, Vector: vectors[3], Word: "Low"},
		{KB: "KB5000040", Build: 400, CVEs: []string{"CVE-2026-8006"}, Word: "Important", Supersedes: []string{"KB5000030"}},
	}
}

// month writes them as Microsoft's monthly document.
func (p *plan) month(dir string) error {
	var list []any
	for _, u := range p.Updates {
		for _, cve := range u.CVEs {
			fix := map[string]any{"Type": 2, "SubType": "Security Update", "Description": map[string]any{"Value": strings.TrimPrefix(u.KB, "KB")},
				"Supercedence": strings.ReplaceAll(strings.Join(u.Supersedes, "; "), "KB", ""), "ProductID": []string{"11571"}}
			if u.Build > 0 {
				fix["FixedBuild"] = windowsRelease + fmt.Sprint(u.Build)
			}
			v := map[string]any{"CVE": cve, "Title": map[string]any{"Value": "Flaw of " + u.KB},
				"Threats": []any{map[string]any{"Type": 3, "Description": map[string]any{"Value": u.Word}, "ProductID": []string{"11571"}}}, "Remediations": []any{fix}}
			if u.Vector != "" {
				v["CVSSScoreSets"] = []any{map[string]any{"BaseScore": scoreOf(u.Vector), "Vector": u.Vector, "ProductID": []string{"11571"}}}
			}
			list = append(list, v)
		}
	}
	body := indented(map[string]any{"DocumentTitle": map[string]any{"Value": "November 2026 Security Updates"},
		"DocumentTracking": map[string]any{"InitialReleaseDate": "2026-11-10T08:00:00", "CurrentReleaseDate": "2026-11-10T08:00:00Z"},
		"ProductTree":      map[string]any{"FullProductName": []any{map[string]any{"ProductID": "11571", "Value": windowsProduct}}}, "Vulnerability": list})
	if err := os.MkdirAll(filepath.Join(dir, "microsoft"), 0o755); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "microsoft", "2026-Nov.json"), body, 0o600)
}

// windows enrols machines with Windows at several builds.
func (w *world) windows() {
	for n, of := range []struct {
		account string
		server
	}{{"ann", server{Build: 250}}, {"ann", server{Build: 100, Installed: []string{"KB5000031"}}}, {"ben", server{Build: 50, Installed: []string{"KB5000030"}}}, {"stranger", server{Build: 400}}} {
		r := &resource{Account: of.account, Region: near, Type: "AWS_EC2_INSTANCE", ID: fmt.Sprintf("i-%017x", 0xf0+n), Tags: odd[n%len(odd)], Windows: &of.server}
		build := windowsRelease + fmt.Sprint(of.Build)
		w.enrollAs(r, inventory.OS{ID: "windows", VersionID: build, PrettyName: windowsProduct, Ecosystem: "Windows", Platform: "WINDOWS_SERVER_2019", Arch: "X86_64"})
		w.tellInventory(r, inventory.Inventory{OS: r.host.os, Items: []inventory.Item{{Component: inventory.Component{
			Ecosystem: "Windows", Name: windowsProduct, Version: build, Module: strings.Join(of.Installed, " "), Manager: inventory.ManagerOS}}}})
		w.Resources = append(w.Resources, r)
	}
	w.settle()
}
