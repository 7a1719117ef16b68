package trace_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"muster/internal/server/trace"
	"muster/internal/store"
	"muster/internal/worker"
)

// collector takes spans, as any collector of OTLP does.
type collector struct {
	mu     sync.Mutex
	bodies []string
}

func (c *collector) ServeHTTP(_ http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	c.mu.Lock()
	c.bodies = append(c.bodies, r.Method+" "+r.URL.Path+" "+r.Header.Get("Content-Type")+" "+string(body))
	c.mu.Unlock()
}

// TestSpansTellHowAndNotWhat makes spans of requests and jobs that are full of
// secrets.
func TestSpansTellHowAndNotWhat(t *testing.T) {
	c := &collector{}
	server := httptest.NewServer(c)
	defer server.Close()
	traces := trace.New(server.URL+"/v1/traces", "1.2.3", slog.New(slog.DiscardHandler))
	door := traces.Requests("aws", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) }))
	r := httptest.NewRequest(http.MethodPost, "/findings/SECRET?token=SECRET", strings.NewReader("SECRET"))
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 SECRET")
	r.Header.Set("Traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
	w := httptest.NewRecorder()
	door.ServeHTTP(w, r)
	if w.Code != http.StatusServiceUnavailable {
		t.Errorf("answered %d", w.Code)
	}
	jobs := traces.Jobs(map[string]worker.Handler{"scan.resource": func(context.Context, store.Job) error { return errors.New("SECRET") }})
	if err := jobs["scan.resource"](t.Context(), store.Job{Key: "SECRET", Payload: []byte("SECRET")}); err == nil {
		t.Error("the job's error is lost")
	}
	if err := traces.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if len(c.bodies) != 1 {
		t.Fatalf("%d requests to the collector", len(c.bodies))
	}
	head, body, _ := strings.Cut(c.bodies[0], "{")
	if head != "POST /v1/traces application/json " || strings.Contains(body, "SECRET") || strings.Contains(body, "0af7651916cd43dd8448eb211c80319c") {
		t.Errorf("sent %s", c.bodies[0])
	}
	var sent struct {
		ResourceSpans []struct {
			ScopeSpans []struct {
				Spans []struct {
					TraceID, SpanID, Name, StartTimeUnixNano, EndTimeUnixNano string
					Kind                                                      int
					Status                                                    struct{ Code int }
					Attributes                                                []struct {
						Key   string
						Value map[string]any
					}
				}
			}
		}
	}
	if err := json.Unmarshal([]byte("{"+body), &sent); err != nil {
		t.Fatal(err)
	}
	spans := sent.ResourceSpans[0].ScopeSpans[0].Spans
	if len(spans) != 2 || spans[0].Name != "aws" || spans[0].Kind != 2 || spans[1].Name != "job scan.resource" || spans[1].Kind != 5 {
		t.Fatalf("spans %+v", spans)
	}
	for _, s := range spans {
		if len(s.TraceID) != 32 || len(s.SpanID) != 16 || s.StartTimeUnixNano > s.EndTimeUnixNano || s.Status.Code != 2 {
			t.Errorf("span %+v", s)
		}
	}
	if a := spans[0].Attributes; len(a) != 2 || a[1].Key != "http.response.status_code" || a[1].Value["intValue"] != "503" {
		t.Errorf("attributes %+v", a)
	}
}

// TestNobodyWaitsForACollector: one that is gone costs its spans only, and the
// log says so once.
func TestNobodyWaitsForACollector(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	server.Close()
	var log strings.Builder
	traces := trace.New(server.URL, "1", slog.New(slog.NewTextHandler(&log, nil)))
	door := traces.Requests("agents", http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	for range 5000 {
		door.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/", nil))
	}
	if err := traces.Close(t.Context()); err != nil {
		t.Error(err)
	}
	if n := strings.Count(log.String(), "takes none"); n != 1 {
		t.Errorf("said %d times: %s", n, log.String())
	}
	var none *trace.Traces
	if none.Requests("aws", http.NotFoundHandler()) == nil || none.Close(t.Context()) != nil {
		t.Error("without an address there is something to do")
	}
}
