package lockfile

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"unicode/utf16"

	"muster/internal/inventory"
)

// TestOwnReaders: every format that muster reads itself, with what it must
// leave out: ranges, the project's own packages, files, repositories.
func TestOwnReaders(t *testing.T) {
	for _, tt := range []struct {
		name, text string
		want       []string
	}{
		{"yarn.lock", "# yarn lockfile v1\n\n\"@s/a@^1\", \"@s/a@^1.1\":\n  version \"1.2.0\"\n  resolved \"https://r.example/@s/a/-/a-1.2.0.tgz#0\"\n  dependencies:\n    version \"9\"\n" +
			"alias@npm:real@^2:\n  version \"2.0.0\"\n\nfork@^1:\n  version \"1.5.0\"\n  resolved \"https://r.example/@other/fork/-/fork-1.5.0.tgz\"\n" +
			"\"g@git+https://x/g.git\":\n  version \"1.0.0\"\n  resolved \"git+https://x/g.git#0a\"\n\"l@file:l.tgz\":\n  version \"1.0.0\"\n" +
			"\"q@^3\":\n  \"version\" \"3.6.0\"\n",
			[]string{"@other/fork 1.5.0", "@s/a 1.2.0", "q 3.6.0", "real 2.0.0"}},
		{"yarn.lock", "__metadata:\n  version: 8\n\n\"a@npm:^1, a@npm:^1.1\":\n  version: 1.2.0\n  resolution: \"a@npm:1.2.0\"\n\n\"al@npm:@s/b@^2\":\n  version: 2.0.0\n  resolution: \"@s/b@npm:2.0.0\"\n\n" +
			"\"f@patch:f@^2#~builtin<compat/f>\":\n  version: 2.3.2\n  resolution: \"f@patch:f@npm%3A2.3.2#~builtin<compat/f>::version=2.3.2\"\n\n\"own@workspace:.\":\n  version: 0.0.0-use.local\n  resolution: \"own@workspace:.\"\n",
			[]string{"@s/b 2.0.0", "a 1.2.0", "f 2.3.2"}},
		{"pnpm-lock.yaml", "lockfileVersion: 5.3\npackages:\n  /@s/a/1.0.0_react@17.0.2+x@1.0.0:\n    dev: false\n  /b/2.0.0:\n    dev: true\n  registry.example.com/c/3.0.0:\n    dev: false\n" +
			"  github.com/o/d/0a1b:\n    name: d\n    version: 4.0.0\n    resolution: {tarball: https://x/d.tgz}\n  file:../e:\n    name: e\n    version: 1.0.0\n    resolution: {directory: ../e, type: directory}\n",
			[]string{"@s/a 1.0.0", "b 2.0.0", "c 3.0.0", "d 4.0.0"}},
		{"pnpm-lock.yaml", "---\nlockfileVersion: '9.0'\npackages:\n  tool@1.0.0: {}\n---\nlockfileVersion: '9.0'\npackages:\n  '@s/a@1.0.0': {}\n  /b@2.0.0: {}\n  x@file:x: {}\n", []string{"@s/a 1.0.0", "b 2.0.0"}},
		{"bun.lock", `{"lockfileVersion":1,"packages":{"own":["own@workspace:own"],"a":["a@1.0.0","",{},"sha512-x"],}}`, []string{"a 1.0.0"}},
		{"requirements.txt", "\ufeffa==1.0\r\nb[x,y] == 2.0 ; python_version < '3'\r\nc==3.0#why\nd (==4.0)\ne==1.*\nf>=1\ng==1.5,>=1\nh=='bad'\ni==6 \\\n  --hash=sha256:0\n" +
			"-e git+https://x/y#egg=z==1\nj @ https://x/j.whl\n# k==1\n-c constraints.txt\nl===1.0\n{{m}}==1\n", []string{"a 1.0", "b 2.0", "c 3.0", "d 4.0", "g 1.5", "i 6", "l 1.0"}},
		{"Package.resolved", `{"version":1,"object":{"pins":[{"package":"N","repositoryURL":"https://github.com/Q/N.git","state":{"version":"9.2.1"}},{"package":"B","repositoryURL":"https://x/b","state":{"branch":"main","version":null}}]}}`, []string{"github.com/Q/N 9.2.1"}},
		{"Package.resolved", `{"version":3,"pins":[{"identity":"n","location":"git@github.com:Q/N.git","state":{"version":"9.2.1"}},{"identity":"s.n","kind":"registry","location":"","state":{"version":"1.0.0"}}]}`, []string{"github.com/Q/N 9.2.1", "s.n 1.0.0"}},
		{"Podfile.lock", "PODS:\n  - A (4.2.0):\n    - A/Core (= 4.2.0)\n  - A/Core (4.2.0)\nCOCOAPODS: 1.11.2\n", []string{"A 4.2.0", "A/Core 4.2.0"}},
		{"Manifest.toml", "[[JSON]]\nversion = \"0.21.3\"\n[[Dates]]\nuuid = \"x\"\n", []string{"JSON 0.21.3"}},
		{"Manifest.toml", "manifest_format = \"2.0\"\n[[deps.A]]\nversion = \"1.0.0\"\n[deps.A.deps]\nB = \"x\"\n[[deps.Own]]\nversion = \"0.1.0\"\npath = \".\"\n", []string{"A 1.0.0"}},
		{"conan.lock", `{"version":"0.4","graph_lock":{"nodes":{"0":{"path":"c.txt"},"1":{"ref":"a/1.0@u/c#r"},"2":{"ref":"b/system"},"3":{"ref":"x/y/z"}}}}`, []string{"a 1.0"}},
		{"conanfile.txt", "[requires]\na/1.0 # why\nb/[>1.0]\n[tool_requires]\nc/2.0\n[generators]\nd/3.0\n", []string{"a 1.0", "c 2.0"}},
		{"build.sbt.lock", `{"dependencies":[{"org":"g","name":"a_2.13","version":"1.0","configurations":["compile","test"]}]}`, []string{"g:a_2.13 1.0"}},
		{"rebar.lock", "{\"1.2.0\",\n[{<<\"cow\">>,{pkg,<<\"cowboy\">>,<<\"2.9.0\">>},0},\n {<<\"g\">>,{git,\"https://x/g\",{ref,\"0a\"}},0}]}.\n", []string{"cowboy 2.9.0"}},
		{"environment.yml", "dependencies:\n  - a=1.0=h0\n  - main::b==2.0\n  - c 3.0 h1\n  - d>=1\n  - e=1.*\n  - f\n  - pip:\n    - g==4.0\n    - h>=1\n", []string{"a 1.0", "b 2.0", "c 3.0", "g 4.0"}},
		{"Directory.Packages.props", "\ufeff<Project><ItemGroup><PackageVersion Include=\"A\" Version=\"1.0\"/><PackageVersion Update=\"B\" Version=\"[2.0]\"/><PackageVersion Include=\"C\" Version=\"$(V)\"/><PackageVersion Include=\"D\" Version=\"[1,2)\"/></ItemGroup></Project>", []string{"A 1.0", "B 2.0"}},
		{".github/workflows/ci.yml", "jobs:\n  x:\n    steps:\n      - uses: o/a@v1.2.3\n      - uses: o/b/sub@0123456789012345678901234567890123456789 # v2.0.0\n      - uses: o/c@v4\n      - uses: ./own\n", []string{"o/a 1.2.3", "o/b 2.0.0"}},
		{"paket.lock", "NUGET\n  remote: https://api.nuget.org/v3/index.json\n    A (1.0)\n      B (>= 2.0)\n    B (2.1)\n\nGITHUB\n  remote: o/r\n    o/r (3.0)\n", []string{"A 1.0", "B 2.1"}},
		{"package-lock.json", "\ufeff{\"lockfileVersion\":3,\"packages\":{\"node_modules/a\":{\"version\":\"1.0.0\"}}}", []string{"a 1.0.0"}},
	} {
		inv, err := File(t.Context(), file(tt.name, tt.text), tt.name)
		if got := names(inv); err != nil || !slices.Equal(got, tt.want) {
			t.Errorf("%s: %q, %v; want %q", tt.name, got, err, tt.want)
		}
	}
}

