package console

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
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
	h.files = map[string]file{}
	h.add("index.html", []byte("<html>"))
	h.add("assets/a.js.br", []byte("in Brotli"))
	h.add("assets/a.js.gz", zipped(t, "let a"))
	return h
}

func zipped(t *testing.T, text string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
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
	for accepted, want := range map[string]string{"gzip, br": "in Brotli", "gzip": string(zipped(t, "let a")), "": "let a"} {
		asset := serve(h, "GET", "/console/assets/a.js", "", accepted)
		body, err := io.ReadAll(asset.Body)
		if err != nil || string(body) != want || !strings.HasPrefix(asset.Header.Get("Content-Type"), "text/javascript") {
			t.Errorf("accepting %q: %q as %s, %v", accepted, body, asset.Header.Get("Content-Type"), err)
		}
	}
	again := httptest.NewRequest("GET", "/console/", nil)
	again.Header.Set("If-None-Match", resp.Header.Get("ETag"))
	w := httptest.NewRecorder()
	if h.ServeHTTP(w, again); w.Code != http.StatusNotModified {
		t.Errorf("a page that the browser has is sent again: %d", w.Code)
	}
	if p := resp.Header.Get("Content-Security-Policy"); !strings.Contains(p, "default-src 'none'") || strings.Contains(p, "unsafe") {
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

func TestAPasswordBecomesASession(t *testing.T) {
	h := handler(t, nil)
	if got := serve(h, "POST", "/console/api/session", `{"user":"ada"}`, "").StatusCode; got != 403 {
		t.Errorf("without logins: %d", got)
	}
	h.Logins = func(_ context.Context, l Login, _ time.Time) (Session, error) {
		switch {
		case l.Password != "right":
			return Session{}, Refusal{"wrong"}
		case l.Code == "":
			return Session{}, Need{"code", "a code is needed"}
		}
		return Session{AccountID: l.Account, Principal: l.User}, nil
	}
	post := func(body string) (int, map[string]any) {
		resp := serve(h, "POST", "/console/api/session", body, "")
		var out map[string]any
		if err := json.NewDecoder(resp.Body).Decode(&out); err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, out
	}
	if status, out := post(`{"account":"1","user":"ada","password":"right"}`); status != 403 || out["need"] != "code" {
		t.Errorf("a code is missing: %d %v", status, out)
	}
	if status, out := post(`{"account":"1","user":"ada","password":"right","code":"123456"}`); status != 200 || out["principal"] != "ada" {
		t.Errorf("all is right: %d %v", status, out)
	}
	for range mostTries {
		if status, _ := post(`{"account":"1","user":"ada","password":"guess"}`); status != 403 {
			t.Fatalf("a wrong password: %d", status)
		}
	}
	if status, _ := post(`{"account":"1","user":"ada","password":"right","code":"123456"}`); status != 429 {
		t.Errorf("after many failures: %d", status)
	}
	h.now = func() time.Time { return time.Unix(1e9, 0).Add(triesLast) }
	if status, _ := post(`{"account":"1","user":"ada","password":"right","code":"123456"}`); status != 200 {
		t.Errorf("a while later: %d", status)
	}
}

func TestTriesAreBounded(t *testing.T) {
	tr, now := newTries(), time.Unix(1e9, 0)
	for i := range mostKept + 10 {
		tr.failed(now, strconv.Itoa(i))
	}
	if len(tr.of) > mostKept {
		t.Errorf("%d are kept", len(tr.of))
	}
	if !tr.allowed(now, "5") {
		t.Error("one failure closes an address")
	}
}
