package agent

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// machine is a folder that the agent takes for a machine's root, with the
// agent's state folder beside it.
type machine struct {
	t           testing.TB
	root, state string
}

// newMachine makes a Debian 12 with an identity of its own.
func newMachine(t testing.TB, id byte) *machine {
	t.Helper()
	m := &machine{t, t.TempDir(), filepath.Join(t.TempDir(), "state")}
	m.write("etc/os-release", "ID=debian\nVERSION_ID=12\nPRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\n")
	m.write("etc/machine-id", strings.Repeat(fmt.Sprintf("%02x", id), 16)+"\n")
	m.install("libfoo 1.0-1", "bash 5.2.15-2")
	return m
}

// write replaces a file as package managers do: the new one takes its place.
func (m *machine) write(name, text string) {
	m.t.Helper()
	full := filepath.Join(m.root, name)
	for _, do := range []func() error{
		func() error { return os.MkdirAll(filepath.Dir(full), 0o755) },
		func() error { return os.WriteFile(full+".dpkg-new", []byte(text), 0o644) },
		func() error { return os.Rename(full+".dpkg-new", full) },
	} {
		if err := do(); err != nil {
			m.t.Fatal(err)
		}
	}
}

// install makes dpkg's database hold exactly these packages, "name version".
func (m *machine) install(packages ...string) {
	m.t.Helper()
	var b strings.Builder
	for _, p := range packages {
		name, version, _ := strings.Cut(p, " ")
		fmt.Fprintf(&b, "Package: %s\nStatus: install ok installed\nArchitecture: amd64\nVersion: %s\n\n", name, version)
	}
	m.write("var/lib/dpkg/status", b.String())
}

// flags say which machine and which state an agent is of.
func (m *machine) flags(command string, more ...string) []string {
	return append([]string{command, "--root", m.root, "--state", m.state}, more...)
}

// enroll enrols the machine with a version of the agent, and a code on
// standard input.
func (m *machine) enroll(s *server, version, code string) (int, string) {
	m.t.Helper()
	return execute(m.t, nil, code+"\n", program(version), m.flags("enroll", "--server", s.url(), "--activation", "-", "--label", "web-1")...)
}

// once has an agent of a version report a single time.
func (m *machine) once(version string) (int, string) {
	m.t.Helper()
	return execute(m.t, nil, "", program(version), m.flags("once")...)
}

// run starts the agent.
func (m *machine) run(program string) *process {
	m.t.Helper()
	return start(m.t, nil, program, m.flags("run")...)
}

// copyState copies the state folder, as a thief or a backup does.
func (m *machine) copyState() string {
	m.t.Helper()
	to := filepath.Join(m.t.TempDir(), "copy")
	if err := os.CopyFS(to, os.DirFS(m.state)); err != nil {
		m.t.Fatal(err)
	}
	if err := os.Chmod(to, 0o700); err != nil {
		m.t.Fatal(err)
	}
	return to
}

// read is a file of the state folder.
func (m *machine) read(name string) string {
	m.t.Helper()
	body, err := os.ReadFile(filepath.Join(m.state, name))
	if err != nil {
		m.t.Fatal(err)
	}
	return string(body)
}

// replace puts other words into a file of a state folder.
func replace(t testing.TB, name, before, after string) {
	t.Helper()
	body, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(body), before) {
		t.Fatalf("%s has no %q: %s", name, before, body)
	}
	if err := os.WriteFile(name, []byte(strings.Replace(string(body), before, after, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
}
