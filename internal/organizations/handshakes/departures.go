package handshakes

import (
	"context"
	"errors"
	"time"

	"muster/internal/arn"
	"muster/internal/organizations"
	"muster/internal/store"
	"muster/internal/store/directory"
	"muster/internal/store/handshakes"
)

// Departures ends what is left open between an account and the organization
// that it leaves. It is an organizations.Observer without a desk, because the
// directory's desk is built before this one's.
type Departures struct{ organizations.Deaf }

var _ organizations.Observer = Departures{}

// AccountLeft takes back the approval that the account still owed. When the
// organization itself is gone, everything that it asked is taken back.
func (Departures) AccountLeft(ctx context.Context, tx *store.Tx, org organizations.OrganizationID, account arn.AccountID, now time.Time) error {
	_, err := directory.LookupOrganization(ctx, tx, org)
	if err == nil {
		return handshakes.CancelApprovals(ctx, tx, org, account, now)
	}
	if !errors.Is(err, store.ErrNotFound) {
		return err
	}
	return cancelAll(ctx, tx, org, now)
}

// batch is how many handshakes cancelAll reads at once.
const batch = 500

// cancelAll takes back the invitations and the request for all features of an
// organization that is gone. Transfers keep an organization from going.
func cancelAll(ctx context.Context, tx *store.Tx, org organizations.OrganizationID, now time.Time) error {
	for _, action := range []handshakes.Action{handshakes.Invite, handshakes.EnableAllFeatures} {
		for more := true; more; {
			list, err := handshakes.PendingOf(ctx, tx, org, action, now, batch)
			if err != nil {
				return err
			}
			for _, h := range list {
				if err := finish(ctx, tx, &h, handshakes.Canceled, now); err != nil {
					return err
				}
			}
			more = len(list) == batch
		}
	}
	return nil
}
