package golang

import (
	"bytes"
	"errors"
	"os"
	"runtime"
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
