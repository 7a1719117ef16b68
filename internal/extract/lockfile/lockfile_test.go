package lockfile

import (
	"context"
	"errors"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"muster/internal/extract"
	"muster/internal/inventory"
	"muster/internal/testshared"
)

// TestRealLockFiles counts the distinct packages of well-known projects. Where
// a file repeats packages or holds what is not decided, this is less than its
// entries: go.sum also lists go.mod files only, package-lock.json nested
// copies.
func TestRealLockFiles(t *testing.T) {
	fsys := os.DirFS(filepath.Join(testshared.Dir(t), "targets", "lockfiles"))
	for _, tt := range []struct {
		file      string
		manager   inventory.Manager
		ecosystem string
		packages  int
	}{
		{"prometheus-ui-2022/package-lock.json", inventory.ManagerNPM, "npm", 1727},
		{"prometheus-ui-2020/yarn.lock", inventory.ManagerYarn, "npm", 1511},
		{"prometheus-2020/go.mod", inventory.ManagerGoMod, "Go", 159},
		{"etcd-2021/go.mod", inventory.ManagerGoMod, "Go", 73},
		{"boulder-2021/go.mod", inventory.ManagerGoMod, "Go", 76},
		{"redash-2018/requirements.txt", inventory.ManagerPIP, "PyPI", 49},
		{"redash-2018/package-lock.json", inventory.ManagerNPM, "npm", 1291},
		{"redash-2023/poetry.lock", inventory.ManagerPoetry, "PyPI", 230},
		{"fastapi-template-2024/uv.lock", inventory.ManagerPIP, "PyPI", 81},
		{"requests-2018/Pipfile.lock", inventory.ManagerPipenv, "PyPI", 63},
		{"bat-2020/Cargo.lock", inventory.ManagerCargo, "crates.io", 165},
		{"rubygems-org-2019/Gemfile.lock", inventory.ManagerBundler, "RubyGems", 176},
		{"dependency-track-2019/pom.xml", inventory.ManagerPOM, "Maven", 18},
		{"bookstack-2019/composer.lock", inventory.ManagerComposer, "Packagist", 112},
		{"bitwarden-api-2022/packages.lock.json", inventory.ManagerNuGet, "NuGet", 308},
		{"vue-core-2022/pnpm-lock.yaml", inventory.ManagerNPM, "npm", 932},
		{"appinsights-java-2022/gradle.lockfile", "", "Maven", 67},
		{"zeppelin-server/pom.xml", inventory.ManagerPOM, "Maven", 37},
	} {
		inv, err := File(t.Context(), fsys, tt.file)
		if err != nil {
			t.Errorf("%s: %v", tt.file, err)
			continue
		}
		if n := len(inv.Items); n != tt.packages {
			t.Errorf("%s: %d packages, want %d", tt.file, n, tt.packages)
		}
		for _, it := range inv.Items {
			if it.Manager != tt.manager || it.Ecosystem != tt.ecosystem || it.Path != tt.file {
				t.Errorf("%s: %+v", tt.file, it)
				break
			}
		}
	}
}

func file(name, text string) fstest.MapFS { return fstest.MapFS{name: {Data: []byte(text)}} }

func names(inv inventory.Inventory) []string {
	var list []string
	for _, it := range inv.Items {
		list = append(list, it.Name+" "+it.Version)
	}
	return list
}

