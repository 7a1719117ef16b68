// Package webidentity verifies ID tokens of OpenID Connect providers, and signs
// people in with such a provider (OpenID Connect Core 1.0). It knows neither
// accounts nor roles: who may do what with a token is for IAM to say.
package webidentity

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Token is what a verified ID token says.
type Token struct {
	// Issuer is the provider's URL, Subject who the token is about there.
	Issuer, Subject string
	// Audience are the clients that the token is for, AuthorizedParty the one
	// it was issued to, where it says so.
	Audience        []string
	AuthorizedParty string
	// Methods are how the subject was authenticated (RFC 8176).
	Methods             []string
	IssuedAt, ExpiresAt time.Time
	// Claims are all of the token's claims.
	Claims map[string]any
}

// claims are those claims that muster reads itself.
type claims struct {
	AuthorizedParty string   `json:"azp"`
	Methods         []string `json:"amr"`
}

// Client is the client that the token was issued to: the authorized party, else
// the audience.
func (t Token) Client() string {
	if t.AuthorizedParty != "" || len(t.Audience) == 0 {
		return t.AuthorizedParty
	}
	return t.Audience[0]
}

// Name is a provider's URL as IAM's ARNs and condition keys have it: without
// the scheme.
func Name(issuer string) string {
	return strings.TrimPrefix(strings.TrimPrefix(issuer, "https://"), "http://")
}

// Keys are the condition keys that describe the token in a trust policy: aud,
// oaud, sub and amr as AWS has them, and every further claim whose value is
// plain or a list of plain values, each behind the provider's name and a colon.
func (t Token) Keys() map[string][]string {
	prefix, keys := Name(t.Issuer)+":", map[string][]string{}
	for name, value := range t.Claims {
		if values, ok := plain(value); ok {
			keys[prefix+name] = values
		}
	}
	keys[prefix+"aud"] = []string{t.Client()}
	if t.AuthorizedParty != "" {
		keys[prefix+"oaud"] = t.Audience
	}
	return keys
}

// plain is a claim's value as the values of a condition key.
func plain(v any) ([]string, bool) {
	switch v := v.(type) {
	case string:
		return []string{v}, true
	case bool:
		return []string{strconv.FormatBool(v)}, true
	case json.Number:
		return []string{v.String()}, true
	case []any:
		var all []string
		for _, item := range v {
			one, ok := plain(item)
			if !ok || len(one) != 1 {
				return nil, false
			}
			all = append(all, one[0])
		}
		return all, true
	}
	return nil, false
}

// What AWS reads of a token for the session that it opens.
const (
	tagsClaim           = "https://aws.amazon.com/tags"
	sourceIdentityClaim = "https://aws.amazon.com/source_identity"
)

// SourceIdentity is what the token sets as the session's source identity, if
// anything.
func (t Token) SourceIdentity() string {
	text, _ := t.Claims[sourceIdentityClaim].(string)
	return text
}

// Tags are the session tags that the token sets, and which of them are
// transitive.
func (t Token) Tags() (tags map[string]string, transitive []string, err error) {
	claim, ok := t.Claims[tagsClaim]
	if !ok {
		return nil, nil, nil
	}
	text, err := json.Marshal(claim)
	if err != nil {
		return nil, nil, err
	}
	var in struct {
		Principal  map[string][]string `json:"principal_tags"`
		Transitive []string            `json:"transitive_tag_keys"`
	}
	if err := json.Unmarshal(text, &in); err != nil {
		return nil, nil, fmt.Errorf("%w: the claim %s is not in the form of session tags", ErrMalformed, tagsClaim)
	}
	tags = map[string]string{}
	for name, values := range in.Principal {
		if len(values) != 1 {
			return nil, nil, fmt.Errorf("%w: the session tag %s must have one value", ErrMalformed, name)
		}
		tags[name] = values[0]
	}
	return tags, in.Transitive, nil
}
