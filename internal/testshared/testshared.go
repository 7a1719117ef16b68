// Package testshared finds the folder of real data (advisories, inventories)
// that some tests read. Only tests import it.
package testshared

import (
	"os"
	"path/filepath"
	"runtime"
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
		_, file, _, _ := runtime.Caller(0)
		dir = filepath.Join(filepath.Dir(file), "..", "..", "..", "shared")
	}
	if _, err := os.Stat(filepath.Join(dir, "advisories")); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatalf("no real data at %s: set MUSTER_SHARED", dir)
		}
		t.Skipf("no real data at %s: set MUSTER_SHARED to run this test", dir)
	}
	return dir
}
