package browser

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"muster/internal/testshared"
)

// TestUnits runs the console's tests of what needs no page.
func TestUnits(t *testing.T) {
	testshared.Tool(t, "node")
	ui, err := filepath.Abs("../../internal/console/ui")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(ui, "node_modules/vite")); err != nil {
		testshared.Missing(t, "the console's packages are not installed: run 'make console'")
	}
	cmd := exec.CommandContext(t.Context(), "npm", "test", "--silent")
	cmd.Dir, cmd.Env = ui, append(os.Environ(), "MUSTER_PROJECT="+filepath.Join(ui, "../../.."))
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
