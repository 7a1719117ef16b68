package emulate

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// newGate is a gate before counted worlds that answer with their number.
func newGate(fail *atomic.Bool) *Gate {
	var number atomic.Int64
	world := func() http.Handler {
		n := number.Add(1)
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/slow" {
				<-r.Context().Done()
				http.Error(w, context.Cause(r.Context()).Error(), http.StatusGone)
				return
			}
			_, _ = w.Write([]byte{byte('0' + n)})
		})
	}
	g := &Gate{Log: slog.New(slog.DiscardHandler), Settle: func(context.Context) {}, Renew: func(context.Context) (http.Handler, error) {
		if fail.Load() {
			return nil, errors.New("no room")
		}
		return world(), nil
	}}
	g.Open(world())
	return g
}

func ask(g *Gate, method, path string, header ...string) (int, string) {
	r := httptest.NewRequest(method, "http://127.0.0.1:8440"+path, nil)
	for i := 0; i < len(header); i += 2 {
		if header[i] == "Host" {
			r.Host = header[i+1]
		}
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	g.ServeHTTP(w, r)
	return w.Code, strings.TrimSpace(w.Body.String())
}

func TestResetExchangesTheWorld(t *testing.T) {
	var fail atomic.Bool
	g := newGate(&fail)
	for _, step := range []struct {
		method, path string
		fail         bool
		status       int
		body         string
	}{
		{"GET", "/", false, 200, "1"},
		{"GET", ResetPath, false, 405, `{"status":"only POST"}`},
		{"GET", "/", false, 200, "1"},
		{"POST", ResetPath, false, 200, `{"status":"ok"}`},
		{"GET", "/", false, 200, "2"},
		{"POST", MotoResetPath, false, 200, `{"status":"ok"}`},
		{"GET", "/", false, 200, "3"},
		{"POST", ResetPath, true, 500, `{"status":"the emulator could not be emptied; its log says why"}`},
		{"GET", "/", false, 503, "The emulator could not be emptied; its log says why. Another reset may succeed."},
		{"POST", ResetPath, false, 200, `{"status":"ok"}`},
		{"GET", "/", false, 200, "4"},
	} {
		fail.Store(step.fail)
		if status, body := ask(g, step.method, step.path); status != step.status || body != step.body {
			t.Errorf("%s %s: %d %s, want %d %s", step.method, step.path, status, body, step.status, step.body)
		}
	}
}

// TestResetDoesNotWaitLong: requests inside are cancelled, not waited for, and
// resets at the same time do not hinder each other.
func TestResetDoesNotWaitLong(t *testing.T) {
	g := newGate(new(atomic.Bool))
	server := httptest.NewServer(g)
	defer server.Close()
	slow := make(chan string)
	for range 3 {
		go func() {
			r, err := server.Client().Get(server.URL + "/slow")
			if err != nil {
				slow <- err.Error()
				return
			}
			body, err := io.ReadAll(r.Body)
			_ = r.Body.Close()
			if err != nil {
				slow <- err.Error()
			}
			slow <- strings.TrimSpace(string(body))
		}()
	}
	answers := 0
	deadline := time.After(10 * time.Second)
	for answers < 3 {
		go func() { _ = g.Reset(context.Background()) }()
		select {
		case got := <-slow:
			answers++
			if got != errEmptied.Error() {
				t.Errorf("a request inside ended with %q", got)
			}
		case <-time.After(50 * time.Millisecond):
		case <-deadline:
			t.Fatalf("%d of 3 requests were cancelled", answers)
		}
	}
	g.Close()
	if status, _ := ask(g, "GET", "/"); status != http.StatusServiceUnavailable {
		t.Errorf("a closed gate answers %d", status)
	}
}

// TestForeignPagesStayOutside holds what a browser sends for pages of others.
func TestForeignPagesStayOutside(t *testing.T) {
	g := newGate(new(atomic.Bool))
	for _, c := range []struct {
		name, method, path string
		header             []string
		in                 bool
	}{
		{"a program", "POST", "/", nil, true},
		{"localhost", "POST", "/", []string{"Host", "localhost:8440"}, true},
		{"a name below localhost", "POST", "/", []string{"Host", "inspector2.localhost:8440"}, true},
		{"IPv6", "POST", "/", []string{"Host", "[::1]:8440"}, true},
		{"without a port", "POST", "/", []string{"Host", "127.0.0.2"}, true},
		{"another's name that points here", "POST", "/", []string{"Host", "rebound.example:8440"}, false},
		{"another's name that looks alike", "POST", "/", []string{"Host", "localhost.example"}, false},
		{"another address", "POST", "/", []string{"Host", "192.0.2.1:8440"}, false},
		{"no name", "POST", "/", []string{"Host", ""}, false},
		{"the console", "POST", "/", []string{"Origin", "http://127.0.0.1:8440", "Sec-Fetch-Site", "same-origin"}, true},
		{"a foreign form", "POST", ResetPath, []string{"Origin", "https://evil.example"}, false},
		{"a page from a file", "POST", ResetPath, []string{"Origin", "null"}, false},
		{"another port's page", "POST", ResetPath, []string{"Origin", "http://127.0.0.1:3000"}, false},
		{"a foreign image", "GET", "/?Action=CreateUser", []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "no-cors"}, false},
		{"a foreign link with a query", "GET", "/?Action=CreateUser", []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate"}, false},
		{"a link to the console", "GET", "/console/", []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate"}, true},
		{"a foreign form without origin", "POST", "/", []string{"Sec-Fetch-Site", "same-site", "Sec-Fetch-Mode", "navigate"}, false},
	} {
		if status, _ := ask(g, c.method, c.path, c.header...); (status != http.StatusForbidden) != c.in {
			t.Errorf("%s: %d, want in %v", c.name, status, c.in)
		}
	}
}
