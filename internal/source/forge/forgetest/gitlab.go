// Package forgetest stands in for GitLab in tests: the operations of its REST
// interface that muster uses, over real HTTP, with Git's own server behind it.
package forgetest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"

	"muster/internal/source/git/gittest"
)

// Hook is a webhook of a project.
type Hook struct {
	ID    int    `json:"id"`
	URL   string `json:"url"`
	Token string `json:"token"`
}

// GitLab is an http.Handler that answers as an instance does.
type GitLab struct {
	*gittest.Server

	mu sync.Mutex
	// tokens are those that are good; administrators' may register
	// applications.
	tokens  map[string]bool
	names   []string
	hooks   map[int][]Hook
	notes   map[string][]string
	down    bool
	grants  int
	refresh string
	// PageSize is how many projects a page has, whatever is asked for.
	PageSize int
}

// AppID and AppSecret are those of applications that are registered here, and
// Code is what authorizing one gives.
const (
	AppID     = "app-1"
	AppSecret = "app-secret-1"
	Code      = "the-code"
)

// NewGitLab returns an instance without projects; the token is good, and an
// administrator's if admin says so.
func NewGitLab(t testing.TB, token string, admin bool) *GitLab {
	t.Helper()
	return &GitLab{Server: gittest.New(t), tokens: map[string]bool{token: admin}, hooks: map[int][]Hook{}, notes: map[string][]string{}, PageSize: 2}
}

// Add makes a project.
func (g *GitLab) Add(t testing.TB, name string) {
	t.Helper()
	g.Repository(t, name+".git")
	g.mu.Lock()
	defer g.mu.Unlock()
	g.names = append(g.names, name)
}

// Remove takes a project away.
func (g *GitLab) Remove(name string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for i, n := range g.names {
		if n == name {
			g.names[i] = ""
		}
	}
}

// SetDown makes the instance fail, or work again.
func (g *GitLab) SetDown(down bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.down = down
}

// Revoke makes a token worthless.
func (g *GitLab) Revoke(token string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.tokens, token)
}

// Hooks are the webhooks of a project by its number, beginning with 1.
func (g *GitLab) Hooks(project int) []Hook {
	g.mu.Lock()
	defer g.mu.Unlock()
	return append([]Hook(nil), g.hooks[project]...)
}

// Notes are the comments at a merge request.
func (g *GitLab) Notes(project, number int) []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return append([]string(nil), g.notes[fmt.Sprintf("%d/%d", project, number)]...)
}

// ServeHTTP implements http.Handler.
func (g *GitLab) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.down {
		http.Error(w, "down", http.StatusServiceUnavailable)
		return
	}
	switch path := r.URL.Path; {
	case path == "/oauth/token":
		g.grant(w, r)
	case strings.HasPrefix(path, "/api/v4/"):
		token := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
		admin, good := g.tokens[token]
		if !good {
			http.Error(w, `{"message":"401 Unauthorized"}`, http.StatusUnauthorized)
			return
		}
		g.rest(w, r, strings.Split(strings.TrimPrefix(path, "/api/v4/"), "/"), admin)
	default:
		user, password, _ := r.BasicAuth()
		if _, good := g.tokens[password]; !good || user != "oauth2" {
			http.Error(w, "who are you?", http.StatusUnauthorized)
			return
		}
		g.Server.ServeHTTP(w, r)
	}
}

// grant gives tokens for the code once, and for each token to refresh with
// once.
func (g *GitLab) grant(w http.ResponseWriter, r *http.Request) {
	kind, given := r.PostFormValue("grant_type"), r.PostFormValue("code")
	if kind == "refresh_token" {
		given = r.PostFormValue("refresh_token")
	}
	want := Code
	if kind == "refresh_token" {
		want = g.refresh
	}
	if r.PostFormValue("client_id") != AppID || r.PostFormValue("client_secret") != AppSecret || given != want || want == "" {
		http.Error(w, `{"error":"invalid_grant"}`, http.StatusUnauthorized)
		return
	}
	g.grants++
	token := fmt.Sprintf("given-%d", g.grants)
	g.refresh = fmt.Sprintf("refresh-%d", g.grants)
	g.tokens[token] = false
	answer(w, http.StatusOK, map[string]any{"access_token": token, "refresh_token": g.refresh, "expires_in": 7200, "token_type": "Bearer"})
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}

