package agent

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"muster/internal/agentwire"
	"muster/internal/inventory"
)

func TestEnrollAndOnce(t *testing.T) {
	s, m := newTestServer(), newMachine(t)
	id := m.enroll(t, s)
	if id.HostID != testHost || id.AccountID != "111122223333" || id.Region != "eu-central-1" {
		t.Errorf("identity %+v", id)
	}
	for name, mode := range map[string]os.FileMode{"": 0o700, keyFile: 0o600, identityFile: 0o600, sequenceFile: 0o600} {
		info, err := os.Stat(filepath.Join(m.state, name))
		if err != nil || info.Mode().Perm() != mode {
			t.Errorf("%q has mode %v, want %o; %v", name, info.Mode().Perm(), mode, err)
		}
	}
	a := m.agent(t, s)
	done, err := a.Once(t.Context())
	if err != nil || done.Packages != 1 || !done.Content {
		t.Fatalf("%+v, %v", done, err)
	}
	rep := <-s.reports
	if len(rep.Inventory.Items) != 1 || rep.Inventory.Items[0].Name != "bash" || rep.Inventory.OS.Ecosystem != "Debian:12" || rep.AgentVersion != "v1" {
		t.Errorf("report %+v", rep.Inventory)
	}
	// The second time the server knows the content.
	if done, err = a.Once(t.Context()); err != nil || done.Content {
		t.Errorf("%+v, %v", done, err)
	}
	if rep := <-s.reports; rep.Inventory != nil || rep.InventoryHash != done.Hash {
		t.Errorf("report %+v", rep)
	}
}

func TestEnrollRefusals(t *testing.T) {
	s, m := newTestServer(), newMachine(t)
	wrong := m.enrollment(s)
	wrong.Activation = "guess"
	_, err := Enroll(t.Context(), wrong)
	if refused, ok := errors.AsType[*RefusedError](err); !ok || refused.Code != agentwire.CodeActivation {
		t.Errorf("wrong code: %v", err)
	}
	if _, err := New(Config{StateDir: m.state, Root: m.root, Transport: s}); !errors.Is(err, ErrNotEnrolled) {
		t.Errorf("after a refusal: %v", err)
	}
	m.enroll(t, s)
	if _, err := Enroll(t.Context(), m.enrollment(s)); !errors.Is(err, ErrEnrolled) {
		t.Errorf("second enrolment: %v", err)
	}
	first := s.key
	again := m.enrollment(s)
	again.Force = true
	if _, err := Enroll(t.Context(), again); err != nil || s.key.Equal(first) {
		t.Errorf("forced enrolment: same key %v, %v", s.key.Equal(first), err)
	}
}

// TestEnrollAfterALostAnswer: the key stays the same, so that the server can
// tell a repetition from a theft.
func TestEnrollAfterALostAnswer(t *testing.T) {
	s, m := newTestServer(), newMachine(t)
	s.refuseWith(1, 0, agentwire.ErrorResponse{})
	if _, err := Enroll(t.Context(), m.enrollment(s)); err == nil {
		t.Fatal("enrolled without an answer")
	}
	before, err := os.ReadFile(filepath.Join(m.state, keyFile))
	if err != nil {
		t.Fatal(err)
	}
	m.enroll(t, s)
	after, err := os.ReadFile(filepath.Join(m.state, keyFile))
	if err != nil || string(before) != string(after) {
		t.Errorf("the key changed; %v", err)
	}
}

func TestServerAddresses(t *testing.T) {
	for server, ok := range map[string]bool{
		"https://muster.example.com": true, "https://muster.example.com:8440/prefix/": true,
		"http://127.0.0.1:8440": true, "http://localhost:8440": true, "http://[::1]:8440": true,
		"http://muster.example.com": false, "http://127.0.0.1.example.com": false, "ftp://x": false, "muster.example.com": false, "": false,
		"https://user:pass@muster.example.com": false, "https://muster.example.com?x=1": false,
	} {
		if _, err := newClient(server, "", nil); (err == nil) != ok {
			t.Errorf("%q: %v", server, err)
		}
	}
	if _, err := newClient("https://x", "no PEM", nil); err == nil {
		t.Error("authorities without a certificate are accepted")
	}
}

// TestTLS goes through a real socket with a private authority.
func TestTLS(t *testing.T) {
	s, m := newTestServer(), newMachine(t)
	server := httptest.NewTLSServer(s)
	defer server.Close()
	e := m.enrollment(s)
	e.Server, e.Transport = server.URL, nil
	if _, err := Enroll(t.Context(), e); err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("an unknown authority: %v", err)
	}
	e.CA = pemOf(server)
	if _, err := Enroll(t.Context(), e); err != nil {
		t.Fatal(err)
	}
	a, err := New(Config{StateDir: m.state, Root: m.root})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.Once(t.Context()); err != nil {
		t.Error(err)
	}
	if err := a.Close(); err != nil {
		t.Error(err)
	}
}

