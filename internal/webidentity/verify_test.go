package webidentity_test

import (
	"crypto/sha1"
	"encoding/hex"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"muster/internal/source/guard"
	"muster/internal/webidentity"
	"muster/internal/webidentity/webidentitytest"
)

var now = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// verifier reaches loopback.
func verifier(t testing.TB) *webidentity.Verifier {
	t.Helper()
	g, err := guard.New([]string{"127.0.0.0/8", "::1"})
	if err != nil {
		t.Fatal(err)
	}
	return webidentity.NewVerifier(g.Transport)
}

// TestVerify believes what the provider signed for a client, and nothing else.
func TestVerify(t *testing.T) {
	i, _ := webidentitytest.NewIssuer(t, false)
	v, trust := verifier(t), webidentity.Trust{Issuer: i.URL, Clients: []string{"muster", "other"}}
	claims := func(further map[string]any) map[string]any { return i.Claims("ada", "muster", now, further) }
	good := i.Sign(t, "one", claims(nil))
	header, rest, _ := strings.Cut(good, ".")
	_, signature, _ := strings.Cut(rest, ".")
	for name, c := range map[string]struct {
		raw  string
		want error
	}{
		"good":                       {good, nil},
		"authorized party":           {i.Sign(t, "one", claims(map[string]any{"azp": "other", "aud": []string{"somebody", "else"}})), nil},
		"authorized party unknown":   {i.Sign(t, "one", claims(map[string]any{"azp": "stranger"})), webidentity.ErrAudience},
		"audience unknown":           {i.Sign(t, "one", claims(map[string]any{"aud": "stranger"})), webidentity.ErrAudience},
		"no audience":                {i.Sign(t, "one", claims(map[string]any{"aud": nil})), webidentity.ErrMalformed},
		"no subject":                 {i.Sign(t, "one", claims(map[string]any{"sub": nil})), webidentity.ErrMalformed},
		"no time of issue":           {i.Sign(t, "one", claims(map[string]any{"iat": nil})), webidentity.ErrMalformed},
		"issued later":               {i.Sign(t, "one", claims(map[string]any{"iat": now.Add(time.Hour).Unix()})), webidentity.ErrFuture},
		"not before later":           {i.Sign(t, "one", claims(map[string]any{"nbf": now.Add(time.Hour).Unix()})), webidentity.ErrFuture},
		"another issuer":             {i.Sign(t, "one", claims(map[string]any{"iss": "https://example.com"})), webidentity.ErrIssuer},
		"another key":                {i.Sign(t, "two", claims(nil)), webidentity.ErrSignature},
		"no token":                   {"token", webidentity.ErrMalformed},
		"too long":                   {good + strings.Repeat("A", 20_000), webidentity.ErrMalformed},
		"signature of another token": {header + "." + strings.Split(i.Sign(t, "one", claims(map[string]any{"sub": "eve"})), ".")[1] + "." + signature, webidentity.ErrSignature},
		"without a signature":        {"eyJhbGciOiJub25lIn0." + strings.Split(good, ".")[1] + ".", webidentity.ErrMalformed},
	} {
		t.Run(name, func(t *testing.T) {
			token, err := v.Verify(t.Context(), c.raw, trust, now)
			if !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
			if err == nil && token.Subject != "ada" {
				t.Errorf("subject %q", token.Subject)
			}
		})
	}
	_, err := v.Verify(t.Context(), good, trust, now.Add(2*time.Hour))
	if expired, ok := errors.AsType[*webidentity.Expired](err); !ok || !expired.At.Equal(now.Add(time.Hour)) {
		t.Errorf("an old token: %v", err)
	}
}

// TestMadeUpKeys: whoever sends tokens with keys that nobody has does not make
// the server ask the provider each time.
func TestMadeUpKeys(t *testing.T) {
	i, _ := webidentitytest.NewIssuer(t, false)
	v, trust := verifier(t), webidentity.Trust{Issuer: i.URL, Clients: []string{"muster"}}
	wrong := i.Sign(t, "two", i.Claims("ada", "muster", now, nil))
	for range 20 {
		if _, err := v.Verify(t.Context(), wrong, trust, now); !errors.Is(err, webidentity.ErrSignature) {
			t.Fatal(err)
		}
	}
	// The limit is of time: on a slow machine a few of them may pass.
	if n := i.Asked.Load(); n > 10 {
		t.Errorf("asked %d times", n)
	}
}

