package browser

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"muster/internal/testshared"
)

// TestPictures takes the README's pictures anew, where MUSTER_PICTURES names
// their folder: make pictures.
func TestPictures(t *testing.T) {
	folder := os.Getenv("MUSTER_PICTURES")
	if folder == "" {
		return // they are taken when somebody wants them, not by every test
	}
	needs(t)
	s := start(t, "Profiles: audit, management", "--feeds", filepath.Join(testshared.Dir(t), "advisories"))
	accounts := demonstration(t, s)
	given, err := json.Marshal(map[string]string{"administrator": s.ticket(t, accounts["audit"], "--user", "muster-admin")})
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "node", "pictures.mjs", folder)
	cmd.Env = append(os.Environ(), "MUSTER_URL="+s.url(), "MUSTER_TICKETS="+string(given))
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}