func TestAServerThatMoved(t *testing.T) {
	s, m := newTestServer(), newMachine(t)
	m.enroll(t, s)
	for server, ok := range map[string]bool{"https://new.example.com": true, "http://new.example.com": false} {
		a, err := New(Config{StateDir: m.state, Root: m.root, Server: server, Transport: s})
		if (err == nil) != ok {
			t.Errorf("%s: %v", server, err)
		}
		if err != nil {
			continue
		}
		if a.Identity().Server != server {
			t.Errorf("speaks to %s", a.Identity().Server)
		}
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestOneAgentPerStateFolder(t *testing.T) {
	s, m := newTestServer(), newMachine(t)
	m.enroll(t, s)
	m.agent(t, s)
	if _, err := New(Config{StateDir: m.state, Root: m.root}); !errors.Is(err, ErrInUse) {
		t.Errorf("got %v", err)
	}
}

func TestACopiedStateFolderIsNoticed(t *testing.T) {
	s, m := newTestServer(), newMachine(t)
	m.write(t, "etc/machine-id", "0123456789abcdef0123456789abcdef")
	m.enroll(t, s)
	m.write(t, "etc/machine-id", "ffff456789abcdef0123456789abcdef")
	if _, err := New(Config{StateDir: m.state, Root: m.root}); !errors.Is(err, ErrOtherMachine) {
		t.Errorf("got %v", err)
	}
}

func TestStateFoldersOpenToOthersAreRefused(t *testing.T) {
	s, m := newTestServer(), newMachine(t)
	if err := os.MkdirAll(m.state, 0o755); err != nil {
		t.Fatal(err)
	}
	m.enroll(t, s) // an empty one is made private
	if err := os.Chmod(m.state, 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := New(Config{StateDir: m.state, Root: m.root}); err == nil || !strings.Contains(err.Error(), "open to others") {
		t.Errorf("got %v", err)
	}
}

// TestSequenceNumbersNeverRepeat over restarts, also when a process dies
// before it can say how far it was.
func TestSequenceNumbersNeverRepeat(t *testing.T) {
	s, m := newTestServer(), newMachine(t)
	m.enroll(t, s)
	last := int64(0)
	for range 3 {
		st, err := openState(m.state, false)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := st.load(); err != nil {
			t.Fatal(err)
		}
		for range reserve + 5 {
			n, err := st.sequence()
			if err != nil || n <= last {
				t.Fatalf("%d after %d, %v", n, last, err)
			}
			last = n
		}
		if err := st.close(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestARestoredStateFolder continues where the server is.
func TestARestoredStateFolder(t *testing.T) {
	s, m := newTestServer(), newMachine(t)
	m.enroll(t, s)
	s.sequence = 5_000_000
	if _, err := m.agent(t, s).Once(t.Context()); err != nil {
		t.Fatal(err)
	}
	if s.sequence <= 5_000_000 {
		t.Errorf("the server's sequence is %d", s.sequence)
	}
}

// TestAWrongClock is corrected by the server's.
func TestAWrongClock(t *testing.T) {
	s, m := newTestServer(), newMachine(t)
	s.now = func() time.Time { return time.Now().Add(3 * time.Hour) }
	m.enroll(t, s)
	if _, err := m.agent(t, s).Once(t.Context()); err != nil {
		t.Fatal(err)
	}
	if rep := <-s.reports; time.Until(rep.CollectedAt) < 2*time.Hour {
		t.Errorf("collected at %s by the wrong clock", rep.CollectedAt)
	}
}

func TestAnIncompleteLookIsNotReported(t *testing.T) {
	s, m := newTestServer(), newMachine(t)
	m.enroll(t, s)
	m.write(t, "var/lib/dpkg/status", "Package: a\nVersion: 1\n\nPackage: b\n"+strings.Repeat(" x\n", 1<<20))
	if _, err := m.agent(t, s).Once(t.Context()); err == nil {
		t.Error("reported")
	}
	if len(s.reports) != 0 {
		t.Error("the server got a report")
	}
}

func TestProxiesAnswersAreNotMistaken(t *testing.T) {
	err := refused(&http.Response{StatusCode: 502}, []byte("<html>Bad gateway</html>"))
	if got := err.Error(); !strings.Contains(got, "502 Bad Gateway") {
		t.Errorf("got %q", got)
	}
	if (&client{}).adjust(err, nil) {
		t.Error("a proxy's page changes the agent")
	}
}

func TestDescribe(t *testing.T) {
	m := newMachine(t)
	var b strings.Builder
	if err := Describe(t.Context(), &b, m.root, nil); err != nil {
		t.Fatal(err)
	}
	inv, err := agentwire.DecodeInventory(strings.NewReader(b.String()), inventory.DefaultLimits())
	if err != nil || len(inv.Items) != 1 {
		t.Errorf("%q: %v", b.String(), err)
	}
}

// TestServersAskForPatience: an agent comes back when the server wants it to, a
// little later, and not in a year because somebody says so.
func TestServersAskForPatience(t *testing.T) {
	for text, want := range map[string]time.Duration{"30": 30 * time.Second, "999999999": mostRetryAfter, "soon": 0, "-1": 0, "": 0} {
		err := refused(&http.Response{StatusCode: 503, Header: http.Header{"Retry-After": {text}}}, nil)
		if got := asked(err); got < want || got > want+want/4 {
			t.Errorf("Retry-After %q: waits %v", text, got)
		}
	}
}
