//go:build linux

package cli

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// pty is a terminal of a width: what is written to tty comes out at the end.
func pty(t *testing.T, width int) (tty *os.File, end func() string) {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skip(err)
	}
	n, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0)
	}
	if err != nil {
		t.Fatal(err)
	}
	tty, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.IoctlSetWinsize(int(tty.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: uint16(width)}); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, _ = out.ReadFrom(master) // ends with an error when the terminal is closed
	}()
	return tty, func() string {
		_ = tty.Close()
		<-done
		_ = master.Close()
		return out.String()
	}
}

// TestTerminal: a table is as wide as the terminal and coloured unless
// declined; nothing but the terminal sees progress, which is gone at the end.
func TestTerminal(t *testing.T) {
	p := newScanPlace(t)
	run := func(args ...string) (out, messages string) {
		tty, end := pty(t, 70)
		stderr, endStderr := pty(t, 70)
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

// TestSpinner: the line moves, fits, and is gone.
func TestSpinner(t *testing.T) {
	t.Setenv("TERM", "xterm")
	tty, end := pty(t, 20)
	s := newSpinner(tty, false)
	s.Say("compiling something with a long name")
	s.wait(2)
	s.Close()
	out := end()
	if !strings.Contains(out, "compiling somet") || strings.Contains(out, "long name") || !strings.HasSuffix(out, "\r\x1b[K") {
		t.Errorf("%q", out)
	}
}

// wait waits until the line was painted some times.
func (p *spinner) wait(times int) {
	for painted := 0; painted < times; {
		p.mu.Lock()
		painted = p.painted
		p.mu.Unlock()
	}
}
