// Package testshared finds what some tests need beside the code: the folder of
// real data (advisories, inventories) and programs to compare with. Only tests
// import it.
package testshared

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// Dir returns the folder: the environment variable MUSTER_SHARED, by default
// "../shared" beside the project's root. Without the folder the test is
// skipped with a message, or fails where the variable CI is set, because
// there nothing may be skipped quietly.
func Dir(t testing.TB) string {
	t.Helper()
	dir := os.Getenv("MUSTER_SHARED")
	if dir == "" {
		root, err := Root()
		if err != nil {
			t.Fatal(err)
		}
		dir = filepath.Join(root, "..", "shared")
	}
	if _, err := os.Stat(filepath.Join(dir, "advisories")); err != nil {
		Missing(t, "no real data at "+dir+": set MUSTER_SHARED to run this test")
	}
	return dir
}

// Tool is the path of a program that a test asks.
func Tool(t testing.TB, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		Missing(t, "no "+name+" on this machine")
	}
	return path
}

// Missing skips a test that cannot run here, and fails it where the variable CI
// is set.
func Missing(t testing.TB, why string) {
	t.Helper()
	if os.Getenv("CI") != "" {
		t.Fatal(why)
	}
	t.Skip(why)
}
