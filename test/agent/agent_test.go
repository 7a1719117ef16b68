package agent

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"muster/internal/store/storetest"

	"github.com/aws/aws-sdk-go-v2/service/inspector2/types"
)

// Exit codes of muster-agent, as its help tells them.
const (
	refused = 3
	failed  = 1
)

// TestTheAgentAsAProduct goes through the life of a host, from its enrolment to
// its revocation, on both stores.
func TestTheAgentAsAProduct(t *testing.T) {
	if testing.Short() {
		t.Skip("builds and runs both programs: make test runs it")
	}
	if err := build(); err != nil {
		t.Fatal(err)
	}
	for engine, database := range map[string]func(testing.TB) string{"sqlite": func(testing.TB) string { return "" }, "postgres": storetest.Postgres} {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			s := newServer(t, database(t))
			s.advisories()
			l := &life{t: t, server: s, account: s.account(), machine: newMachine(t, 1)}
			for _, chapter := range []struct {
				name string
				tell func()
			}{
				{"enrolment", l.enrolment}, {"changes", l.changes}, {"a server that is away", l.outage}, {"another key", l.rotation},
				{"strangers", l.strangers}, {"a newer version", l.upgrade}, {"revocation", l.revocation},
			} {
				t.Log(chapter.name)
				chapter.tell()
			}
		})
	}
}

// life is that of one host.
type life struct {
	t       *testing.T
	server  *server
	account *account
	machine *machine

	id, arn string
	agent   *process
}

func (l *life) expect(code int, out string, want int, words string) {
	l.t.Helper()
	if code != want || !strings.Contains(out, words) {
		l.t.Fatalf("exit code %d, want %d and %q: %s", code, want, words, out)
	}
}

// enrolment: a code works for as many hosts as it is for, and for no other.
func (l *life) enrolment() {
	code := l.account.code("--hosts", "1", "--expires", "1h", "--tag", "team=web")
	status, out := l.machine.enroll(l.server, older, "ffffffffffffffffffffffffffffffff")
	l.expect(status, out, refused, "")
	status, out = l.machine.enroll(l.server, older, code)
	l.expect(status, out, 0, "Enrolled as i-")
	l.id = strings.Fields(out)[2]
	status, out = newMachine(l.t, 2).enroll(l.server, older, code)
	l.expect(status, out, refused, "")

	l.account.awaitCoverage(l.id, "INACTIVE NO_INVENTORY")
	l.agent = l.machine.run(program(older))
	l.arn = l.account.awaitStatus(l.id, types.FindingStatusActive)
	h := l.account.host(l.id)
	if h.Tags["team"] != "web" || h.Label != "web-1" || h.AgentVersion != older || h.Status != "ACTIVE" {
		l.t.Fatalf("the host is shown as %+v", h)
	}
	l.account.awaitCoverage(l.id, "ACTIVE SUCCESSFUL")
}

// changes of the package database open and close findings while the agent runs.
func (l *life) changes() {
	l.machine.install("libfoo 1.0-2", "bash 5.2.15-2")
	l.account.awaitStatus(l.id, types.FindingStatusClosed)
	l.machine.install("libfoo 1.0-1", "bash 5.2.15-2")
	if arn := l.account.awaitStatus(l.id, types.FindingStatusActive); arn != l.arn {
		l.t.Fatalf("the finding came back as %s, it was %s", arn, l.arn)
	}
}

// outage: what changes while the server is away waits on the disk, also over a
// crash of the agent, and arrives when the server is back.
func (l *life) outage() {
	l.server.stop()
	l.machine.install("libfoo 1.0-2", "bash 5.2.15-2")
	waiting := filepath.Join(l.machine.state, "pending.json.gz")
	eventually(l.t, "a report that waits", func() error {
		_, err := os.Stat(waiting)
		return err
	})
	l.agent.end(l.t, syscall.SIGKILL)
	l.agent = l.machine.run(program(older))
	l.server.start()
	l.account.awaitStatus(l.id, types.FindingStatusClosed)
	eventually(l.t, "nothing waits", func() error {
		if _, err := os.Stat(waiting); err == nil {
			return errors.New(waiting + " is there")
		}
		return nil
	})
	l.machine.install("libfoo 1.0-1", "bash 5.2.15-2")
	l.account.awaitStatus(l.id, types.FindingStatusActive)
}

