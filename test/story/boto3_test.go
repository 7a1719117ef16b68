package story

import (
	"os/exec"
	"path/filepath"
	"testing"

	"muster/internal/clienttest"
)

// TestBoto3 runs testdata/boto3_story.py, which checks what it gets itself, on
// both stores.
func TestBoto3(t *testing.T) {
	if exec.Command("python3", "-c", "import boto3").Run() != nil {
		needed(t, "boto3")
	}
	aws := findCLI(t)
	for engine, database := range engines {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			w, err := newWorld(t.TempDir(), database(t), aws)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(w.close)
			host := w.vulnerableHost(t)
			cmd := exec.CommandContext(t.Context(), "python3", "testdata/boto3_story.py")
			cmd.Env = append(clienttest.Environment(t, w.endpoint), "HOST="+host)
			for name, value := range w.profiles["management"].environment() {
				cmd.Env = append(cmd.Env, name+"="+value)
			}
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}

// vulnerableHost enrols a host of the management account with two packages
// that the advisories of testdata/advisories know.
func (w *world) vulnerableHost(t *testing.T) string {
	t.Helper()
	if err := mirror("testdata/advisories", filepath.Join(w.dir, "feeds")); err != nil {
		t.Fatal(err)
	}
	if _, err := w.server.SyncFeeds(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	if err := w.enroll("web", "management"); err != nil {
		t.Fatal(err)
	}
	host := w.hosts["web"]
	if err := w.report(host, host.id, []string{"libfoo=1.0-1", "libbar=2.0-1"}); err != nil {
		t.Fatal(err)
	}
	return string(host.id)
}
