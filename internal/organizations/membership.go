package organizations

import (
	"context"
	"iter"

	"muster/internal/arn"
	"muster/internal/store"
	"muster/internal/store/directory"
)

// OrganizationID is an organization's id, such as "o-a1b2c3d4e5".
type OrganizationID = directory.OrganizationID

// Account is an account as a part of an organization.
type Account = directory.Member

// Membership is an account's place in an organization.
type Membership struct {
	Org        OrganizationID
	Account    arn.AccountID
	Management arn.AccountID
	FeatureSet directory.FeatureSet
	// Root is the id of the organization's root.
	Root string
	// State is the account's own state.
	State directory.State
}

// IsManagement reports whether the account is the management account.
func (m Membership) IsManagement() bool { return m.Account == m.Management }

// AllFeatures reports whether the organization has all features enabled.
func (m Membership) AllFeatures() bool { return m.FeatureSet == directory.AllFeatures }

// Of returns the organization an account belongs to; store.ErrNotFound when
// the account stands alone.
func Of(ctx context.Context, tx *store.Tx, account arn.AccountID) (Membership, error) {
	o, err := directory.OrganizationOf(ctx, tx, account)
	if err != nil {
		return Membership{}, err
	}
	a, err := directory.LookupAccount(ctx, tx, account)
	if err != nil {
		return Membership{}, err
	}
	return Membership{
		Org: o.ID, Account: account, Management: o.Management, FeatureSet: o.FeatureSet, Root: o.Root, State: a.State,
	}, nil
}

// AccountIn returns one account of an organization; store.ErrNotFound when it
// belongs to another one, to none, or does not exist.
func AccountIn(ctx context.Context, tx *store.Tx, org OrganizationID, account arn.AccountID) (Account, error) {
	return directory.LookupMember(ctx, tx, org, account)
}

// accountsPage is how many accounts AccountsOf reads at once.
const accountsPage = 500

// AccountsOf goes through the accounts of an organization in the order of
// their ids, the management account and closed ones included. Other statements
// may run on the transaction meanwhile.
func AccountsOf(ctx context.Context, tx *store.Tx, org OrganizationID) iter.Seq2[Account, error] {
	return func(yield func(Account, error) bool) {
		for after := arn.AccountID(""); ; {
			list, err := directory.Members(ctx, tx, org, after, accountsPage)
			if err != nil {
				yield(Account{}, err)
				return
			}
			for _, a := range list {
				if !yield(a, nil) {
					return
				}
			}
			if len(list) < accountsPage {
				return
			}
			after = list[len(list)-1].ID
		}
	}
}
