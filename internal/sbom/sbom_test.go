package sbom

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"muster/internal/inventory"
	"muster/internal/testshared"
)

// TestComponents: what producers write is read as what their databases say.
func TestComponents(t *testing.T) {
	os := func(ecosystem, name, version, arch, source, sourceVersion string) inventory.Item {
		return inventory.Item{Component: inventory.Component{
			Ecosystem: ecosystem, Name: name, Version: version, Arch: arch, Source: source, SourceVersion: sourceVersion, Manager: inventory.ManagerOS,
		}}
	}
	module := func(it inventory.Item, module string) inventory.Item {
		it.Module = module
		return it
	}
	lib := func(ecosystem, name, version string, m inventory.Manager) inventory.Item {
		return inventory.Item{Component: inventory.Component{Ecosystem: ecosystem, Name: name, Version: version, Manager: m}}
	}
	for _, tt := range []struct {
		purl, properties string
		want             inventory.Item
	}{
		{"pkg:deb/debian/libc6@2.36-9%2Bdeb12u4?arch=amd64&distro=debian-12&upstream=glibc", "", os("Debian:12", "libc6", "2.36-9+deb12u4", "amd64", "glibc", "2.36-9+deb12u4")},
		{"pkg:deb/debian/perl@5.36.0-7?distro=bookworm&epoch=0", "", os("Debian:12", "perl", "5.36.0-7", "", "perl", "5.36.0-7")},
		{"pkg:deb/debian/x@2-1?distro=bookworm&epoch=1&upstream=y-3-4.src.dpkg", "", os("Debian:12", "x", "1:2-1", "", "y", "3-4")},
		{"pkg:deb/ubuntu/a@1.0?distro=jammy", "", os("Ubuntu:22.04:LTS", "a", "1.0", "", "a", "1.0")},
		{"pkg:deb/ubuntu/vim-tiny@7.4?distro=14.04&epoch=2&source=vim", "", os("Ubuntu:14.04:LTS", "vim-tiny", "2:7.4", "", "vim", "2:7.4")},
		{"pkg:dpkg/libss2@1.47?distro=debian-13&upstream=e2fsprogs@1.46", "", os("Debian:13", "libss2", "1.47", "", "e2fsprogs", "1.46")},
		{"pkg:apk/alpine/musl-utils@1.2.4-r0?arch=x86_64&upstream=musl&distro=alpine-3.18.2", "", os("Alpine:v3.18", "musl-utils", "1.2.4-r0", "x86_64", "musl", "1.2.4-r0")},
		{"pkg:apk/alpine/a@1-r0?distro=3.18.2", "", os("Alpine:v3.18", "a", "1-r0", "", "a", "1-r0")},
		{"pkg:rpm/redhat/openssl-libs@1.1.1k-6.el8?arch=x86_64&epoch=1&upstream=openssl-1.1.1k-6.el8.src.rpm&distro=rhel-8.6", "", os("Red Hat:enterprise_linux:8::baseos", "openssl-libs", "1:1.1.1k-6.el8", "x86_64", "openssl", "1:1.1.1k-6.el8")},
		{"pkg:rpm/almalinux/a@1-2.el9?distro=almalinux-9.3", "aquasecurity:trivy:SrcName=b aquasecurity:trivy:SrcVersion=3 aquasecurity:trivy:SrcRelease=4.el9 aquasecurity:trivy:SrcEpoch=1", os("AlmaLinux:9", "a", "1-2.el9", "", "b", "1:3-4.el9")},
		{"pkg:rpm/amazon/a@1-2?distro=2023", "", os("Amazon Linux:2023", "a", "1-2", "", "a", "1-2")},
		{"pkg:rpm/redhat/nodejs@18-1?distro=rhel-8&rpmmod=nodejs:18:8080:63b3", "", module(os("Red Hat:enterprise_linux:8::baseos", "nodejs", "18-1", "", "nodejs", "18-1"), "nodejs:18")},
		{"pkg:rpm/almalinux/a@1-2?distro=almalinux-8", "aquasecurity:trivy:Modularitylabel=perl:5.26:8030:cc", module(os("AlmaLinux:8", "a", "1-2", "", "a", "1-2"), "perl:5.26")},
		{"pkg:rpm/almalinux/a@1-2?distro=almalinux-8", "syft:metadata:modularityLabel=perl:5.26", module(os("AlmaLinux:8", "a", "1-2", "", "a", "1-2"), "perl:5.26")},
		{"pkg:npm/%40angular/core@1.2.3", "", lib("npm", "@angular/core", "1.2.3", inventory.ManagerNPM)},
		{"pkg:npm/@angular/core@1.2.3", "", lib("npm", "@angular/core", "1.2.3", inventory.ManagerNPM)},
		{"pkg:maven/org.slf4j/slf4j-api@1.7?type=jar", "", lib("Maven", "org.slf4j:slf4j-api", "1.7", inventory.ManagerJAR)},
		{"pkg:golang/golang.org/x/net@0.7.0#http2", "", lib("Go", "golang.org/x/net", "v0.7.0", inventory.ManagerGoMod)},
		{"pkg:golang/stdlib@go1.21.1", "", lib("Go", "stdlib", "1.21.1", inventory.ManagerGoMod)},
		{"pkg:PyPI/Django@3.2", "", lib("PyPI", "Django", "3.2", inventory.ManagerPythonPkg)},
	} {
		c := component{purl: tt.purl, parent: -1, properties: map[string]string{}}
		for pair := range strings.FieldsSeq(tt.properties) {
			name, value, _ := strings.Cut(pair, "=")
			c.properties[name] = value
		}
		d := document{components: []component{c}}
		inv := d.inventory(nil)
		if len(inv.Items) != 1 || inv.Items[0] != tt.want {
			t.Errorf("%s:\n got %+v\nwant %+v", tt.purl, inv.Items, tt.want)
		}
	}
}

