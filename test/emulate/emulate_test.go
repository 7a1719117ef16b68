// Package emulate uses the emulator as tests of automation do.
package emulate

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"muster/internal/clienttest"
	"muster/internal/config"
	"muster/internal/emulate"
	"muster/internal/up"
)

// TestAutomation runs testdata/automation.py against three emulators: one as
// it comes, one where policies count, one whose transitions take time.
func TestAutomation(t *testing.T) {
	if exec.Command("python3", "-c", "import boto3").Run() != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("boto3 is not installed")
		}
		t.Skip("boto3 is not installed: 'make test' installs it")
	}
	plain := start(t, emulate.Options{}, 0)
	strict := start(t, emulate.Options{Permissions: true}, 0)
	slow := start(t, emulate.Options{}, 3*time.Second)
	cmd := exec.CommandContext(t.Context(), "python3", "testdata/automation.py")
	cmd.Env = append(clienttest.Environment(t, plain), "PLAIN="+plain, "STRICT="+strict, "SLOW="+slow)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// banner is what an emulator prints; reading it while it is written is safe.
type banner struct {
	mu   sync.Mutex // guards text
	text bytes.Buffer
}

func (b *banner) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *banner) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

var address = regexp.MustCompile(`listening at +(http://\S+)`)

// start runs an emulator until the test ends and returns its address.
func start(t *testing.T, o emulate.Options, transition time.Duration) string {
	t.Helper()
	c := config.Default()
	c.Data, c.Listen, c.FeedsInterval, c.Transition = filepath.Join(t.TempDir(), "emulator"), "127.0.0.1:0", 0, transition
	var out, log banner
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() {
		done <- up.Emulate(ctx, up.EmulateOptions{Config: c, Emulation: o, Out: &out, Logger: slog.New(slog.NewTextHandler(&log, nil))})
	}()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Errorf("emulator: %v", err)
		}
		if strings.Contains(log.String(), "level=ERROR") {
			t.Errorf("the emulator's log: %s", log.String())
		}
	})
	for began := time.Now(); time.Since(began) < 30*time.Second; time.Sleep(5 * time.Millisecond) {
		if found := address.FindStringSubmatch(out.String()); found != nil {
			loud(t, out.String(), log.String())
			return found[1]
		}
		select {
		case err := <-done:
			done <- err
			t.Fatalf("the emulator has ended: %v", err)
		default:
		}
	}
	t.Fatalf("no address in %q", out.String())
	return ""
}

// loud: nobody can take an emulator for anything else.
func loud(t *testing.T, out, log string) {
	t.Helper()
	if !strings.Contains(out, "EMULATOR: credentials are NOT CHECKED") || !strings.Contains(log, "EMULATOR") {
		t.Errorf("the emulator says %q and logs %q", out, log)
	}
}
