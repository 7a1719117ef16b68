package crash

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// folder holds the programs under test and is gone after it.
var folder string

func TestMain(m *testing.M) {
	var err error
	if folder, err = os.MkdirTemp("", "muster-crash-"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	_ = os.RemoveAll(folder) // a temporary folder
	os.Exit(code)
}

// build makes both programs side by side, as `make build` does.
var build = sync.OnceValue(func() error {
	out, err := exec.Command("go", "build", "-o", folder+"/", "muster/cmd/muster", "muster/cmd/muster-agent").CombinedOutput()
	if err != nil {
		err = fmt.Errorf("build: %w: %s", err, out)
	}
	return err
})

// muster returns the path of the program.
func muster(t *testing.T) string {
	t.Helper()
	if testing.Short() {
		t.Skip("kills real processes: make test runs it")
	}
	if err := build(); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(folder, "muster")
}

// random returns the run's source of chance. The variable MUSTER_SEED repeats
// its decisions; when exactly processes die is up to the machine.
func random(t *testing.T) *rand.Rand {
	t.Helper()
	seed := uint64(time.Now().UnixNano())
	if s := os.Getenv("MUSTER_SEED"); s != "" {
		n, err := strconv.ParseUint(s, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		seed = n
	}
	t.Logf("MUSTER_SEED=%d repeats the decisions of this run", seed)
	return rand.New(rand.NewPCG(seed, 1))
}

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// process is a `muster server` on a fixed address with state that outlives it.
type process struct {
	binary, data, address, store string
	// transition is how long asynchronous states last.
	transition time.Duration
	// settings are further variables of the environment.
	settings []string
	// via, if set, is how clients reach the server.
	via      aws.HTTPClient
	cmd      *exec.Cmd
	log      bytes.Buffer
	failures failures
}

// newProcess prepares a server on a store, or on the embedded one.
func newProcess(t *testing.T, store string) *process {
	t.Helper()
	p := &process{binary: muster(t), data: filepath.Join(t.TempDir(), "data"), address: freeAddress(t), store: store, transition: 20 * time.Millisecond}
	t.Cleanup(func() {
		p.kill()
		for _, f := range p.failures.list {
			t.Errorf("the server failed: %s", f)
		}
		if t.Failed() {
			t.Logf("server log:\n%s", p.log.String())
		}
	})
	return p
}

func (p *process) environment() []string {
	return append(append(os.Environ(), "MUSTER_DATA="+p.data, "MUSTER_LISTEN="+p.address, "MUSTER_STORE="+p.store,
		"MUSTER_FEEDS_INTERVAL=0s", "MUSTER_TRANSITION="+p.transition.String()), p.settings...)
}

// run runs a command of the program beside the server; when ctx ends the
// command is killed without warning.
func (p *process) run(ctx context.Context, args ...string) (stdout string, err error) {
	cmd := exec.CommandContext(ctx, p.binary, args...)
	cmd.Env = p.environment()
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		return out.String(), fmt.Errorf("muster %v: %w: %s%s", args, err, out.String(), errs.String())
	}
	return out.String(), nil
}

// start runs the server, waits until it answers, and tells how long that took.
func (p *process) start(t *testing.T) time.Duration {
	t.Helper()
	return p.startAs(t, exec.Command(p.binary, "server"))
}

// startAs is start with a command of one's own.
func (p *process) startAs(t *testing.T, cmd *exec.Cmd) time.Duration {
	t.Helper()
	begun := time.Now()
	p.cmd = cmd
	p.cmd.Env = p.environment()
	p.cmd.Stderr, p.cmd.Stdout = &p.log, &p.log
	dieWithTest(p.cmd)
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	eventually(t, 30*time.Second, func() error {
		resp, err := http.Get("http://" + p.address + "/healthz")
		if err != nil {
			return err
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			return fmt.Errorf("health: %s", resp.Status)
		}
		return nil
	})
	return time.Since(begun)
}

// kill ends the process without warning.
func (p *process) kill() {
	if p.cmd == nil || p.cmd.Process == nil {
		return
	}
	_ = p.cmd.Process.Kill() // it may be gone already
	_ = p.cmd.Wait()
	p.cmd = nil
}

// eventually looks again and again until there is nothing wrong.
func eventually(t *testing.T, limit time.Duration, look func() error) {
	t.Helper()
	deadline := time.After(limit)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		err := look()
		if err == nil {
			return
		}
		select {
		case <-deadline:
			t.Fatalf("not within %v: %v", limit, err)
		case <-tick.C:
		}
	}
}
