// Package webidentitytest has OpenID Connect providers for tests: Issuer, which
// signs whatever it is asked to, and Server, a real one with people in it.
package webidentitytest

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// Issuer publishes a key and signs tokens with it.
type Issuer struct {
	// URL is the issuer.
	URL string
	// Asked counts the requests for keys.
	Asked atomic.Int64

	key *rsa.PrivateKey
}

// NewIssuer starts one on loopback; with TLS its certificate is the server's
// own, which no authority has signed.
func NewIssuer(t testing.TB, tls bool) (*Issuer, *httptest.Server) {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	i := &Issuer{key: key}
	mux := http.NewServeMux()
	mux.HandleFunc("/.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		i.reply(w, map[string]any{
			"issuer": i.URL, "jwks_uri": i.URL + "/keys", "authorization_endpoint": i.URL + "/authorize", "token_endpoint": i.URL + "/token",
			"id_token_signing_alg_values_supported": []string{"RS256"},
		})
	})
	mux.HandleFunc("/keys", func(w http.ResponseWriter, _ *http.Request) {
		i.Asked.Add(1)
		i.reply(w, jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: key.Public(), KeyID: "one", Algorithm: "RS256", Use: "sig"}}})
	})
	server := httptest.NewUnstartedServer(mux)
	if tls {
		server.StartTLS()
	} else {
		server.Start()
	}
	t.Cleanup(server.Close)
	i.URL = server.URL
	return i, server
}

func (i *Issuer) reply(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v)
}

// Claims are those of an ordinary token of an hour, with further ones; nil
// leaves one out.
func (i *Issuer) Claims(subject, client string, now time.Time, further map[string]any) map[string]any {
	c := map[string]any{"iss": i.URL, "sub": subject, "aud": client, "iat": now.Unix(), "exp": now.Add(time.Hour).Unix()}
	maps.Copy(c, further)
	maps.DeleteFunc(c, func(_ string, v any) bool { return v == nil })
	return c
}

// Sign is a token with the claims, signed with the key of the name "one", or
// wrongly with another.
func (i *Issuer) Sign(t testing.TB, keyID string, claims map[string]any) string {
	t.Helper()
	key := i.key
	if keyID != "one" {
		var err error
		if key, err = rsa.GenerateKey(rand.Reader, 2048); err != nil {
			t.Fatal(err)
		}
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: jose.JSONWebKey{Key: key, KeyID: keyID}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	body, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := signer.Sign(body)
	if err != nil {
		t.Fatal(err)
	}
	text, err := signed.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return text
}
