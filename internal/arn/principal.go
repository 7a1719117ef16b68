package arn

// PrincipalKind says what a Principal is.
type PrincipalKind string

// The kinds of principals that can sign a request.
const (
	RootUser    PrincipalKind = "Root"
	User        PrincipalKind = "IAMUser"
	AssumedRole PrincipalKind = "AssumedRole"
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
}

// IsZero reports whether nobody signed.
func (p Principal) IsZero() bool { return p.Account == "" }
