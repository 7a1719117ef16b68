package forge

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// GitLab is a self-managed instance.
type GitLab struct {
	web
	instance string
}

// NewGitLab returns an instance for somebody with a token: a personal, group or
// project access token, or one that an application was given.
func NewGitLab(instance, token string, transport http.RoundTripper) *GitLab {
	instance = strings.TrimRight(instance, "/")
	g := &GitLab{instance: instance, web: web{base: instance + "/api/v4", transport: transport}}
	if token != "" {
		g.authorize = func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+token) }
	}
	return g
}

// GitLabUser is the name with which tokens fetch repositories.
const GitLabUser = "oauth2"

// scopes are what an application asks for: to read what there is and its code,
// to be told of pushes, and to comment.
const scopes = "api"

// Application is an OAuth application that was registered at an instance.
type Application struct {
	ID     string `json:"application_id"`
	Secret string `json:"secret"`
}

// Register makes an OAuth application, which administrators may.
func (g *GitLab) Register(ctx context.Context, name, redirect string) (a Application, err error) {
	in := map[string]any{"name": name, "redirect_uri": redirect, "scopes": scopes, "confidential": true}
	_, err = g.call(ctx, http.MethodPost, "/applications", in, &a)
	if err == nil && (a.ID == "" || a.Secret == "") {
		err = fmt.Errorf("%w: an application without id or secret", ErrForm)
	}
	return a, err
}

// Authorize is the page at which somebody lets an application act for them.
func (g *GitLab) Authorize(a Application, redirect, state string) string {
	return g.instance + "/oauth/authorize?" + url.Values{
		"client_id": {a.ID}, "redirect_uri": {redirect}, "response_type": {"code"}, "state": {state}, "scope": {scopes},
	}.Encode()
}

// Tokens are what an application was given.
type Tokens struct {
	Access  string
	Refresh string
	// Expires is zero where the token lasts.
	Expires time.Time
}

// Exchange turns the code that the page gave into tokens.
func (g *GitLab) Exchange(ctx context.Context, a Application, redirect, code string, now time.Time) (Tokens, error) {
	return g.tokens(ctx, url.Values{"client_id": {a.ID}, "client_secret": {a.Secret}, "redirect_uri": {redirect},
		"grant_type": {"authorization_code"}, "code": {code}}, now)
}

// Refresh makes new tokens of the old ones.
func (g *GitLab) Refresh(ctx context.Context, a Application, redirect, refresh string, now time.Time) (Tokens, error) {
	return g.tokens(ctx, url.Values{"client_id": {a.ID}, "client_secret": {a.Secret}, "redirect_uri": {redirect},
		"grant_type": {"refresh_token"}, "refresh_token": {refresh}}, now)
}

func (g *GitLab) tokens(ctx context.Context, values url.Values, now time.Time) (Tokens, error) {
	var out struct {
		Access  string `json:"access_token"`
		Refresh string `json:"refresh_token"`
		Seconds int64  `json:"expires_in"`
	}
	_, err := (&web{transport: g.transport}).call(ctx, http.MethodPost, g.instance+"/oauth/token", values, &out)
	if err == nil && out.Access == "" {
		err = fmt.Errorf("%w: no access token", ErrForm)
	}
	t := Tokens{Access: out.Access, Refresh: out.Refresh}
	if out.Seconds > 0 {
		t.Expires = now.Add(time.Duration(out.Seconds) * time.Second)
	}
	return t, err
}

// Check asks whose token it is.
func (g *GitLab) Check(ctx context.Context) error {
	_, err := g.call(ctx, http.MethodGet, "/user", nil, nil)
	return err
}

type gitlabProject struct {
	ID         int64  `json:"id"`
	Path       string `json:"path_with_namespace"`
	HTTP       string `json:"http_url_to_repo"`
	Branch     string `json:"default_branch"`
	Visibility string `json:"visibility"`
	Archived   bool   `json:"archived"`
	Empty      bool   `json:"empty_repo"`
}

