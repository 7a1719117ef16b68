package code_test

import (
	"crypto"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"muster/internal/awsmodel/inspector2"
	"muster/internal/code"
	"muster/internal/source/forge"
	cellar "muster/internal/store/code"
)

// github answers as GitHub does for one App with one installation, number 42,
// and gives out repositories that the world's Git server has.
type github struct {
	w   *world
	key *rsa.PublicKey
	// remarks are what was written at pull requests.
	remarks []string
}

func (g *github) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	bearer := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	switch path := r.URL.Path; {
	case path == "/login/oauth/access_token":
		if r.PostFormValue("client_id") != "client" || r.PostFormValue("client_secret") != "hush" || r.PostFormValue("code") != "right" {
			_ = json.NewEncoder(rw).Encode(map[string]string{"error": "bad_verification_code"})
			return
		}
		_ = json.NewEncoder(rw).Encode(map[string]string{"access_token": "person"})
	case path == "/api/v3/user/installations" && bearer == "person":
		_, _ = rw.Write([]byte(`{"installations":[{"id":41},{"id":42}]}`))
	case path == "/api/v3/app/installations/42/access_tokens" && g.signed(bearer):
		rw.WriteHeader(http.StatusCreated)
		_ = json.NewEncoder(rw).Encode(map[string]any{"token": token, "expires_at": g.w.now.Add(time.Hour)})
	case path == "/api/v3/installation/repositories" && bearer == token:
		_, _ = rw.Write([]byte(`{"repositories":[{"id":7,"full_name":"team/app","default_branch":"main","visibility":"public"},{"id":8,"full_name":"team/old","archived":true}]}`))
	case path == "/api/v3/repos/team/app/branches/main" && bearer == token:
		_, _ = fmt.Fprintf(rw, `{"commit":{"sha":%q}}`, g.w.gitlab.Head("team/app.git", "main"))
	case path == "/api/v3/repos/team/app/issues/5/comments" && bearer == token && r.Method == http.MethodPost:
		var in struct{ Body string }
		_ = json.NewDecoder(r.Body).Decode(&in)
		g.remarks = append(g.remarks, in.Body)
		rw.WriteHeader(http.StatusCreated)
	case strings.HasPrefix(path, "/team/"):
		user, password, _ := r.BasicAuth()
		if user != "x-access-token" || password != token {
			http.Error(rw, "who are you?", http.StatusUnauthorized)
			return
		}
		g.w.gitlab.Server.ServeHTTP(rw, r)
	default:
		http.Error(rw, "no", http.StatusUnauthorized)
	}
}

// signed checks the App's own token.
func (g *github) signed(jwt string) bool {
	parts := strings.Split(jwt, ".")
	if len(parts) != 3 {
		return false
	}
	signature, err := base64.RawURLEncoding.DecodeString(parts[2])
	sum := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	claims, also := base64.RawURLEncoding.DecodeString(parts[1])
	return err == nil && also == nil && strings.Contains(string(claims), `"iss":"app-7"`) && rsa.VerifyPKCS1v15(g.key, crypto.SHA256, sum[:], signature) == nil
}

