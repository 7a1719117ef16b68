// Package browser tells what people do in the console, in a real Chromium
// against the real server: every page in both languages, and the whole set-up
// of an organization.
package browser

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"muster/internal/testshared"
)

// needs skips the test, or fails it in CI, where Chromium, Node or the
// packages of this folder are missing; test/needs.sh installs them.
func needs(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("builds the whole program and drives a browser: make test runs it")
	}
	testshared.Tool(t, "node")
	if os.Getenv("CHROMIUM") == "" {
		testshared.Tool(t, "chromium")
	}
	if _, err := os.Stat("node_modules/playwright-core"); err != nil {
		testshared.Missing(t, "no playwright-core: run 'npm ci' in test/browser")
	}
	if _, err := os.Stat("../../internal/console/ui/dist/index.html"); err != nil {
		testshared.Missing(t, "the console is not built: run 'make console'")
	}
}

// programs builds both programs once for all tests of this package.
var programs = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "muster-browser")
	if err != nil {
		return "", err
	}
	return dir, exec.Command("go", "build", "-o", dir+"/", "muster/cmd/muster", "muster/cmd/muster-agent").Run()
})

func TestMain(m *testing.M) {
	code := m.Run()
	if dir, err := programs(); err == nil {
		_ = os.RemoveAll(dir) // nothing depends on it any more
	}
	os.Exit(code)
}

// server is a running muster.
type server struct {
	bin, data, address string
}

func (s server) url() string { return "http://" + s.address }

// start runs `muster up` with more arguments until a line holds a text; it ends
// with the test.
func start(t *testing.T, until string, args ...string) server {
	t.Helper()
	return startAt(t, freeAddress(t), nil, until, args...)
}

// startAt is start at an address, with settings from the environment.
func startAt(t *testing.T, address string, env []string, until string, args ...string) server {
	t.Helper()
	dir, err := programs()
	if err != nil {
		t.Fatal("build: ", err)
	}
	s := server{bin: filepath.Join(dir, "muster"), data: filepath.Join(t.TempDir(), "data"), address: address}
	cmd := exec.Command(s.bin, append([]string{"up", "--data", s.data, "--listen", s.address}, args...)...)
	cmd.Env = append(os.Environ(), env...)
	r, w := io.Pipe()
	cmd.Stdout, cmd.Stderr = w, w
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ready, done := make(chan string, 1), make(chan error, 1)
	var said strings.Builder
	go func() {
		for lines := bufio.NewScanner(r); lines.Scan(); {
			said.WriteString(lines.Text() + "\n")
			if strings.Contains(lines.Text(), until) {
				select {
				case ready <- lines.Text():
				default:
				}
			}
		}
	}()
	go func() { err := cmd.Wait(); w.Close(); done <- err }()
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM) // it may have ended
		<-done
	})
	select {
	case <-ready:
	case err := <-done:
		done <- err
		t.Fatalf("the server ended: %v\n%s", err, said.String())
	case <-time.After(2 * time.Minute):
		t.Fatal("the server does not become ready")
	}
	return s
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

// admin runs an operator's command on the server's store.
func (s server) admin(t *testing.T, args ...string) string {
	t.Helper()
	out, err := exec.Command(s.bin, append(append([]string{"admin"}, args...), "--data", s.data)...).CombinedOutput()
	if err != nil {
		t.Fatalf("muster admin %v: %v: %s", args, err, out)
	}
	return string(out)
}

// ticket is what a sign-in link of the account holds.
func (s server) ticket(t *testing.T, account string, more ...string) string {
	t.Helper()
	_, rest, ok := strings.Cut(s.admin(t, append([]string{"sign-in", account}, more...)...), "#ticket=")
	if !ok {
		t.Fatal("no ticket in the link")
	}
	return strings.Fields(rest)[0]
}

// script runs one of this folder's programs. What it leaves in the folder of
// artefacts stays where MUSTER_ARTEFACTS says, else it goes with the test.
func script(t *testing.T, s server, name, language string, tickets map[string]string) {
	t.Helper()
	artefacts := os.Getenv("MUSTER_ARTEFACTS")
	if artefacts == "" {
		artefacts = t.TempDir()
	}
	given, err := json.Marshal(tickets)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 6*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "node", name)
	cmd.Env = append(os.Environ(), "MUSTER_URL="+s.url(), "MUSTER_LANGUAGE="+language, "MUSTER_TICKETS="+string(given), "MUSTER_ARTEFACTS="+artefacts)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("%s in %s: %v\n%s", name, language, err, out)
	}
	t.Logf("%s", out)
}
