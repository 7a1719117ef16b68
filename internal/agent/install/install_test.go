package install

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func TestInstallUpgradeAndUninstall(t *testing.T) {
	root, built := t.TempDir(), filepath.Join(t.TempDir(), "muster-agent")
	var said []string
	target := Target{Root: root, Say: func(format string, _ ...any) { said = append(said, format) }}
	for i, version := range []string{"one", "one", "two"} {
		if err := os.WriteFile(built, []byte(version), 0o700); err != nil {
			t.Fatal(err)
		}
		said = nil
		if err := target.Install(t.Context(), built); err != nil {
			t.Fatal(err)
		}
		body, err := os.ReadFile(filepath.Join(root, Program))
		if err != nil || string(body) != version {
			t.Fatalf("installed %q, %v", body, err)
		}
		if info, err := os.Stat(filepath.Join(root, Program)); err != nil || info.Mode().Perm() != 0o755 {
			t.Error(info.Mode(), err)
		}
		if wrote := strings.Count(strings.Join(said, " "), "wrote"); wrote != []int{2, 0, 1}[i] {
			t.Errorf("step %d wrote %d files", i, wrote)
		}
	}
	if err := target.Uninstall(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{Program, Unit} {
		if _, err := os.Stat(filepath.Join(root, file)); !os.IsNotExist(err) {
			t.Errorf("%s is left: %v", file, err)
		}
	}
	if err := target.Uninstall(t.Context()); err != nil {
		t.Errorf("again: %v", err)
	}
}

// TestUnitIsUnderstood asks systemd itself, where it is to be had.
func TestUnitIsUnderstood(t *testing.T) {
	text := Service("/bin/true")
	if strings.Contains(text, "@") && strings.Contains(text, "@PROGRAM@") {
		t.Fatal("the program is not named")
	}
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil && os.Getenv("CI") != "" {
		t.Fatal("no systemd-analyze: test/needs.sh installs it")
	}
	if err != nil {
		t.Skip("no systemd-analyze here")
	}
	unit := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(unit, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), analyze, "verify", "--man=no", unit).CombinedOutput()
	if err != nil || strings.Contains(string(out), "Unknown") {
		t.Errorf("systemd-analyze: %v\n%s", err, out)
	}
	// In tenths: what is left is root's reading of everything, and the network.
	if out, err := exec.CommandContext(t.Context(), analyze, "security", "--offline=true", "--threshold=30", unit).CombinedOutput(); err != nil {
		t.Errorf("systemd-analyze security: %v\n%s", err, out)
	}
}