// rotation: the host takes another key with its next report, and who stole the
// one before can do nothing with it.
func (l *life) rotation() {
	before, stolen := l.account.host(l.id), l.machine.copyState()
	l.account.agents(nil, "rotate-key", l.id)
	l.machine.install("libfoo 1.0-1", "bash 5.2.15-3")
	eventually(l.t, "another key", func() error {
		if h := l.account.host(l.id); h.KeyFingerprint == before.KeyFingerprint || h.RotationDemanded {
			return fmt.Errorf("the host has the key %s", h.KeyFingerprint)
		}
		return nil
	})
	thief := *l.machine
	thief.state, thief.root = stolen, newMachine(l.t, 1).root
	thief.install("bash 5.2.15-2")
	status, out := thief.once(older)
	l.expect(status, out, refused, "")

	// The agent lives on with the new one, and so does the next process.
	l.agent.end(l.t, syscall.SIGTERM)
	status, out = l.machine.once(older)
	l.expect(status, out, 0, "of "+l.id)
	l.account.awaitStatus(l.id, types.FindingStatusActive)
}

// strangers: a host of the same account cannot report for another, nor can its
// folder be used on another machine.
func (l *life) strangers() {
	other := newMachine(l.t, 3)
	other.install("bash 5.2.15-2")
	status, out := other.enroll(l.server, older, l.account.code())
	l.expect(status, out, 0, "Enrolled as i-")
	forged := *other
	forged.state = other.copyState()
	replace(l.t, filepath.Join(forged.state, "identity.json"), strings.Fields(out)[2], l.id)
	status, out = forged.once(older)
	l.expect(status, out, refused, "")

	copied := *newMachine(l.t, 4)
	copied.state = l.machine.copyState()
	status, out = copied.once(older)
	l.expect(status, out, refused, "another machine")

	l.account.awaitStatus(l.id, types.FindingStatusActive)
	if got, err := l.account.finding(l.id); err != nil || string(*got.FindingArn) != l.arn {
		l.t.Fatalf("the finding is %v, %v", got.FindingArn, err)
	}
}

// upgrade: the server wants a newer version; that takes the place of the older
// one under the state of its predecessors, back to the first agents'.
func (l *life) upgrade() {
	l.server.stop()
	l.server.start("MUSTER_AGENT_OLDEST=" + newer)
	status, out := l.machine.once(older)
	l.expect(status, out, refused, "install a newer muster-agent")

	// The first agents noted neither a format nor the age of their key, and
	// kept nothing of what they had sent.
	replace(l.t, filepath.Join(l.machine.state, "identity.json"), `,"format":1`, "")
	seed, _, _ := strings.Cut(l.machine.read("key.json"), ",")
	if err := os.WriteFile(filepath.Join(l.machine.state, "key.json"), []byte(seed+"}\n"), 0o600); err != nil {
		l.t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(l.machine.state, "base.json.gz")); err != nil {
		l.t.Fatal(err)
	}

	system := l.t.TempDir()
	installed := filepath.Join(system, "usr/local/bin/muster-agent")
	for _, version := range []string{older, newer} {
		status, out := execute(l.t, nil, "", program(version), "install", "--root", system)
		l.expect(status, out, 0, "wrote")
		if version == older {
			l.agent = l.machine.run(installed) // refused, and patient
		}
	}
	status, out = l.machine.once(newer)
	l.expect(status, out, failed, "in use")
	l.agent.end(l.t, syscall.SIGTERM)
	l.agent = l.machine.run(installed)
	l.machine.install("libfoo 1.0-2", "bash 5.2.15-3")
	if arn := l.account.awaitStatus(l.id, types.FindingStatusClosed); arn != l.arn {
		l.t.Fatalf("the finding is %s, it was %s", arn, l.arn)
	}
	if h := l.account.host(l.id); h.AgentVersion != newer {
		l.t.Fatalf("the host has version %s, want %s", h.AgentVersion, newer)
	}
	l.machine.install("libfoo 1.0-1", "bash 5.2.15-3")
	l.account.awaitStatus(l.id, types.FindingStatusActive)
}

// revocation ends the agent with its next report; nothing of the host is left.
func (l *life) revocation() {
	l.account.agents(nil, "revoke", l.id)
	l.account.awaitStatus(l.id, types.FindingStatusClosed)
	l.machine.install("libfoo 1.0-1", "bash 5.2.15-4")
	if code := l.agent.await(l.t); code != refused {
		l.t.Fatalf("the agent ended with code %d, want %d", code, refused)
	}
	status, out := l.machine.once(newer)
	l.expect(status, out, refused, "revoked")
	l.account.awaitCoverage(l.id)
	// A new activation brings the machine back as the host that it was.
	status, out = execute(l.t, nil, "", program(newer), l.machine.flags("enroll", "--server", l.server.url(), "--activation", l.account.code(), "--force")...)
	l.expect(status, out, 0, "Enrolled as "+l.id)
	status, out = l.machine.once(newer)
	l.expect(status, out, 0, "")
	if arn := l.account.awaitStatus(l.id, types.FindingStatusActive); arn != l.arn {
		l.t.Fatalf("the finding is %s, it was %s", arn, l.arn)
	}
}
