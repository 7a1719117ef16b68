// Package inspector is the accounts side of the Inspector desk: delegated
// administrators, members, what is scanned where, and the settings of an
// organization. Package results is the other side, about what was found.
//
// Every handler checks the caller's standing (package relation) in the
// transaction it works in; the access desk has asked Relation before, after
// IAM. What takes time on AWS takes time here: states such as ENABLING last
// for Config.Transition and are ended by the jobs that Jobs lists. The desk
// observes the organizations desk, so that whatever happens to an account
// there changes Inspector's state in the same transaction.
package inspector

import (
	"context"
	"time"

	"muster/internal/arn"
	"muster/internal/awsmodel"
	"muster/internal/awsmodel/inspector2"
	"muster/internal/inspector/relation"
	"muster/internal/store"
	"muster/internal/store/activation"
)

// Pager seals the place where a page ended into a token for the client, and
// opens it again for the same caller, operation and query only.
// *pagetoken.Sealer is one.
type Pager interface {
	Seal(call *awsmodel.Call, op string, query any, cursor []byte) string
	Open(call *awsmodel.Call, op string, query any, token string) ([]byte, error)
}

// Access answers for the actions beside the called one that an operation needs
// the caller's permission for. It returns nil when the caller's policies
// permit the action, or the refusal.
type Access interface {
	Permit(ctx context.Context, call *awsmodel.Call, action string, resource arn.ARN, keys map[string][]string) error
}

// Config are the desk's parts and settings.
type Config struct {
	Store *store.Store
	// Pages seals page tokens; required.
	Pages Pager
	// Access checks further permissions; nil permits everything.
	Access Access
	// Regions are the Regions of the installation; empty means any.
	Regions []arn.Region
	// Now is the clock of the jobs; nil means time.Now. Operations use the
	// time of their call.
	Now func() time.Time
	// Transition is how long asynchronous states last at least; Transitions
	// says it for single ones, by AWS's word for the state (TransitionStates).
	Transition  time.Duration
	Transitions map[string]time.Duration
	// Activation says with what switching a type on fails in the end; nil or
	// an empty code means that it succeeds.
	Activation func(ctx context.Context, account arn.AccountID, region arn.Region, t activation.ScanType) (code inspector2.ErrorCode, message string)
	// Faults makes calls fail and states last longer, for testers; nil means
	// never.
	Faults Faults
	// MemberLimit is how many members an administrator may have in a Region;
	// 0 means AWS's 10,000.
	MemberLimit int
	// ActivateAdministrator makes the API do what AWS's console does: a new
	// delegated administrator gets every scan type switched on.
	ActivateAdministrator bool
	// Unavailable says which scan types a Region lacks; nil means none.
	Unavailable func(arn.Region, activation.ScanType) bool
}

// Service is the desk. It is safe for concurrent use.
type Service struct {
	config Config
	store  *store.Store
}

// New returns the desk.
func New(c Config) *Service {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.MemberLimit == 0 {
		c.MemberLimit = 10_000
	}
	return &Service{config: c, store: c.Store}
}

// The asynchronous states that have a length of their own.
const (
	stateCreated  = "CREATED"
	stateRemoving = "DISABLE_IN_PROGRESS"
	statePending  = "PENDING"
)

// TransitionStates lists the asynchronous states by AWS's words: those of scan
// types, of new members (CREATED), of a removed administrator
// (DISABLE_IN_PROGRESS) and of a changed scan configuration (PENDING).
func TransitionStates() []string {
	return []string{
		string(activation.Enabling), string(activation.Disabling), string(activation.Suspending), stateCreated, stateRemoving, statePending,
	}
}

// lasts is how long a state lasts at least.
func (s *Service) lasts(state string) time.Duration {
	if d, ok := s.config.Transitions[state]; ok {
		return d
	}
	return s.config.Transition
}

// Handlers lists the operations of this desk that muster implements; the rooms
// below add theirs.
func (s *Service) Handlers() inspector2.Handlers {
	return inspector2.Handlers{
		EnableDelegatedAdminAccount:  s.EnableDelegatedAdminAccount,
		DisableDelegatedAdminAccount: s.DisableDelegatedAdminAccount,
		ListDelegatedAdminAccounts:   s.ListDelegatedAdminAccounts,
		GetDelegatedAdminAccount:     s.GetDelegatedAdminAccount,

		AssociateMember:    s.AssociateMember,
		DisassociateMember: s.DisassociateMember,
		GetMember:          s.GetMember,
		ListMembers:        s.ListMembers,

		Enable:                s.Enable,
		Disable:               s.Disable,
		BatchGetAccountStatus: s.BatchGetAccountStatus,
	}
}

// View runs fn on a snapshot, for a caller who may call op with in, and
// returns what it returns.
func View[T any](ctx context.Context, s *Service, call *awsmodel.Call, op string, in any, fn func(*store.Tx, relation.Standing) (T, error)) (T, error) {
	return store.Read(ctx, s.store, admitted(ctx, s, call, op, in, fn))
}

// Update is View in a transaction that writes; fn may run again. Every handler
// looks before it inserts, so one that loses a race sees what the winner did.
func Update[T any](ctx context.Context, s *Service, call *awsmodel.Call, op string, in any, fn func(*store.Tx, relation.Standing) (T, error)) (T, error) {
	return store.Write(ctx, s.store, admitted(ctx, s, call, op, in, fn))
}

// admitted is fn for callers whose account may call the operation.
func admitted[T any](ctx context.Context, s *Service, call *awsmodel.Call, op string, in any, fn func(*store.Tx, relation.Standing) (T, error)) func(*store.Tx) (T, error) {
	return func(tx *store.Tx) (T, error) {
		standing, err := s.admit(ctx, tx, call, op, in)
		if err != nil {
			var none T
			return none, err
		}
		return fn(tx, standing)
	}
}