func TestOnlyDecidedVersionsCount(t *testing.T) {
	for _, tt := range []struct {
		name, text string
		want       []string
	}{
		{"requirements.txt", "a==1.0\nb>=2\nc~=3.1\nd\n-e .\n", []string{"a 1.0", "c 3.1"}},
		{"go.mod", "module x\n\ngo 1.22.3\n\nrequire golang.org/x/net v0.1.0\n", []string{"golang.org/x/net v0.1.0", "stdlib 1.22.3"}},
		{"Cargo.toml", "[package]\nname='own'\nversion='0.1.0'\n[dependencies]\na='=1.2.3'\nb='1.2.3'\nc={version='= 2.0.0'}\nd='=1'\n", []string{"a 1.2.3", "c 2.0.0"}},
		{"x.csproj", `<Project><ItemGroup><PackageReference Include="A" Version="1.2.0"/><PackageReference Include="B" Version="[2.0.0]"/>
			<PackageReference Include="C" Version="[1,2)"/><PackageReference Include="D" Version="1.*"/><PackageReference Include="E" Version="$(V)"/></ItemGroup></Project>`,
			[]string{"A 1.2.0", "B 2.0.0"}},
		{"conan.lock", `{"version":"0.5","requires":["zlib/1.2.11#rev%1"],"build_requires":[],"python_requires":[]}`, []string{"zlib 1.2.11"}},
		{"renv.lock", `{"Packages":{"R6":{"Package":"R6","Version":"2.5.1","Source":"Repository","Repository":"CRAN"}}}`, []string{"R6 2.5.1"}},
		{"cabal.project.freeze", "constraints: any.aeson ==2.0.0.0,\n             any.base ==4.0\n", []string{"aeson 2.0.0.0", "base 4.0"}},
		{"pylock.toml", "lock-version='1.0'\n[[packages]]\nname='a'\nversion='1.0'\n", []string{"a 1.0"}},
		{"x.deps.json", `{"libraries":{"A/1.0.0":{"type":"package"},"own/1.0.0":{"type":"project"}}}`, []string{"A 1.0.0"}},
		{"go.sum", "a.b/c v1.0.0 h1:x=\na.b/c v1.0.0/go.mod h1:x=\na.b/c v1.2.0 h1:x=\na.b/d v0.1.0/go.mod h1:x=\n", []string{"a.b/c v1.2.0"}},
		{"pom.xml", `<project><groupId>g</groupId><artifactId>p</artifactId><version>1</version><dependencies>
			<dependency><groupId>g</groupId><artifactId>a</artifactId><version>1.0</version></dependency>
			<dependency><groupId>g</groupId><artifactId>b</artifactId><version>${unknown}</version></dependency></dependencies></project>`, []string{"g:a 1.0"}},
	} {
		inv, err := File(t.Context(), file(tt.name, tt.text), tt.name)
		if got := names(inv); err != nil || !slices.Equal(got, tt.want) {
			t.Errorf("%s: %q, %v; want %q", tt.name, got, err, tt.want)
		}
	}
}

// TestGoDirective: go.mod names the oldest Go that may build the module, not
// the one that does.
func TestGoDirective(t *testing.T) {
	for _, text := range []string{"module x\n\ngo 1.15\n", "module x\n\ngo 1.21\n\ntoolchain go1.21.3\n"} {
		inv, err := File(t.Context(), file("go.mod", text), "go.mod")
		if err != nil || len(inv.Items) != 1 || inv.Items[0].Name != "stdlib" || inv.Items[0].Role != inventory.RoleToolchain {
			t.Errorf("%q: %+v, %v", text, inv.Items, err)
		}
	}
}

func TestParentPOMs(t *testing.T) {
	const child = `<project><parent><groupId>g</groupId><artifactId>up</artifactId><version>1</version></parent><artifactId>p</artifactId>
		<dependencies><dependency><groupId>g</groupId><artifactId>a</artifactId><version>${a.version}</version></dependency>
		<dependency><groupId>g</groupId><artifactId>b</artifactId></dependency>
		<dependency><groupId>g</groupId><artifactId>exact</artifactId><version>[1.5]</version><scope>test</scope></dependency>
		<dependency><groupId>g</groupId><artifactId>range</artifactId><version>[1,2)</version></dependency></dependencies></project>`
	const parent = `<project><groupId>g</groupId><artifactId>up</artifactId><version>1</version><packaging>pom</packaging>
		<properties><a.version>2.0</a.version></properties><dependencyManagement><dependencies>
		<dependency><groupId>g</groupId><artifactId>b</artifactId><version>3.0</version></dependency></dependencies></dependencyManagement></project>`
	fsys := fstest.MapFS{"p/pom.xml": {Data: []byte(child)}, "pom.xml": {Data: []byte(parent)}}
	inv, err := File(t.Context(), fsys, "p/pom.xml")
	if got, want := names(inv), []string{"g:a 2.0", "g:b 3.0", "g:exact 1.5"}; err != nil || !slices.Equal(got, want) {
		t.Errorf("%q, %v; want %q", got, err, want)
	}
	// A pom that is not the parent it is taken for does not count; one that is
	// its own parent ends.
	fsys["pom.xml"] = &fstest.MapFile{Data: []byte(strings.ReplaceAll(parent, "<artifactId>up<", "<artifactId>other<"))}
	if inv, err = File(t.Context(), fsys, "p/pom.xml"); err != nil || len(inv.Items) != 1 {
		t.Errorf("%q, %v", names(inv), err)
	}
	fsys["p/pom.xml"] = &fstest.MapFile{Data: []byte(strings.ReplaceAll(strings.ReplaceAll(child, "<version>1</version></parent>",
		"<version>1</version><relativePath>.</relativePath></parent><version>1</version>"), "<artifactId>p<", "<artifactId>up<"))}
	if _, err = File(t.Context(), fsys, "p/pom.xml"); err != nil {
		t.Error(err)
	}
}

