package forge

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// answering gives the same answer to everything, a few times.
type answering struct {
	status int
	link   string
	body   []byte
	left   int
}

var errEnough = errors.New("enough")

func (a *answering) RoundTrip(r *http.Request) (*http.Response, error) {
	if a.left--; a.left < 0 {
		return nil, errEnough
	}
	return &http.Response{
		StatusCode: a.status, Request: r, Header: http.Header{"Link": {a.link}}, Body: io.NopCloser(bytes.NewReader(a.body)),
	}, nil
}

// FuzzAnswers: whatever a forge answers, requests stay at its own host, and
// what comes out is within the bounds.
func FuzzAnswers(f *testing.F) {
	f.Add(200, `<https://elsewhere.example/api/v4/projects?page=2>; rel="next"`, []byte(`[{"id":1,"path_with_namespace":"a/b","http_url_to_repo":"https://git.example/a/b.git","default_branch":"main","visibility":"private"}]`))
	f.Add(200, "", []byte(`{"total_count":1,"repositories":[{"id":1,"full_name":"a/b","clone_url":"https://git.example/a/b.git","default_branch":"main","private":true}],"token":"x","expires_at":"2026-01-01T00:00:00Z"}`))
	f.Add(404, "", []byte(`{}`))
	f.Fuzz(func(t *testing.T, status int, link string, body []byte) {
		through := &answering{status, link, body, 5}
		gitlab := NewGitLab("https://git.example", "token", guarded{t, through})
		hub := NewGitHub(App{API: "https://git.example"}, "1", time.Now, guarded{t, through})
		hub.token, hub.expires = "token", time.Now().Add(time.Hour) // or it would sign with a key
		look := func(list []Project) error {
			for _, p := range list {
				if len(p.Name) > maxName {
					t.Errorf("a name of %d bytes", len(p.Name))
				}
			}
			return nil
		}
		_ = gitlab.Projects(t.Context(), look)
		_, _ = gitlab.Head(t.Context(), Project{ID: "1", Name: "a/b", Branch: "main"})
		_ = hub.Projects(t.Context(), look)
		_, _ = hub.Head(t.Context(), Project{ID: "1", Name: "a/b", Branch: "main"})
	})
}

// guarded fails the test when a request leaves the host.
type guarded struct {
	t    *testing.T
	next http.RoundTripper
}

func (g guarded) RoundTrip(r *http.Request) (*http.Response, error) {
	if !strings.EqualFold(r.URL.Host, "git.example") {
		g.t.Errorf("a request to %s", r.URL.Host)
	}
	return g.next.RoundTrip(r)
}