// githubTells is what GitHub's notices to the App cause.
func (w *world) githubTells(app cellar.Project, hub *github) {
	w.Helper()
	tell := func(event, secret, body string) int {
		r := httptest.NewRequest(http.MethodPost, code.Prefix+"github", strings.NewReader(body))
		mac := hmac.New(sha256.New, []byte(secret))
		mac.Write([]byte(body))
		r.Header.Set("X-Hub-Signature-256", "sha256="+hex.EncodeToString(mac.Sum(nil)))
		r.Header.Set("X-GitHub-Event", event)
		rec := httptest.NewRecorder()
		w.door.ServeHTTP(rec, r)
		return rec.Code
	}
	if got := tell("push", "told", "{}"); got != http.StatusNotFound {
		w.Errorf("an App without a webhook answers %d", got)
	}
	w.config.App.WebhookSecret = "told"
	w.open()
	commit := w.gitlab.Commit(w, "team/app.git", "", lock("lodash", "4.17.20"))
	push := fmt.Sprintf(`{"ref":"refs/heads/main","after":%q,"repository":{"id":7},"installation":{"id":%%s}}`, commit)
	for _, c := range []struct {
		event, secret, body string
		want                int
	}{
		{"push", "untold", fmt.Sprintf(push, "42"), http.StatusUnauthorized},
		{"push", "told", "{", http.StatusBadRequest},
		{"ping", "told", "{}", http.StatusOK},
		{"push", "told", fmt.Sprintf(push, "41"), http.StatusOK},
		{"push", "told", strings.Replace(fmt.Sprintf(push, "42"), "heads/main", "heads/other", 1), http.StatusOK},
		{"push", "told", strings.Replace(fmt.Sprintf(push, "42"), `"id":7`, `"id":9`, 1), http.StatusOK},
		{"star", "told", fmt.Sprintf(push, "42"), http.StatusOK},
	} {
		if got := tell(c.event, c.secret, c.body); got != c.want {
			w.Errorf("%s %s: %d, want %d", c.event, c.body, got, c.want)
		}
	}
	w.pass(0)
	w.expect(app, "ACTIVE SUCCESSFUL lodash@4.17.20 CLOSED")
	if got := tell("push", "told", fmt.Sprintf(push, "42")); got != http.StatusOK {
		w.Errorf("a push: %d", got)
	}
	w.pass(0)
	w.expect(app, "ACTIVE SUCCESSFUL lodash@4.17.20 ACTIVE")
	w.gitlab.Commit(w, "team/app.git", "", lock("lodash", "4.17.21"))
	if got := tell("installation_repositories", "told", `{"action":"added","installation":{"id":42}}`); got != http.StatusOK {
		w.Errorf("another repository: %d", got)
	}
	w.pass(0)
	w.expect(app, "ACTIVE SUCCESSFUL lodash@4.17.20 CLOSED")

	w.gitlab.Commit(w, "team/app.git", "refs/pull/5/head", lock("lodash", "4.17.19"))
	pull := `{"action":%q,"number":5,"pull_request":{"base":{"ref":%q}},"repository":{"id":7},"installation":{"id":42}}`
	for _, c := range [][2]string{{"opened", "other"}, {"closed", "main"}, {"opened", "main"}} {
		if got := tell("pull_request", "told", fmt.Sprintf(pull, c[0], c[1])); got != http.StatusOK {
			w.Errorf("a pull request: %d", got)
		}
		w.pass(0)
	}
	if len(hub.remarks) != 1 || !strings.Contains(hub.remarks[0], "CVE-2026-1000 | lodash 4.17.19") {
		w.Errorf("written at the pull request: %q", hub.remarks)
	}
}

// TestGitHub: an App is installed, its installation confirmed, and pushes are
// found by asking.
func TestGitHub(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	each(t, false, func(w *world) {
		in := &inspector2.CreateCodeSecurityIntegrationInput{Name: "hub", Type: inspector2.IntegrationTypeGithub}
		if _, err := w.desk.CreateCodeSecurityIntegration(w.Context(), w.call(), in); err == nil || !strings.Contains(err.Error(), "GitHub App") {
			t.Errorf("without an App: %v", err)
		}
		hub := &github{w: w, key: &key.PublicKey}
		web := httptest.NewTLSServer(hub)
		w.Cleanup(web.Close)
		w.config.App = &forge.App{URL: web.URL, API: web.URL + "/api/v3", Slug: "muster", ID: "app-7", ClientID: "client", ClientSecret: "hush", Key: key}
		w.config.Transport = web.Client().Transport
		w.open()
		w.gitlab.Add(w, "team/app")
		w.gitlab.Commit(w, "team/app.git", "", lock("lodash", "4.17.20"))
		w.configure(onPush(), inspector2.ProjectSelectionScopeAll)
		i, err := w.desk.CreateCodeSecurityIntegration(w.Context(), w.call(), in)
		if err != nil || i.Status != inspector2.IntegrationStatusPending || !strings.HasPrefix(*i.AuthorizationUrl, web.URL+"/apps/muster/installations/new?state=") {
			t.Fatalf("created as %+v, %v", i, err)
		}
		update := func(code, installation string) error {
			_, err := w.desk.UpdateCodeSecurityIntegration(w.Context(), w.call(), &inspector2.UpdateCodeSecurityIntegrationInput{IntegrationArn: i.IntegrationArn,
				Details: &inspector2.UpdateIntegrationDetails{Github: &inspector2.UpdateGitHubIntegrationDetail{Code: code, InstallationId: installation}}})
			return err
		}
		for _, wrong := range [][2]string{{"wrong", "42"}, {"right", "43"}, {"right", "../42"}} {
			if err := update(wrong[0], wrong[1]); err == nil {
				t.Errorf("%v is taken", wrong)
			}
		}
		if err := update("right", "42"); err != nil {
			t.Fatal(err)
		}
		w.pass(0)
		if s, why := w.status(i.IntegrationArn); s != inspector2.IntegrationStatusActive {
			t.Fatal(s, why)
		}
		app := w.projects()["team/app"]
		if len(w.projects()) != 1 || app.Visibility != "public" {
			t.Errorf("projects: %v", w.projects())
		}
		w.expect(app, "ACTIVE SUCCESSFUL lodash@4.17.20 ACTIVE")
		w.gitlab.Commit(w, "team/app.git", "", lock("lodash", "4.17.21"))
		w.pass(15 * time.Minute)
		w.expect(app, "ACTIVE SUCCESSFUL lodash@4.17.20 CLOSED")
		w.githubTells(app, hub)
	})
}
