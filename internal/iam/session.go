package iam

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"time"

	"muster/internal/arn"
	"muster/internal/store/identity"
)

// Session is what temporary credentials stand for.
type Session struct {
	Account arn.AccountID
	// Name is the session's name, for roles and federated users.
	Name string
	// Policy is the session policy document, or empty.
	Policy    string
	ExpiresAt time.Time
	// Session holds the owner, the time of issue, tags and source identity.
	arn.Session
}

// TemporaryKey is issued for a session. All there is to know about the session
// is inside the token, sealed and bound to the access key id; nothing is stored.
type TemporaryKey struct {
	AccessKeyID, Secret, Token string
	ExpiresAt                  time.Time
}

// maxToken bounds a session token in bytes, below what HTTP servers accept as
// a header.
const maxToken = 16 << 10

// token is the content of a session token.
type token struct {
	Secret string `json:"k"`
	Owner  string `json:"o,omitempty"`
	Name   string `json:"n,omitempty"`
	Policy string `json:"p,omitempty"`
	Origin string `json:"x,omitempty"`

	Tags           map[string]string `json:"t,omitempty"`
	Transitive     []string          `json:"tt,omitempty"`
	SourceIdentity string            `json:"s,omitempty"`

	Factor    bool  `json:"f,omitempty"`
	IssuedAt  int64 `json:"i"` // Unix seconds
	ExpiresAt int64 `json:"e"`
}

// Issue makes temporary credentials for a session.
func (k *Keys) Issue(s Session) (TemporaryKey, error) {
	id, err := newAccessKeyID(temporaryPrefix, s.Account)
	if err != nil {
		return TemporaryKey{}, fmt.Errorf("issue a session: %w", err)
	}
	t := token{
		Secret: newSecret(), Owner: s.Owner, Name: s.Name, Policy: s.Policy, Origin: string(s.Origin),
		Tags: s.Tags, Transitive: s.Transitive, SourceIdentity: s.SourceIdentity,
		Factor: s.Factor, IssuedAt: s.IssuedAt.Unix(), ExpiresAt: s.ExpiresAt.Unix(),
	}
	plain, err := json.Marshal(t)
	if err != nil {
		return TemporaryKey{}, fmt.Errorf("issue a session: %w", err)
	}
	return TemporaryKey{
		AccessKeyID: id, Secret: t.Secret, ExpiresAt: time.Unix(t.ExpiresAt, 0).UTC(),
		Token: base64.StdEncoding.EncodeToString(k.keyring.Seal(id, plain)),
	}, nil
}

func (k *Keys) openToken(id, text string) (token, error) {
	var t token
	if text == "" || len(text) > maxToken {
		return t, ErrUnknownKey
	}
	sealed, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return t, ErrUnknownKey
	}
	plain, err := k.keyring.Open(id, sealed)
	if err != nil || json.Unmarshal(plain, &t) != nil {
		return t, ErrUnknownKey
	}
	return t, nil
}

func (k *Keys) lookupSession(ctx context.Context, account arn.AccountID, id, text string) (Credential, error) {
	t, err := k.openToken(id, text)
	if err != nil {
		return Credential{}, err
	}
	b, err := k.bearer(ctx, account, t.Owner)
	if err != nil {
		return Credential{}, unknown(err)
	}
	p := b.principal
	switch {
	case b.role:
		p = sessionPrincipal(b, t.Name)
	case arn.Origin(t.Origin) == arn.FromGetFederationToken:
		p = federatedPrincipal(account, t.Name)
	}
	p.AccessKeyID, p.SessionPolicy = id, t.Policy
	p.Session = &arn.Session{
		Origin: arn.Origin(t.Origin), IssuedAt: time.Unix(t.IssuedAt, 0).UTC(), Owner: t.Owner,
		Tags: t.Tags, Transitive: t.Transitive, SourceIdentity: t.SourceIdentity, Factor: t.Factor,
	}
	return Credential{Secret: t.Secret, Principal: p, ExpiresAt: time.Unix(t.ExpiresAt, 0).UTC(), Inactive: !b.usable}, nil
}

// federatedPrincipal is somebody whom a user gave a session.
func federatedPrincipal(account arn.AccountID, name string) arn.Principal {
	return arn.Principal{
		Kind: arn.FederatedUser, Account: account, ARN: FederatedARN(account, name), ID: string(account) + ":" + name,
	}
}

// FederatedARN names a federated user.
func FederatedARN(account arn.AccountID, name string) arn.ARN {
	return arn.New("sts", "", account, "federated-user/"+name)
}

// sessionPrincipal is a role's session.
func sessionPrincipal(b *bearer, name string) arn.Principal {
	return arn.Principal{
		Kind: arn.AssumedRole, Account: b.principal.Account,
		ARN: SessionARN(b.principal.Account, b.name, name), ID: b.principal.ID + ":" + name, RoleARN: b.principal.ARN,
	}
}

// SessionARN names a role's session. A role's path is not part of it.
func SessionARN(account arn.AccountID, roleName, sessionName string) arn.ARN {
	return arn.New("sts", "", account, "assumed-role/"+roleName+"/"+sessionName)
}

// RoleSession is the session that assuming a role begins.
func RoleSession(role identity.Role, name, policy string, now time.Time, duration time.Duration) Session {
	return Session{
		Account: role.Account, Name: name, Policy: policy, ExpiresAt: now.Add(duration),
		Session: arn.Session{Owner: role.ID, IssuedAt: now},
	}
}
