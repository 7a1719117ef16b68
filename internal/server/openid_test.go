package server

import (
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"

	"muster/internal/config"
	"muster/internal/console"
	"muster/internal/webidentity"
	"muster/internal/webidentity/webidentitytest"
)

// person is a browser without scripts.
type person struct {
	t      *testing.T
	client *http.Client
	base   string
}

func newPerson(t *testing.T, base string) *person {
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &person{t, &http.Client{Jar: jar}, base}
}

var hiddenID = regexp.MustCompile(`name="id" value="([^"]+)"`)

// signIn goes to the provider and back, and returns the address of the page it
// ends on.
func (p *person) signIn(name, password string) string {
	p.t.Helper()
	page, err := p.client.Get(p.base + "/console/api/openid")
	if err != nil {
		p.t.Fatal(err)
	}
	body, _ := io.ReadAll(page.Body)
	_ = page.Body.Close()
	id := hiddenID.FindSubmatch(body)
	if id == nil {
		return page.Request.URL.String()
	}
	at := *page.Request.URL
	at.RawQuery = ""
	back, err := p.client.PostForm(at.String(), url.Values{"id": {string(id[1])}, "username": {name}, "password": {password}})
	if err != nil {
		p.t.Fatal(err)
	}
	_ = back.Body.Close()
	return back.Request.URL.String()
}

// session asks for a session under a role.
func (p *person) session(role string) (status int, s console.Session, said map[string]any) {
	p.t.Helper()
	r, err := p.client.Post(p.base+"/console/api/session", "application/json", strings.NewReader(`{"federated":true,"role":"`+role+`"}`))
	if err != nil {
		p.t.Fatal(err)
	}
	body, _ := io.ReadAll(r.Body)
	_ = r.Body.Close()
	if err := errors.Join(json.Unmarshal(body, &s), json.Unmarshal(body, &said)); err != nil {
		p.t.Fatal(err)
	}
	return r.StatusCode, s, said
}

// grant is the secret that the browser keeps.
func (p *person) grant() string {
	p.t.Helper()
	at, err := url.Parse(p.base + "/console/api/session")
	if err != nil {
		p.t.Fatal(err)
	}
	for _, c := range p.client.Jar.Cookies(at) {
		if c.Name == "muster_grant" {
			return c.Value
		}
	}
	p.t.Fatal("the browser keeps no grant")
	return ""
}

