// Package agent holds the agent to what it promises as a product: a real
// server and real agents, each a process of its own, and a machine in a folder.
package agent

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
	"sync"
	"syscall"
	"testing"
	"time"
)

// The versions that the programs under test are built as.
const (
	older = "v1.4.0"
	newer = "v1.5.0"
)

// programs is the folder with muster, and with the agent in both versions.
var programs string

func TestMain(m *testing.M) {
	var err error
	if programs, err = os.MkdirTemp("", "muster-agent-"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	_ = os.RemoveAll(programs) // a temporary folder
	os.Exit(code)
}

var build = sync.OnceValue(func() error {
	commands := [][]string{{"build", "-o", programs + "/muster", "muster/cmd/muster"}}
	for _, v := range []string{older, newer} {
		commands = append(commands, []string{"build", "-ldflags", "-X muster/internal/agent/command.version=" + v, "-o", program(v), "muster/cmd/muster-agent"})
	}
	for _, args := range commands {
		if out, err := exec.Command("go", args...).CombinedOutput(); err != nil {
			return fmt.Errorf("go %v: %w: %s", args, err, out)
		}
	}
	return nil
})

// program is the agent of a version.
func program(version string) string { return filepath.Join(programs, "muster-agent-"+version) }

// execute runs a command to its end and returns its exit code and all that it
// wrote.
func execute(t testing.TB, environment []string, input, name string, args ...string) (int, string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env, cmd.Stdin = append(os.Environ(), environment...), strings.NewReader(input)
	out, err := cmd.CombinedOutput()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return exit.ExitCode(), string(out)
	}
	if err != nil {
		t.Fatalf("%s %v: %v", name, args, err)
	}
	return 0, string(out)
}

// process is a program that runs until it is ended.
type process struct {
	cmd   *exec.Cmd
	log   log
	ended chan error
}

// log is what a process has written so far.
type log struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *log) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func start(t testing.TB, environment []string, name string, args ...string) *process {
	t.Helper()
	p := &process{cmd: exec.Command(name, args...), ended: make(chan error, 1)}
	p.cmd.Env, p.cmd.Stdout, p.cmd.Stderr = append(os.Environ(), environment...), &p.log, &p.log
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { p.ended <- p.cmd.Wait() }()
	t.Cleanup(func() {
		p.end(t, syscall.SIGKILL)
		if t.Failed() {
			t.Logf("%s %v:\n%s", filepath.Base(name), args, p.log.String())
		}
	})
	return p
}

// end ends the process by a signal; one that has ended stays so.
func (p *process) end(t testing.TB, signal syscall.Signal) {
	t.Helper()
	if p.ended == nil {
		return
	}
	_ = p.cmd.Process.Signal(signal) // it may have ended
	p.await(t)
}

// await waits for the end of the process and returns its exit code.
func (p *process) await(t testing.TB) int {
	t.Helper()
	select {
	case <-p.ended:
		p.ended = nil
		return p.cmd.ProcessState.ExitCode()
	case <-time.After(patience):
		t.Fatalf("%v does not end", p.cmd.Args)
		return 0
	}
}

// patience bounds how long anything may take, on a crowded machine under the
// race detector.
const patience = time.Minute

// eventually looks again and again until there is nothing wrong.
func eventually(t testing.TB, what string, look func() error) time.Duration {
	t.Helper()
	begun := time.Now()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		err := look()
		if err == nil {
			return time.Since(begun)
		}
		if time.Since(begun) > patience {
			t.Fatalf("%s: not within %v: %v", what, patience, err)
		}
		<-tick.C
	}
}

func freeAddress(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// server is a `muster server` on a fixed address with state that outlives it.
type server struct {
	t       testing.TB
	process *process
	address string
	// environment is its configuration, and that of commands beside it.
	environment []string
}

func newServer(t testing.TB, store string) *server {
	t.Helper()
	s := &server{t: t, address: freeAddress(t)}
	s.environment = []string{
		"MUSTER_DATA=" + filepath.Join(t.TempDir(), "data"), "MUSTER_LISTEN=" + s.address, "MUSTER_STORE=" + store,
		"MUSTER_FEEDS_INTERVAL=0s", "MUSTER_TRANSITION=1ms", "MUSTER_AUDIT_LOG=off",
	}
	s.start()
	return s
}

func (s *server) url() string { return "http://" + s.address }

// start runs the server, with more configuration, until it answers.
func (s *server) start(more ...string) {
	s.t.Helper()
	s.process = start(s.t, append(s.environment, more...), filepath.Join(programs, "muster"), "server")
	eventually(s.t, "the server answers", func() error {
		resp, err := http.Get(s.url() + "/healthz")
		if err != nil {
			return err
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			return errors.New(resp.Status)
		}
		return nil
	})
}

// stop ends the server as an operator does.
func (s *server) stop() { s.process.end(s.t, syscall.SIGTERM) }

// muster runs a command of the operator, or of an account with its keys, and
// fails with it.
func (s *server) muster(keys []string, args ...string) string {
	s.t.Helper()
	code, out := execute(s.t, append(s.environment, keys...), "", filepath.Join(programs, "muster"), args...)
	if code != 0 {
		s.t.Fatalf("muster %v: exit code %d: %s", args, code, out)
	}
	return out
}
