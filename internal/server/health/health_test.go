package health_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"muster/internal/server/health"
	"muster/internal/store"
	"muster/internal/store/feeds"
	"muster/internal/store/sinks"
	"muster/internal/store/storetest"
)

func get(h http.Handler, from string, header ...string) (int, string) {
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.RemoteAddr = from
	for _, name := range header {
		r.Header.Set(name, "203.0.113.7")
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	body, _ := io.ReadAll(w.Body)
	return w.Code, string(body)
}

const here = "127.0.0.1:5000"

// TestReadyTellsWhatIsWrong looks at a store with old advisories and work that
// waits, and then at one that does not answer.
func TestReadyTellsWhatIsWrong(t *testing.T) {
	storetest.EachURL(t, func(t *testing.T, url string) {
		now := time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
		var gone error
		s := storetest.Open(t, url, store.Options{Now: func() time.Time { return now }, Fault: func() error { return gone }})
		c := &health.Config{Store: s, Now: func() time.Time { return now }, FeedAge: time.Hour}
		m, err := health.NewMetrics(c)
		if err != nil {
			t.Fatal(err)
		}
		ready, numbers := http.HandlerFunc(c.Ready), m.Handler(false)
		if code, body := get(ready, here); code != http.StatusOK || !strings.Contains(body, "warning: no advisories") {
			t.Errorf("a new store: %d %s", code, body)
		}
		err = s.Update(t.Context(), func(tx *store.Tx) error {
			src := feeds.Source{Name: "osv/Debian", Status: feeds.StatusCurrent, CheckedAt: now.Add(-3 * time.Hour), ImportedAt: now.Add(-3 * time.Hour), FailingSince: now.Add(-2 * time.Hour)}
			if err := feeds.PutSource(t.Context(), tx, src); err != nil {
				return err
			}
			for id, dead := range map[string]time.Time{"slow": {}, "broken": now} {
				k := sinks.Sink{Account: "111122223333", ID: id, Name: id, Kind: sinks.Webhook, Format: "EVENTBRIDGE", URL: "https://" + id + ".example.com", Enabled: true, CreatedAt: now, UpdatedAt: now}
				d := sinks.Delivery{Position: 1, Subject: "f", Event: store.Event{ID: "1", Account: "111122223333", Detail: []byte("{}"), Time: now.Add(-20 * time.Minute)}, DeadAt: dead}
				if err := errors.Join(sinks.Put(t.Context(), tx, &k), sinks.Add(t.Context(), tx, k.Account, k.ID, []sinks.Delivery{d}), sinks.Failed(t.Context(), tx, k.Account, k.ID, d)); err != nil {
					return err
				}
			}
			return tx.Enqueue(t.Context(), store.Job{Kind: "scan.resource", RunAt: now.Add(-10 * time.Minute)})
		})
		if err != nil {
			t.Fatal(err)
		}
		_, body := get(ready, here)
		for _, want := range []string{"osv/Debian was last looked at 3h0m0s ago", "osv/Debian fails since 2026-11-22T07:00:00Z", "scan.resource waits for 10m0s",
			"events wait for 20m0s", "1 sinks have dead letters"} {
			if !strings.Contains(body, want) {
				t.Errorf("%q is not said in %s", want, body)
			}
		}
		_, body = get(numbers, here)
		for _, want := range []string{`muster_feed_age_seconds{source="osv/Debian"} 10800`, `muster_queue_age_seconds 600`, `muster_event_age_seconds 1200`, `muster_sinks_dead_letters 1`, `muster_ready 1`,
			`muster_jobs{kind="scan.resource",state="waiting"} 1`} {
			if !strings.Contains(body, want) {
				t.Errorf("%s is not among\n%s", want, body)
			}
		}
		gone = errors.New("password=secret host unreachable")
		code, body := get(ready, here)
		if code != http.StatusServiceUnavailable || body != "not ready\nthe database does not answer\n" {
			t.Errorf("without the database: %d %s", code, body)
		}
		if code, body := get(http.HandlerFunc(health.Alive), here); code != http.StatusOK || body != "ok\n" {
			t.Errorf("alive without the database: %d %s", code, body)
		}
		if _, body = get(numbers, here); !strings.Contains(body, "muster_ready 0") || strings.Contains(body, "secret") {
			t.Errorf("without the database the numbers are\n%s", body)
		}
		gone = nil
		if code, _ := get(ready, here); code != http.StatusOK {
			t.Errorf("the database is back: %d", code)
		}
	})
}

// TestNumbersStayHere asks for metrics from elsewhere and through a proxy.
func TestNumbersStayHere(t *testing.T) {
	s := storetest.Open(t, storetest.SQLite(t), store.Options{})
	m, err := health.NewMetrics(&health.Config{Store: s, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = m.Close(context.Background()) })
	counted := m.Count("aws", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) }))
	for range 3 {
		get(counted, here)
	}
	if _, body := get(m.Handler(false), "[::1]:9"); !strings.Contains(body, `muster_requests_total{door="aws",status="4xx"} 3`) {
		t.Error(body)
	}
	for _, c := range []struct {
		everyone bool
		from     string
		header   []string
		want     int
	}{
		{false, here, nil, http.StatusOK},
		{false, "192.0.2.1:5000", nil, http.StatusNotFound},
		{false, here, []string{"X-Forwarded-For"}, http.StatusNotFound},
		{true, "192.0.2.1:5000", nil, http.StatusOK},
	} {
		if code, _ := get(m.Handler(c.everyone), c.from, c.header...); code != c.want {
			t.Errorf("%+v: %d", c, code)
		}
	}
}
