// Package install puts the agent's program and its systemd service where they
// belong, also in place of an older version: key and state stay as they are.
package install

import (
	"bytes"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

//go:embed muster-agent.service
var service string

// Where things go, below the root of the system.
const (
	Program = "/usr/local/bin/muster-agent"
	Unit    = "/etc/systemd/system/muster-agent.service"
	name    = "muster-agent.service"
)

// Service is the text of the unit for a program.
func Service(program string) string { return strings.ReplaceAll(service, "@PROGRAM@", program) }

// Target is the system that is installed to.
type Target struct {
	// Root is the system's root folder, "/" for this one.
	Root string
	// Start has the service started, or started again, at once.
	Start bool
	// Say, if set, is told what is done.
	Say func(format string, args ...any)
}

func (t Target) say(format string, args ...any) {
	if t.Say != nil {
		t.Say(format, args...)
	}
}

// Install copies the program and writes the unit. What is there already in the
// same words is left alone.
func (t Target) Install(ctx context.Context, program string) error {
	if err := t.copyProgram(program); err != nil {
		return fmt.Errorf("install: %w", err)
	}
	if err := t.write(Unit, []byte(Service(Program)), 0o644); err != nil {
		return fmt.Errorf("install: %w", err)
	}
	if !t.running() {
		t.say("systemd does not run here: start %s run by other means.", Program)
		return nil
	}
	if err := systemctl(ctx, "daemon-reload"); err != nil {
		return err
	}
	if err := systemctl(ctx, "enable", name); err != nil || !t.Start {
		return err
	}
	return systemctl(ctx, "restart", name)
}

// Uninstall stops the service and removes it and the program; the state folder
// stays.
func (t Target) Uninstall(ctx context.Context) error {
	var failed []error
	if _, err := os.Stat(filepath.Join(t.Root, Unit)); err == nil && t.running() {
		failed = append(failed, systemctl(ctx, "disable", "--now", name))
	}
	for _, file := range []string{Unit, Program} {
		if err := os.Remove(filepath.Join(t.Root, file)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			failed = append(failed, err)
		}
	}
	if t.running() {
		failed = append(failed, systemctl(ctx, "daemon-reload"))
	}
	return errors.Join(failed...)
}

// running reports whether systemd runs the system that is installed to.
func (t Target) running() bool {
	_, err := os.Stat("/run/systemd/system")
	return err == nil && filepath.Clean(t.Root) == "/"
}

func systemctl(ctx context.Context, args ...string) error {
	out, err := exec.CommandContext(ctx, "systemctl", args...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("systemctl %s: %w: %s", strings.Join(args, " "), err, bytes.TrimSpace(out))
	}
	return nil
}

func (t Target) copyProgram(from string) (err error) {
	to := filepath.Join(t.Root, Program)
	a, errA := os.Stat(from)
	b, errB := os.Stat(to)
	if errA == nil && errB == nil && os.SameFile(a, b) {
		return nil
	}
	f, err := os.Open(from)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	body, err := io.ReadAll(f)
	if err != nil {
		return err
	}
	return t.write(Program, body, 0o755)
}

// write replaces a file as a whole: a program that runs keeps what it has.
func (t Target) write(file string, body []byte, mode fs.FileMode) error {
	full := filepath.Join(t.Root, file)
	if known, err := os.ReadFile(full); err == nil && bytes.Equal(known, body) {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
		return err
	}
	next := full + ".new"
	if err := os.WriteFile(next, body, mode); err != nil {
		return err
	}
	if err := os.Chmod(next, mode); err != nil {
		return err
	}
	if err := os.Rename(next, full); err != nil {
		return err
	}
	t.say("wrote %s", file)
	return nil
}
