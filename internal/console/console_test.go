package console

import (
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func handler(t *testing.T, sessions Sessions) *Handler {
	t.Helper()
	h, err := New(sessions, func() time.Time { return time.Unix(1e9, 0) }, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	index := asset("index.html", []byte("<html>"))
	h.files = map[string]file{"index.html": index, "assets/a.js": index}
	return h
}

func serve(h http.Handler, method, target, body, encoding string) *http.Response {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	r.Header.Set("Accept-Encoding", encoding)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result()
}

func TestTheConsoleKnowsAnEmulator(t *testing.T) {
	h := handler(t, nil)
	for _, emulator := range []bool{false, true} {
		h.Info.Emulator = emulator
		resp := serve(h, "GET", "/console/api/info", "", "")
		var info Info
		if err := json.NewDecoder(resp.Body).Decode(&info); err != nil || resp.StatusCode != http.StatusOK || info.Emulator != emulator {
			t.Errorf("got %d %+v, %v", resp.StatusCode, info, err)
		}
	}
}

func TestFilesAreServedCompressedAndUnderAStrictPolicy(t *testing.T) {
	h := handler(t, nil)
	resp := serve(h, "GET", "/console/", "", "gzip")
	z, err := gzip.NewReader(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(z)
	if err != nil || string(body) != "<html>" {
		t.Errorf("got %q, %v", body, err)
	}
	if p := resp.Header.Get("Content-Security-Policy"); !strings.Contains(p, "default-src 'none'") {
		t.Errorf("policy %q", p)
	}
	if c := serve(h, "GET", "/console/assets/a.js", "", "").Header.Get("Cache-Control"); !strings.Contains(c, "immutable") {
		t.Errorf("an asset is cached as %q", c)
	}
	for target, want := range map[string]int{"/console/nothing": 404, "/console/../key": 404} {
		if got := serve(h, "GET", target, "", "").StatusCode; got != want {
			t.Errorf("%s: %d, want %d", target, got, want)
		}
	}
	if got := serve(h, "DELETE", "/console/", "", "").StatusCode; got != 405 {
		t.Errorf("DELETE: %d", got)
	}
}

func TestATicketBecomesASession(t *testing.T) {
	h := handler(t, func(_ context.Context, ticket string, _ time.Time) (Session, error) {
		switch ticket {
		case "good":
			return Session{AccountID: "111122223333", SecretAccessKey: "s"}, nil
		case "broken":
			return Session{}, errors.New("the store is away: secret detail")
		}
		return Session{}, ErrTicket
	})
	for body, want := range map[string]int{
		`{"ticket":"good"}`: 200, `{"ticket":"used"}`: 403, `{"ticket":"broken"}`: 500, `{}`: 400, `{`: 400,
		`{"ticket":"` + strings.Repeat("x", maxTicket) + `"}`: 400,
	} {
		resp := serve(h, "POST", "/console/api/session", body, "")
		if resp.StatusCode != want {
			t.Errorf("%.30s: %d, want %d", body, resp.StatusCode, want)
		}
		var out map[string]any
		if err := json.NewDecoder(resp.Body).Decode(&out); err != nil {
			t.Errorf("%.30s: %v", body, err)
		}
		if m, _ := out["message"].(string); strings.Contains(m, "secret detail") {
			t.Errorf("an inner error reached the client: %s", m)
		}
		if c := resp.Header.Get("Cache-Control"); c != "no-store" {
			t.Errorf("%.30s: cached as %q", body, c)
		}
	}
	if got := serve(h, "GET", "/console/api/session", "", "").StatusCode; got != 405 {
		t.Errorf("GET: %d", got)
	}
}
