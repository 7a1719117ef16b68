package webidentity_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"muster/internal/webidentity"
	"muster/internal/webidentity/webidentitytest"
)

// party signs in with a real provider; browsers come back to a page that does
// nothing.
func party(t *testing.T, scopes ...string) *webidentity.Party {
	const redirect = "http://localhost:9/back"
	issuer := webidentitytest.Server(t, redirect)
	return &webidentity.Party{
		Trust:  webidentity.Trust{Issuer: issuer, Clients: []string{webidentitytest.Client}},
		Secret: webidentitytest.Secret, Redirect: redirect, Scopes: append(scopes, "profile", "email"), Verifier: verifier(t),
	}
}

var hiddenID = regexp.MustCompile(`name="id" value="([^"]+)"`)

// browse signs in at the provider's page and returns what the browser comes
// back with.
func browse(t *testing.T, address, name, password string) url.Values {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	var back url.Values
	client := &http.Client{Jar: jar, CheckRedirect: func(r *http.Request, _ []*http.Request) error {
		if r.URL.Path == "/back" {
			back = r.URL.Query()
			return http.ErrUseLastResponse
		}
		return nil
	}}
	page, err := client.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(page.Body)
	_ = page.Body.Close()
	id := hiddenID.FindSubmatch(body)
	if id == nil {
		t.Fatalf("no page to sign in at: %d %s", page.StatusCode, body)
	}
	at := *page.Request.URL
	at.RawQuery = ""
	answer, err := client.PostForm(at.String(), url.Values{"id": {string(id[1])}, "username": {name}, "password": {password}})
	if err != nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close()
	return back
}

// TestParty signs in, again by the refresh token, and is refused where it must.
func TestParty(t *testing.T) {
	p := party(t, "offline_access")
	at := time.Now()
	address, start, err := p.Begin(t.Context(), at)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(address, "code_challenge_method=S256") || strings.Contains(address, start.Verifier) {
		t.Errorf("address %s", address)
	}
	back := browse(t, address, webidentitytest.First, webidentitytest.Password)
	if back.Get("state") != start.State {
		t.Fatalf("came back with %v", back)
	}
	other := start
	other.Verifier = strings.Repeat("x", 43)
	if _, _, err := p.Finish(t.Context(), other, back.Get("code"), at); !errors.Is(err, webidentity.ErrDeclined) {
		t.Errorf("a code that another browser brings: %v", err)
	}

	address, start, err = p.Begin(t.Context(), at)
	if err != nil {
		t.Fatal(err)
	}
	back = browse(t, address, webidentitytest.First, webidentitytest.Password)
	grant, token, err := p.Finish(t.Context(), start, back.Get("code"), at)
	if err != nil || token.Subject != webidentitytest.FirstSubject || grant.RefreshToken == "" {
		t.Fatalf("%+v %+v %v", grant, token, err)
	}
	if _, _, err := p.Finish(t.Context(), start, back.Get("code"), at); !errors.Is(err, webidentity.ErrDeclined) {
		t.Errorf("a code used twice: %v", err)
	}
	next, token, err := p.Refresh(t.Context(), grant.RefreshToken, at)
	if err != nil || token.Subject != webidentitytest.FirstSubject || next.IDToken == "" || next.RefreshToken == "" {
		t.Errorf("refreshed: %+v %+v %v", next, token, err)
	}
	if _, _, err := p.Refresh(t.Context(), "made up", at); !errors.Is(err, webidentity.ErrDeclined) {
		t.Errorf("a refresh token that is made up: %v", err)
	}
}

// TestPartyNonce: a token that answers another sign-in is not taken.
func TestPartyNonce(t *testing.T) {
	p := party(t)
	at := time.Now()
	address, start, err := p.Begin(t.Context(), at)
	if err != nil {
		t.Fatal(err)
	}
	back := browse(t, address, webidentitytest.First, webidentitytest.Password)
	start.Nonce = "another"
	if _, _, err := p.Finish(t.Context(), start, back.Get("code"), at); !errors.Is(err, webidentity.ErrMalformed) {
		t.Errorf("a token for another sign-in: %v", err)
	}
}
