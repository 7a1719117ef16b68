package distribution

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"muster/internal/ecr/pass"
)

// open seals nothing.
type open struct{}

func (open) Seal(_ string, plain []byte) []byte           { return plain }
func (open) Open(_ string, sealed []byte) ([]byte, error) { return sealed, nil }

// FuzzRequests: whatever comes, whoever shows no valid pass gets nowhere, and a
// place that is taken for one is what the header says.
func FuzzRequests(f *testing.F) {
	f.Add("GET", "/v2/a/blobs/sha256:00", "Basic QVdTOng=", "0-3", "link=e30")
	f.Add("PATCH", "/v2/a/b/blobs/uploads/x", "Bearer x", "bytes 5-9/10", "mount=sha256:0&from=b")
	f.Fuzz(func(t *testing.T, method, path, authorization, contentRange, query string) {
		r := &http.Request{Method: method, Header: http.Header{"Authorization": {authorization}, "Content-Range": {contentRange}}, Body: http.NoBody, ContentLength: -1}
		r.URL = httptest.NewRequest("GET", "/", nil).URL
		r.URL.Path, r.URL.RawQuery = Prefix+path, query
		w := httptest.NewRecorder()
		New(Config{Passes: pass.New(open{}), Now: func() time.Time { return time.Unix(1<<40, 0) }, Log: slog.New(slog.DiscardHandler)}).ServeHTTP(w, r)
		if w.Code != http.StatusUnauthorized {
			t.Errorf("%s %s: %d", method, path, w.Code)
		}
		begin, err := beginning(r)
		if first, _, _ := strings.Cut(strings.TrimPrefix(contentRange, "bytes "), "-"); err == nil && contentRange != "" {
			if n, wrong := strconv.ParseInt(first, 10, 64); wrong != nil || n != begin || n < 0 {
				t.Errorf("%q begins at %d", contentRange, begin)
			}
		}
	})
}
