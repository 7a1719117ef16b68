package iam

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"muster/internal/arn"
	"muster/internal/store/identity"
)

// Session is what temporary credentials stand for.
type Session struct {
	Account arn.AccountID
	// Owner is the unique id of the user or role, or empty for the root user.
	Owner string
	// Name is the session's name, for roles.
	Name string
	// Policy is the session policy document, or empty.
	Policy              string
	IssuedAt, ExpiresAt time.Time
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
	Secret    string `json:"k"`
	Owner     string `json:"o,omitempty"`
	Name      string `json:"n,omitempty"`
	Policy    string `json:"p,omitempty"`
	IssuedAt  int64  `json:"i"` // Unix seconds
	ExpiresAt int64  `json:"e"`
}

// Issue makes temporary credentials for a session.
func (k *Keys) Issue(s Session) (TemporaryKey, error) {
	id, err := newAccessKeyID(temporaryPrefix, s.Account)
	if err != nil {
		return TemporaryKey{}, fmt.Errorf("issue a session: %w", err)
	}
	t := token{Secret: newSecret(), Owner: s.Owner, Name: s.Name, Policy: s.Policy, IssuedAt: s.IssuedAt.Unix(), ExpiresAt: s.ExpiresAt.Unix()}
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
	if b.role {
		p = sessionPrincipal(b, t.Name)
	}
	p.AccessKeyID, p.SessionPolicy = id, t.Policy
	expires := time.Unix(t.ExpiresAt, 0).UTC()
	k.sessions.note(id, time.Unix(t.IssuedAt, 0).UTC(), expires, k.now())
	return Credential{Secret: t.Secret, Principal: p, ExpiresAt: expires, Inactive: !b.usable}, nil
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

// sessionTimes remembers when the sessions in use were issued, which policies
// ask for (aws:TokenIssueTime) and a Principal does not carry.
type sessionTimes struct {
	mu    sync.Mutex // guards byKey
	byKey map[string]sessionTime
}

type sessionTime struct{ issued, expires time.Time }

// maxSessionTimes bounds the memory of sessionTimes.
const maxSessionTimes = 100_000

func (s *sessionTimes) note(id string, issued, expires, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.byKey[id]; ok {
		return
	}
	if len(s.byKey) >= maxSessionTimes {
		for id, t := range s.byKey {
			if t.expires.Before(now) {
				delete(s.byKey, id)
			}
		}
	}
	if s.byKey == nil || len(s.byKey) >= maxSessionTimes {
		s.byKey = map[string]sessionTime{}
	}
	s.byKey[id] = sessionTime{issued, expires}
}

// issued is when a session was issued; the beginning of time for one that is
// not remembered, so that policies that end older sessions end it.
func (s *sessionTimes) issued(id string) time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	if t, ok := s.byKey[id]; ok {
		return t.issued
	}
	return time.Unix(0, 0).UTC()
}

// RoleSession is the session that assuming a role begins.
func RoleSession(role identity.Role, name, policy string, now time.Time, duration time.Duration) Session {
	return Session{Account: role.Account, Owner: role.ID, Name: name, Policy: policy, IssuedAt: now, ExpiresAt: now.Add(duration)}
}
