package forge

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// App is the operator's GitHub App: without one of their own nobody can be
// GitHub's client.
type App struct {
	// URL is GitHub's own address, API that of its interface; both without a
	// slash at the end.
	URL, API string
	// Slug is the App's name in addresses, ID its number.
	Slug, ID string
	// ClientID and ClientSecret are those of its OAuth side.
	ClientID, ClientSecret string
	// Key signs for it.
	Key *rsa.PrivateKey
	// WebhookSecret signs what GitHub tells it; empty where it is told nothing.
	WebhookSecret string
}

// ParseKey reads a private key as GitHub hands it out.
func ParseKey(text []byte) (*rsa.PrivateKey, error) {
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, errors.New("no PEM block")
	}
	if key, err := x509.ParsePKCS1PrivateKey(block.Bytes); err == nil {
		return key, nil
	}
	any, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, err
	}
	key, ok := any.(*rsa.PrivateKey)
	if !ok {
		return nil, errors.New("not an RSA key")
	}
	return key, nil
}

// GitHub is GitHub, or an enterprise's own, for one installation of an App.
type GitHub struct {
	web
	app          App
	installation string
	now          func() time.Time
	token        string
	expires      time.Time
}

// NewGitHub returns GitHub for an installation, "" where none is known yet.
func NewGitHub(app App, installation string, now func() time.Time, transport http.RoundTripper) *GitHub {
	return &GitHub{web: web{base: app.API, transport: transport}, app: app, installation: installation, now: now}
}

// Authorize is the page at which somebody installs the App for their
// repositories; GitHub then sends them back with a code and the installation.
func (g *GitHub) Authorize(state string) string {
	return g.app.URL + "/apps/" + url.PathEscape(g.app.Slug) + "/installations/new?" + url.Values{"state": {state}}.Encode()
}

// Confirm checks that whoever got the code may use the installation: the code
// becomes a token of theirs, which is asked for its installations and dropped.
func (g *GitHub) Confirm(ctx context.Context, code string) error {
	var out struct {
		Access string `json:"access_token"`
		Error  string `json:"error"`
	}
	_, err := (&web{transport: g.transport}).call(ctx, http.MethodPost, g.app.URL+"/login/oauth/access_token",
		url.Values{"client_id": {g.app.ClientID}, "client_secret": {g.app.ClientSecret}, "code": {code}}, &out)
	if err != nil {
		return err
	}
	if out.Access == "" {
		return fmt.Errorf("%w: the code is not good: %s", ErrDenied, name(out.Error))
	}
	user := web{base: g.base, transport: g.transport, authorize: bearer(out.Access)}
	address := "/user/installations?per_page=100"
	for range maxPages {
		var page struct {
			Installations []struct {
				ID int64 `json:"id"`
			} `json:"installations"`
		}
		next, err := user.call(ctx, http.MethodGet, address, nil, &page)
		if err != nil {
			return err
		}
		for _, i := range page.Installations {
			if strconv.FormatInt(i.ID, 10) == g.installation {
				return nil
			}
		}
		if address = next; next == "" {
			break
		}
	}
	return fmt.Errorf("%w: the installation is not one of whoever gave the code", ErrDenied)
}

func bearer(token string) func(*http.Request) {
	return func(r *http.Request) {
		r.Header.Set("Authorization", "Bearer "+token)
		r.Header.Set("X-GitHub-Api-Version", "2022-11-28")
	}
}

// signed is a token that the App signs for itself (a JSON Web Token, RS256).
func (g *GitHub) signed() (string, error) {
	now := g.now()
	claims, err := json.Marshal(map[string]any{"iat": now.Add(-time.Minute).Unix(), "exp": now.Add(9 * time.Minute).Unix(), "iss": g.app.ID})
	if err != nil {
		return "", err
	}
	encode := base64.RawURLEncoding.EncodeToString
	text := encode([]byte(`{"alg":"RS256","typ":"JWT"}`)) + "." + encode(claims)
	sum := sha256.Sum256([]byte(text))
	signature, err := rsa.SignPKCS1v15(rand.Reader, g.app.Key, crypto.SHA256, sum[:])
	return text + "." + encode(signature), err
}

