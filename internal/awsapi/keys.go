package awsapi

import (
	"context"
	"errors"
	"time"

	"muster/internal/arn"
)

// Keys finds the credentials behind access keys.
type Keys interface {
	// Lookup returns the credential of an access key; sessionToken is what the
	// request carries, and must be the one issued with a temporary key and
	// empty for a permanent one. It returns ErrUnknownKey (possibly wrapped)
	// for a key or token that is not known, and other errors where it could
	// not find out. It does not check ExpiresAt.
	Lookup(ctx context.Context, accessKeyID, sessionToken string) (Credential, error)
}

// Credential is what verifying and judging a request needs.
type Credential struct {
	// Secret is the secret access key in the clear.
	Secret string
	// Principal is whose key it is; its AccessKeyID is the key.
	Principal arn.Principal
	// ExpiresAt ends a temporary credential; zero means never.
	ExpiresAt time.Time
	// Inactive keys are refused like unknown ones.
	Inactive bool
}

// ErrUnknownKey is Lookup's answer for keys and tokens that it does not know.
var ErrUnknownKey = errors.New("unknown access key or session token")
