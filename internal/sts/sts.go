// Package sts is the desk for temporary credentials: who am I, assume a role,
// a session of one's own. Sessions are stateless (see iam.Keys.Issue).
//
// Whether a role may be assumed is decided in access, which evaluates the
// caller's policies and the role's trust policy together before AssumeRole
// runs; here only the session's own limits are checked.
package sts

import (
	"context"
	"errors"
	"strings"
	"time"

	"muster/internal/arn"
	"muster/internal/awsmodel"
	api "muster/internal/awsmodel/sts"
	"muster/internal/iam"
	"muster/internal/iam/federation"
	"muster/internal/iam/logins"
	"muster/internal/iam/managed"
	"muster/internal/store"
)

// Service is the desk. It is safe for concurrent use.
type Service struct {
	store   *store.Store
	keys    *iam.Keys
	managed *managed.Set
	// RootMayAssume lets root users assume roles, which AWS refuses: in an
	// emulator every caller without a key issued there is one.
	RootMayAssume bool
	// Factor takes a code of a user's device, by its serial number; nil means
	// that there are no devices.
	Factor func(ctx context.Context, account arn.AccountID, user, serial, code string, now time.Time) error
	// Federation verifies tokens of identity providers; nil means that none are
	// taken.
	Federation *federation.Room
}

// New returns the desk, issuing sessions through keys.
func New(st *store.Store, keys *iam.Keys, set *managed.Set) *Service {
	return &Service{store: st, keys: keys, managed: set}
}

// Handlers lists the operations that muster implements.
func (s *Service) Handlers() api.Handlers {
	return api.Handlers{
		AssumeRole:                 s.AssumeRole,
		AssumeRoot:                 s.AssumeRoot,
		DecodeAuthorizationMessage: s.DecodeAuthorizationMessage,
		GetAccessKeyInfo:           s.GetAccessKeyInfo,
		GetCallerIdentity:          s.GetCallerIdentity,
		GetFederationToken:         s.GetFederationToken,
		GetSessionToken:            s.GetSessionToken,
		AssumeRoleWithWebIdentity:  s.AssumeRoleWithWebIdentity,
	}
}

// GetCallerIdentity says who signed.
func (s *Service) GetCallerIdentity(_ context.Context, call *awsmodel.Call, _ *api.GetCallerIdentityInput) (*api.GetCallerIdentityOutput, error) {
	p := call.Principal
	return &api.GetCallerIdentityOutput{Account: new(string(p.Account)), Arn: new(string(p.ARN)), UserId: &p.ID}, nil
}

// GetAccessKeyInfo says which account an access key id belongs to, which the id
// itself carries.
func (s *Service) GetAccessKeyInfo(_ context.Context, _ *awsmodel.Call, in *api.GetAccessKeyInfoInput) (*api.GetAccessKeyInfoOutput, error) {
	account, ok := iam.AccountOfKey(in.AccessKeyId)
	if !ok {
		return nil, invalid("Invalid access key id: " + in.AccessKeyId)
	}
	return &api.GetAccessKeyInfoOutput{Account: new(string(account))}, nil
}

// How long a session of one's own lasts unless asked otherwise, and a root
// user's at most.
const (
	ownSession  = 12 * time.Hour
	rootSession = time.Hour
)

// GetSessionToken gives a user temporary credentials with its own rights.
func (s *Service) GetSessionToken(ctx context.Context, call *awsmodel.Call, in *api.GetSessionTokenInput) (*api.GetSessionTokenOutput, error) {
	if temporary(call.Principal) {
		return nil, denied("Cannot call GetSessionToken with session credentials")
	}
	session := own(call, arn.FromGetSessionToken, in.DurationSeconds)
	if in.SerialNumber != nil || in.TokenCode != nil {
		if s.Factor == nil || in.SerialNumber == nil || in.TokenCode == nil {
			return nil, noMFA()
		}
		err := s.Factor(ctx, call.Account(), session.Owner, *in.SerialNumber, *in.TokenCode, call.Time)
		if errors.Is(err, logins.ErrWrong) {
			return nil, noMFA()
		}
		if err != nil {
			return nil, err
		}
		session.Factor = true
	}
	credentials, err := s.issue(session)
	return &api.GetSessionTokenOutput{Credentials: credentials}, err
}

// temporary reports whether a principal signed with temporary credentials.
func temporary(p arn.Principal) bool {
	return p.Session != nil || p.Kind == arn.AssumedRole || strings.HasPrefix(p.AccessKeyID, "ASIA")
}

// own is a session that a user or the root user begins for itself.
func own(call *awsmodel.Call, origin arn.Origin, seconds *int32) iam.Session {
	session := iam.Session{Account: call.Account(), Session: arn.Session{Origin: origin, IssuedAt: call.Time}}
	d := duration(seconds, ownSession)
	if call.Principal.Kind == arn.RootUser {
		d = min(d, rootSession)
	} else {
		session.Owner = call.Principal.ID
	}
	session.ExpiresAt = call.Time.Add(d)
	return session
}

func (s *Service) issue(session iam.Session) (*api.Credentials, error) {
	k, err := s.keys.Issue(session)
	if err != nil {
		return nil, err
	}
	return &api.Credentials{AccessKeyId: k.AccessKeyID, SecretAccessKey: k.Secret, SessionToken: k.Token, Expiration: k.ExpiresAt}, nil
}

func duration(seconds *int32, otherwise time.Duration) time.Duration {
	if seconds == nil {
		return otherwise
	}
	return time.Duration(*seconds) * time.Second
}

func invalid(message string) error {
	return &awsmodel.Fault{Code: "ValidationError", Message: message, Status: 400}
}

func denied(message string) error {
	return &awsmodel.Fault{Code: "AccessDenied", Message: message, Status: 403}
}

// noMFA refuses a code that is no device's of the caller.
func noMFA() error {
	return denied("MultiFactorAuthentication failed, unable to validate MFA code.  Please verify your MFA serial number is valid and associated with this user.")
}
