package golang

import (
	"bytes"
	"errors"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"

	"muster/internal/inventory"
)

// TestThisTest reads the executable that runs it.
func TestThisTest(t *testing.T) {
	name, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	found, err := Read(f)
	if err != nil {
		t.Fatal(err)
	}
	want := inventory.Component{Ecosystem: "Go", Name: Stdlib, Version: toolchain(runtime.Version()), Manager: inventory.ManagerGoBinary}
	if want.Version != "" && (len(found) == 0 || found[0] != want) {
		t.Errorf("got %+v, want %+v first", found, want)
	}
}

func TestToolchain(t *testing.T) {
	for version, want := range map[string]string{
		"go1.22.1": "1.22.1", "go1.22.1 X:boringcrypto": "1.22.1", "go1.21.0-custom": "1.21.0", "go1.23rc1": "1.23rc1",
		"devel go1.23-abcdef": "", "": "",
	} {
		if got := toolchain(version); got != want {
			t.Errorf("%q: %q, want %q", version, got, want)
		}
	}
}

// TestSetVersion: the version that the build gave a program to print is its
// main module's, unless it is another's or the module can have no such one.
func TestSetVersion(t *testing.T) {
	for _, c := range []struct{ flags, path, want string }{
		{"-s -w -X main.version=1.2.3", "example.org/tool", "v1.2.3"},
		{"-X=main.Version=v1.2.3 -s", "example.org/tool", "v1.2.3"},
		{`-X "example.org/tool/pkg/version.Version=v0.4.0-rc.1" -s`, "example.org/tool", "v0.4.0-rc.1"},
		{"-X 'example.org/tool/v3/internal/version.version=v3.11.1'", "example.org/tool/v3", "v3.11.1"},
		{"-X github.com/hashicorp/consul/version.GitCommit=96505027 -X github.com/hashicorp/consul/version.GitDescribe=1.12.9", "github.com/hashicorp/consul", "v1.12.9"},
		{"-X k8s.io/ingress-nginx/version.RELEASE=v1.15.1", "k8s.io/ingress-nginx", "v1.15.1"},
		// releases that are no versions of the module
		{"-X main.version=10.3.12", "github.com/grafana/grafana", ""},
		{"-X example.org/tool/v3/version.Version=2.0.0", "example.org/tool/v3", ""},
		// what it depends on, other variables, other texts
		{"-X example.org/library/version.Version=1.2.3", "example.org/tool", ""},
		{"-X example.org/tools/version.Version=1.2.3", "example.org/tool", ""},
		{"-X main.helmVersion=1.2.3 -X main.commit=1.2.3", "example.org/tool", ""},
		{"-X main.version=dev -X main.version=1.2", "example.org/tool", ""},
		{"-X main.version=1.2.3", "", ""},
	} {
		if got := setVersion(c.flags, c.path); got != c.want {
			t.Errorf("%s of %s: %q, want %q", c.flags, c.path, got, c.want)
		}
	}
}

// TestMainVersion: what the linker recorded goes before what a variable says.
func TestMainVersion(t *testing.T) {
	info := &debug.BuildInfo{Main: debug.Module{Path: "example.org/tool", Version: "(devel)"}}
	if got := mainVersion(info); got != "" {
		t.Errorf("nothing is told: %q", got)
	}
	info.Settings = []debug.BuildSetting{{Key: "-compiler", Value: "gc"}, {Key: "-ldflags", Value: "-X main.version=1.2.3"}}
	if got := mainVersion(info); got != "v1.2.3" {
		t.Errorf("a variable tells: %q", got)
	}
	info.Main.Version = "v1.2.4"
	if got := mainVersion(info); got != "v1.2.4" {
		t.Errorf("the linker tells: %q", got)
	}
}

func TestOtherFiles(t *testing.T) {
	for _, text := range []string{"", "x", "#!/bin/sh\n", "\x7fELF", "\x7fELF" + strings.Repeat("\x02", 500), "MZ" + strings.Repeat("x", 500)} {
		if found, err := Read(strings.NewReader(text)); !errors.Is(err, ErrNotGo) {
			t.Errorf("%.10q: %v, %v", text, found, err)
		}
	}
}

func TestWants(t *testing.T) {
	for name, want := range map[string]bool{"usr/local/bin/terraform_1.5.0": true, "bin/kubectl": true, "a.exe": true, "x/libc.so": false, "x/a.PY": false} {
		if Wants(name) != want {
			t.Errorf("%s: %v", name, !want)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte("\x7fELF\x02\x01\x01"))
	f.Fuzz(func(t *testing.T, data []byte) {
		_, _ = Read(bytes.NewReader(data))
	})
}
