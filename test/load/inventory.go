package load

import (
	"archive/zip"
	"errors"
	"fmt"
	"os"

	"muster/internal/inventory"
)

// The flaws that hosts have: the first before a host changes, the second after
// it, the third always.
const (
	flawBefore = "CVE-2026-1001"
	flawAfter  = "CVE-2026-1002"
	flawAlways = "CVE-2026-1003"
)

// content is a kind of inventory in a revision.
func content(kind, revision, packages int) *inventory.Inventory {
	inv := &inventory.Inventory{OS: inventory.OS{ID: "debian", VersionID: "12", Codename: "bookworm", PrettyName: "Debian GNU/Linux 12 (bookworm)",
		Ecosystem: "Debian:12", Platform: "DEBIAN_12", Arch: "X86_64"}}
	add := func(name, version string) {
		inv.Items = append(inv.Items, inventory.Item{Component: inventory.Component{Ecosystem: "Debian:12", Name: name, Version: version, Arch: "amd64",
			Source: name, SourceVersion: version, Manager: inventory.ManagerOS}})
	}
	add("flawed-before", fmt.Sprintf("1.%d-1", revision))
	add("flawed-after", fmt.Sprintf("1.%d-1", 1-revision))
	add("flawed-always", "1.0-1")
	add("own", fmt.Sprintf("1.%d-%d", kind, revision))
	for i := range max(0, packages-4) {
		add(fmt.Sprintf("package-%04d", i), fmt.Sprintf("1.%d-1", (kind+i)%7))
	}
	inv.Sort()
	return inv
}

// wanted are the vulnerabilities of which a host shall have findings, by their
// status.
func wanted(revision int, changed bool) map[string]string {
	if revision == 0 {
		return map[string]string{flawBefore: "ACTIVE", flawAlways: "ACTIVE"}
	}
	want := map[string]string{flawAfter: "ACTIVE", flawAlways: "ACTIVE"}
	if changed {
		want[flawBefore] = "CLOSED"
	}
	return want
}

// publish writes the advisories in OSV's form.
func publish(name string) error {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	z := zip.NewWriter(f)
	for cve, pkg := range map[string]string{flawBefore: "flawed-before", flawAfter: "flawed-after", flawAlways: "flawed-always"} {
		w, err := z.Create("DEBIAN-" + cve + ".json")
		if err == nil {
			_, err = fmt.Fprintf(w, `{"id":"DEBIAN-%s","modified":"2026-11-01T00:00:00Z","upstream":[%q],"affected":[{"package":{"ecosystem":"Debian:12","name":%q},
				"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":"1.1-1"}]}]}]}`, cve, cve, pkg)
		}
		if err != nil {
			return errors.Join(err, f.Close())
		}
	}
	return errors.Join(z.Close(), f.Close())
}