func (g *GitLab) rest(w http.ResponseWriter, r *http.Request, parts []string, admin bool) {
	switch what := strings.Join(parts, "/"); {
	case what == "user":
		answer(w, http.StatusOK, map[string]any{"id": 1, "username": "robot"})
	case what == "applications" && r.Method == http.MethodPost:
		if !admin {
			http.Error(w, `{"message":"403 Forbidden"}`, http.StatusForbidden)
			return
		}
		answer(w, http.StatusCreated, map[string]any{"id": 1, "application_id": AppID, "secret": AppSecret})
	case what == "projects":
		g.list(w, r)
	case parts[0] == "projects" && len(parts) >= 3:
		g.project(w, r, parts)
	default:
		http.NotFound(w, r)
	}
}

func (g *GitLab) list(w http.ResponseWriter, r *http.Request) {
	page, _ := strconv.Atoi(r.URL.Query().Get("page"))
	page = max(page, 1)
	all := []map[string]any{}
	for i, name := range g.names {
		if name != "" {
			all = append(all, map[string]any{"id": i + 1, "path_with_namespace": name, "default_branch": "main", "visibility": "private",
				"http_url_to_repo": "https://gitlab.internal/" + name + ".git"})
		}
	}
	from, to := min((page-1)*g.PageSize, len(all)), min(page*g.PageSize, len(all))
	if to < len(all) {
		next := *r.URL
		q := next.Query()
		q.Set("page", strconv.Itoa(page+1))
		next.RawQuery = q.Encode()
		w.Header().Set("Link", `<https://gitlab.internal`+next.String()+`>; rel="next", <https://gitlab.internal/x>; rel="first"`)
	}
	answer(w, http.StatusOK, all[from:to])
}

func (g *GitLab) project(w http.ResponseWriter, r *http.Request, parts []string) {
	id, err := strconv.Atoi(parts[1])
	if err != nil || id < 1 || id > len(g.names) || g.names[id-1] == "" {
		http.NotFound(w, r)
		return
	}
	body := map[string]any{}
	_ = json.NewDecoder(r.Body).Decode(&body)
	switch {
	case parts[2] == "repository" && len(parts) == 5:
		commit := g.Head(g.names[id-1]+".git", parts[4])
		if commit == "" {
			http.NotFound(w, r)
			return
		}
		answer(w, http.StatusOK, map[string]any{"name": parts[4], "commit": map[string]any{"id": commit}})
	case parts[2] == "hooks":
		g.hook(w, r, id, parts, body)
	case parts[2] == "merge_requests" && len(parts) == 5 && parts[4] == "notes" && r.Method == http.MethodPost:
		key := fmt.Sprintf("%d/%s", id, parts[3])
		g.notes[key] = append(g.notes[key], fmt.Sprint(body["body"]))
		answer(w, http.StatusCreated, map[string]any{"id": 1})
	default:
		http.NotFound(w, r)
	}
}

func (g *GitLab) hook(w http.ResponseWriter, r *http.Request, project int, parts []string, body map[string]any) {
	switch r.Method {
	case http.MethodGet:
		answer(w, http.StatusOK, append([]Hook{}, g.hooks[project]...))
	case http.MethodPost:
		h := Hook{ID: len(g.hooks[project]) + 1, URL: fmt.Sprint(body["url"]), Token: fmt.Sprint(body["token"])}
		g.hooks[project] = append(g.hooks[project], h)
		answer(w, http.StatusCreated, h)
	case http.MethodDelete:
		var left []Hook
		for _, h := range g.hooks[project] {
			if strconv.Itoa(h.ID) != parts[3] {
				left = append(left, h)
			}
		}
		g.hooks[project] = left
		w.WriteHeader(http.StatusNoContent)
	default:
		answer(w, http.StatusOK, g.hooks[project])
	}
}