// free is an address that nobody listens on.
func free(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// providing is a server with an identity provider, and a root user's client of
// an account that trusts it.
func providing(t *testing.T, scopes ...string) (*Server, *iam.Client, string) {
	t.Helper()
	c := config.Default()
	c.Data, c.Listen, c.FeedsInterval = filepath.Join(t.TempDir(), "data"), free(t), 0
	issuer := webidentitytest.Server(t, "http://"+c.Listen+console.OpenIDCallback)
	c.OpenIDIssuer, c.OpenIDClientID, c.OpenIDClientSecret, c.OpenIDNetworks = issuer, webidentitytest.Client, webidentitytest.Secret, []string{"127.0.0.0/8", "::1"}
	c.OpenIDScopes = scopes
	if err := c.Check(); err != nil {
		t.Fatal(err)
	}
	s := runningWith(t, c)
	op := s.Operator()
	id, err := op.CreateAccount(t.Context(), "first", "first@example.com")
	if err != nil {
		t.Fatal(err)
	}
	key, err := op.IssueRootKey(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	root := iam.New(iam.Options{Region: "us-east-1", BaseEndpoint: aws.String(s.URL()), Credentials: credentials.NewStaticCredentialsProvider(key.ID, key.Secret, "")})
	if _, err := root.CreateOpenIDConnectProvider(t.Context(), &iam.CreateOpenIDConnectProviderInput{Url: &issuer, ClientIDList: []string{webidentitytest.Client}}); err != nil {
		t.Fatal(err)
	}
	return s, root, issuer
}

// trust makes a role for subjects of the provider.
func trust(t *testing.T, root *iam.Client, issuer, name string, subjects ...string) string {
	t.Helper()
	own, err := root.ListOpenIDConnectProviders(t.Context(), &iam.ListOpenIDConnectProvidersInput{})
	if err != nil {
		t.Fatal(err)
	}
	list, _ := json.Marshal(subjects)
	document := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRoleWithWebIdentity","Principal":{"Federated":"` + *own.OpenIDConnectProviderList[0].Arn + `"},
		"Condition":{"StringEquals":{"` + webidentity.Name(issuer) + `:sub":` + string(list) + `}}}]}`
	out, err := root.CreateRole(t.Context(), &iam.CreateRoleInput{RoleName: &name, AssumeRolePolicyDocument: &document, MaxSessionDuration: aws.Int32(7200)})
	if err != nil {
		t.Fatal(err)
	}
	return *out.Role.Arn
}

// TestSignInWithAnIdentityProvider: one role is entered at once, several are a
// choice, none is a refusal; what was given once does not work twice.
func TestSignInWithAnIdentityProvider(t *testing.T) {
	s, root, issuer := providing(t, "profile", "email")
	ada := newPerson(t, s.URL())
	if at := ada.signIn(webidentitytest.First, webidentitytest.Password); !strings.HasSuffix(at, "/console/#sign-in=role") {
		t.Fatalf("ended on %s", at)
	}
	if status, _, said := ada.session(""); status != http.StatusForbidden || !strings.Contains(said["message"].(string), `knows you as "id1", but no role`) {
		t.Errorf("without a role: %d %v", status, said)
	}
	analyst := trust(t, root, issuer, "Analyst", webidentitytest.FirstSubject)
	status, session, said := ada.session("")
	if status != http.StatusOK || session.Federated == nil || session.Federated.Role != analyst || !session.Federated.Until.IsZero() || time.Until(session.ExpiresAt) < 100*time.Minute {
		t.Fatalf("with one role: %d %v", status, said)
	}
	who, err := sts.New(sts.Options{Region: "us-east-1", BaseEndpoint: aws.String(s.URL()), Credentials: credentials.NewStaticCredentialsProvider(session.AccessKeyID, session.SecretAccessKey, session.SessionToken)}).
		GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
	if err != nil || !strings.Contains(*who.Arn, ":assumed-role/Analyst/") {
		t.Errorf("signed in as %v: %v", who, err)
	}
	if status, _, _ := ada.session(""); status != http.StatusForbidden {
		t.Errorf("the grant works twice: %d", status)
	}

	second := trust(t, root, issuer, "Second", webidentitytest.FirstSubject, webidentitytest.SecondSubject)
	ada.signIn(webidentitytest.First, webidentitytest.Password)
	status, _, said = ada.session("")
	roles, _ := said["roles"].([]any)
	if status != http.StatusForbidden || said["need"] != "role" || len(roles) != 2 {
		t.Fatalf("with two roles: %d %v", status, said)
	}
	if status, session, _ := ada.session(second); status != http.StatusOK || !strings.HasPrefix(session.Principal, "Second/") {
		t.Errorf("the chosen role: %d %v", status, session.Principal)
	}
	bob := newPerson(t, s.URL())
	bob.signIn(webidentitytest.Second, webidentitytest.Password)
	if status, _, _ := bob.session(analyst); status != http.StatusForbidden {
		t.Errorf("a role that trusts somebody else: %d", status)
	}
	if status, session, _ := bob.session(""); status != http.StatusOK || !strings.HasPrefix(session.Principal, "Second/") {
		t.Errorf("the only role: %d %v", status, session.Principal)
	}
}

// TestSessionsThatRenew: a refresh token gives further sessions, until the
// person signs out.
func TestSessionsThatRenew(t *testing.T) {
	s, root, issuer := providing(t, "offline_access")
	role := trust(t, root, issuer, "Analyst", webidentitytest.FirstSubject)
	ada := newPerson(t, s.URL())
	ada.signIn(webidentitytest.First, webidentitytest.Password)
	for range 2 {
		status, session, said := ada.session("")
		if status != http.StatusOK || session.Federated.Role != role || time.Until(session.Federated.Until) < 11*time.Hour || time.Until(session.ExpiresAt) > renewedSession {
			t.Fatalf("%d %v", status, said)
		}
	}
	parts, secret := s.openID, ada.grant()
	h, err := parts.held(t.Context(), secret, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	later := time.Now().Add(2 * freshGrant)
	if _, err := parts.Enter(t.Context(), secret, role, later); err != nil {
		t.Errorf("later: %v", err)
	}
	if next, err := parts.held(t.Context(), secret, later); err != nil || next.RefreshToken == h.RefreshToken || !next.At.Equal(later) {
		t.Errorf("the provider was not asked: %v", err)
	}
	if _, err := parts.Enter(t.Context(), secret, role, time.Now().Add(renewLife)); !errors.As(err, new(console.Refusal)) {
		t.Errorf("after its time: %v", err)
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodDelete, s.URL()+"/console/api/session", nil)
	if err != nil {
		t.Fatal(err)
	}
	if r, err := ada.client.Do(request); err != nil || r.StatusCode != http.StatusNoContent {
		t.Fatalf("sign-out: %v", err)
	}
	if _, err := parts.held(t.Context(), secret, time.Now()); !errors.As(err, new(console.Refusal)) {
		t.Errorf("after signing out: %v", err)
	}
}

// TestSignInsOfAnother: what one browser began, another cannot end, and what
// the provider refuses is said.
func TestSignInsOfAnother(t *testing.T) {
	s, _, _ := providing(t)
	stranger := newPerson(t, s.URL())
	for _, query := range []string{"", "?code=x&state=y", "?error=access_denied&state=y"} {
		r, err := stranger.client.Get(s.URL() + console.OpenIDCallback + query)
		if err != nil {
			t.Fatal(err)
		}
		_ = r.Body.Close()
		if at := r.Request.URL.String(); !strings.HasSuffix(at, "#sign-in=declined") {
			t.Errorf("%s leads to %s", query, at)
		}
	}
	if status, _, _ := stranger.session(""); status != http.StatusForbidden {
		t.Errorf("a session without signing in: %d", status)
	}
}

// TestProgramsAssumeRolesWithTokens goes the way of the SDK's own provider.
func TestProgramsAssumeRolesWithTokens(t *testing.T) {
	c := config.Default()
	c.Data, c.Listen, c.FeedsInterval, c.OpenIDNetworks = filepath.Join(t.TempDir(), "data"), "127.0.0.1:0", 0, []string{"127.0.0.1"}
	s := runningWith(t, c)
	id, err := s.Operator().CreateAccount(t.Context(), "first", "first@example.com")
	if err != nil {
		t.Fatal(err)
	}
	key, err := s.Operator().IssueRootKey(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	i, _ := webidentitytest.NewIssuer(t, false)
	root := iam.New(iam.Options{Region: "us-east-1", BaseEndpoint: aws.String(s.URL()), Credentials: credentials.NewStaticCredentialsProvider(key.ID, key.Secret, "")})
	if _, err := root.CreateOpenIDConnectProvider(t.Context(), &iam.CreateOpenIDConnectProviderInput{Url: &i.URL, ClientIDList: []string{"pipeline"}}); err != nil {
		t.Fatal(err)
	}
	role := trust(t, root, i.URL, "Deploy", "repo:example/app")
	client := sts.New(sts.Options{Region: "us-east-1", BaseEndpoint: aws.String(s.URL())})
	token := func(subject string) stscreds.IdentityTokenRetriever {
		return tokenText(i.Sign(t, "one", i.Claims(subject, "pipeline", time.Now(), nil)))
	}
	got, err := stscreds.NewWebIdentityRoleProvider(client, role, token("repo:example/app")).Retrieve(t.Context())
	if err != nil || got.SessionToken == "" {
		t.Fatal(err)
	}
	_, err = stscreds.NewWebIdentityRoleProvider(client, role, token("repo:example/other")).Retrieve(t.Context())
	if refusal, ok := errors.AsType[smithy.APIError](err); !ok || refusal.ErrorCode() != "AccessDenied" {
		t.Errorf("another subject: %v", err)
	}
}

type tokenText string

// GetIdentityToken implements stscreds.IdentityTokenRetriever.
func (t tokenText) GetIdentityToken() ([]byte, error) { return []byte(t), nil }
