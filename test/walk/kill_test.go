package walk

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"muster/internal/store/storetest"
	"muster/test/livetest"
)

// TestWalkWithKills plays a history on a real process that is killed without
// warning, at rest and in the midst of what it has begun.
func TestWalkWithKills(t *testing.T) {
	if testing.Short() {
		t.Skip("kills real processes: make test runs it")
	}
	t.Parallel()
	program := filepath.Join(t.TempDir(), "muster")
	if out, err := exec.Command("go", "build", "-o", program, "muster/cmd/muster").CombinedOutput(); err != nil {
		t.Fatalf("build: %v: %s", err, out)
	}
	for engine, database := range map[string]func(testing.TB) string{"sqlite": func(testing.TB) string { return "" }, "postgres": storetest.Postgres} {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			n := *steps / 4
			if engine == "postgres" {
				n = *steps / 12 // jobs of a killed server wait for their leases
			}
			p := newProcess(t, program, database(t))
			w, err := found(t.Context(), p)
			if err != nil {
				t.Fatal(err)
			}
			h, err := w.walk(seedOf(t), n)
			t.Logf("%d steps, %d refused, %d kills", len(h.steps), h.refused, p.kills)
			if err != nil {
				t.Errorf("after %d steps: %v\n%s\nserver log:\n%s", len(h.steps), err, h.tail(40), p.log.String())
			}
		})
	}
}

// process is a `muster server` of its own on a fixed address.
type process struct {
	ctx                    context.Context
	program, data, address string
	store                  string
	models                 map[string]*livetest.Model
	cmd                    *exec.Cmd
	log                    bytes.Buffer
	kills                  int
}

func newProcess(t *testing.T, program, database string) *process {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &process{ctx: t.Context(), program: program, data: filepath.Join(t.TempDir(), "data"), address: l.Addr().String(), store: database, models: livetest.Models(t)}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.kill)
	if err := p.start(); err != nil {
		t.Fatal(err)
	}
	return p
}

func (p *process) environment() []string {
	return append(os.Environ(), "MUSTER_DATA="+p.data, "MUSTER_LISTEN="+p.address, "MUSTER_STORE="+p.store,
		"MUSTER_FEEDS_INTERVAL=0s", "MUSTER_TRANSITION=1ms", "MUSTER_AUDIT_LOG=off", fmt.Sprintf("MUSTER_QUOTAS=accounts=%d", maxAccounts))
}

func (p *process) start() error {
	p.cmd = exec.Command(p.program, "server")
	p.cmd.Env, p.cmd.Stdout, p.cmd.Stderr = p.environment(), &p.log, &p.log
	if err := p.cmd.Start(); err != nil {
		return err
	}
	ticker := time.NewTicker(5 * time.Millisecond)
	defer ticker.Stop()
	for deadline := time.Now().Add(30 * time.Second); ; <-ticker.C {
		resp, err := http.Get("http://" + p.address + "/healthz")
		if err == nil {
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return nil
			}
			err = errors.New(resp.Status)
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("the server does not come up: %w", err)
		}
	}
}

// kill ends the process without warning.
func (p *process) kill() {
	if p.cmd != nil {
		_ = p.cmd.Process.Kill() // it may be gone already
		_ = p.cmd.Wait()
		p.cmd = nil
	}
}

func (p *process) crash() error {
	p.kill()
	p.kills++
	return p.start()
}

// signUp is the operator's command beside the running server.
func (p *process) signUp(name string) (string, *livetest.Client, error) {
	cmd := exec.CommandContext(p.ctx, p.program, "admin", "create-account", "--name", name, "--email", name+"@example.com")
	cmd.Env = p.environment()
	out, err := cmd.Output()
	if err != nil {
		return "", nil, fmt.Errorf("sign up %s: %w", name, err)
	}
	field := map[string]string{}
	for _, line := range strings.Split(string(out), "\n") {
		if f := strings.Fields(line); len(f) == 2 {
			field[f[0]] = f[1]
		}
	}
	return field["account"], p.client(livetest.Key{ID: field["aws_access_key_id"], Secret: field["aws_secret_access_key"]}), nil
}

func (p *process) client(key livetest.Key) *livetest.Client {
	return &livetest.Client{Key: key, Models: p.models, URL: func() string { return "http://" + p.address }}
}
