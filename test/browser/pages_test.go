package browser

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"muster/internal/testshared"
)

// TestEveryPage opens every page as the delegated administrator of the
// demonstration organization, with this machine's real findings: in English
// wide and light, in Japanese narrow and dark.
func TestEveryPage(t *testing.T) {
	needs(t)
	feeds := filepath.Join(testshared.Dir(t), "advisories", "small")
	s := start(t, "Profiles: audit, management", "--feeds", feeds)
	s.network(t, filepath.Join(testshared.Dir(t), "targets", "network", "cloudmapper-demo"))
	for _, language := range []string{"en", "ja"} {
		t.Run(language, func(t *testing.T) {
			t.Parallel()
			accounts := demonstration(t, s)
			script(t, s, "pages.mjs", language, map[string]string{
				"administrator": s.ticket(t, accounts["audit"], "--user", "muster-admin"),
				"management":    s.ticket(t, accounts["management"], "--user", "muster-admin"),
				"member":        s.ticket(t, accounts["workload-1"], "--user", "muster-admin"),
				"account":       accounts["workload-1"],
			})
		})
	}
}

// network gives the server the facts of a real network, as an account's of the
// demonstration.
func (s server) network(t *testing.T, facts string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), s.bin, "network", "upload", "--facts", facts, "--profile", "workload-1")
	cmd.Env = append(os.Environ(), "AWS_CONFIG_FILE="+filepath.Join(s.data, "aws", "config"), "AWS_SHARED_CREDENTIALS_FILE="+filepath.Join(s.data, "aws", "credentials"))
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
}

// demonstration are the ids of the demonstration's accounts, by name.
func demonstration(t *testing.T, s server) map[string]string {
	t.Helper()
	body, err := os.ReadFile(filepath.Join(s.data, "demonstration.json"))
	if err != nil {
		t.Fatal(err)
	}
	var d struct{ Accounts map[string]string }
	if err := json.Unmarshal(body, &d); err != nil {
		t.Fatal(err)
	}
	return d.Accounts
}