// enter gets a token of the installation, which lasts an hour.
func (g *GitHub) enter(ctx context.Context) error {
	if g.token != "" && g.now().Before(g.expires.Add(-time.Minute)) {
		return nil
	}
	jwt, err := g.signed()
	if err != nil {
		return err
	}
	var out struct {
		Token   string    `json:"token"`
		Expires time.Time `json:"expires_at"`
	}
	app := web{base: g.base, transport: g.transport, authorize: bearer(jwt)}
	_, err = app.call(ctx, http.MethodPost, "/app/installations/"+url.PathEscape(g.installation)+"/access_tokens", struct{}{}, &out)
	if err == nil && out.Token == "" {
		err = fmt.Errorf("%w: no token", ErrForm)
	}
	g.token, g.expires, g.authorize = out.Token, out.Expires, bearer(out.Token)
	return err
}

func (g *GitHub) ask(ctx context.Context, method, address string, in, out any) (string, error) {
	if err := g.enter(ctx); err != nil {
		return "", err
	}
	return g.call(ctx, method, address, in, out)
}

// Check asks whether the installation is still there.
func (g *GitHub) Check(ctx context.Context) error { return g.enter(ctx) }

type githubProject struct {
	ID         int64  `json:"id"`
	FullName   string `json:"full_name"`
	Branch     string `json:"default_branch"`
	Visibility string `json:"visibility"`
	Archived   bool   `json:"archived"`
	Disabled   bool   `json:"disabled"`
}

// Projects hands on the repositories of the installation, page by page.
func (g *GitHub) Projects(ctx context.Context, do func([]Project) error) error {
	address := "/installation/repositories?per_page=" + strconv.Itoa(perPage)
	for range maxPages {
		var page struct {
			Repositories []githubProject `json:"repositories"`
		}
		next, err := g.ask(ctx, http.MethodGet, address, nil, &page)
		if err != nil {
			return err
		}
		var list []Project
		for _, p := range page.Repositories {
			if p.ID <= 0 || p.FullName == "" || p.Archived || p.Disabled {
				continue
			}
			list = append(list, Project{ID: strconv.FormatInt(p.ID, 10), Name: name(p.FullName), CloneURL: g.app.URL + "/" + escaped(p.FullName) + ".git",
				Branch: name(p.Branch), Visibility: name(p.Visibility)})
		}
		if err := do(list); err != nil || next == "" {
			return err
		}
		address = next
	}
	return fmt.Errorf("%w: more than %d pages of repositories", ErrForm, maxPages)
}

// Head is the commit at the default branch.
func (g *GitHub) Head(ctx context.Context, project Project) (string, error) {
	var out struct {
		Commit struct {
			SHA string `json:"sha"`
		} `json:"commit"`
	}
	_, err := g.ask(ctx, http.MethodGet, "/repos/"+escaped(project.Name)+"/branches/"+url.PathEscape(project.Branch), nil, &out)
	if err == nil && !isCommit(out.Commit.SHA) {
		err = fmt.Errorf("%w: a branch without commit", ErrForm)
	}
	return out.Commit.SHA, err
}

// Comment writes at a pull request.
func (g *GitHub) Comment(ctx context.Context, project Project, number int64, text string) error {
	_, err := g.ask(ctx, http.MethodPost, fmt.Sprintf("/repos/%s/issues/%d/comments", escaped(project.Name), number), map[string]string{"body": text}, nil)
	return err
}

// ReviewRef is the reference of a pull request's newest commit.
func (g *GitHub) ReviewRef(number int64) string { return fmt.Sprintf("refs/pull/%d/head", number) }

// Credentials are those that Git fetches with.
func (g *GitHub) Credentials(ctx context.Context) (user, password string, err error) {
	if err := g.enter(ctx); err != nil {
		return "", "", err
	}
	return "x-access-token", g.token, nil
}

// ValidInstallation tells numbers from everything else.
func ValidInstallation(text string) bool {
	return text != "" && len(text) < 20 && strings.Trim(text, "0123456789") == ""
}
