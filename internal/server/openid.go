package server

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"time"

	"muster/internal/arn"
	"muster/internal/awsmodel"
	api "muster/internal/awsmodel/sts"
	"muster/internal/console"
	"muster/internal/iam/federation"
	"muster/internal/source/guard"
	"muster/internal/store"
	"muster/internal/store/settings"
	"muster/internal/webidentity"
)

// grantPrefix begins the names under which people's grants are kept, grantLife
// is how long one is good for a choice of roles, renewLife for further sessions
// where the provider gives refresh tokens, and freshGrant how old an ID token
// may be for another session.
const (
	grantPrefix = "console-grant/"
	grantLife   = 10 * time.Minute
	renewLife   = 12 * time.Hour
	freshGrant  = 5 * time.Minute
	// renewedSession is how long a session lasts that can be renewed: within
	// that time whoever is locked out at the provider is locked out here.
	renewedSession = time.Hour
)

// openID signs people in to the console with the operator's identity provider.
// Which roles they get is for the accounts' IAM to say.
type openID struct {
	server *Server
	desks  *desks
	party  *webidentity.Party
}

// federation makes the room that verifies tokens, and the console's provider if
// there is one.
func (s *Server) federation(d *desks) error {
	g, err := guard.New(s.config.OpenIDNetworks)
	if err != nil {
		return fmt.Errorf("openid_networks: %w", err)
	}
	verifier := webidentity.NewVerifier(g.Transport)
	d.federation = federation.New(s.store, verifier)
	d.sts.Federation = d.federation
	if s.config.OpenIDIssuer != "" {
		s.openID = &openID{s, d, &webidentity.Party{
			Trust:  webidentity.Trust{Issuer: s.config.OpenIDIssuer, Clients: []string{s.config.OpenIDClientID}, Thumbprints: s.config.OpenIDThumbprints},
			Secret: s.config.OpenIDClientSecret, Redirect: s.config.ConsoleURL() + "api/openid/callback", Scopes: s.config.OpenIDScopes, Verifier: verifier,
		}}
	}
	return nil
}

// Begin implements console.OpenID. What the browser brings back is sealed, so
// that any process can read it.
func (o *openID) Begin(ctx context.Context, now time.Time) (string, string, error) {
	address, start, err := o.party.Begin(ctx, now)
	if err != nil {
		return "", "", err
	}
	body, err := json.Marshal(begun{start, now})
	return address, base64.RawURLEncoding.EncodeToString(o.server.keyring.Seal("openid start", body)), err
}

// begun is a sign-in that has begun.
type begun struct {
	webidentity.Start
	At time.Time `json:"t"`
}

// held is a person's grant as it is kept, sealed.
type held struct {
	webidentity.Grant
	// Name is how sessions are called, Subject how the provider knows the person.
	Name    string    `json:"name"`
	Subject string    `json:"subject"`
	At      time.Time `json:"at"`
	Until   time.Time `json:"until"`
}

// Finish implements console.OpenID.
func (o *openID) Finish(ctx context.Context, start string, answer url.Values, now time.Time) (string, time.Time, error) {
	var b begun
	sealed, err := base64.RawURLEncoding.DecodeString(start)
	if err == nil {
		sealed, err = o.server.keyring.Open("openid start", sealed)
	}
	if err != nil || json.Unmarshal(sealed, &b) != nil || now.Sub(b.At) > grantLife || answer.Get("state") != b.State {
		return "", time.Time{}, fmt.Errorf("%w: it did not begin here, or too long ago", console.ErrDeclined)
	}
	if answer.Get("code") == "" {
		return "", time.Time{}, fmt.Errorf("%w: %.200q %.200q", console.ErrDeclined, answer.Get("error"), answer.Get("error_description"))
	}
	grant, token, err := o.party.Finish(ctx, b.Start, answer.Get("code"), now)
	if err != nil {
		if !errors.Is(err, webidentity.ErrUnreachable) {
			err = fmt.Errorf("%w: %w", console.ErrDeclined, err)
		}
		return "", time.Time{}, err
	}
	h := held{Grant: grant, Name: sessionName(token), Subject: token.Subject, At: now, Until: now.Add(grantLife)}
	if grant.RefreshToken != "" {
		h.Until = now.Add(renewLife)
	}
	secret := rand.Text()
	return secret, h.Until, o.server.store.Update(ctx, func(tx *store.Tx) error {
		if err := settings.DeleteOld(ctx, tx, grantPrefix, now.Add(-renewLife)); err != nil {
			return err
		}
		return o.keep(ctx, tx, secret, h, now)
	})
}

func grantName(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return grantPrefix + hex.EncodeToString(sum[:])
}

func (o *openID) keep(ctx context.Context, tx *store.Tx, secret string, h held, now time.Time) error {
	body, err := json.Marshal(h)
	if err != nil {
		return err
	}
	name := grantName(secret)
	return settings.Put(ctx, tx, name, base64.StdEncoding.EncodeToString(o.server.keyring.Seal(name, body)), now)
}

// errGrant refuses whose grant is gone.
var errGrant = console.Refusal{Message: "sign in with the identity provider again"}

func (o *openID) held(ctx context.Context, secret string, now time.Time) (h held, err error) {
	name := grantName(secret)
	var text string
	err = o.server.store.View(ctx, func(tx *store.Tx) (err error) {
		text, err = settings.Get(ctx, tx, name)
		return err
	})
	if errors.Is(err, store.ErrNotFound) {
		return h, errGrant
	}
	if err != nil {
		return h, err
	}
	sealed, err := base64.StdEncoding.DecodeString(text)
	if err == nil {
		sealed, err = o.server.keyring.Open(name, sealed)
	}
	if err == nil {
		err = json.Unmarshal(sealed, &h)
	}
	if err == nil && !now.Before(h.Until) {
		err = errGrant
	}
	return h, err
}

