package story

import (
	"encoding/json"
	"fmt"
	"maps"
	"os/exec"
	"slices"
	"testing"

	"muster/internal/clienttest"
	"muster/internal/server"
)

// TestEveryListHasPages runs testdata/boto3_pages.py, which pages through every
// list that muster implements and boto3 knows, on both stores.
func TestEveryListHasPages(t *testing.T) {
	if exec.Command("python3", "-c", "import boto3").Run() != nil {
		needed(t, "boto3")
	}
	for engine, database := range engines {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			w, err := newWorld(t.TempDir(), database(t), findCLI(t))
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(w.close)
			w.vulnerableHost(t)
			for _, name := range []string{"db", "mail"} {
				if err := w.enroll(name, "management"); err != nil {
					t.Fatal(err)
				}
				h := w.hosts[name]
				if err := w.report(h, h.id, []string{"libfoo=1.0-1", "libbar=2.0-1"}); err != nil {
					t.Fatal(err)
				}
			}
			cmd := exec.CommandContext(t.Context(), "python3", "testdata/boto3_pages.py")
			cmd.Env = append(clienttest.Environment(t, w.endpoint), "OPERATIONS="+operations(t), "OUTSIDERS="+w.outsiders(t, 3),
				fmt.Sprintf("HOSTS=%d", len(w.hosts)))
			for name, value := range w.profiles["management"].environment() {
				cmd.Env = append(cmd.Env, name+"="+value)
			}
			out, err := cmd.CombinedOutput()
			t.Logf("%s", out)
			if err != nil {
				t.Error(err)
			}
		})
	}
}

// operations lists what is implemented of the services that boto3 knows lists
// of, as JSON.
func operations(t *testing.T) string {
	list := map[string][]string{"organizations": nil, "inspector2": nil, "iam": nil, "sts": nil}
	for _, c := range server.Coverage() {
		name := c.Service.Model.SigningName
		if _, wanted := list[name]; wanted {
			for _, op := range c.Service.Operations {
				if op.Invoke != nil {
					list[name] = append(list[name], op.Name)
				}
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(list)) {
		if len(list[name]) == 0 {
			t.Fatalf("nothing of %s is implemented", name)
		}
	}
	text, err := json.Marshal(list)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// outsiders makes accounts that stand alone and gives their keys as JSON.
func (w *world) outsiders(t *testing.T, n int) string {
	t.Helper()
	type key struct {
		ID     string `json:"id"`
		Secret string `json:"secret"`
	}
	var keys []key
	for i := range n {
		name := fmt.Sprintf("outsider-%d", i)
		id, err := w.server.Operator().CreateAccount(t.Context(), name, name+"@example.com")
		if err != nil {
			t.Fatal(err)
		}
		k, err := w.server.Operator().IssueRootKey(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, key{k.ID, k.Secret})
	}
	text, err := json.Marshal(keys)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
