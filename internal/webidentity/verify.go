package webidentity

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
)

// Why a token is not believed.
var (
	ErrMalformed   = errors.New("not a valid ID token")
	ErrIssuer      = errors.New("the token is of another provider")
	ErrAudience    = errors.New("the token is for another client")
	ErrSignature   = errors.New("the token's signature is wrong")
	ErrFuture      = errors.New("the token is not valid yet")
	ErrUnreachable = errors.New("the provider cannot be asked for its keys")
)

// Expired says when a token ended.
type Expired struct{ At time.Time }

func (e *Expired) Error() string { return "the token expired at " + e.At.UTC().Format(time.RFC3339) }

const (
	// maxToken bounds a token in bytes, as STS's interface does.
	maxToken = 20_000
	// leeway is how far the provider's clock may be ahead.
	leeway = 5 * time.Minute
	// discoveryLife is how long a provider's description is believed; its keys
	// are asked for whenever a token names an unknown one.
	discoveryLife = time.Hour
	// maxProviders bounds how many descriptions are remembered.
	maxProviders = 1000
)

// Trust is whose tokens are believed.
type Trust struct {
	// Issuer is the provider's URL.
	Issuer string
	// Clients are those that tokens may have been issued to.
	Clients []string
	// Thumbprints are SHA-1 sums, in hexadecimal, of certificate authorities
	// that the provider's certificate may come from beside the public ones.
	Thumbprints []string
}

// Verifier verifies tokens with the keys that providers publish. It is safe for
// concurrent use.
type Verifier struct {
	transport func() *http.Transport

	mu        sync.Mutex // guards providers
	providers map[string]known
}

// known is a provider's description and when it was read.
type known struct {
	provider *oidc.Provider
	at       time.Time
}

// NewVerifier returns a verifier that makes its requests through transports made
// by the function, which decides what addresses are reached.
func NewVerifier(transport func() *http.Transport) *Verifier {
	return &Verifier{transport: transport, providers: map[string]known{}}
}

// IssuerOf is who a token claims to be of; nothing about it has been verified.
func IssuerOf(raw string) (string, error) {
	parts := strings.Split(raw, ".")
	if len(raw) > maxToken || len(parts) != 3 {
		return "", ErrMalformed
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	var claims struct {
		Issuer string `json:"iss"`
	}
	if err != nil || json.Unmarshal(payload, &claims) != nil || claims.Issuer == "" {
		return "", ErrMalformed
	}
	return claims.Issuer, nil
}

// Verify reads a token of a provider. Its errors wrap this package's.
func (v *Verifier) Verify(ctx context.Context, raw string, trust Trust, now time.Time) (Token, error) {
	issuer, err := IssuerOf(raw)
	if err != nil {
		return Token{}, err
	}
	if issuer != trust.Issuer {
		return Token{}, ErrIssuer
	}
	provider, err := v.provider(ctx, trust, now)
	if err != nil {
		return Token{}, err
	}
	id, err := provider.Verifier(&oidc.Config{SkipClientIDCheck: true, Now: func() time.Time { return now }}).Verify(ctx, raw)
	if err != nil {
		return Token{}, refused(err)
	}
	return tokenOf(id, trust, now)
}

// provider is a provider's description, read anew when it is old, with its keys,
// which it remembers.
func (v *Verifier) provider(ctx context.Context, trust Trust, now time.Time) (*oidc.Provider, error) {
	key := trust.Issuer + " " + strings.Join(trust.Thumbprints, " ")
	v.mu.Lock()
	k, ok := v.providers[key]
	v.mu.Unlock()
	if ok && now.Sub(k.at) < discoveryLife && !now.Before(k.at) {
		return k.provider, nil
	}
	// Later requests for keys use the client of this context, but not its end.
	provider, err := oidc.NewProvider(oidc.ClientContext(context.WithoutCancel(ctx), v.client(trust.Thumbprints)), trust.Issuer)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnreachable, err)
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if len(v.providers) >= maxProviders {
		clear(v.providers)
	}
	v.providers[key] = known{provider, now}
	return provider, nil
}

// refused words an error of the library as one of this package's.
func refused(err error) error {
	if expired, ok := errors.AsType[*oidc.TokenExpiredError](err); ok {
		return &Expired{expired.Expiry}
	}
	text := err.Error()
	switch {
	case strings.Contains(text, "malformed jwt"), strings.Contains(text, "unmarshal claims"), strings.Contains(text, "not signed"), strings.Contains(text, "multiple signatures"):
		return ErrMalformed
	case strings.Contains(text, "before the nbf"):
		return ErrFuture
	case strings.Contains(text, "fetching keys"):
		return fmt.Errorf("%w: %w", ErrUnreachable, err)
	}
	return fmt.Errorf("%w: %w", ErrSignature, err)
}

// tokenOf reads a verified token and makes the checks that the library leaves
// out.
func tokenOf(id *oidc.IDToken, trust Trust, now time.Time) (Token, error) {
	var own claims
	var raw json.RawMessage
	if id.Claims(&own) != nil || id.Claims(&raw) != nil {
		return Token{}, ErrMalformed
	}
	t := Token{
		Issuer: id.Issuer, Subject: id.Subject, Audience: id.Audience, AuthorizedParty: own.AuthorizedParty, Methods: own.Methods,
		IssuedAt: id.IssuedAt, ExpiresAt: id.Expiry,
	}
	decoder := json.NewDecoder(strings.NewReader(string(raw)))
	decoder.UseNumber()
	switch {
	case decoder.Decode(&t.Claims) != nil, t.Subject == "", len(t.Audience) == 0, t.IssuedAt.Unix() <= 0:
		return Token{}, ErrMalformed
	case t.IssuedAt.After(now.Add(leeway)):
		return Token{}, ErrFuture
	case !slices.Contains(trust.Clients, t.Client()):
		return Token{}, ErrAudience
	}
	return t, nil
}