// Enter implements console.OpenID. It asks and does what
// AssumeRoleWithWebIdentity does, so there is no other way to a role.
func (o *openID) Enter(ctx context.Context, secret, role string, now time.Time) (console.Session, error) {
	h, err := o.held(ctx, secret, now)
	if err != nil {
		return console.Session{}, err
	}
	if h.RefreshToken != "" && now.Sub(h.At) > freshGrant {
		if h, err = o.refresh(ctx, secret, h, now); err != nil {
			return console.Session{}, err
		}
	}
	open, err := o.open(ctx, h, role, now)
	switch {
	case err != nil:
		return console.Session{}, err
	case len(open) == 0:
		return console.Session{}, console.Refusal{Message: fmt.Sprintf("the identity provider knows you as %q, but no role may be entered with that", h.Subject)}
	case len(open) > 1:
		return console.Session{}, console.Choice{Roles: rolesOf(open)}
	}
	return o.enter(ctx, secret, h, open[0], now)
}

// refresh asks the provider whether the person is still welcome.
func (o *openID) refresh(ctx context.Context, secret string, h held, now time.Time) (held, error) {
	grant, token, err := o.party.Refresh(ctx, h.RefreshToken, now)
	switch {
	case errors.Is(err, webidentity.ErrUnreachable):
		return h, err
	case err != nil || token.Subject != h.Subject:
		return h, errors.Join(o.Leave(ctx, secret), errGrant)
	}
	h.Grant, h.At = grant, now
	return h, o.server.store.Update(ctx, func(tx *store.Tx) error { return o.keep(ctx, tx, secret, h, now) })
}

// open are the roles that the grant opens, or of them the one that is named.
func (o *openID) open(ctx context.Context, h held, named string, now time.Time) ([]federation.Candidate, error) {
	candidates, err := o.desks.federation.Candidates(ctx, o.party.Trust.Issuer)
	if err != nil {
		return nil, err
	}
	var open []federation.Candidate
	for _, c := range candidates {
		if named != "" && named != string(c.Role.ARN()) {
			continue
		}
		err := o.desks.access.Authorize(ctx, o.call(now), federation.Operation(), o.request(h, c))
		if _, refused := errors.AsType[awsmodel.Error](err); err != nil && !refused {
			return nil, err
		}
		if err == nil {
			open = append(open, c)
		}
	}
	return open, nil
}

func (o *openID) call(now time.Time) *awsmodel.Call {
	return &awsmodel.Call{Region: arn.Region(o.server.config.Regions[0]), Time: now, RequestID: rand.Text(), Secure: o.server.config.PublicSecure()}
}

func (o *openID) request(h held, c federation.Candidate) *api.AssumeRoleWithWebIdentityInput {
	life := c.Role.MaxSession
	if h.RefreshToken != "" {
		life = min(life, renewedSession)
	}
	return &api.AssumeRoleWithWebIdentityInput{
		RoleArn: string(c.Role.ARN()), RoleSessionName: h.Name, WebIdentityToken: h.IDToken, DurationSeconds: new(int32(life / time.Second)),
	}
}

func (o *openID) enter(ctx context.Context, secret string, h held, c federation.Candidate, now time.Time) (console.Session, error) {
	out, err := o.desks.sts.AssumeRoleWithWebIdentity(ctx, o.call(now), o.request(h, c))
	if err != nil {
		return console.Session{}, err
	}
	session := console.Session{
		AccountID: string(c.Role.Account), Principal: c.Role.Name + "/" + h.Name, Region: o.server.config.Regions[0],
		AccessKeyID: out.Credentials.AccessKeyId, SecretAccessKey: out.Credentials.SecretAccessKey, SessionToken: out.Credentials.SessionToken,
		ExpiresAt: out.Credentials.Expiration, Federated: &console.Federated{Role: string(c.Role.ARN())},
	}
	if h.RefreshToken == "" {
		return session, o.Leave(ctx, secret)
	}
	session.Federated.Until = h.Until
	return session, nil
}

// Leave implements console.OpenID.
func (o *openID) Leave(ctx context.Context, secret string) error {
	return o.server.store.Update(ctx, func(tx *store.Tx) error { return settings.Delete(ctx, tx, grantName(secret)) })
}

func rolesOf(list []federation.Candidate) []console.Role {
	var out []console.Role
	for _, c := range list {
		out = append(out, console.Role{ARN: string(c.Role.ARN()), Name: c.Role.Name, Account: string(c.Role.Account), AccountName: c.Account})
	}
	return out
}

// notInName is what a session's name cannot hold.
var notInName = regexp.MustCompile(`[^\w+=,.@-]+`)

// sessionName is how a person's sessions are called: by the first of those
// claims that there is.
func sessionName(t webidentity.Token) string {
	name := t.Subject
	for _, claim := range []string{"email", "preferred_username"} {
		if text, ok := t.Claims[claim].(string); ok && text != "" {
			name = text
			break
		}
	}
	runes := []rune(notInName.ReplaceAllString(name, "-"))
	if len(runes) < 2 {
		runes = slices.Concat([]rune("user-"), runes)
	}
	return string(runes[:min(len(runes), 64)])
}