// TestNPM: names and versions of the three versions of npm's lock files.
func TestNPM(t *testing.T) {
	for text, want := range map[string][]string{
		`{"lockfileVersion":1,"dependencies":{"a":{"version":"1.0.0","dependencies":{"@s/b":{"version":"2.0.0"}}},
		  "c":{"version":"npm:@r/eal@3.0.0"},"d":{"version":"git+ssh://x/d.git#0a1b"},"e":{"version":"file:../e"},
		  "f":{"version":"https://registry.example/f/-/f-4.0.0.tgz"},"g":{"version":"https://example.com/g.tgz"}}}`: {
			"@r/eal 3.0.0", "@s/b 2.0.0", "a 1.0.0", "f 4.0.0"},
		`{"lockfileVersion":3,"packages":{"":{"name":"root","version":"9.9.9"},"node_modules/@s/b":{"version":"2.0.0"},
		  "node_modules/x/node_modules/y":{"version":"1.0.0"},"node_modules/alias":{"name":"real","version":"3.0.0"},
		  "node_modules/l":{"link":true,"resolved":"l"},"node_modules/n":{}},"dependencies":{"ignored":{"version":"1.0.0"}}}`: {
			"@s/b 2.0.0", "real 3.0.0", "y 1.0.0"},
	} {
		inv, err := File(t.Context(), file("package-lock.json", text), "package-lock.json")
		if got := names(inv); err != nil || !slices.Equal(got, want) {
			t.Errorf("%q, %v; want %q", got, err, want)
		}
	}
}

func TestFileRefusals(t *testing.T) {
	if _, err := File(t.Context(), file("readme.md", ""), "readme.md"); !errors.Is(err, ErrUnknown) {
		t.Errorf("unknown: %v", err)
	}
	for _, name := range []string{"package-lock.json", "composer.lock", "Pipfile.lock", "pom.xml"} {
		if _, err := File(t.Context(), file(name, "{ cut"), name); err == nil {
			t.Errorf("%s: a broken file is accepted", name)
		}
	}
}

// TestRoot: lock files within a tree, without those of installed packages.
func TestRoot(t *testing.T) {
	fsys := fstest.MapFS{
		"app/requirements.txt":                {Data: []byte("a==1.0\n")},
		"app/node_modules/b/package.json":     {Data: []byte(`{"name":"b","version":"2.0.0"}`)},
		"app/node_modules/b/requirements.txt": {Data: []byte("c==3.0\n")},
		"app/composer.lock":                   {Data: []byte("{ cut")},
		"lib/x.deps.json":                     {Data: []byte(`{"libraries":{"D/4.0.0":{"type":"package"}}}`)},
		"vendor/composer/installed.json":      {Data: []byte(`[{"name":"e/e","version":"5.0.0"}]`)},
		"vendor/e/e/package-lock.json":        {Data: []byte(`{"dependencies":{"no":{"version":"1.0.0"}}}`)},
		"b/package-lock.json":                 {Data: []byte(`{"dependencies":{"no":{"version":"1.0.0"}}}`)},
		"b/npm-shrinkwrap.json":               {Data: []byte(`{"dependencies":{"f":{"version":"7.0.0"}}}`)},
		"gems/rack-2.0/Gemfile.lock":          {Data: []byte("GEM\n  specs:\n    no (1.0)\n")},
		"usr/share/nodejs/x/requirements.txt": {Data: []byte("c==3.0\n")},
		"go/pkg/mod/ex.org/!f@v6.0.0/go.mod":  {Data: []byte("module ex.org/F\nrequire no.org/no v1.0.0\n")},
	}
	inv, err := extract.Root(t.Context(), fsys, extract.Options{Paths: []string{"."}, More: Kinds()})
	if got, want := names(inv), []string{"ex.org/F v6.0.0", "D 4.0.0", "e/e 5.0.0", "a 1.0", "b 2.0.0", "f 7.0.0"}; err != nil || !slices.Equal(got, want) || len(inv.Notes) != 1 {
		t.Errorf("%q, notes %q, %v; want %q", got, inv.Notes, err, want)
	}
}

