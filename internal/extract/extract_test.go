package extract

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"golang.org/x/tools/txtar"

	"muster/internal/inventory"
	"muster/internal/source/host"
	"muster/internal/testshared"
)

// describe writes an item as the scripts in testdata do.
func describe(it inventory.Item) string {
	line := fmt.Sprintf("%s %s %s %s", it.Manager, orDash(it.Ecosystem), it.Name, it.Version)
	for _, f := range []struct{ name, value string }{
		{"arch", it.Arch}, {"source", it.Source + "@" + it.SourceVersion}, {"role", string(it.Role)}, {"owner", it.OwnedBy}, {"path", it.Path},
	} {
		if f.value != "" && f.value != "@" {
			line += " " + f.name + "=" + f.value
		}
	}
	return line
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

func TestScripts(t *testing.T) {
	scripts, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(scripts) == 0 {
		t.Fatal("no scripts", err)
	}
	for _, script := range scripts {
		t.Run(strings.TrimSuffix(filepath.Base(script), ".txtar"), func(t *testing.T) {
			a, err := txtar.ParseFile(script)
			if err != nil {
				t.Fatal(err)
			}
			fsys, want := fstest.MapFS{}, map[string]string{}
			for _, f := range a.Files {
				if strings.HasPrefix(f.Name, "want") {
					want[f.Name] = string(f.Data)
					continue
				}
				fsys[f.Name] = &fstest.MapFile{Data: f.Data, Mode: 0o644}
			}
			inv, err := Root(t.Context(), fsys, scriptOptions(t, string(a.Comment)))
			if err != nil {
				t.Fatal(err)
			}
			checkItems(t, inv, want["want"])
			checkNotes(t, inv, want["want-notes"])
		})
	}
}

func scriptOptions(t *testing.T, comment string) Options {
	t.Helper()
	switch words := strings.Fields(comment); words[0] {
	case "instance":
		return ForInstance(words[1], words[2])
	case "image":
		return ForImage()
	}
	t.Fatalf("options %q", comment)
	return Options{}
}

func checkItems(t *testing.T, inv inventory.Inventory, want string) {
	t.Helper()
	got := map[string]bool{}
	for _, it := range inv.Items {
		got[describe(it)] = true
	}
	for line := range strings.Lines(want) {
		if line = strings.TrimSpace(line); line != "" && !got[line] {
			t.Errorf("missing: %s", line)
		}
		delete(got, strings.TrimSpace(line))
	}
	for line := range got {
		t.Errorf("too much: %s", line)
	}
}

func checkNotes(t *testing.T, inv inventory.Inventory, want string) {
	t.Helper()
	lines := strings.Split(strings.TrimSpace(want), "\n")
	if want == "" {
		lines = nil
	}
	if len(lines) != len(inv.Notes) {
		t.Fatalf("notes %q, want %q", inv.Notes, lines)
	}
	for i, line := range lines {
		if !strings.HasPrefix(inv.Notes[i], line) {
			t.Errorf("note %q, want %q", inv.Notes[i], line)
		}
	}
}

func TestOperatingSystem(t *testing.T) {
	fsys := fstest.MapFS{
		"etc/os-release":      {Data: []byte("ID=debian\nVERSION_ID=12\n")},
		"var/lib/dpkg/status": {Data: []byte("Package: a\nVersion: 1\nArchitecture: all\n\nPackage: b\nVersion: 1\nArchitecture: arm64\n")},
	}
	inv, err := Root(t.Context(), fsys, Options{})
	if err != nil || inv.OS.Arch != "ARM64" || inv.OS.Platform != "DEBIAN_12" || inv.OS.Kernel != "" {
		t.Errorf("%+v, %v", inv.OS, err)
	}
	inv, err = Root(t.Context(), fsys, ForInstance("6.1.0", "x86_64"))
	if err != nil || inv.OS.Arch != "X86_64" || inv.OS.Kernel != "6.1.0" {
		t.Errorf("%+v, %v", inv.OS, err)
	}
}

func TestABrokenDatabaseIsToldApartFromAnEmptyOne(t *testing.T) {
	fsys := fstest.MapFS{"var/lib/dpkg/status": {Data: []byte("Package: a\nVersion: 1\n\nPackage: b\n" + strings.Repeat(" x\n", 1<<20))}}
	inv, err := Root(t.Context(), fsys, ForInstance("", ""))
	if !errors.Is(err, ErrIncomplete) || len(inv.Items) != 1 || len(inv.Notes) != 1 {
		t.Errorf("%d items, notes %q, %v", len(inv.Items), inv.Notes, err)
	}
}

// modules is a tree of n installed Node.js packages.
func modules(n int) fstest.MapFS {
	fsys := fstest.MapFS{}
	for i := range n {
		fsys[fmt.Sprintf("usr/lib/node_modules/p%04d/package.json", i)] = &fstest.MapFile{Data: fmt.Appendf(nil, `{"name":"p%04d","version":"1.0.0"}`, i)}
	}
	return fsys
}

func TestTooManyPackages(t *testing.T) {
	opts := ForInstance("", "")
	opts.MaxPackages = 10
	inv, err := Root(t.Context(), modules(10), opts)
	if err != nil || len(inv.Items) != 10 || len(inv.Notes) != 0 {
		t.Errorf("at the limit: %d items, notes %q, %v", len(inv.Items), inv.Notes, err)
	}
	inv, err = Root(t.Context(), modules(11), opts)
	if err != nil || len(inv.Items) != 10 || len(inv.Notes) != 1 || !strings.HasPrefix(inv.Notes[0], NoteTooManyPackages) {
		t.Errorf("over the limit: %d items, notes %q, %v", len(inv.Items), inv.Notes, err)
	}
}

func TestTooLong(t *testing.T) {
	opts := ForInstance("", "")
	opts.MaxTime = time.Nanosecond
	inv, err := Root(t.Context(), modules(5), opts)
	if err != nil || len(inv.Notes) != 1 || !strings.HasPrefix(inv.Notes[0], NoteTooLong) {
		t.Errorf("notes %q, %v", inv.Notes, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Root(ctx, modules(5), ForInstance("", "")); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled by the caller: %v", err)
	}
}

func TestOddPackagesAreLeftOut(t *testing.T) {
	fsys := modules(1)
	fsys["usr/lib/node_modules/x/package.json"] = &fstest.MapFile{Data: []byte(`{"name":"a\u0000b","version":"1"}`)}
	inv, err := Root(t.Context(), fsys, ForInstance("", ""))
	if err != nil || len(inv.Items) != 1 || len(inv.Notes) != 1 {
		t.Errorf("%d items, notes %q, %v", len(inv.Items), inv.Notes, err)
	}
	if bad := inv.Violations(inventory.DefaultLimits(), 5); bad != nil {
		t.Error(bad)
	}
}

// TestSymbolicLinksAreNotFollowed: a link to the root would show everything
// twice, or without end.
func TestSymbolicLinksAreNotFollowed(t *testing.T) {
	root := t.TempDir()
	folder := filepath.Join(root, "usr/lib/node_modules/a")
	if err := os.MkdirAll(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, "package.json"), []byte(`{"name":"a","version":"1.0.0"}`), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, link := range []string{"usr/lib64", "usr/lib/node_modules/b", "usr/lib/node_modules/a/node_modules"} {
		if err := os.Symlink(filepath.Join(root, "usr/lib"), filepath.Join(root, link)); err != nil {
			t.Fatal(err)
		}
	}
	h, err := host.Open(root)
	if err != nil {
		t.Fatal(err)
	}
	inv, err := Root(t.Context(), h.FS(), ForInstance("", ""))
	if err != nil || len(inv.Items) != 1 {
		t.Errorf("%v, %v", inv.Items, err)
	}
}

// TestGoExecutable finds the modules of the executable that runs this test.
func TestGoExecutable(t *testing.T) {
	name, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	fsys := fstest.MapFS{
		"usr/local/lib/tool":   {Data: data, Mode: 0o755},
		"usr/local/lib/not-it": {Data: data, Mode: 0o644},
		"usr/local/lib/script": {Data: []byte("#!/bin/sh\n"), Mode: 0o755},
		"usr/local/lib/of.EXE": {Data: []byte("MZ, whose mode says nothing"), Mode: 0o644},
	}
	inv, err := Root(t.Context(), fsys, ForInstance("", ""))
	if err != nil || len(inv.Notes) != 0 || len(inv.Items) == 0 {
		t.Fatalf("%d items, notes %q, %v", len(inv.Items), inv.Notes, err)
	}
	for _, it := range inv.Items {
		if it.Path != "/usr/local/lib/tool" || it.Manager != inventory.ManagerGoBinary {
			t.Errorf("%+v", it)
		}
		if it.Name == "stdlib" && (it.Role != inventory.RoleToolchain || "go"+it.Version != strings.Fields(runtime.Version())[0]) {
			t.Errorf("standard library: %+v", it)
		}
	}
}

func TestTopmost(t *testing.T) {
	got := topmost([]string{"usr/lib", "/opt", "usr/lib/x/", "usr/lib64", "usr/lib", "../etc", "opt"})
	if want := "[opt usr/lib usr/lib64]"; fmt.Sprint(got) != want {
		t.Errorf("got %v, want %v", got, want)
	}
	if got := topmost([]string{"a", "."}); fmt.Sprint(got) != "[.]" {
		t.Errorf("got %v", got)
	}
}

func TestFolder(t *testing.T) {
	for name, want := range map[string]string{
		"/usr/lib/python3/dist-packages/six-1.16.0.egg-info": "/usr/lib/python3/dist-packages",
		"/usr/lib/node_modules/npm/package.json":             "/usr/lib/node_modules",
		"/opt/app/lib/a.jar":                                 "/opt/app/lib",
		"/usr/local/bin/tool":                                "",
		"":                                                   "",
	} {
		if got := Folder(inventory.Item{Path: name}); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}

// TestRealMachine is the developer machine of the shared data, whose packages
// include those of other publishers.
func TestRealMachine(t *testing.T) {
	h, err := host.Open(filepath.Join(testshared.Dir(t), "targets", "os", "bookworm-developer-machine"))
	if err != nil {
		t.Fatal(err)
	}
	inv, err := Root(t.Context(), h.FS(), ForInstance("6.1.0-18-amd64", "x86_64"))
	if err != nil || len(inv.Items) != 914 || inv.OS.Ecosystem != "Debian:12" {
		t.Errorf("%d items, %+v, %v", len(inv.Items), inv.OS, err)
	}
	roles := map[inventory.Role]int{}
	for _, it := range inv.Items {
		roles[it.Role]++
	}
	if roles[inventory.RoleKernelHeaders] == 0 || roles[inventory.RoleThirdParty] == 0 {
		t.Errorf("roles %v", roles)
	}
}

// BenchmarkThisMachine is a whole look at the machine that runs it.
func BenchmarkThisMachine(b *testing.B) {
	h, err := host.Open("/")
	if err != nil {
		b.Fatal(err)
	}
	release, machine, err := h.Kernel()
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := Root(b.Context(), h.FS(), ForInstance(release, machine)); err != nil {
			b.Fatal(err)
		}
	}
}

// TestProgramsOfPackages: a program that a package of the distribution brought
// is the distribution's to judge, in every form of database that says so; the
// same program beside it is judged as what it is.
func TestProgramsOfPackages(t *testing.T) {
	program := &fstest.MapFile{Data: []byte("\x7fELFnode.js/v19.2.0"), Mode: 0o755}
	for name, system := range map[string]fstest.MapFS{
		"dpkg": {
			"etc/os-release":      {Data: []byte("ID=debian\nVERSION_ID=12\n")},
			"var/lib/dpkg/status": {Data: []byte("Package: nodejs\nStatus: install ok installed\nVersion: 19.2.0-1\nArchitecture: amd64\n")},
			// merged systems have it at the other place
			"var/lib/dpkg/info/nodejs.list": {Data: []byte("/bin/node\n")},
		},
		"distroless": {
			"etc/os-release":                       {Data: []byte("ID=debian\nVERSION_ID=12\n")},
			"var/lib/dpkg/status.d/nodejs":         {Data: []byte("Package: nodejs\nVersion: 19.2.0-1\nArchitecture: amd64\n")},
			"var/lib/dpkg/status.d/nodejs.md5sums": {Data: []byte("d41d8cd98f00b204e9800998ecf8427e  usr/bin/node\n")},
		},
		"apk": {
			"etc/os-release":       {Data: []byte("ID=alpine\nVERSION_ID=3.20.1\n")},
			"lib/apk/db/installed": {Data: []byte("P:nodejs\nV:19.2.0-r0\nA:x86_64\nF:usr/bin\nR:node\n\n")},
		},
		"apk of Wolfi": {
			"etc/os-release":       {Data: []byte("ID=wolfi\nVERSION_ID=20230201\n")},
			"lib/apk/db/installed": {Data: []byte("P:nodejs\nV:19.2.0-r0\nA:x86_64\nF:usr/bin\nR:node\n\n")},
		},
	} {
		system["usr/bin/node"], system["usr/local/bin/node"] = program, program
		inv, err := Root(t.Context(), system, ForImage())
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		roles := map[string]inventory.Role{}
		for _, it := range inv.Items {
			if it.Path != "" {
				roles[it.Path] = it.Role
			}
		}
		if len(roles) != 2 || roles["/usr/bin/node"] != inventory.RoleOwned || roles["/usr/local/bin/node"] != "" {
			t.Errorf("%s: %v", name, roles)
		}
	}
}
