package story

import (
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	musters "muster/internal/client"
	"muster/internal/config"
	"muster/internal/event/send"
)

// TestEventsGoWhereTheyAreWanted manages sinks by the commands, as operators do.
func TestEventsGoWhereTheyAreWanted(t *testing.T) {
	for engine, database := range engines {
		t.Run(engine, func(t *testing.T) {
			w, err := newWorldWith(t.TempDir(), database(t), findCLI(t), func(c *config.Config) { c.SinkNetworks = []string{"127.0.0.0/8"} })
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(w.close)
			p := &patient{t: t, world: w, by: map[string]string{w.management: "management"}}
			p.sinks()
		})
	}
}

// inbox is a webhook's other end.
type inbox struct {
	*httptest.Server
	mu     sync.Mutex
	key    []byte
	status int
	kinds  []string
	wrong  int
}

func (b *inbox) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	at, _ := strconv.ParseInt(r.Header.Get("Webhook-Timestamp"), 10, 64)
	var e struct {
		Kind string `json:"detail-type"`
	}
	_ = json.Unmarshal(body, &e)
	b.mu.Lock()
	defer b.mu.Unlock()
	if r.Header.Get("Webhook-Signature") != send.Signature(b.key, r.Header.Get("Webhook-Id"), time.Unix(at, 0), body) {
		b.wrong++
	}
	if b.status == 200 {
		b.kinds = append(b.kinds, e.Kind)
	}
	rw.WriteHeader(b.status)
}

func (p *patient) sinks() {
	p.t.Helper()
	p.ask("management") // takes its credentials
	b := &inbox{status: 200}
	b.Server = httptest.NewServer(b)
	p.t.Cleanup(b.Close)
	run := func(code int, args ...string) string {
		p.t.Helper()
		out, got := p.muster(append([]string{"sink"}, args...)...)
		if got != code {
			p.t.Fatalf("muster sink %s: exit %d, %s", strings.Join(args, " "), got, out)
		}
		return out
	}
	var made musters.SinkOutput
	p.must(json.Unmarshal([]byte(run(0, "create", "alerts", b.URL, "--format", "json")), &made))
	id := made.Sink.SinkID
	var err error
	b.key, err = base64.StdEncoding.DecodeString(strings.TrimPrefix(made.SigningSecret, "whsec_"))
	p.must(err)
	run(1, "create", "alerts", b.URL)                                        // the name is taken
	run(1, "create", "members", b.URL, "--organization")                     // it administers nobody
	run(2, "create", "queue", "nats://127.0.0.1:1")                          // without a subject
	run(2, "create", "inside", b.URL, "--kind", "eventbridge")               // without a key
	run(0, "create", "metadata", "https://169.254.169.254", "--all-regions") // can be named,
	if out := run(1, "test", p.id("metadata")); !strings.Contains(out, "may not connect") {
		p.t.Errorf("and is not reached: %s", out)
	}
	if out := run(0, "test", id); !strings.Contains(out, "delivered in") {
		p.t.Errorf("test: %s", out)
	}
	run(0, "update", id, "--rotate-secret", "--format", "json")
	run(0, "test", id)
	b.mu.Lock()
	if len(b.kinds) != 2 || b.kinds[0] != "Muster Sink Test" || b.wrong != 1 { // the second is signed by the new key
		p.t.Errorf("received %v, %d of them signed wrongly", b.kinds, b.wrong)
	}
	b.mu.Unlock()
	if out := run(0, "list"); strings.Contains(out, "whsec") || !strings.Contains(out, "alerts  ENABLED WEBHOOK as EVENTBRIDGE") {
		p.t.Errorf("list: %s", out)
	}
	if out := run(0, "dead-letters", id, "--format", "json"); strings.TrimSpace(out) != "[]" {
		p.t.Errorf("dead letters: %s", out)
	}
	run(0, "redrive", id)
	run(0, "delete", id)
	run(1, "test", id)
}

// id is the id of the sink of that name.
func (p *patient) id(name string) string {
	p.t.Helper()
	out, _ := p.muster("sink", "list", "--format", "json")
	var list musters.Sinks
	p.must(json.Unmarshal([]byte(out), &list))
	for _, k := range list.Sinks {
		if k.Name == name {
			return k.SinkID
		}
	}
	p.t.Fatalf("there is no sink %s: %s", name, out)
	return ""
}