// Projects hands on the projects that the token's owner is a member of, page
// by page, without archived ones.
func (g *GitLab) Projects(ctx context.Context, do func([]Project) error) error {
	address := "/projects?membership=true&archived=false&order_by=id&sort=asc&per_page=" + strconv.Itoa(perPage)
	for range maxPages {
		var page []gitlabProject
		next, err := g.call(ctx, http.MethodGet, address, nil, &page)
		if err != nil {
			return err
		}
		var list []Project
		for _, p := range page {
			if p.ID <= 0 || p.Path == "" || p.Archived {
				continue
			}
			// An instance calls itself by its own name, which may be another
			// than the one at which it is reached.
			at := Project{ID: strconv.FormatInt(p.ID, 10), Name: name(p.Path), CloneURL: g.instance + "/" + escaped(p.Path) + ".git", Visibility: name(p.Visibility)}
			if !p.Empty {
				at.Branch = name(p.Branch)
			}
			list = append(list, at)
		}
		if err := do(list); err != nil || next == "" {
			return err
		}
		address = next
	}
	return fmt.Errorf("%w: more than %d pages of projects", ErrForm, maxPages)
}

// escaped is a path as it stands in addresses.
func escaped(path string) string { return (&url.URL{Path: path}).EscapedPath() }

// Head is the commit at a branch.
func (g *GitLab) Head(ctx context.Context, project Project) (string, error) {
	var out struct {
		Commit struct {
			ID string `json:"id"`
		} `json:"commit"`
	}
	_, err := g.call(ctx, http.MethodGet, "/projects/"+project.ID+"/repository/branches/"+url.PathEscape(project.Branch), nil, &out)
	if err == nil && !isCommit(out.Commit.ID) {
		err = fmt.Errorf("%w: a branch without commit", ErrForm)
	}
	return out.Commit.ID, err
}

// isCommit tells the ids of commits, SHA-1 and SHA-256.
func isCommit(id string) bool {
	return (len(id) == 40 || len(id) == 64) && strings.Trim(id, "0123456789abcdef") == ""
}

type gitlabHook struct {
	ID  int64  `json:"id,omitempty"`
	URL string `json:"url"`
}

// PutHook has an instance tell of pushes and merge requests of a project. A
// hook with the address is changed, so that there is one.
func (g *GitLab) PutHook(ctx context.Context, project, address, token string, verify bool) error {
	var hooks []gitlabHook
	if _, err := g.call(ctx, http.MethodGet, "/projects/"+project+"/hooks?per_page=100", nil, &hooks); err != nil {
		return err
	}
	in := map[string]any{"url": address, "token": token, "push_events": true, "merge_requests_events": true, "enable_ssl_verification": verify}
	for _, h := range hooks {
		if h.URL == address {
			_, err := g.call(ctx, http.MethodPut, fmt.Sprintf("/projects/%s/hooks/%d", project, h.ID), in, nil)
			return err
		}
	}
	_, err := g.call(ctx, http.MethodPost, "/projects/"+project+"/hooks", in, nil)
	return err
}

// DropHook ends what PutHook began.
func (g *GitLab) DropHook(ctx context.Context, project, address string) error {
	var hooks []gitlabHook
	if _, err := g.call(ctx, http.MethodGet, "/projects/"+project+"/hooks?per_page=100", nil, &hooks); err != nil {
		return err
	}
	for _, h := range hooks {
		if h.URL != address {
			continue
		}
		_, err := g.call(ctx, http.MethodDelete, fmt.Sprintf("/projects/%s/hooks/%d", project, h.ID), nil, nil)
		if err != nil && !errors.Is(err, ErrNotFound) {
			return err
		}
	}
	return nil
}

// Comment writes a note at a merge request.
func (g *GitLab) Comment(ctx context.Context, project Project, number int64, text string) error {
	_, err := g.call(ctx, http.MethodPost, fmt.Sprintf("/projects/%s/merge_requests/%d/notes", project.ID, number), map[string]string{"body": text}, nil)
	return err
}

// ReviewRef is the reference of a merge request's newest commit.
func (g *GitLab) ReviewRef(number int64) string {
	return fmt.Sprintf("refs/merge-requests/%d/head", number)
}

// Credentials are those that Git fetches with.
func (g *GitLab) Credentials(context.Context) (user, password string, err error) {
	r := &http.Request{Header: http.Header{}}
	if g.authorize != nil {
		g.authorize(r)
	}
	return GitLabUser, strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "), nil
}
