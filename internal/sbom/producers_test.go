package sbom

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"muster/internal/extract"
	"muster/internal/inventory"
	"muster/internal/testshared"
)

// The tests of this file write documents as syft, trivy and Amazon Inspector's
// generator write them, from what package databases hold, and demand that the
// same packages come back: none of the operating system's words may get lost
// on the way through another tool's document.

type pair = [2]string

// written is a component as a producer writes it.
type written struct {
	purl, name, version string
	properties          []pair
	publisher           string
	nested              []written
}

func (w written) json() map[string]any {
	properties := []map[string]string{}
	for _, p := range w.properties {
		properties = append(properties, map[string]string{"name": p[0], "value": p[1]})
	}
	out := map[string]any{"type": "library", "name": w.name, "version": w.version, "purl": w.purl, "properties": properties, "publisher": w.publisher}
	if len(w.nested) > 0 {
		var list []any
		for _, n := range w.nested {
			list = append(list, n.json())
		}
		out["components"] = list
	}
	return out
}

// cyclone makes a document of components and, where named, a system.
func cyclone(t *testing.T, container bool, system map[string]any, list []written) []byte {
	t.Helper()
	components := []any{}
	if system != nil {
		components = append(components, system)
	}
	for _, w := range list {
		components = append(components, w.json())
	}
	kind := "file"
	if container {
		kind = "container"
	}
	data, err := json.Marshal(map[string]any{
		"bomFormat": "CycloneDX", "specVersion": "1.5", "components": components,
		"metadata": map[string]any{"component": map[string]any{"type": kind, "name": "x"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// spdxJSON makes the same document in SPDX, in which syft and trivy tell the
// release by the package URL alone.
func spdxJSON(t *testing.T, list []written, annotate bool) []byte {
	t.Helper()
	packages := []any{map[string]any{"SPDXID": "SPDXRef-root", "name": "x", "primaryPackagePurpose": "CONTAINER"}}
	for i, w := range list {
		p := map[string]any{
			"SPDXID": fmt.Sprintf("SPDXRef-%d", i), "name": w.name, "versionInfo": w.version, "originator": "Person: " + w.publisher,
			"externalRefs": []any{map[string]string{"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": w.purl}},
		}
		if annotate {
			var notes []any
			for _, q := range w.properties {
				notes = append(notes, map[string]string{"comment": strings.TrimPrefix(q[0], trivyPrefix) + ": " + q[1]})
			}
			p["annotations"] = notes
		}
		packages = append(packages, p)
	}
	data, err := json.Marshal(map[string]any{"spdxVersion": "SPDX-2.3", "packages": packages})
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// parts takes [epoch:]version[-release] apart.
func parts(s string) (epoch, version, release string) {
	if e, rest, ok := strings.Cut(s, ":"); ok {
		epoch, s = e, rest
	}
	version = s
	if before, after, ok := cutLast(s, '-'); ok {
		version, release = before, after
	}
	return epoch, version, release
}

func withoutEpoch(s string) string {
	_, rest, ok := strings.Cut(s, ":")
	if !ok {
		return s
	}
	return rest
}

func purlOf(kind, namespace, name, version string, qualifiers ...pair) string {
	p := purl{kind: kind, namespace: namespace, name: name, version: version, qualifiers: map[string]string{}}
	for _, q := range qualifiers {
		p.qualifiers[q[0]] = q[1]
	}
	return p.String()
}

func kindOf(o inventory.OS) string { return packageFormat(o.Ecosystem, o.ID) }

func sourceRPM(it inventory.Item) string {
	return it.Source + "-" + withoutEpoch(it.SourceVersion) + ".src.rpm"
}

// publisherOf is the maintainer of packages that are known by theirs.
func publisherOf(it inventory.Item) string {
	if it.Role == inventory.RoleThirdParty {
		return "Somebody <x@code.google.com>"
	}
	return "Red Hat, Inc." // as good as any for dpkg and apk
}

// asSyft writes a package as syft does.
func asSyft(it inventory.Item, o inventory.OS) written {
	kind, version, upstream := kindOf(o), it.Version, ""
	qualifiers := []pair{{"arch", it.Arch}, {"distro", o.ID + "-" + o.VersionID}}
	properties := []pair{{"syft:package:foundBy", kind + "-db-cataloger"}, {"syft:package:type", kind}, {"syft:location:0:path", "/var/lib/db"}}
	switch {
	case kind == "rpm":
		epoch, _, _ := parts(version)
		version, upstream = withoutEpoch(version), sourceRPM(it)
		qualifiers = append(qualifiers, pair{"epoch", epoch})
		properties = append(properties, pair{"syft:metadata:sourceRpm", upstream})
	case it.Source != it.Name && it.SourceVersion != it.Version:
		upstream = it.Source + "@" + it.SourceVersion
	case it.Source != it.Name:
		upstream = it.Source
	case it.SourceVersion != it.Version:
		upstream = it.Source + "@" + it.SourceVersion
	}
	qualifiers = append(qualifiers, pair{"upstream", upstream})
	return written{purlOf(kind, namespace(o.ID), it.Name, version, qualifiers...), it.Name, it.Version, properties, publisherOf(it), nil}
}

// asTrivy writes a package as trivy does: epochs apart, the source in
// properties.
func asTrivy(it inventory.Item, o inventory.OS) written {
	kind := kindOf(o)
	epoch, _, _ := parts(it.Version)
	release := o.ID + "-" + o.VersionID
	if kind == "apk" {
		release = o.VersionID
	}
	sourceEpoch, sourceVersion, sourceRelease := parts(it.SourceVersion)
	if kind == "apk" {
		sourceVersion, sourceRelease = it.SourceVersion, ""
	}
	properties := []pair{{trivyPrefix + "PkgID", it.Name}, {trivyPrefix + "PkgType", o.ID}, {trivyPrefix + "SrcName", it.Source}, {trivyPrefix + "SrcVersion", sourceVersion}}
	if sourceRelease != "" {
		properties = append(properties, pair{trivyPrefix + "SrcRelease", sourceRelease})
	}
	if sourceEpoch != "" {
		properties = append(properties, pair{trivyPrefix + "SrcEpoch", sourceEpoch})
	}
	u := purlOf(kind, namespace(o.ID), it.Name, withoutEpoch(it.Version), pair{"arch", it.Arch}, pair{"distro", release}, pair{"epoch", epoch})
	return written{u, it.Name, it.Version, properties, publisherOf(it), nil}
}

// asGenerator writes packages as Inspector's generator does: binary packages
// within the source package, under its version.
func asGenerator(items []inventory.Item, o inventory.OS) []written {
	codename := map[string]string{"12": "bookworm"}[o.VersionID]
	var out []written
	for _, it := range items {
		epoch, _, _ := parts(it.SourceVersion)
		if epoch == "" {
			epoch = "0"
		}
		one := func(name string) written {
			u := purlOf("deb", o.ID, name, withoutEpoch(it.SourceVersion), pair{"arch", it.Arch}, pair{"distro", codename}, pair{"epoch", epoch})
			return written{purl: u, name: name, version: it.SourceVersion}
		}
		w := one(it.Source)
		w.nested = []written{one(it.Name)}
		out = append(out, w)
	}
	return out
}

// systemPackages are those of the operating system, as far as what they are
// decides what is found.
func systemPackages(inv inventory.Inventory) []string {
	var out []string
	for _, it := range inv.Items {
		if it.Manager == inventory.ManagerOS {
			out = append(out, strings.Join([]string{it.Ecosystem, it.Name, it.Version, it.Arch, it.Source, it.SourceVersion, string(it.Role)}, " "))
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// compareSystems compares two inventories and shows the first differences.
func compareSystems(t *testing.T, what string, want, got inventory.Inventory) {
	t.Helper()
	a, b := systemPackages(want), systemPackages(got)
	shown := 0
	for _, line := range a {
		if _, found := slices.BinarySearch(b, line); !found && shown < 5 {
			shown++
			name := strings.Fields(line)
			t.Errorf("%s lost %s; it has %q", what, line, slices.DeleteFunc(slices.Clone(b), func(s string) bool {
				return len(name) < 2 || !strings.Contains(s, " "+name[1]+" ")
			}))
		}
	}
	if len(a) != len(b) && shown == 0 {
		t.Errorf("%s: %d packages, want %d", what, len(b), len(a))
	}
}

// TestProducers: the packages of every operating system at hand survive the
// way through other tools' documents.
func TestProducers(t *testing.T) {
	inventories := map[string]inventory.Inventory{}
	for _, name := range []string{"debian-stable-20240130-dpkg", "node-latest-dpkg", "bookworm-developer-machine", "ubuntu-bionic-texlive", "apk-syft", "apk-trivy", "rpm-ubi8-2019"} {
		inv, err := extract.Root(t.Context(), os.DirFS(filepath.Join(testshared.Dir(t), "targets/os", name)), extract.Options{Paths: []string{"."}})
		if err != nil {
			t.Fatal(name, err)
		}
		switch { // databases without os-release beside them
		case inv.OS.ID != "":
		case strings.HasPrefix(name, "ubuntu"):
			inv.OS = inventory.OS{ID: "ubuntu", VersionID: "18.04", Ecosystem: "Ubuntu:18.04:LTS"}
		case strings.HasPrefix(name, "apk"):
			inv.OS = inventory.OS{ID: "alpine", VersionID: "3.11.5", Ecosystem: "Alpine:v3.11"}
		default:
			inv.OS = inventory.OS{ID: "rhel", VersionID: "8.0", Ecosystem: "Red Hat:enterprise_linux:8::baseos"}
		}
		for i := range inv.Items {
			if it := &inv.Items[i]; it.Manager == inventory.ManagerOS {
				it.Ecosystem = inv.OS.Ecosystem
			}
		}
		inventories[name] = inv
	}
	for name, inv := range inventories {
		t.Run(name, func(t *testing.T) {
			var syft, trivy []written
			var packages []inventory.Item
			for _, it := range inv.Items {
				if it.Manager == inventory.ManagerOS {
					packages = append(packages, it)
					syft, trivy = append(syft, asSyft(it, inv.OS)), append(trivy, asTrivy(it, inv.OS))
				}
			}
			o := inv.OS
			documents := map[string][]byte{
				"syft": cyclone(t, false, map[string]any{"type": "operating-system", "name": o.ID, "version": o.VersionID, "properties": []any{
					map[string]string{"name": "syft:distro:id", "value": o.ID}, map[string]string{"name": "syft:distro:versionID", "value": o.VersionID},
				}}, syft),
				"syft without a system": cyclone(t, false, nil, syft),
				"syft in SPDX":          spdxJSON(t, syft, false),
				"trivy": cyclone(t, false, map[string]any{"type": "operating-system", "name": namespace(o.ID), "version": o.VersionID, "properties": []any{
					map[string]string{"name": trivyPrefix + "Type", "value": o.ID}, map[string]string{"name": trivyPrefix + "Class", "value": "os-pkgs"},
				}}, trivy),
				"trivy in SPDX": spdxJSON(t, trivy, true),
			}
			for producer, document := range documents {
				got, err := Read(bytes.NewReader(document), 0)
				if err != nil {
					t.Fatal(producer, err)
				}
				want := inv
				if strings.Contains(producer, "SPDX") { // which tell of no kernel, as of an image
					want = withoutKernels(inv)
					got = withoutKernels(got)
				}
				compareSystems(t, producer, want, got)
				if got.OS.Ecosystem != o.Ecosystem {
					t.Errorf("%s: the system is %+v", producer, got.OS)
				}
			}
			if o.ID == "debian" {
				got, err := Read(bytes.NewReader(cyclone(t, false, nil, asGenerator(packages, o))), 0)
				if err != nil {
					t.Fatal(err)
				}
				sources := map[[3]string]bool{}
				for _, it := range got.Items {
					sources[[3]string{it.Name, it.Source, it.SourceVersion}] = true
				}
				var missing []string
				for _, it := range packages {
					if !sources[[3]string{it.Name, it.Source, it.SourceVersion}] {
						missing = append(missing, it.Name)
					}
				}
				if len(missing) > 0 {
					t.Errorf("the generator's lost %d: %.600q", len(missing), missing)
				}
			}
		})
	}
}

// withoutKernels drops the roles that depend on a running kernel.
func withoutKernels(inv inventory.Inventory) inventory.Inventory {
	inv.Items = slices.Clone(inv.Items)
	for i := range inv.Items {
		if inv.Items[i].Role == inventory.RoleKernelIdle {
			inv.Items[i].Role = ""
		}
	}
	return inv
}
