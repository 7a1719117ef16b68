package send_test

import (
	"encoding/json"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"muster/internal/event/send"
	"muster/internal/store"
	"muster/internal/store/sinks"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// natsServer starts a server with JetStream and a user, and returns its URL.
func natsServer(t *testing.T) string {
	t.Helper()
	program, err := exec.LookPath("nats-server")
	if err != nil {
		if program = "/usr/sbin/nats-server"; os.Getenv("CI") != "" {
			t.Fatal("nats-server is not installed (test/needs.sh installs it)")
		}
		if _, err := os.Stat(program); err != nil {
			t.Skip("nats-server is not installed (test/needs.sh installs it)")
		}
	}
	log := filepath.Join(t.TempDir(), "log")
	cmd := exec.CommandContext(t.Context(), program, "-js", "-sd", t.TempDir(), "-a", "127.0.0.1", "-p", "-1", "-l", log, "--user", "muster", "--pass", "secret")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	listening := regexp.MustCompile(`Listening for client connections on (\S+)`)
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		body, _ := os.ReadFile(log)
		if m := listening.FindSubmatch(body); m != nil && regexp.MustCompile(`Server is ready`).Match(body) {
			return "nats://" + string(m[1])
		}
	}
	t.Fatal("nats-server does not listen")
	return ""
}

func TestNATS(t *testing.T) {
	url := natsServer(t)
	g := send.NewGuard([]netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")})
	login := send.Credentials{User: "muster", Password: "secret"}
	k := &sinks.Sink{Name: "bus", Kind: sinks.NATS, Format: "EVENTBRIDGE", URL: url, Options: sinks.Options{Subject: "security.findings"}}
	if _, err := send.Open(t.Context(), send.NewGuard(nil), k, login); err == nil {
		t.Error("connected to an address that is not allowed")
	}
	if _, err := send.Open(t.Context(), g, k, send.Credentials{User: "muster", Password: "wrong"}); err == nil {
		t.Error("connected with a wrong password")
	}
	s, err := send.Open(t.Context(), g, k, login)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	events := []*store.Event{findingEvent(1), findingEvent(2), findingEvent(3)}
	// Without a stream that keeps the subject nobody acknowledges anything.
	for i, err := range s.Send(t.Context(), events) {
		if err == nil {
			t.Errorf("event %d counts as taken without an acknowledgement", i)
		}
	}
	conn, err := nats.Connect(url, nats.UserInfo("muster", "secret"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	js, err := jetstream.New(conn)
	if err != nil {
		t.Fatal(err)
	}
	stream, err := js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "S", Subjects: []string{"security.>"}})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // Sent again, an event is still there once.
		for i, err := range s.Send(t.Context(), events) {
			if err != nil {
				t.Errorf("event %d: %v", i, err)
			}
		}
	}
	info, err := stream.Info(t.Context())
	if err != nil || info.State.Msgs != 3 {
		t.Fatalf("the stream keeps %+v: %v", info.State, err)
	}
	m, err := stream.GetMsg(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	var envelope struct {
		ID         string
		DetailType string `json:"detail-type"`
	}
	if err := json.Unmarshal(m.Data, &envelope); err != nil || envelope.DetailType != "Inspector2 Finding" || m.Header.Get("Nats-Msg-Id") != envelope.ID {
		t.Errorf("kept %s with %v: %v", m.Data, m.Header, err)
	}
}
