package up

import (
	"maps"
	"os"
	"path/filepath"
	"testing"
)

// TestProfilesSurviveAnInterruptedWrite leaves half a draft beside the file.
func TestProfilesSurviveAnInterruptedWrite(t *testing.T) {
	dir := t.TempDir()
	read := func() *profiles {
		t.Helper()
		p, err := readProfiles(dir)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	want := map[string]key{}
	for _, name := range []string{"management", "audit"} {
		want[name] = key{"ID-" + name, "secret+/= of " + name}
		if err := read().put(name, want[name]); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "aws", "credentials.new"), []byte("[management]\naws_acc"), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := read().keys; !maps.Equal(got, want) {
			t.Errorf("read %v, want %v", got, want)
		}
	}
	info, err := os.Stat(filepath.Join(dir, "aws", "credentials"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
}
