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
	// DelegatedAdministratorDeregistered follows a deregistration.
	DelegatedAdministratorDeregistered(ctx context.Context, tx *store.Tx, org OrganizationID, account arn.AccountID, principal string, now time.Time) error
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
