package crash

import (
	"archive/zip"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"sync"
	"testing"
)

// packages is how many packages the advisories are about; versions how many
// versions each has: "1" and so on.
const (
	packages = 12
	versions = 6
)

func cve(n int) string { return fmt.Sprintf("CVE-2024-%04d", n+1) }

// advisories imports mirrors with `muster feeds sync`, often killed on the way.
type advisories struct {
	process *process
	dir     string
	// acting keeps imports one after the other.
	acting sync.Mutex
	// generation is the highest acknowledged; fixed is in which version each
	// package is repaired by the mirror imported last, nil while in doubt.
	generation, imports int
	fixed               []int
}

func newAdvisories(t *testing.T, p *process) *advisories {
	t.Helper()
	a := &advisories{process: p, dir: t.TempDir()}
	if err := a.sync(t.Context(), rand.New(rand.NewPCG(1, 1))); err != nil {
		t.Fatal(err)
	}
	return a
}

func (*advisories) name() string { return "advisories" }

func (a *advisories) act(ctx context.Context, rnd *rand.Rand) {
	if !a.acting.TryLock() {
		return
	}
	defer a.acting.Unlock()
	_ = a.sync(ctx, rnd) // it may be killed
}

var inService = regexp.MustCompile(`[Gg]eneration (\d+) (?:is in|stays in) service`)

// sync imports a mirror of its own.
func (a *advisories) sync(ctx context.Context, rnd *rand.Rand) error {
	a.imports++
	dir := filepath.Join(a.dir, strconv.Itoa(a.imports))
	fixed := make([]int, packages)
	for i := range fixed {
		fixed[i] = 1 + rnd.IntN(versions)
	}
	if err := writeMirror(dir, fixed); err != nil {
		return err
	}
	a.fixed = nil
	out, err := a.process.run(ctx, "feeds", "sync", "--from", dir)
	if err != nil {
		return err
	}
	a.fixed = fixed
	a.generation, err = number(out)
	return err
}

func number(out string) (int, error) {
	m := inService.FindStringSubmatch(out)
	if m == nil {
		return 0, fmt.Errorf("no generation in %q", out)
	}
	return strconv.Atoi(m[1])
}

// writeMirror writes one Debian record per package.
func writeMirror(dir string, fixed []int) error {
	if err := os.MkdirAll(filepath.Join(dir, "osv"), 0o755); err != nil {
		return err
	}
	f, err := os.Create(filepath.Join(dir, "osv", "Debian.zip"))
	if err != nil {
		return err
	}
	defer f.Close()
	z := zip.NewWriter(f)
	for i, v := range fixed {
		w, err := z.Create(cve(i) + ".json")
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintf(w, `{"id":%q,"modified":"2024-01-01T00:00:00Z","affected":[{"package":{"ecosystem":"Debian:12","name":%q},
			"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":"%d"}]}]}]}`, cve(i), packageName(i), v); err != nil {
			return err
		}
	}
	return z.Close()
}

func packageName(n int) string { return fmt.Sprintf("package%d", n) }

// check: a generation that was acknowledged, or a later one, is in service and
// whole.
func (a *advisories) check(t *testing.T) {
	out, err := a.process.run(t.Context(), "feeds", "status")
	if err != nil {
		t.Fatal(err)
	}
	n, err := number(out)
	if err != nil || n < a.generation {
		t.Errorf("generation %d was acknowledged: %v\n%s", a.generation, err, out)
	}
}

// settled: an import after those that were killed succeeds.
func (a *advisories) settled(ctx context.Context) error {
	a.acting.Lock()
	defer a.acting.Unlock()
	if a.fixed != nil {
		return nil
	}
	return a.sync(ctx, rand.New(rand.NewPCG(2, 1)))
}

func (a *advisories) acknowledged() int { return a.generation }