// TestThumbprints: a certificate that no public authority signed is believed
// only where IAM names it.
func TestThumbprints(t *testing.T) {
	i, server := webidentitytest.NewIssuer(t, true)
	raw := i.Sign(t, "one", i.Claims("ada", "muster", now, nil))
	sum := sha1.Sum(server.Certificate().Raw)
	named := hex.EncodeToString(sum[:])
	for thumbprint, want := range map[string]error{"": webidentity.ErrUnreachable, strings.Repeat("0", 40): webidentity.ErrUnreachable, strings.ToUpper(named): nil} {
		trust := webidentity.Trust{Issuer: i.URL, Clients: []string{"muster"}}
		if thumbprint != "" {
			trust.Thumbprints = []string{thumbprint}
		}
		if _, err := verifier(t).Verify(t.Context(), raw, trust, now); !errors.Is(err, want) {
			t.Errorf("thumbprint %q: %v, want %v", thumbprint, err, want)
		}
	}
}

// TestAddresses: a tenant's provider does not lead into the operator's network.
func TestAddresses(t *testing.T) {
	i, _ := webidentitytest.NewIssuer(t, false)
	v := webidentity.NewVerifier((&guard.Guard{}).Transport)
	_, err := v.Verify(t.Context(), i.Sign(t, "one", i.Claims("ada", "muster", now, nil)), webidentity.Trust{Issuer: i.URL, Clients: []string{"muster"}}, now)
	if !errors.Is(err, webidentity.ErrUnreachable) || i.Asked.Load() != 0 {
		t.Errorf("%v, asked %d times", err, i.Asked.Load())
	}
}

// TestKeys are the condition keys of a token.
func TestKeys(t *testing.T) {
	i, _ := webidentitytest.NewIssuer(t, false)
	v, trust := verifier(t), webidentity.Trust{Issuer: i.URL, Clients: []string{"muster"}}
	raw := i.Sign(t, "one", i.Claims("ada", "api", now, map[string]any{
		"azp": "muster", "amr": []string{"pwd", "otp"}, "groups": []string{"security", "ops"}, "email_verified": true, "level": 3, "address": map[string]any{"country": "FR"},
		"https://aws.amazon.com/tags":            map[string]any{"principal_tags": map[string]any{"team": []string{"red"}}, "transitive_tag_keys": []string{"team"}},
		"https://aws.amazon.com/source_identity": "ada@example.com",
	}))
	token, err := v.Verify(t.Context(), raw, trust, now)
	if err != nil {
		t.Fatal(err)
	}
	keys, prefix := token.Keys(), webidentity.Name(i.URL)+":"
	for name, want := range map[string][]string{
		"sub": {"ada"}, "aud": {"muster"}, "oaud": {"api"}, "amr": {"pwd", "otp"}, "groups": {"security", "ops"}, "email_verified": {"true"}, "level": {"3"}, "address": nil,
	} {
		if got := keys[prefix+name]; !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	tags, transitive, err := token.Tags()
	if err != nil || tags["team"] != "red" || !reflect.DeepEqual(transitive, []string{"team"}) || token.SourceIdentity() != "ada@example.com" {
		t.Errorf("tags %v %v %v, source identity %q", tags, transitive, err, token.SourceIdentity())
	}
}

// FuzzIssuerOf reads what strangers send.
func FuzzIssuerOf(f *testing.F) {
	f.Add("a.eyJpc3MiOiJodHRwczovL2V4YW1wbGUuY29tIn0.b")
	f.Add("a.e30.b")
	f.Add("")
	f.Fuzz(func(t *testing.T, raw string) {
		issuer, err := webidentity.IssuerOf(raw)
		if (err == nil) != (issuer != "") {
			t.Errorf("%q: %q, %v", raw, issuer, err)
		}
	})
}
