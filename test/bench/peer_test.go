package bench

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"muster/internal/scanner"
	"muster/internal/testshared"
	"muster/test/quality"
)

// BenchmarkPeer scans the same targets with the same advisories by muster and
// by the program that MUSTER_PEER names (osv-scanner, version 2), alternately,
// process start to exit. Reported are processor time, memory at the peak, and
// how many times muster's the peer needs; and the packages that each judges a
// second, which is what the scan of a target costs beyond that of a lock file
// with one package.
func BenchmarkPeer(b *testing.B) {
	program := os.Getenv("MUSTER_PEER")
	if program == "" {
		b.Skip("MUSTER_PEER names no other scanner")
	}
	shared := testshared.Dir(b)
	r := newRace(b, quality.World{Shared: shared, Work: b.TempDir(), Cache: b.TempDir()}, program)
	least := r.lockFile(b, 1)
	targets := []quality.Target{
		{Name: "lock file of 2000", Scan: scanner.Target{Kind: scanner.Lock, Name: r.lockFile(b, 2000)}},
		{Name: "lock file, 1291 npm", Scan: scanner.Target{Kind: scanner.Lock, Name: filepath.Join(shared, "targets/lockfiles/redash-2018/package-lock.json")}},
		{Name: "SBOM of an image, 784", Scan: scanner.Target{Kind: scanner.SBOM, Name: filepath.Join(shared, "targets/inspector/node-latest/sbom.cdx.json")}},
		{Name: "Debian host, 914", Scan: scanner.Target{Kind: scanner.Dir, Name: filepath.Join(shared, "targets/os/bookworm-developer-machine")}},
	}
	small := quality.Target{Name: "lock file of 1", Scan: scanner.Target{Kind: scanner.Lock, Name: least}}
	for _, t := range targets {
		b.Run(t.Name, func(b *testing.B) {
			var fixed, whole [2]cost
			for range b.N {
				fixed, whole = r.run(b, small, fixed), r.run(b, t, whole)
			}
			n := float64(b.N)
			b.ReportMetric(float64(whole[0].cpu.Microseconds())/1000/n, "muster-cpu-ms")
			b.ReportMetric(float64(whole[1].cpu.Microseconds())/1000/n, "peer-cpu-ms")
			b.ReportMetric(float64(whole[1].cpu)/float64(whole[0].cpu), "times")
			b.ReportMetric(float64(whole[0].memory>>20), "muster-MiB")
			b.ReportMetric(float64(whole[1].memory>>20), "peer-MiB")
			b.ReportMetric(float64(whole[1].cpu-fixed[1].cpu)/float64(max(whole[0].cpu-fixed[0].cpu, 1)), "times-beyond-start")
		})
	}
}

// cost is what processes needed.
type cost struct {
	cpu    time.Duration
	memory int64
}

// race holds two scanners side by side.
type race struct {
	world  quality.World
	muster string
	peer   *quality.Peer
}

func newRace(b *testing.B, w quality.World, program string) *race {
	b.Helper()
	muster := filepath.Join(w.Work, "muster")
	if out, err := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", muster, "muster/cmd/muster").CombinedOutput(); err != nil {
		b.Fatalf("%v\n%s", err, out)
	}
	peer, err := w.NewPeer(program)
	if err != nil {
		b.Fatal(err)
	}
	return &race{w, muster, peer}
}

// lockFile makes a lock file of npm packages without vulnerabilities.
func (r *race) lockFile(b *testing.B, packages int) string {
	b.Helper()
	list := map[string]any{"": map[string]any{"name": "made", "version": "1.0.0"}}
	for i := range packages {
		list[fmt.Sprintf("node_modules/made-%d", i)] = map[string]any{"version": fmt.Sprintf("1.%d.0", i%40)}
	}
	body, err := json.Marshal(map[string]any{"name": "made", "version": "1.0.0", "lockfileVersion": 3, "packages": list})
	if err != nil {
		b.Fatal(err)
	}
	name := filepath.Join(b.TempDir(), "package-lock.json")
	if err := os.WriteFile(name, body, 0o600); err != nil {
		b.Fatal(err)
	}
	return name
}

// run adds what both need for one scan of a target.
func (r *race) run(b *testing.B, t quality.Target, sum [2]cost) [2]cost {
	b.Helper()
	ours := exec.CommandContext(b.Context(), r.muster, "scan", string(t.Scan.Kind)+":"+t.Scan.Name, "--format", "json",
		"--feeds", r.world.Advisories(), "--cache", r.world.Cache)
	theirs, err := r.peer.Command(b.Context(), r.world, t)
	if err != nil {
		b.Fatal(err)
	}
	for i, cmd := range []*exec.Cmd{ours, theirs} {
		// An exit code other than 0 says that there are vulnerabilities.
		if err := cmd.Run(); cmd.ProcessState == nil || cmd.ProcessState.ExitCode() > 1 {
			b.Fatalf("%s: %v", cmd, err)
		}
		used := cmd.ProcessState.SysUsage().(*syscall.Rusage)
		sum[i].cpu += cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
		sum[i].memory = max(sum[i].memory, used.Maxrss<<10)
	}
	return sum
}