// TestRefusals: what is no SBOM is an error that says so.
func TestRefusals(t *testing.T) {
	for text, want := range map[string]string{
		"":                               "empty",
		"  \n":                           "empty",
		"hello":                          "neither",
		`{"a":1}`:                        "neither",
		`{"bomFormat":"CycloneDX","comp`: "CycloneDX: unexpected end",
		`{"bomFormat":"Other"}`:          `bomFormat is "Other"`,
		`{"spdxVersion":"SPDX-3.0"}`:     "SPDX version",
		`<bom xmlns="http://cyclonedx.org/schema/bom/1.4"><components>`: "CycloneDX",
		"SPDXVersion: SPDX-9": "SPDX version",
		`{"bomFormat":"CycloneDX","components":` + strings.Repeat(`[{"components":`, 70) + `[]` + strings.Repeat(`}]`, 70) + `}`: "nested deeper",
	} {
		_, err := Read(strings.NewReader(text), int64(len(text)))
		if !errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), want) {
			t.Errorf("%.60q: %v, want ... %s", text, err, want)
		}
	}
}

// TestHostile: documents that lie about their size, nest without end or say
// enormous words are refused, or read without the lie, in bounded memory.
func TestHostile(t *testing.T) {
	many := func(n int, start, each, end string) string {
		return start + strings.Repeat(each+",", n-1) + each + end
	}
	deep := strings.Repeat(`{"components":[`, 100_000)
	for name, c := range map[string]struct{ text, want string }{
		"components":          {many(maxComponents+1, `{"bomFormat":"CycloneDX","components":[`, `{}`, `]}`), "too many elements"},
		"components in parts": {many(4, `{"bomFormat":"CycloneDX","components":[`, many(100_000, `{"components":[`, `{"purl":"a"}`, `]}`), `]}`), "more than 250000 components"},
		"properties":          {many(20_000, `{"bomFormat":"CycloneDX","components":[{"purl":"pkg:npm/a@1","properties":[`, `{}`, `]}]}`), "too many elements"},
		"packages":            {many(maxComponents+1, `{"spdxVersion":"SPDX-2.3","packages":[`, `{"versionInfo":"1"}`, `]}`), "more than 250000 components"},
		"references":          {many(20_000, `{"spdxVersion":"SPDX-2.3","packages":[{"externalRefs":[`, `{}`, `]}]}`), "too many elements"},
		"XML":                 {`<bom xmlns="http://cyclonedx.org/schema/bom/1.4"><components>` + strings.Repeat("<component/>", 3*maxComponents+1) + `</components></bom>`, "more than 250000"},
		"tag-value":           {"SPDXVersion: SPDX-2.3\n" + strings.Repeat("PackageName: a\nPackageVersion: 1\n", maxComponents+2), "more than 250000 components"},
		"nesting":             {`{"bomFormat":"CycloneDX","components":[` + deep, "CycloneDX"},
		"XML nesting":         {`<bom xmlns="http://cyclonedx.org/schema/bom/1.4">` + strings.Repeat("<components><component>", 100_000), "CycloneDX"},
		"XML entities":        {`<!DOCTYPE b [<!ENTITY a "&b;&b;">]><bom xmlns="http://cyclonedx.org/schema/bom/1.4"><components><component><purl>&a;</purl></component></components></bom>`, "CycloneDX"},
		"a line":              {"SPDXVersion: SPDX-2.3\nPackageName: " + strings.Repeat("x", maxLine+1), "a line of more than"},
		"no list":             {`{"bomFormat":"CycloneDX","components":{"a":1}}`, "where a list should be"},
	} {
		_, err := Read(strings.NewReader(c.text), int64(len(c.text)))
		if !errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want ... %s", name, err, c.want)
		}
	}
	word := strings.Repeat("x", 5<<20)
	inv, err := Read(strings.NewReader(`{"bomFormat":"CycloneDX","components":[{"purl":"pkg:npm/`+word+`@1"},{"purl":"pkg:npm/a@1","properties":[{"name":"muster:path","value":"`+word+`"}]},{"purl":"pkg:npm/b@1"}]}`), 0)
	if err != nil || len(inv.Items) != 1 || len(inv.Notes) != 2 {
		t.Errorf("%d items, notes %.200q, %v", len(inv.Items), inv.Notes, err)
	}
}

