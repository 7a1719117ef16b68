//go:build linux

package cli

import (
	"strings"
	"testing"

	"muster/internal/cli/terminal/terminaltest"
)

// TestTerminal: a table is as wide as the terminal and coloured unless
// declined; nothing but the terminal sees progress, which is gone at the end.
func TestTerminal(t *testing.T) {
	p := newScanPlace(t)
	run := func(args ...string) (out, messages string) {
		tty, end := terminaltest.Open(t, 70)
		stderr, endStderr := terminaltest.Open(t, 70)
		if code := Main(append([]string{"scan", p.lock, "--feeds", p.dir + "/feeds", "--cache", p.dir + "/cache"}, args...), tty, stderr); code != 0 {
			t.Errorf("exit %d", code)
		}
		return end(), endStderr()
	}
	t.Setenv("TERM", "xterm")
	t.Setenv("COLUMNS", "")
	t.Setenv("NO_COLOR", "")
	out, _ := run()
	if !strings.Contains(out, "\x1b[1;31mCRITICAL\x1b[0m") {
		t.Errorf("no colours in %q", out)
	}
	t.Setenv("NO_COLOR", "1")
	out, _ = run()
	if strings.Contains(out, "\x1b") {
		t.Errorf("colours in %q", out)
	}
	for line := range strings.SplitSeq(out, "\r\n") {
		if len([]rune(line)) > 70 && !strings.HasPrefix(line, "lock:") && !strings.Contains(line, "vulnerabilities:") {
			t.Errorf("too wide: %q", line)
		}
	}
	_, messages := run("--quiet")
	if messages != "" {
		t.Errorf("quiet, and says %q", messages)
	}
	if _, _, messages := p.scan(); messages != "" {
		t.Errorf("no terminal, and says %q", messages)
	}
}