// FuzzFile: no content of any format ends the program or makes an inventory
// that would be refused.
func FuzzFile(f *testing.F) {
	seeds := map[string]string{
		"package-lock.json": `{"lockfileVersion":2,"packages":{"node_modules/a":{"version":"1.0.0"}}}`,
		"yarn.lock":         "a@^1:\n  version \"1.0.0\"\n", "pnpm-lock.yaml": "lockfileVersion: 5.4\npackages:\n  /a/1.0.0:\n    dev: false\n",
		"requirements.txt": "a==1\n-r b.txt\n", "Pipfile.lock": `{"default":{"a":{"version":"==1"}}}`, "poetry.lock": "[[package]]\nname='a'\nversion='1'\n",
		"go.mod": "module x\ngo 1.20\nrequire a.b/c v1.0.0\n", "pom.xml": "<project><dependencies></dependencies></project>",
		"Gemfile.lock": "GEM\n  specs:\n    rack (2.0)\n", "Cargo.lock": "[[package]]\nname = \"a\"\nversion = \"1.0.0\"\n",
		"composer.lock": `{"packages":[{"name":"a/b","version":"1.0"}]}`, "gradle.lockfile": "g:a:1=compile\n",
		"mix.lock": `%{"a": {:hex, :a, "1.0.0", "x"}}`, "x.deps.json": `{"libraries":{"a/1.0":{"type":"package"}}}`,
		"go.sum": "a.b/c v1.0.0 h1:x=\n", "Cargo.toml": "[dependencies]\na='=1.2.3'\n", "conan.lock": `{"requires":["a/1#r"]}`,
		"x.csproj": `<Project><ItemGroup><PackageReference Include="A" Version="1"/></ItemGroup></Project>`, "renv.lock": `{"Packages":{}}`,
		"Package.resolved": `{"pins":[{"location":"https://a/b","state":{"version":"1"}}]}`, "Podfile.lock": "PODS:\n  - A (1)\n", "rebar.lock": `{pkg,<<"a">>,<<"1">>}`,
		"Manifest.toml": "[[deps.A]]\nversion='1'\n", "conanfile.txt": "[requires]\na/1\n", "build.sbt.lock": `{"dependencies":[{"org":"g","name":"a","version":"1"}]}`,
		"environment.yml": "dependencies:\n  - a=1\n  - pip:\n    - b==1\n", "Directory.Packages.props": `<P><PackageVersion Include="A" Version="1"/></P>`,
		"cabal.project.freeze": "constraints: any.a ==1\n", "pylock.toml": "[[packages]]\nname='a'\nversion='1'\n",
	}
	for name, text := range seeds {
		f.Add(name, text)
	}
	f.Fuzz(func(t *testing.T, name, text string) {
		name = path.Base(path.Clean("/" + name))
		if !Wants(name) || len(text) > 1<<16 {
			return
		}
		inv, err := File(context.Background(), file(name, text), name)
		if err == nil && inv.Violations(inventory.DefaultLimits(), 1) != nil {
			t.Errorf("%s %q: %v", name, text, inv.Violations(inventory.DefaultLimits(), 1))
		}
	})
}

// TestDevelopment: what only development needs is marked; what something else
// needs as well is not.
func TestDevelopment(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"package-lock.json": {`{"lockfileVersion":3,"packages":{"":{},"node_modules/a":{"version":"1.0.0"},"node_modules/b":{"version":"1.0.0","dev":true},
			"node_modules/c":{"version":"1.0.0","dev":true},"node_modules/a/node_modules/c":{"version":"1.0.0"},"node_modules/d":{"version":"1.0.0","devOptional":true}}}`, "b"},
		"v1/package-lock.json": {`{"lockfileVersion":1,"dependencies":{"a":{"version":"1.0.0","dependencies":{"b":{"version":"1.0.0"}}},"c":{"version":"1.0.0","dev":true}}}`, "c"},
		"Pipfile.lock":         {`{"default":{"a":{"version":"==1.0"},"b":{"version":"==1.0"}},"develop":{"b":{"version":"==1.0"},"c":{"version":"==1.0"}}}`, "c"},
		"composer.lock":        {`{"packages":[{"name":"a/a","version":"1.0"}],"packages-dev":[{"name":"b/b","version":"1.0"}]}`, "b/b"},
		"pnpm-lock.yaml":       {"lockfileVersion: 5.4\npackages:\n  /a/1.0.0:\n    resolution: {integrity: x}\n    dev: false\n  /b/1.0.0:\n    resolution: {integrity: x}\n    dev: true\n", "b"},
		"pom.xml": {`<project><dependencies><dependency><groupId>g</groupId><artifactId>a</artifactId><version>1</version></dependency>
			<dependency><groupId>g</groupId><artifactId>junit</artifactId><version>4</version><scope>test</scope></dependency></dependencies></project>`, "g:junit"},
	} {
		inv, err := File(t.Context(), fstest.MapFS{name: {Data: []byte(c.text)}}, name)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		var marked []string
		for _, it := range inv.Items {
			switch it.Role {
			case inventory.RoleDevelopment:
				marked = append(marked, it.Name)
			case "":
			default:
				t.Errorf("%s: %+v", name, it)
			}
		}
		if got := strings.Join(marked, " "); got != c.want || len(inv.Items) < 2 {
			t.Errorf("%s: %q is marked, want %q, of %d", name, got, c.want, len(inv.Items))
		}
	}
}
