//go:build linux

package terminal

import (
	"strings"
	"testing"

	"muster/internal/cli/terminal/terminaltest"
)

// TestSpinner: the line moves, fits, and is gone.
func TestSpinner(t *testing.T) {
	t.Setenv("TERM", "xterm")
	tty, end := terminaltest.Open(t, 20)
	s := NewSpinner(tty, false)
	s.Say("compiling something with a long name")
	s.wait(2)
	s.Close()
	out := end()
	if !strings.Contains(out, "compiling somet") || strings.Contains(out, "long name") || !strings.HasSuffix(out, "\r\x1b[K") {
		t.Errorf("%q", out)
	}
}

// wait waits until the line was painted some times.
func (p *Spinner) wait(times int) {
	for painted := 0; painted < times; {
		p.mu.Lock()
		painted = p.painted
		p.mu.Unlock()
	}
}
