package webidentity

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

// ErrDeclined says that the provider did not sign somebody in, in its words.
var ErrDeclined = errors.New("the identity provider did not sign you in")

// Party signs people in with one provider, by the authorization code flow with
// a proof key (RFC 7636).
type Party struct {
	// Trust is the provider; its one client is this party.
	Trust Trust
	// Secret is the client's, empty for a public client.
	Secret string
	// Redirect is where the provider sends browsers back to.
	Redirect string
	// Scopes are asked for beside openid.
	Scopes []string
	// Verifier verifies what the provider issues.
	Verifier *Verifier
}

// Start is the state of one sign-in between its two halves. Only the browser
// that began it may know it.
type Start struct {
	State    string `json:"s"`
	Nonce    string `json:"n"`
	Verifier string `json:"v"`
}

// Grant is what the provider gives at the end: an ID token that was verified,
// and, where it gives one, a refresh token for the next.
type Grant struct {
	IDToken      string `json:"i"`
	RefreshToken string `json:"r,omitempty"`
}

// flow is the party's side of OAuth 2.0, and the context to use it in.
func (p *Party) flow(ctx context.Context, now time.Time) (*oauth2.Config, context.Context, error) {
	provider, err := p.Verifier.provider(ctx, p.Trust, now)
	if err != nil {
		return nil, ctx, err
	}
	return &oauth2.Config{
		ClientID: p.Trust.Clients[0], ClientSecret: p.Secret, Endpoint: provider.Endpoint(), RedirectURL: p.Redirect,
		Scopes: append([]string{oidc.ScopeOpenID}, p.Scopes...),
	}, oidc.ClientContext(ctx, p.Verifier.client(p.Trust.Thumbprints)), nil
}

// Begin is where to send a browser that wants to sign in, and what it must come
// back with.
func (p *Party) Begin(ctx context.Context, now time.Time) (string, Start, error) {
	flow, _, err := p.flow(ctx, now)
	if err != nil {
		return "", Start{}, err
	}
	s := Start{State: rand.Text(), Nonce: rand.Text(), Verifier: oauth2.GenerateVerifier()}
	return flow.AuthCodeURL(s.State, oidc.Nonce(s.Nonce), oauth2.S256ChallengeOption(s.Verifier)), s, nil
}

// Finish exchanges the code that a browser came back with.
func (p *Party) Finish(ctx context.Context, s Start, code string, now time.Time) (Grant, Token, error) {
	flow, ctx, err := p.flow(ctx, now)
	if err != nil {
		return Grant{}, Token{}, err
	}
	given, err := flow.Exchange(ctx, code, oauth2.VerifierOption(s.Verifier))
	if err != nil {
		return Grant{}, Token{}, declined(err)
	}
	g, t, err := p.grant(ctx, given, now)
	if err == nil && t.Claims["nonce"] != s.Nonce {
		err = fmt.Errorf("%w: the token answers another sign-in", ErrMalformed)
	}
	return g, t, err
}

// Refresh exchanges a refresh token for another ID token.
func (p *Party) Refresh(ctx context.Context, refresh string, now time.Time) (Grant, Token, error) {
	flow, ctx, err := p.flow(ctx, now)
	if err != nil {
		return Grant{}, Token{}, err
	}
	given, err := flow.TokenSource(ctx, &oauth2.Token{RefreshToken: refresh}).Token()
	if err != nil {
		return Grant{}, Token{}, declined(err)
	}
	g, t, err := p.grant(ctx, given, now)
	if g.RefreshToken == "" {
		g.RefreshToken = refresh
	}
	return g, t, err
}

func (p *Party) grant(ctx context.Context, given *oauth2.Token, now time.Time) (Grant, Token, error) {
	raw, _ := given.Extra("id_token").(string)
	if raw == "" {
		return Grant{}, Token{}, fmt.Errorf("%w: it gave no ID token", ErrDeclined)
	}
	t, err := p.Verifier.Verify(ctx, raw, p.Trust, now)
	return Grant{IDToken: raw, RefreshToken: given.RefreshToken}, t, err
}

// declined tells a provider's refusal from its absence.
func declined(err error) error {
	if refusal, ok := errors.AsType[*oauth2.RetrieveError](err); ok && refusal.Response.StatusCode < 500 {
		return fmt.Errorf("%w: %s %s", ErrDeclined, refusal.ErrorCode, refusal.ErrorDescription)
	}
	return fmt.Errorf("%w: %w", ErrUnreachable, err)
}
