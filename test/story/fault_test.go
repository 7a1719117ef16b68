package story

import (
	"os/exec"
	"testing"

	"muster/internal/clienttest"
	"muster/internal/config"
)

// TestFaultsMeetClients runs testdata/boto3_fault.py, in which boto3's own
// retries meet what a tester has ordered, on both stores.
func TestFaultsMeetClients(t *testing.T) {
	if exec.Command("python3", "-c", "import boto3").Run() != nil {
		needed(t, "boto3")
	}
	aws := findCLI(t)
	for engine, database := range engines {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			w, err := newWorldWith(t.TempDir(), database(t), aws, func(c *config.Config) { c.FaultInjection = true })
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(w.close)
			cmd := exec.CommandContext(t.Context(), "python3", "testdata/boto3_fault.py")
			cmd.Env = clienttest.Environment(t, w.endpoint)
			for name, value := range w.profiles["management"].environment() {
				cmd.Env = append(cmd.Env, name+"="+value)
			}
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}