// drawItem draws packages as muster's own readers make them.
func drawItem(t *rapid.T) inventory.Item {
	word := rapid.StringMatching(`[a-z][a-zA-Z0-9_.+ -]{0,8}[a-z0-9]`)
	number := rapid.StringMatching(`[1-9]\.[0-9]{1,3}(~rc1|\+b1|-r1)?`)
	it := inventory.Item{Component: inventory.Component{Name: word.Draw(t, "name"), Version: number.Draw(t, "version")}}
	switch rapid.IntRange(0, 4).Draw(t, "kind") {
	case 0:
		it.Ecosystem, it.Name, it.Manager = "npm", "@"+word.Draw(t, "scope")+"/"+it.Name, inventory.ManagerNodePkg
	case 1:
		it.Ecosystem, it.Name, it.Manager = "Maven", "org."+it.Name+":"+word.Draw(t, "artifact"), inventory.ManagerPOM
	case 2:
		it.Ecosystem, it.Manager, it.Role, it.OwnedBy = "PyPI", inventory.ManagerPythonPkg, inventory.RoleOwned, "python3-x"
	case 3:
		it.Ecosystem, it.Name, it.Version, it.Manager = "Go", "example.org/"+it.Name, "v"+it.Version, inventory.ManagerGoBinary
	default:
		it.Ecosystem, it.Manager, it.Arch = "Debian:12", inventory.ManagerOS, "amd64"
		it.Source, it.SourceVersion = word.Draw(t, "source"), rapid.SampledFrom([]string{it.Version, "1:2-3"}).Draw(t, "source version")
		return it
	}
	it.Path = rapid.SampledFrom([]string{"", "/opt/a b/c.jar!/d.jar"}).Draw(t, "path")
	it.Layer = rapid.SampledFrom([]string{"", "sha256:" + strings.Repeat("0a", 32)}).Draw(t, "layer")
	return it
}

