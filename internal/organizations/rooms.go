package organizations

import (
	"context"
	"time"

	"muster/internal/arn"
	"muster/internal/awsmodel"
	api "muster/internal/awsmodel/organizations"
	"muster/internal/store"
	"muster/internal/store/directory"
	"muster/internal/store/handshakes"
)

// What the desks in the rooms below this one use.

// Listing is one call of a list operation, opened by OpenList.
type Listing = listing

// OpenList opens the token of a list operation; query is what the token is
// bound to beside caller and operation.
func (s *Service) OpenList(call *awsmodel.Call, op string, query any, token *string, size *int32) (Listing, error) {
	return s.list(call, op, query, token, size)
}

// After is the key of the last item of the page before, empty for the first
// page.
func (l listing) After() string { return l.after }

// Ask is how many items to read for a page: one more than it holds.
func (l listing) Ask() int { return l.ask() }

// Cut returns the page of what Ask() items were read for, shown one by one,
// and the token of the next page.
func Cut[R, S any](l Listing, read []R, key func(R) string, show func(R) S) ([]S, *string) {
	return cut(l, read, key, show)
}

// CheckTags refuses tags that could never be put on one resource.
func (s *Service) CheckTags(tags []api.Tag) error { return s.checkTags(tags) }

// Limits are the quotas in force.
func (s *Service) Limits() Limits { return s.limits }

// Join makes an account that stands alone a member of an organization, in its
// root, with tags, and tells. Whether there is room is the caller's business.
func (s *Service) Join(ctx context.Context, tx *store.Tx, o directory.Organization, account arn.AccountID, how directory.JoinedMethod, tags map[string]string, now time.Time) error {
	if err := directory.AddMember(ctx, tx, o.ID, account, o.Root, how, now); err != nil {
		return err
	}
	for key, value := range tags {
		if err := directory.PutTag(ctx, tx, o.ID, string(account), directory.Tag{Key: key, Value: value}); err != nil {
			return err
		}
	}
	return s.joined(ctx, tx, o.ID, account, now)
}

// HasRoom reports whether an organization may have one account more, counting
// those in creation and, if asked to, those invited.
func (s *Service) HasRoom(ctx context.Context, tx *store.Tx, org OrganizationID, countInvited bool, now time.Time) (bool, error) {
	n, err := accountsAndRequests(ctx, tx, org)
	if err != nil {
		return false, err
	}
	if countInvited {
		invited, err := handshakes.CountPending(ctx, tx, org, handshakes.Invite, now)
		if err != nil {
			return false, err
		}
		n += invited
	}
	return n < s.limits.Accounts, nil
}
