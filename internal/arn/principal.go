package arn

import "time"

// PrincipalKind says what a Principal is.
type PrincipalKind string

// The kinds of principals that can sign a request.
const (
	RootUser    PrincipalKind = "Root"
	User        PrincipalKind = "IAMUser"
	AssumedRole PrincipalKind = "AssumedRole"
	// FederatedUser is a session that a user gave to somebody by name.
	FederatedUser PrincipalKind = "FederatedUser"
	// WebIdentity holds a token of an identity provider that an account trusts,
	// and signs nothing: its ARN is the provider's.
	WebIdentity PrincipalKind = "WebIdentityUser"
)

// Principal is who signed a request, after verification.
type Principal struct {
	Kind    PrincipalKind
	Account AccountID
	// ARN as GetCallerIdentity shows it: ...:root, ...:user/path/name or
	// arn:aws:sts::A:assumed-role/Role/session.
	ARN ARN
	// ID is the unique id: the account id for root, AIDA… for a user,
	// AROA…:session for an assumed role.
	ID string
	// RoleARN is the IAM role behind an assumed-role session, else empty.
	RoleARN ARN
	// AccessKeyID is the key that signed.
	AccessKeyID string
	// SessionPolicy is the inline session policy document, if any.
	SessionPolicy string
	// Session says more about temporary credentials; nil for long-term keys.
	Session *Session
}

// Origin is the operation that issued temporary credentials, where that
// matters later.
type Origin string

// The origins of sessions. The console's, and those of roles, have none.
const (
	FromGetSessionToken    Origin = "GetSessionToken"
	FromGetFederationToken Origin = "GetFederationToken"
	FromAssumeRoot         Origin = "AssumeRoot"
)

// Session is what temporary credentials carry beyond who they are. It does not
// change once issued.
type Session struct {
	Origin   Origin
	IssuedAt time.Time
	// Owner is the unique id of the user or role behind the session, empty
	// for the root user.
	Owner string
	// Tags are the session's tags; those named by Transitive follow into
	// sessions of roles that the session assumes.
	Tags       map[string]string
	Transitive []string
	// Factor: whoever began the session showed a second factor then.
	Factor bool
	// SourceIdentity was set when the first role of a chain was assumed.
	SourceIdentity string
}

// IsZero reports whether nobody signed.
func (p Principal) IsZero() bool { return p.Account == "" }