// TestRoundTrip: whatever is written in any form is read back unchanged.
func TestRoundTrip(t *testing.T) {
	system := inventory.OS{ID: "debian", VersionID: "12", Codename: "bookworm", PrettyName: "Debian 12", Ecosystem: "Debian:12", Platform: "DEBIAN_12", Kernel: "6.1.0", Arch: "X86_64"}
	rapid.Check(t, func(t *rapid.T) {
		inv := inventory.Inventory{OS: system, Items: rapid.SliceOfN(rapid.Custom(drawItem), 0, 6).Draw(t, "items")}
		inv.Sort()
		d := &Document{Target: "x", Tool: "1", Created: time.Unix(0, 0), Inventory: inv}
		for _, spec := range append(CycloneDXVersions(), "spdx", "tags") {
			var buf bytes.Buffer
			var err error
			switch spec {
			case "spdx":
				err = WriteSPDX(&buf, d)
			case "tags":
				err = WriteSPDXTags(&buf, d)
			default:
				err = WriteCycloneDX(&buf, spec, d)
			}
			if err != nil {
				t.Fatal(err)
			}
			back, err := Read(&buf, 0)
			if err != nil {
				t.Fatal(err)
			}
			if back.OS != inv.OS || len(back.Notes) != 0 || !(len(back.Items) == 0 && len(inv.Items) == 0 || reflect.DeepEqual(back.Items, inv.Items)) {
				t.Fatalf("%s:\n got %+v\nwant %+v", spec, back, inv)
			}
		}
	})
}

// TestShared reads every SBOM of the shared data.
func TestShared(t *testing.T) {
	shared := filepath.Join(testshared.Dir(t), "targets")
	for name, want := range map[string]struct {
		items     int
		ecosystem string
	}{
		"sbom/juice-shop-11.1.2.cdx.json":            {840, ""},
		"sbom/dropwizard-1.3.15.cdx.xml":             {167, ""},
		"sbom/alpine.cdx.xml":                        {14, "Alpine:v3.17"},
		"sbom/centos-7.cdx.json":                     {2, ""},
		"sbom/laravel-7.12.0.cdx.json":               {62, ""},
		"sbom/vex-case-2.cdx.json":                   {0, ""},
		"sbom/ubi8-micro.spdx.json":                  {19, "Red Hat:enterprise_linux:8::baseos"},
		"sbom/example6-bin.spdx":                     {0, ""},
		"inspector/node-latest/sbom.cdx.json":        {784, "Debian:12"},
		"inspector/alpine-3.18.2/sbom.cdx.json":      {10, "Alpine:v3.18"},
		"inspector/ubuntu-latest/sbom.cdx.json":      {143, "Ubuntu:22.04:LTS"},
		"inspector/dockerfile-checks/sbom.json":      {284, "Ubuntu:14.04:LTS"},
		"inspector/amazonlinux-latest/sbom.cdx.json": {137, "Amazon Linux:2023"},
	} {
		data, err := os.ReadFile(filepath.Join(shared, name))
		if err != nil {
			t.Fatal(err)
		}
		inv, err := Read(bytes.NewReader(data), int64(len(data)))
		if err != nil || !Looks(data[:min(len(data), 64<<10)]) {
			t.Errorf("%s: %v", name, err)
		}
		if len(inv.Items) != want.items || (want.ecosystem != "" && inv.OS.Ecosystem != want.ecosystem) {
			t.Errorf("%s: %d items on %+v, want %+v; notes %q", name, len(inv.Items), inv.OS, want, inv.Notes)
		}
	}
}

