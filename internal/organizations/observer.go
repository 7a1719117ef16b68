package organizations

import (
	"context"
	"time"

	"muster/internal/arn"
	"muster/internal/store"
	"muster/internal/store/directory"
)

// Observer is told of changes in organizations, inside the transaction of the
// change, so that its own changes happen with it or not at all. An error
// refuses the change. What other desks change through this package's functions
// over a transaction is not reported: they know what they do.
type Observer interface {
	// AccountJoined follows the creation of an account in, or its invitation
	// into, an organization.
	AccountJoined(ctx context.Context, tx *store.Tx, org OrganizationID, account arn.AccountID, now time.Time) error
	// AccountLeft follows an account's leaving or removal. When an
	// organization is deleted it is called for the management account, after
	// TrustedAccessDisabled for every service.
	AccountLeft(ctx context.Context, tx *store.Tx, org OrganizationID, account arn.AccountID, now time.Time) error
	// AccountStateChanged follows a change of an account's state, such as
	// from ACTIVE to PENDING_CLOSURE.
	AccountStateChanged(ctx context.Context, tx *store.Tx, org OrganizationID, account arn.AccountID, state directory.State, now time.Time) error
	// TrustedAccessEnabled and TrustedAccessDisabled follow a real change of
	// trusted access, not a repetition.
	TrustedAccessEnabled(ctx context.Context, tx *store.Tx, org OrganizationID, management arn.AccountID, principal string, now time.Time) error
	TrustedAccessDisabled(ctx context.Context, tx *store.Tx, org OrganizationID, management arn.AccountID, principal string, now time.Time) error
	// EffectivePolicyChanged follows whatever may have changed the effective
	// policies of a type within a scope: an attachment made or ended, an
	// attached policy updated, the type enabled or disabled, an account that
	// joined or moved. It is one call however many accounts the scope holds,
	// so observers leave work per account to a job.
	EffectivePolicyChanged(ctx context.Context, tx *store.Tx, org OrganizationID, policyType string, scope Scope, now time.Time) error
	// DelegatedAdministratorDeregistered follows a deregistration.
	DelegatedAdministratorDeregistered(ctx context.Context, tx *store.Tx, org OrganizationID, account arn.AccountID, principal string, now time.Time) error
}

// ScopeKind says what a Scope is.
type ScopeKind string

// The kinds of scopes.
const (
	// ScopeRoot is a whole organization.
	ScopeRoot ScopeKind = "ROOT"
	// ScopeUnit is an organizational unit with all that is below it.
	ScopeUnit ScopeKind = "ORGANIZATIONAL_UNIT"
	// ScopeAccount is one account.
	ScopeAccount ScopeKind = "ACCOUNT"
)

// Scope is the part of an organization that a policy attached to ID governs.
type Scope struct {
	Kind ScopeKind
	ID   string
}

// ScopeOf is the scope of a root's, unit's or account's id.
func ScopeOf(id string) Scope {
	switch {
	case isRoot(id):
		return Scope{ScopeRoot, id}
	case isAccount(id):
		return Scope{ScopeAccount, id}
	}
	return Scope{ScopeUnit, id}
}

// joined tells that an account has come into the organization, by whatever
// way, and under which policies it is now.
func (s *Service) joined(ctx context.Context, tx *store.Tx, org OrganizationID, account arn.AccountID, now time.Time) error {
	if err := s.tell(func(o Observer) error { return o.AccountJoined(ctx, tx, org, account, now) }); err != nil {
		return err
	}
	return s.placed(ctx, tx, org, account, now)
}

// placed tells that an account is under other policies than before.
func (s *Service) placed(ctx context.Context, tx *store.Tx, org OrganizationID, account arn.AccountID, now time.Time) error {
	types, err := directory.PolicyTypes(ctx, tx, org)
	if err != nil {
		return err
	}
	for _, t := range types {
		err := s.tell(func(o Observer) error {
			return o.EffectivePolicyChanged(ctx, tx, org, t.Type, ScopeOf(string(account)), now)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// tell calls every observer until one refuses.
func (s *Service) tell(event func(Observer) error) error {
	for _, o := range s.observers {
		if err := event(o); err != nil {
			return err
		}
	}
	return nil
}
