package iam

import (
	"context"
	"fmt"

	"muster/internal/arn"
	api "muster/internal/awsmodel/iam"
	"muster/internal/iam/desk"
	"muster/internal/store"
	"muster/internal/store/identity"
)

// holder is a user, group or role as somebody who carries policies.
type holder struct {
	identity.Owner
	// kind is "user", "group" or "role"; name is as stored.
	kind, name string
	// maxInline bounds the size of its inline policies together.
	maxInline int
	// quotaName names its kind in quota messages.
	quotaName string
	// protected roles belong to a service.
	protected bool
}

// holderFinder finds a holder by name, or answers in IAM's words.
type holderFinder func(context.Context, *store.Tx, arn.AccountID, string) (holder, error)

func userHolder(ctx context.Context, tx *store.Tx, account arn.AccountID, name string) (holder, error) {
	u, err := user(ctx, tx, account, name)
	return holder{Owner: u.Owner(), kind: "user", name: u.Name, maxInline: maxUserInlineSize, quotaName: "PoliciesPerUser"}, err
}

func groupHolder(ctx context.Context, tx *store.Tx, account arn.AccountID, name string) (holder, error) {
	g, err := group(ctx, tx, account, name)
	return holder{Owner: g.Owner(), kind: "group", name: g.Name, maxInline: maxGroupInlineSize, quotaName: "PoliciesPerGroup"}, err
}

func roleHolder(ctx context.Context, tx *store.Tx, account arn.AccountID, name string) (holder, error) {
	r, err := role(ctx, tx, account, name)
	return holder{
		Owner: r.Owner(), kind: "role", name: r.Name, maxInline: maxRoleInlineSize, quotaName: "PoliciesPerRole",
		protected: r.Service != "",
	}, err
}

// find finds a holder that its account may change.
func (f holderFinder) find(ctx context.Context, tx *store.Tx, account arn.AccountID, name string) (holder, error) {
	h, err := f(ctx, tx, account, name)
	if err == nil && h.protected {
		return h, desk.Protected(h.name)
	}
	return h, err
}

// tooLarge refuses an inline policy beyond its holder's quota.
func tooLarge(h holder) error {
	return &api.LimitExceededException{Message: fmt.Sprintf("Maximum policy size of %d bytes exceeded for %s %s", h.maxInline, h.kind, h.name)}
}
