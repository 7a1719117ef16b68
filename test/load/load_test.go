package load

import (
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"muster/internal/store/storetest"
)

// TestNothingIsLostInARush is a small load, on both stores.
func TestNothingIsLostInARush(t *testing.T) {
	if testing.Short() {
		t.Skip("builds and runs the server: make test runs it")
	}
	muster := filepath.Join(t.TempDir(), "muster")
	if out, err := exec.Command("go", "build", "-o", muster, "muster/cmd/muster").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for engine, database := range map[string]func(testing.TB) string{"sqlite": func(testing.TB) string { return "" }, "postgres": storetest.Postgres} {
		t.Run(engine, func(t *testing.T) {
			c := Config{Muster: muster, Data: t.TempDir(), Store: database(t), Agents: 200, Accounts: 2, Inventories: 10, Packages: 50,
				Rate: 50, Steady: time.Second, Patience: 2 * time.Minute, Say: t.Logf}
			if err := Run(t.Context(), c); err != nil {
				t.Fatal(err)
			}
		})
	}
}