// TestInspectorNesting: Inspector's generator nests binaries in their source.
func TestInspectorNesting(t *testing.T) {
	const doc = `{"bomFormat":"CycloneDX","metadata":{"component":{"type":"container","name":"x"}},"components":[
	 {"type":"operating-system","name":"Debian GNU/Linux","version":"12"},
	 {"type":"application","name":"acl","version":"2.3.1-3","purl":"pkg:deb/debian/acl@2.3.1-3?distro=bookworm","components":[
	  {"type":"application","name":"libacl1","version":"2.3.1-3+b1","purl":"pkg:deb/debian/libacl1@2.3.1-3%2Bb1?distro=bookworm"}]},
	 {"type":"application","name":"linux-image-6.1.0-18-amd64","version":"6.1.76-1","purl":"pkg:deb/debian/linux-image-6.1.0-18-amd64@6.1.76-1?distro=bookworm"},
	 {"type":"library","name":"m","version":"1","purl":"pkg:pypi/m@1","properties":[
	  {"name":"amazon:inspector:sbom_generator:is_duplicate_package","value":"true"},
	  {"name":"amazon:inspector:sbom_generator:duplicate_purl","value":"pkg:deb/debian/python3-m@1"}]}]}`
	inv, err := Read(strings.NewReader(doc), 0)
	if err != nil {
		t.Fatal(err)
	}
	got := ""
	for _, it := range inv.Items {
		got += strings.Join([]string{it.Name, it.Source, it.SourceVersion, string(it.Role), it.OwnedBy}, " ") + "\n"
	}
	want := "acl acl 2.3.1-3  \nlibacl1 acl 2.3.1-3  \nlinux-image-6.1.0-18-amd64 linux-image-6.1.0-18-amd64 6.1.76-1 kernel-not-running \nm   os-owned python3-m\n"
	if got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

// FuzzRead: whatever the document says, the result is fit for an inventory.
func FuzzRead(f *testing.F) {
	f.Add([]byte(`{"bomFormat":"CycloneDX","components":[{"type":"operating-system","name":"alpine","version":"3.18"},{"purl":"pkg:apk/alpine/a@1-r0"}]}`))
	f.Add([]byte(`{"spdxVersion":"SPDX-2.3","packages":[{"name":"a","versionInfo":"1","externalRefs":[{"referenceType":"purl","referenceLocator":"pkg:npm/a@1"}]}]}`))
	f.Add([]byte(`<bom xmlns="http://cyclonedx.org/schema/bom/1.4"><components><component type="library"><purl>pkg:gem/a@1</purl></component></components></bom>`))
	f.Add([]byte("SPDXVersion: SPDX-2.3\nPackageName: a\nPackageVersion: 1\nExternalRef: PACKAGE-MANAGER purl pkg:cargo/a@1\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		inv, err := Read(bytes.NewReader(data), int64(len(data)))
		if err != nil {
			return
		}
		if bad := inv.Violations(inventory.DefaultLimits(), 9); bad != nil {
			t.Errorf("%q gives %v", data, bad)
		}
	})
}

// FuzzPURL: what is understood is written so that it is understood the same.
func FuzzPURL(f *testing.F) {
	f.Add("pkg:deb/debian/libc6@2.36-9%2Bdeb12u4?arch=amd64&distro=debian-12#x")
	f.Add("pkg:npm/@a/b@1@2")
	f.Fuzz(func(t *testing.T, text string) {
		p, err := parsePURL(text)
		if err != nil || p.version == "" || strings.ContainsAny(p.namespace+p.name, "/") {
			return
		}
		for key := range p.qualifiers {
			if strings.Trim(key, "abcdefghijklmnopqrstuvwxyz_0123456789") != "" {
				return
			}
		}
		written := p.String()
		if len(written) > maxPURL {
			return // Escaped it is up to three times as long.
		}
		again, err := parsePURL(written)
		for key, value := range p.qualifiers {
			if value == "" {
				delete(p.qualifiers, key)
			}
		}
		if err != nil || !reflect.DeepEqual(again, p) {
			t.Errorf("%q: %+v, written %q, read %+v, %v", text, p, p.String(), again, err)
		}
	})
}
