// Package pass lets people with AWS credentials into a registry that knows
// names and passwords only: a pass is a password that says, sealed, who it was
// issued to.
package pass

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"muster/internal/arn"
)

// Life is how long a pass opens the registry, and LinkLife how long a link
// downloads a layer.
const (
	Life     = 12 * time.Hour
	LinkLife = time.Hour
)

// User is the name that goes with the password.
const User = "AWS"

// ErrInvalid says that a pass is none, or has expired.
var ErrInvalid = errors.New("the authorization token is invalid or has expired")

// Secrets seals and opens. *keyring.Keyring is one.
type Secrets interface {
	Seal(aad string, plain []byte) []byte
	Open(aad string, sealed []byte) ([]byte, error)
}

// Office issues passes. It is safe for concurrent use.
type Office struct{ secrets Secrets }

// New returns an office.
func New(secrets Secrets) *Office { return &Office{secrets} }

// Pass is who may use a registry.
type Pass struct {
	Principal arn.Principal
	Region    arn.Region
	Expires   time.Time
}

// Link is a layer that whoever has the link may download.
type Link struct {
	Account            arn.AccountID
	Region             arn.Region
	Repository, Digest string
	Expires            time.Time
}

// The purposes that sealed texts are bound to.
const (
	passes = "ecr authorization token"
	links  = "ecr layer download"
)

func (o *Office) seal(purpose string, v any) (string, error) {
	body, err := json.Marshal(v)
	if err != nil {
		return "", fmt.Errorf("%s: %w", purpose, err)
	}
	return base64.RawURLEncoding.EncodeToString(o.secrets.Seal(purpose, body)), nil
}

func (o *Office) open(purpose, text string, v any) error {
	sealed, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return ErrInvalid
	}
	body, err := o.secrets.Open(purpose, sealed)
	if err != nil {
		return ErrInvalid
	}
	if err := json.Unmarshal(body, v); err != nil {
		return ErrInvalid
	}
	return nil
}

// Issue is a pass as a password.
func (o *Office) Issue(p Pass) (string, error) { return o.seal(passes, p) }

// Admit reads a password, or is ErrInvalid.
func (o *Office) Admit(password string, now time.Time) (p Pass, err error) {
	if err := o.open(passes, password, &p); err != nil {
		return p, err
	}
	if !now.Before(p.Expires) || p.Principal.IsZero() {
		return p, ErrInvalid
	}
	return p, nil
}

// IssueLink is a link's secret part.
func (o *Office) IssueLink(l Link) (string, error) { return o.seal(links, l) }

// Follow reads it, or is ErrInvalid.
func (o *Office) Follow(text string, now time.Time) (l Link, err error) {
	if err := o.open(links, text, &l); err != nil {
		return l, err
	}
	if !now.Before(l.Expires) {
		return l, ErrInvalid
	}
	return l, nil
}
