package send_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"muster/internal/event/send"
	"muster/internal/finding/eventform"
	"muster/internal/store"
	"muster/internal/store/sinks"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

const accessKey, secretKey = "AKIAEXAMPLEEXAMPLE12", "secret/of+the+bus"

// resigned signs what a request claims to be, with the SDK's signer, and
// returns the signature that it should have.
func resigned(t *testing.T, r *http.Request, body []byte) string {
	t.Helper()
	at, err := time.Parse("20060102T150405Z", r.Header.Get("X-Amz-Date"))
	if err != nil || time.Since(at).Abs() > time.Minute {
		t.Errorf("date %q: %v", r.Header.Get("X-Amz-Date"), err)
	}
	again, err := http.NewRequest(r.Method, "http://"+r.Host+r.URL.RequestURI(), bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	_, signed, _ := strings.Cut(r.Header.Get("Authorization"), "SignedHeaders=")
	signed, _, _ = strings.Cut(signed, ",")
	for _, h := range strings.Split(signed, ";") {
		if h != "host" && h != "content-length" {
			again.Header[http.CanonicalHeaderKey(h)] = r.Header.Values(h)
		}
	}
	sum := sha256.Sum256(body)
	key := aws.Credentials{AccessKeyID: accessKey, SecretAccessKey: secretKey}
	if err := v4.NewSigner().SignHTTP(t.Context(), key, again, hex.EncodeToString(sum[:]), "events", "eu-central-1", at); err != nil {
		t.Fatal(err)
	}
	return again.Header.Get("Authorization")
}

type put struct {
	Entries []struct {
		Source, DetailType, Detail, EventBusName string
		Resources                                []string
		Time                                     float64
	}
}

func findingEvent(n int) *store.Event {
	at := time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
	return &store.Event{
		ID: fmt.Sprintf("%032x", n), Account: "111122223333", Region: "us-east-1", Source: "aws.inspector2", DetailType: eventform.FindingType,
		Resources: []string{"i-1"}, Time: at, Detail: eventform.Trial("111122223333", "us-east-1", at),
	}
}

func TestEventBridge(t *testing.T) {
	var puts []put
	busy := true
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if got, want := r.Header.Get("Authorization"), resigned(t, r, body); got != want {
			t.Errorf("signed %s\nwant   %s", got, want)
		}
		if r.Header.Get("X-Amz-Target") != "AWSEvents.PutEvents" {
			t.Errorf("target %s", r.Header.Get("X-Amz-Target"))
		}
		var p put
		if err := json.Unmarshal(body, &p); err != nil {
			t.Error(err)
		}
		puts = append(puts, p)
		results := make([]map[string]string, len(p.Entries))
		for i := range p.Entries {
			results[i] = map[string]string{"EventId": "x"}
			if busy && i == 1 {
				results[i] = map[string]string{"ErrorCode": "ThrottlingException", "ErrorMessage": "slow down"}
			}
		}
		_ = json.NewEncoder(rw).Encode(map[string]any{"FailedEntryCount": 0, "Entries": results})
	}))
	t.Cleanup(server.Close)
	k := &sinks.Sink{Kind: sinks.EventBridge, Format: "EVENTBRIDGE", URL: server.URL, Options: sinks.Options{Bus: "security", Region: "eu-central-1", Source: "muster.inspector2"}}
	g := send.NewGuard([]netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")})
	s, err := send.Open(t.Context(), g, k, send.Credentials{AccessKey: accessKey, SecretKey: secretKey})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var events []*store.Event
	for n := range 23 {
		events = append(events, findingEvent(n))
	}
	for i, err := range s.Send(t.Context(), events) {
		if refused := i%10 == 1; (err != nil) != refused || send.Refused(err) {
			t.Errorf("event %d: %v", i, err)
		}
	}
	if len(puts) != 3 || len(puts[0].Entries) != 10 || len(puts[2].Entries) != 3 {
		t.Errorf("%d requests", len(puts))
	}
	first := puts[0].Entries[0]
	if first.Source != "muster.inspector2" || first.DetailType != "Inspector2 Finding" || first.EventBusName != "security" ||
		first.Detail != string(events[0].Detail) || first.Time != 1795338000 || first.Resources[0] != "i-1" {
		t.Errorf("sent %+v", first)
	}
	// Security Hub's own events carry their findings in a list.
	k.Format, busy = "ASFF", false
	if err := s.Send(t.Context(), events[:1])[0]; err != nil {
		t.Fatal(err)
	}
	hub := puts[len(puts)-1].Entries[0]
	var detail struct {
		Findings []struct{ SchemaVersion, RecordState string }
	}
	if err := json.Unmarshal([]byte(hub.Detail), &detail); err != nil || hub.DetailType != "Security Hub Findings - Imported" ||
		len(detail.Findings) != 1 || detail.Findings[0].SchemaVersion != "2018-10-08" || detail.Findings[0].RecordState != "ARCHIVED" {
		t.Errorf("sent %+v: %v", hub, err)
	}
}
