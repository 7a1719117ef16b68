package apk

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"testing/fstest"

	"muster/internal/extract/kernel"
	"muster/internal/inventory"
	"muster/internal/testshared"
)

func alpine() inventory.OS { return inventory.OS{ID: "alpine", Ecosystem: "Alpine:v3.19"} }

const installed = `C:Q1=
P:busybox-binsh
V:1.36.1-r15
A:x86_64
o:busybox
F:bin
R:sh
F:usr/lib/python3.11/site-packages/x.dist-info
M:0:0:0755
R:METADATA

P:alone
V:1.0-r0
A:x86_64

P:no-version

P:linux-virt
V:6.6.1-r0
A:x86_64
`

func TestRead(t *testing.T) {
	for _, name := range Files() {
		fsys := fstest.MapFS{name: {Data: []byte(installed)}}
		items, err := Read(fsys, alpine(), kernel.Running{None: true})
		if err != nil || len(items) != 3 {
			t.Fatalf("%s: %d packages, %v", name, len(items), err)
		}
		want := inventory.Component{Ecosystem: "Alpine:v3.19", Name: "busybox-binsh", Version: "1.36.1-r15", Arch: "x86_64",
			Source: "busybox", SourceVersion: "1.36.1-r15", Manager: inventory.ManagerOS}
		if items[0].Component != want {
			t.Errorf("got %+v, want %+v", items[0].Component, want)
		}
		if items[1].Source != "alone" || items[2].Role != inventory.RoleKernelIdle {
			t.Errorf("got %+v", items[1:])
		}
	}
	if _, err := Read(fstest.MapFS{}, alpine(), kernel.Running{}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no database: %v", err)
	}
}

func TestOwners(t *testing.T) {
	fsys := fstest.MapFS{"lib/apk/db/installed": {Data: []byte(installed)}}
	const metadata = "usr/lib/python3.11/site-packages/x.dist-info/METADATA"
	owners, err := Owners(fsys, map[string]bool{metadata: true, "bin/bash": true})
	if err != nil || len(owners) != 1 || owners[metadata] != "busybox-binsh" {
		t.Errorf("%v, %v", owners, err)
	}
}

func TestRealDatabases(t *testing.T) {
	for folder, want := range map[string]int{"apk-syft": 14, "apk-trivy": 15 /* and one without a version */} {
		items, err := Read(os.DirFS(filepath.Join(testshared.Dir(t), "targets", "os", folder)), alpine(), kernel.Running{})
		if err != nil || len(items) != want {
			t.Errorf("%s: %d packages, want %d; %v", folder, len(items), want, err)
		}
		for _, it := range items {
			if it.Version == "" || it.Arch == "" || it.Source == "" {
				t.Errorf("%s: incomplete %+v", folder, it)
			}
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(installed))
	f.Fuzz(func(t *testing.T, data []byte) {
		n := 0
		_ = Parse(data, func(p Package) {
			if n++; p.Name == "" {
				t.Error("package without a name")
			}
		}, func(string, string) {})
		if n > len(data) {
			t.Errorf("%d packages of %d bytes", n, len(data))
		}
	})
}
