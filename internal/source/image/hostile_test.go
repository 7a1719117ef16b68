package image_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"muster/internal/source/image"
)

// liar is a registry that answers by path; what it does not know is not there.
type liar map[string]http.HandlerFunc

func (l liar) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if answer := l[r.URL.Path]; answer != nil {
		answer(w, r)
		return
	}
	if r.URL.Path != "/v2/" {
		http.NotFound(w, r)
	}
}

// add makes a document under its digest and gives its descriptor.
func (l liar) add(kind, text string) string {
	sum := sha256.Sum256([]byte(text))
	digest := "sha256:" + hex.EncodeToString(sum[:])
	answer := says(kind, text)
	l["/v2/app/manifests/"+digest], l["/v2/app/blobs/"+digest] = answer, answer
	return fmt.Sprintf(`{"mediaType":%q,"digest":%q,"size":%d}`, kind, digest, len(text))
}

func says(kind, text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", kind)
		_, _ = io.WriteString(w, text)
	}
}

const (
	indexType    = "application/vnd.oci.image.index.v1+json"
	manifestType = "application/vnd.oci.image.manifest.v1+json"
	configType   = "application/vnd.oci.image.config.v1+json"
	layerType    = "application/vnd.oci.image.layer.v1.tar"
)

func linux() image.Platform { return image.Platform{OS: "linux", Architecture: "amd64"} }

// pull pulls app:1 with credentials and reads its layers.
func pull(ctx context.Context, address string) error {
	i, err := image.Pull(ctx, strings.TrimPrefix(address, "http://")+"/app:1", linux(), image.Registry{User: "robot", Password: "secret"})
	if err != nil {
		return err
	}
	for _, l := range i.Layers {
		r, err := l.Open()
		if err != nil {
			return err
		}
		_, err = io.Copy(io.Discard, r)
		if err := errors.Join(err, r.Close()); err != nil {
			return err
		}
	}
	return nil
}

// TestCredentialsStay: where a registry sends for manifests, configurations and
// layers, its credentials do not go.
func TestCredentialsStay(t *testing.T) {
	var mu sync.Mutex
	elsewhere, asked := 0, []string{}
	store := liar{}
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		elsewhere++
		if got := r.Header.Get("Authorization") + r.Header.Get("Cookie"); got != "" || strings.Contains(r.URL.String(), "secret") {
			asked = append(asked, r.URL.Path+" "+got)
		}
		store.ServeHTTP(w, r)
	}))
	defer other.Close()
	layer := store.add(layerType, strings.Repeat("\x00", 1024))
	config := store.add(configType, fmt.Sprintf(`{"os":"linux","architecture":"amd64","rootfs":{"diff_ids":[%s]}}`, layer[strings.Index(layer, `"sha256`):strings.LastIndex(layer, `,"size`)]))
	store["/v2/app/manifests/1"] = says(manifestType, `{"schemaVersion":2,"mediaType":"`+manifestType+`","config":`+config+`,"layers":[`+layer+`]}`)
	challenged := false
	main := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, _, ok := r.BasicAuth(); !ok {
			challenged = true
			w.Header().Set("WWW-Authenticate", `Basic realm="x"`)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		if r.URL.Path == "/v2/" {
			return
		}
		http.SetCookie(w, &http.Cookie{Name: "session", Value: "secret"})
		http.Redirect(w, r, strings.Replace(other.URL, "127.0.0.1", "localhost", 1)+r.URL.Path, http.StatusTemporaryRedirect)
	}))
	defer main.Close()
	err := pull(t.Context(), main.URL)
	if err != nil || !challenged || elsewhere < 3 || len(asked) > 0 {
		t.Errorf("%v; challenged %v, %d requests elsewhere, with credentials: %q", err, challenged, elsewhere, asked)
	}
}

// TestEndlessRegistries: answers without end, indexes within indexes, rings of
// redirects and silence end with an error that says so, having held little.
func TestEndlessRegistries(t *testing.T) {
	endless := func(kind string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", kind)
			for r.Context().Err() == nil {
				if _, err := w.Write(make([]byte, 1<<20)); err != nil {
					return
				}
			}
		}
	}
	nested := liar{}
	inner := nested.add(indexType, `{"schemaVersion":2,"manifests":[]}`)
	for range 10 {
		inner = nested.add(indexType, `{"schemaVersion":2,"mediaType":"`+indexType+`","manifests":[`+inner+`]}`)
	}
	nested["/v2/app/manifests/1"] = says(indexType, `{"schemaVersion":2,"mediaType":"`+indexType+`","manifests":[`+inner+`]}`)
	huge := liar{"/v2/app/manifests/1": says(manifestType, `{"schemaVersion":2,"mediaType":"`+manifestType+`","config":{"mediaType":"`+configType+
		`","digest":"sha256:`+strings.Repeat("a", 64)+`","size":1099511627776},"layers":[]}`)}
	silent := func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
	for what, tt := range map[string]struct {
		server liar
		want   string
	}{
		"a manifest":         {liar{"/v2/app/manifests/1": endless(manifestType)}, "exceeds"},
		"indexes":            {nested, "nested deeper"},
		"a ring":             {liar{"/v2/app/manifests/1": func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, r.URL.Path, http.StatusFound) }}, "redirects"},
		"a configuration":    {huge, "a configuration of 1099511627776 bytes"},
		"no answer":          {liar{"/v2/app/manifests/1": silent}, "deadline"},
		"not even a welcome": {liar{"/v2/": silent}, "deadline"},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(tt.server)
			defer server.Close()
			ctx := t.Context()
			if tt.want == "deadline" {
				limited, cancel := context.WithTimeout(ctx, 300*time.Millisecond)
				defer cancel()
				ctx = limited
			}
			if err := pull(ctx, server.URL); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%v, want %q", err, tt.want)
			}
		})
	}
}
