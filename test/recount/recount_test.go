// Package recount recalculates what Inspector's lists, counts, filters and
// reports say. Go makes an organization on a real server and writes down what
// is true of it; testdata/recount.py, which knows the specification and
// nothing of muster's code, asks by boto3 and the AWS CLI and compares.
package recount

import (
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"muster/internal/clienttest"
	"muster/internal/store/storetest"
)

var (
	seed   = flag.Uint64("recount.seed", 1, "what the organization and the questions are drawn from")
	random = flag.String("recount.questions", "24", "how many random questions each list is asked")
	steps  = flag.String("recount.steps", "", "the steps that are taken, all if there are none")
)

// TestRecount recalculates everything on both stores.
func TestRecount(t *testing.T) {
	for tool, err := range map[string]error{"boto3": exec.Command("python3", "-c", "import boto3").Run(), "the AWS CLI": available("aws")} {
		switch {
		case err != nil && os.Getenv("CI") != "":
			t.Fatal(tool + " is not installed")
		case err != nil:
			t.Skip(tool + " is not installed: 'make test' installs it")
		}
	}
	for engine, database := range map[string]func(testing.TB) string{"sqlite": storetest.SQLite, "postgres": storetest.Postgres} {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			w := build(t, database(t), *seed)
			file := filepath.Join(t.TempDir(), "plan.json")
			w.must(w.write(file))
			cmd := exec.CommandContext(t.Context(), "python3", "testdata/recount.py", file, *random, *steps)
			cmd.Env = append(clienttest.Environment(t, w.URL), "AWS_CONFIG_FILE="+os.DevNull, "AWS_SHARED_CREDENTIALS_FILE="+os.DevNull)
			out, err := cmd.CombinedOutput()
			t.Logf("%s", out)
			if err != nil {
				t.Errorf("with -recount.seed=%d: %v", *seed, err)
			}
		})
	}
}

func available(program string) error {
	_, err := exec.LookPath(program)
	return err
}