// utf16Text is what Windows' shells write: little-endian, with a mark.
func utf16Text(text string) string {
	out := []byte{0xff, 0xfe}
	for _, u := range utf16.Encode([]rune(text)) {
		out = append(out, byte(u), byte(u>>8))
	}
	return string(out)
}

func TestUTF16(t *testing.T) {
	for name, text := range map[string]string{
		"requirements.txt": "a==1.0\r\n", "package-lock.json": `{"packages":{"node_modules/a":{"version":"1.0"}}}`,
		"composer.lock": `{"packages":[{"name":"a","version":"1.0"}]}`,
	} {
		inv, err := File(t.Context(), file(name, utf16Text(text)), name)
		if got := names(inv); err != nil || !slices.Equal(got, []string{"a 1.0"}) {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}

// TestIncludedRequirements: what is included counts once, also in circles;
// what is not there hides nothing.
func TestIncludedRequirements(t *testing.T) {
	fsys := fstest.MapFS{
		"requirements.txt":          {Data: []byte("-r requirements/base.txt\n--requirement=gone.txt\na==1.0\n")},
		"requirements/base.txt":     {Data: []byte("-r ../requirements.txt\n-rmore.txt\nb==2.0\n")},
		"requirements/more.txt":     {Data: []byte("c==3.0\n")},
		"requirements/elsewhere.md": {Data: []byte("d==4.0\n")},
	}
	for _, name := range []string{"requirements.txt", "requirements/base.txt"} {
		inv, err := File(t.Context(), fsys, name)
		if got, want := names(inv), []string{"a 1.0", "b 2.0", "c 3.0"}; err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: %q, %v; want %q", name, got, err, want)
		}
	}
}

// TestPNPMDevelopment: version 9 marks nothing; what no importer needs but for
// development is for development.
func TestPNPMDevelopment(t *testing.T) {
	const text = `lockfileVersion: '9.0'
importers:
  .:
    dependencies:
      a: {specifier: ^1, version: 1.0.0(peer@1.0.0)}
      alias: {specifier: 'npm:real@1', version: real@1.0.0}
    devDependencies:
      b: {specifier: ^1, version: 1.0.0}
packages:
  a@1.0.0: {}
  b@1.0.0: {}
  peer@1.0.0: {}
  real@1.0.0: {}
  shared@1.0.0: {}
snapshots:
  a@1.0.0(peer@1.0.0): {dependencies: {peer: 1.0.0, shared: 1.0.0}}
  b@1.0.0: {dependencies: {shared: 1.0.0, a: 1.0.0(peer@1.0.0)}}
  peer@1.0.0: {dependencies: {a: 1.0.0(peer@1.0.0)}}
  real@1.0.0: {}
  shared@1.0.0: {}
`
	inv, err := File(t.Context(), file("pnpm-lock.yaml", text), "pnpm-lock.yaml")
	if err != nil || len(inv.Items) != 5 {
		t.Fatalf("%+v, %v", inv.Items, err)
	}
	for _, it := range inv.Items {
		if (it.Role == inventory.RoleDevelopment) != (it.Name == "b") {
			t.Errorf("%s is %q", it.Name, it.Role)
		}
	}
}

// TestWantsOwn: which names are read, and which only look like it.
func TestWantsOwn(t *testing.T) {
	want := map[string]bool{
		"requirements/dev.txt": true, "dev-requirements.txt": true, "requirements.in": false, "notes.txt": false,
		".github/workflows/a.yaml": true, "x/.github/actions/y/action.yml": true, "workflows/a.yaml": false, "docs/environment.yml": true,
	}
	for _, name := range slices.Sorted(maps.Keys(want)) {
		if got := Wants(name); got != want[name] {
			t.Errorf("Wants(%q) = %v", name, got)
		}
	}
}

// TestOwnReadersRefuse: a broken file is an error, not an empty project.
func TestOwnReadersRefuse(t *testing.T) {
	for _, name := range []string{"pnpm-lock.yaml", "Package.resolved", "Podfile.lock", "Manifest.toml", "conan.lock", "build.sbt.lock", "Directory.Packages.props"} {
		if inv, err := File(t.Context(), file(name, "{[<a"+strings.Repeat("[", 10)), name); err == nil {
			t.Errorf("%s: accepted: %+v", name, inv.Items)
		}
	}
	if _, err := File(t.Context(), fstest.MapFS{"requirements.txt": {Mode: fs.ModeDir}}, "requirements.txt"); err == nil {
		t.Error("a folder is accepted")
	}
}

// TestDeepTOML: a file that nests a million arrays is an error of that file;
// the stack of its parser would end the program. Brackets in strings and
// comments are none.
func TestDeepTOML(t *testing.T) {
	deep := "a = " + strings.Repeat("[", 3_000_000)
	for _, name := range []string{"Manifest.toml", "poetry.lock", "uv.lock", "pdm.lock", "Cargo.lock", "Cargo.toml", "pylock.toml"} {
		if _, err := File(t.Context(), file(name, deep), name); !errors.Is(err, errDeep) {
			t.Errorf("%s: %v", name, err)
		}
	}
	brackets := strings.Repeat("[", 2*maxNesting)
	for _, text := range []string{"a = \"" + brackets + "\"", "a = '" + brackets + "'", "a = \"\"\"\n\\\"" + brackets + "\"\"\"", "a = '''\n" + brackets + "'''", "# " + brackets} {
		if err := shallow([]byte(text + "\n[[package]]\nname = 'a'\n")); err != nil {
			t.Errorf("%.20q: %v", text, err)
		}
	}
}

// TestAliases: a small file that aliases make large is refused.
func TestAliases(t *testing.T) {
	const text = "lockfileVersion: '9.0'\nsnapshots:\n  a@1: &a {dependencies: {b: '1'}}\n  b@1: *a\n"
	if _, err := File(t.Context(), file("pnpm-lock.yaml", text), "pnpm-lock.yaml"); !errors.Is(err, errAliases) {
		t.Errorf("%v", err)
	}
}

// TestManyKeys: a mapping with very many keys takes time in proportion.
func TestManyKeys(t *testing.T) {
	var text strings.Builder
	text.WriteString("lockfileVersion: '9.0'\npackages:\n")
	for i := range 50_000 {
		fmt.Fprintf(&text, " p%d@1.0.0: {}\n", i)
	}
	inv, err := File(t.Context(), file("pnpm-lock.yaml", text.String()), "pnpm-lock.yaml")
	if err != nil || len(inv.Items) != 50_000 {
		t.Errorf("%d packages, %v", len(inv.Items), err)
	}
}
