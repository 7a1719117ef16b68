package cli

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"
)

// TestExitCodes: 0 for success, 1 for failure, 2 for wrong usage, each with
// words that help.
func TestExitCodes(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	for _, c := range []struct {
		args string
		code int
		want string
	}{
		{"--help", 0, "Available Commands"},
		{"", 0, "Available Commands"},
		{"--version", 0, "muster version"},
		{"up --help", 0, "--feeds string"},
		{"frob", 2, `unknown command "frob"`},
		{"up --frob", 2, "unknown flag: --frob"},
		{"up now", 2, `takes no argument "now"`},
		{"up --listen 0.0.0.0:1 --data " + data, 1, "not a loopback address"},
		{"up --listen nonsense --data " + data, 1, "not an address"},
		{"up --help", 0, "NO AUTHENTICATION"},
		{"up --emulate-permissions", 2, "goes with --emulate"},
		{"up --emulate --listen 0.0.0.0:1", 1, "serves this machine only"},
		{"up --emulate --data .", 1, "not an emulator's folder"},
		{"server --config /nowhere.yaml", 1, "no such file"},
		{"admin create-account --data " + data, 2, "--name and --email are needed"},
		{"admin create-account --name a --email nonsense --data " + data, 1, "e-mail address"},
		{"admin create-account --name a --email a@example.com --data " + data, 0, "aws_secret_access_key"},
		{"admin create-account --name a --email a@example.com --data " + data, 1, "exists already"},
		{"admin issue-key 12 --data " + data, 2, "12-digit account id"},
		{"admin issue-key 999999999999 --data " + data, 1, "there is no account"},
		{"admin set-account-state 12 SUSPENDED --data " + data, 2, "12-digit account id"},
		{"admin set-account-state 999999999999 SUSPENDED --data " + data, 1, "there is no account"},
		{"admin opt-out 12 eu-west-1 --data " + data, 2, "12-digit account id"},
		{"admin opt-in 999999999999 eu-west-1 --data " + data, 1, "there is no account"},
		{"feeds status --data " + data, 0, ""},
		{"feeds sync --from /nowhere --data " + data, 1, "nowhere"},
	} {
		var out bytes.Buffer
		code := Main(strings.Fields(c.args), &out, &out)
		if code != c.code || !strings.Contains(out.String(), c.want) {
			t.Errorf("muster %s: exit %d, want %d with %q; it said:\n%s", c.args, code, c.code, c.want, out.String())
		}
	}
}
